"""The figures of a model under stress: of each stress, and how much of the score comes from the cells."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.assess.attribution import LEAST_SCORE, Attribution, attribute
from leukolens.assess.confusion import accuracy, macro
from leukolens.assess.differences import Loss, loss
from leukolens.assess.evaluation import Settings, Unread
from leukolens.assess.predictions import Predictions, check_predictions
from leukolens.assess.scores import leukaemia_scores, negative_indices
from leukolens.assess.stress_kinds import RANDOM, REMOVED, Stress
from leukolens.statistics.intervals import Estimate, proportion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from leukolens.assess.pipeline import Answer
    from leukolens.assess.provenance import Selection
    from leukolens.data import Item

PLAIN: Final = "as it is"
NONE_SEEN: Final = "no white cells"
"""Stands in for the class where a model says that it sees none: never the right one."""

FALLEN: Final = 0.10
"""Balanced accuracy above chance with the cells removed, at most, for an answer that has fallen: 0.35 of four classes.
Or `NONE_ENOUGH` of the pictures are said to hold no white cells."""
NONE_ENOUGH: Final = 0.95


@dataclass(frozen=True)
class StressResult:
    """The same images changed in one way.

    Attributes
    ----------
    stress
        Which; None for the pictures as they are.
    predictions
        With `NONE_SEEN` as the last class.
    accuracy, balanced_accuracy
        0 to 1.
    sensitivity, specificity
        Of leukaemia; None where no class is negative.
    loss
        Against the pictures as they are, paired.
    unchanged
        Share of images whose class is the same as for the picture as it is.
    none_seen
        Share of images in which screening would say that there are no white cells; None where it was not asked.
    """

    stress: Stress | None
    predictions: Predictions
    accuracy: Estimate
    balanced_accuracy: Estimate
    sensitivity: Estimate | None
    specificity: Estimate | None
    loss: Loss
    unchanged: Estimate
    none_seen: Estimate | None

    @property
    def name(self) -> str:
        """Name of the stress."""
        return PLAIN if self.stress is None else self.stress.name


@dataclass(frozen=True)
class StressTest:
    """All that was found.

    Attributes
    ----------
    items
        The N images that were read and judged.
    results
        The pictures as they are first, then each stress.
    attribution
        How much comes from the cells; None where the stresses that it needs were not run, or there is one class.
    cell_share
        (N,) share of each picture that the mask of white cells covers; NaN where it was not needed.
    left_out
        Stresses that could not be done, and why.
    unread
        Files that could not be read; they are in no figure.
    selection, settings
        Which images, and what was chosen before looking.
    """

    items: tuple[Item, ...]
    results: tuple[StressResult, ...]
    attribution: Attribution | None
    cell_share: NDArray[np.float64]
    left_out: tuple[tuple[str, str], ...]
    unread: tuple[Unread, ...]
    selection: Selection
    settings: Settings = field(default_factory=Settings)

    def result(self, name: str) -> StressResult | None:
        """Return the result of a stress, None where it was not run."""
        return next((one for one in self.results if one.name == name), None)

    @property
    def chance(self) -> float:
        """Balanced accuracy of guessing."""
        return 1.0 / len(self.results[0].predictions.present)

    @property
    def fallen_at(self) -> float:
        """Balanced accuracy up to which an answer has fallen."""
        return self.chance + FALLEN

    @property
    def fallen(self) -> bool | None:
        """Whether the answer falls where the cells are removed; None where not tried, or nothing could fall."""
        plain, removed = self.results[0].balanced_accuracy.value, self.result(REMOVED)
        if plain is None or removed is None or removed.balanced_accuracy.value is None:
            return None
        if plain < self.chance + LEAST_SCORE:
            return None
        says_none = removed.none_seen is not None and (removed.none_seen.value or 0.0) >= NONE_ENOUGH
        return says_none or removed.balanced_accuracy.value <= self.fallen_at


def measure_results(
    classes: Sequence[str],
    labels: Sequence[str],
    groups: Sequence[int],
    answers: Mapping[str, Sequence[Answer]],
    none_seen: Mapping[str, Sequence[bool]],
    stresses: Mapping[str, Stress],
    settings: Settings,
) -> tuple[StressResult, ...]:
    """Compute the figures of the pictures as they are, and of each stress.

    Parameters
    ----------
    classes
        The C names of the predictor.
    labels, groups
        (N,) true class of each image, and what it belongs together with.
    answers
        By stress, and `PLAIN`, (N,) answers.
    none_seen
        By stress, where it was asked, (N,) whether screening would say that there are no white cells.
    stresses
        In the order of the results.
    settings
        What was chosen before looking.

    Returns
    -------
    tuple of StressResult
        The pictures as they are first.
    """
    results: list[StressResult] = []
    for name in (PLAIN, *stresses):
        rows = np.stack([_row(one) for one in answers[name]])
        after = check_predictions(labels, rows, (*classes, NONE_SEEN), groups)
        before = results[0].predictions if results else after
        results.append(_result(stresses.get(name), before, after, none_seen.get(name), settings))
    return tuple(results)


def _row(answer: Answer) -> NDArray[np.float64]:
    """Return the probabilities with one more, of `NONE_SEEN`."""
    row = np.append(answer.probabilities, 0.0)
    if answer.no_white_cells:
        row[:] = 0.0
        row[-1] = 1.0
    return row


def _result(
    stress: Stress | None, before: Predictions, after: Predictions, none: Sequence[bool] | None, settings: Settings
) -> StressResult:
    level = settings.level
    sensitivity, specificity = _leukaemia(after, settings)
    return StressResult(
        stress=stress,
        predictions=after,
        accuracy=accuracy(after, level),
        balanced_accuracy=macro(after, "recall", level),
        sensitivity=sensitivity,
        specificity=specificity,
        loss=loss(before, after, level),
        unchanged=proportion(before.predicted == after.predicted, before.groups, level),
        none_seen=None if none is None else proportion(np.array(none), after.groups, level),
    )


def _leukaemia(predictions: Predictions, settings: Settings) -> tuple[Estimate | None, Estimate | None]:
    """Return sensitivity and specificity; who says that there are no white cells says neither."""
    if not negative_indices(predictions.classes[:-1], settings.negative_classes):
        return None, None
    positive, probability = leukaemia_scores(predictions, settings.negative_classes)
    said = predictions.predicted != len(predictions.classes) - 1
    groups = predictions.groups

    def share(counted: NDArray[np.bool_], hits: NDArray[np.bool_]) -> Estimate:
        return proportion(hits[counted], None if groups is None else groups[counted], settings.level)

    called = probability >= settings.threshold
    return share(positive, called & said), share(~positive, ~called & said)


def share_out(results: Sequence[StressResult], settings: Settings) -> Attribution | None:
    """Return how much of the score comes from the cells; None where that cannot be told, see `StressTest`."""
    by_name = {one.name: one.predictions for one in results}
    if RANDOM not in by_name or REMOVED not in by_name or len(by_name[PLAIN].present) < 2:
        return None
    plain = by_name[PLAIN]
    chance = 1.0 / len(plain.present)
    shown = {"both": plain, "cells": by_name[RANDOM], "background": by_name[REMOVED]}
    return attribute(
        plain.labels,
        {name: _credit(own, chance) for name, own in shown.items()},
        plain.groups,
        level=settings.level,
        replicates=settings.replicates,
        seed=settings.seed,
    )


def _credit(predictions: Predictions, chance: float) -> NDArray[np.float64]:
    right = (predictions.predicted == predictions.labels).astype(np.float64)
    return np.where(predictions.predicted == len(predictions.classes) - 1, chance, right)
