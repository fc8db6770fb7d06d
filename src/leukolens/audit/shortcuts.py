"""The shortcut probes as a part of the audit: references fitted on a sample first, then one record a picture."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from leukolens.audit.parts import Material, ProbePart, ProbesFound
from leukolens.audit.probes import fit_looks, measure_probes, probe_rows, probe_sentences, run_probes, sample_places
from leukolens.audit.probes.report import GIVES, NOT_MEASURABLE
from leukolens.audit.probes.rows import HEADINGS
from leukolens.finding import ImageError
from leukolens.smear.reading import read_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from leukolens.audit.picture import Picture
    from leukolens.audit.probes import Look, ProbeFeatures
    from leukolens.data.catalogue import Catalogue


def probe_part(catalogue: Catalogue, seed: int) -> ProbePart:
    """Fit the looks on a sample of the data set, and return the part that measures and scores under them."""
    looks = fit_looks([rgb for place in sample_places(len(catalogue), seed) for rgb in _read(catalogue, place)])
    return ProbePart(partial(describe, looks=looks), partial(find, looks=looks))


def _read(catalogue: Catalogue, place: int) -> list[NDArray[np.uint8]]:
    try:
        return [read_image(catalogue.locate(catalogue.items[place])).pixels]
    except ImageError:
        return []  # told by the scan


def describe(picture: Picture, looks: Sequence[Look]) -> ProbeFeatures:
    """Measure what the probes see of one picture."""
    return measure_probes(picture.rgb, picture.file.read_bytes(), looks, clean=picture.clean)


def find(material: Material, features: Sequence[Any], looks: Sequence[Look]) -> ProbesFound | str:
    """Score all probes; groups are the sessions where they are known, otherwise the fields."""
    report = run_probes(
        features,
        [item.label for item in material.items],
        material.fields if material.sessions is None else material.sessions,
        material.seed,
        material.jobs,
        looks=looks,
        names=[item.path for item in material.items],
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
