"""Shortcut probes as a part of an audit: references fitted on a sample first, then one record a picture."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from leukolens.audit.links import joined
from leukolens.audit.parts import Material, ProbePart, ProbesFound
from leukolens.audit.probes import (
    HEADINGS,
    fit_looks,
    measure_probes,
    probe_rows,
    probe_sentences,
    run_probes,
    sample_places,
)
from leukolens.audit.probes.report import GIVES, NOT_MEASURABLE
from leukolens.data.grouping import join_groups
from leukolens.finding import ImageError
from leukolens.smear.reading import read_image

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from leukolens.audit.picture import Picture
    from leukolens.audit.probes import Look, ProbeFeatures
    from leukolens.data.catalogue import Catalogue


def begin_probes(catalogue: Catalogue, seed: int) -> ProbePart:
    """Fit the looks on a sample of the data set, and return the part that measures and scores under them."""
    looks = fit_looks(_sample(catalogue, seed))
    return ProbePart(partial(_describe, looks=looks), partial(_find, looks=looks))


def _sample(catalogue: Catalogue, seed: int) -> Iterator[NDArray[np.uint8]]:
    for place in sample_places(len(catalogue), seed):
        try:
            yield read_image(catalogue.locate(catalogue.items[place])).pixels
        except ImageError:
            continue  # the scan tells of it


def _describe(picture: Picture, looks: Sequence[Look]) -> ProbeFeatures:
    return measure_probes(picture.rgb, picture.file.read_bytes(), looks, clean=picture.clean)


def _find(material: Material, features: Sequence[ProbeFeatures], looks: Sequence[Look]) -> ProbesFound | str:
    with material.counting("Probing", len(looks)) as advance:
        report = run_probes(
            features,
            [item.label for item in material.items],
            known_groups(material),
            material.seed,
            material.jobs,
            looks=looks,
            names=[item.path for item in material.items],
            # How many figures there are is known only on the way: the bar shows their share, in looks.
            progress=None if advance is None else lambda done, of: advance(len(looks) * done // of),
        )
    if all(one.verdict == NOT_MEASURABLE for one in report.results):
        return report.results[0].effect
    as_it_is = [one for one in report.results if one.look in (None, looks[0].name)]
    return ProbesFound(
        tried=[one.probe for one in as_it_is if one.verdict != NOT_MEASURABLE],
        giving=[one.probe for one in as_it_is if one.verdict == GIVES],
        headings=HEADINGS,
        rows=[row[: len(HEADINGS)] for row in probe_rows(report)],
        sentences=probe_sentences(report),
        notes=report.notes,
        report=json.loads(report.to_json()),
    )


def known_groups(material: Material) -> list[int]:
    """Return the number of the group of each picture: who shares a field, a session or a patient shares a group."""
    patients = join_groups([[] if item.patient is None else [item.patient] for item in material.items])
    sessions = [] if material.sessions is None else [material.sessions]
    return joined(material.fields, patients, *sessions)
