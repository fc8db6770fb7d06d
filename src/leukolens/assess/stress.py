"""A model under stress, without quality gates: every answer counts, however unlike its training the picture is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from leukolens.assess.evaluation import Settings, Unread
from leukolens.assess.judging import check_classes
from leukolens.assess.stress_outcome import PLAIN, StressTest, measure_results, share_out
from leukolens.assess.stress_scene import Scene, draw_partners
from leukolens.finding import DataError, LeukolensError
from leukolens.screen.ordered import map_ordered
from leukolens.smear.limits import Limits
from leukolens.smear.reading import read_image

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from leukolens.assess.pipeline import Answer, Predictor
    from leukolens.assess.provenance import Selection
    from leukolens.assess.stress_kinds import Stress
    from leukolens.assess.stress_scene import Kind
    from leukolens.data import Catalogue

    Picture = NDArray[np.uint8]

_FAILURES: Final = (LeukolensError, OSError, MemoryError, cv2.error)


@dataclass(frozen=True)
class _Judged:
    """What was said of one file: by stress the answer, and whether screening would say that there are no cells."""

    answers: dict[str, Answer]
    none_seen: dict[str, bool]
    cell_share: float
    failure: str | None = None


def run_stresses(
    predictor: Predictor,
    catalogue: Catalogue,
    selection: Selection,
    stresses: Mapping[str, Stress],
    *,
    settings: Settings | None = None,
    sees_none: Callable[[Picture], bool] | None = None,
    limits: Limits | None = None,
    progress: Callable[[int], None] | None = None,
) -> StressTest:
    """Judge the chosen images as they are and under each stress.

    Parameters
    ----------
    predictor
        Gives the probabilities, usually a `BundlePredictor`. Where its answer is that it sees no white cells, that
        counts as wrong, and in the attribution as chance.
    catalogue, selection
        Fingerprinted images, and which of them; see `leukolens.assess.provenance.select`.
    stresses
        From `stress_kinds.choose`.
    settings
        What is chosen before looking.
    sees_none
        Whether screening would say of a picture that it holds no white cells; asked of the pictures as they are and of
        the stresses of the group "cells". It changes no score.
    limits
        The largest picture that is read.
    progress
        Called after each file with the number of files done.

    Returns
    -------
    StressTest

    Raises
    ------
    DataError
        A class that the predictor does not know, or no image that can be read.
    """
    settings, limits = settings or Settings(), limits or Limits()
    check_classes(predictor.classes, catalogue)
    chosen = [catalogue.items[index] for index in selection.indices]
    paths = [catalogue.locate(item) for item in chosen]
    unread = _unreadable(paths, limits)
    readable = [index for index in range(len(chosen)) if index not in unread]
    if not readable:
        raise DataError("None of the images can be read", found=next(iter(unread.values()), "no image"))
    partners = draw_partners([chosen[index].label for index in readable], settings.seed)
    possible, left_out = _possible(stresses, partners)

    def judge(place: int) -> _Judged:
        own = {kind: partial(_read, paths[readable[drawn[place]]], limits) for kind, drawn in partners.items() if drawn}
        try:
            scene = Scene(_read(paths[readable[place]], limits), own, settings.seed + place)
            return _judge(predictor, scene, possible, sees_none)
        except _FAILURES as error:
            return _Judged({}, {}, np.nan, str(error) or type(error).__name__)

    judged = []
    for one in map_ordered(judge, range(len(readable)), workers=predictor.workers):
        judged.append(one)
        if progress is not None:
            progress(len(judged) + len(unread))
    unread |= {readable[place]: one.failure for place, one in enumerate(judged) if one.failure is not None}
    kept = [place for place, one in enumerate(judged) if one.failure is None]
    if not kept:
        raise DataError("None of the images can be judged", found=next(iter(unread.values())))
    items = tuple(chosen[readable[place]] for place in kept)
    done = [judged[place] for place in kept]
    results = measure_results(
        predictor.classes,
        [item.label for item in items],
        [selection.groups[readable[place]] for place in kept],
        {name: [one.answers[name] for one in done] for name in done[0].answers},
        {name: [one.none_seen[name] for one in done] for name in done[0].none_seen},
        possible,
        settings,
    )
    return StressTest(
        items=items,
        results=results,
        attribution=share_out(results, settings),
        cell_share=np.array([one.cell_share for one in done]),
        left_out=left_out,
        unread=tuple(Unread(chosen[index].path, reason) for index, reason in sorted(unread.items())),
        selection=selection,
        settings=settings,
    )


def _read(path: Path, limits: Limits) -> Picture:
    return read_image(path, limits).pixels


def _unreadable(paths: Sequence[Path], limits: Limits) -> dict[int, str]:
    """Return which files cannot be read, and why, so that none of them is drawn as a partner."""
    failures = {}
    for index, path in enumerate(paths):
        try:
            _read(path, limits)
        except _FAILURES as error:
            failures[index] = str(error) or type(error).__name__
    return failures


def _possible(
    stresses: Mapping[str, Stress], partners: Mapping[Kind, list[int] | None]
) -> tuple[dict[str, Stress], tuple[tuple[str, str], ...]]:
    """Part the stresses into those that have their partners and those that do not."""
    possible = {name: one for name, one in stresses.items() if one.partner is None or partners[one.partner] is not None}
    missing = {
        "other class": "it needs images of two classes",
        "same class": "it needs two images of each class",
        "any class": "it needs two images of each class",
    }
    left_out = [(name, missing[one.partner or "other class"]) for name, one in stresses.items() if name not in possible]
    return possible, tuple(left_out)


def _judge(
    predictor: Predictor, scene: Scene, stresses: Mapping[str, Stress], sees_none: Callable[[Picture], bool] | None
) -> _Judged:
    answers, none_seen = {PLAIN: predictor.predict(scene.rgb)}, {}
    in_cells = any(one.group == "cells" for one in stresses.values())
    if sees_none is not None and in_cells:
        none_seen[PLAIN] = sees_none(scene.rgb)
    for name, stress in stresses.items():
        changed = stress.apply(scene)
        answers[name] = predictor.predict(changed)
        if sees_none is not None and stress.group == "cells":
            none_seen[name] = sees_none(changed)
    return _Judged(answers, none_seen, float(scene.mask.mean()) if in_cells else np.nan)
