"""Intervals of the areas under ROC and precision-recall curves, one class against the rest and their mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.assess.bootstrap import SEED, resample, strata_of_units
from leukolens.assess.intervals import (
    LEVEL,
    Estimate,
    critical_value,
    group_count,
    group_sums,
    kish,
    score_limits,
    shrink,
)
from leukolens.assess.means import correlation, mean_of
from leukolens.assess.ranking import average_precision, placements

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from leukolens.assess.predictions import Predictions

VARIANCE_REPLICATES: Final = 400
"""Replicates that a variance needs; quantiles need more."""


@dataclass(frozen=True)
class Side:
    """The positive or the negative images of a ROC curve: their placements among the other side."""

    placements: NDArray[np.float64]
    groups: NDArray[np.intp] | None

    @property
    def units(self) -> int:
        """Groups, or images where there are no groups."""
        return len(self.placements) if self.groups is None else len(np.unique(self.groups))

    def variance(self, area: float) -> float:
        """Return this side's part of the variance of the area."""
        sums = group_sums((self.placements - area) / len(self.placements), self.groups)
        return float((sums**2).sum()) * self.units / max(1, self.units - 1)

    def misranked(self) -> int:
        """Return the units with an image that lies behind an image of the other side."""
        return int(np.count_nonzero(group_sums((self.placements < 1).astype(np.float64), self.groups)))


def auc_estimate(
    positive: NDArray[np.bool_], scores: NDArray[np.float64], groups: NDArray[np.intp] | None, level: float = LEVEL
) -> Estimate:
    """Return the area under the ROC curve with a score-type interval.

    Parameters
    ----------
    positive
        (N,) bool, is the image of the class.
    scores
        (N,) float, higher means more likely.
    groups
        (N,) int or None.
    level
        Coverage of the interval.

    Returns
    -------
    Estimate
        Without a value where one side has no image.

    Notes
    -----
    Newcombe's method 5 (2006, doi 10.1002/sim.2324) solves ``(A - t)^2 = z^2 f V(t)`` for t, so that the interval of a
    perfect ranking still has a width. Departure: his variance V assumes exponential scores; `f` raises it to the
    variance of the placements (over groups, where there are groups) where that is larger, shrunk by one unit.
    """
    n, count = len(positive), group_count(groups)
    if positive.all() or not positive.any():
        return Estimate(None, 0.0, 1.0, "newcombe", n, count, "needs images of the class and of another")
    of_positives, of_negatives = placements(positive, scores)
    sides = (
        Side(of_positives, None if groups is None else groups[positive]),
        Side(of_negatives, None if groups is None else groups[~positive]),
    )
    area = float(of_positives.mean())
    low, high = _newcombe_limits(area, sides, level)
    return Estimate(area, low, high, "newcombe", n, count)


def _newcombe_limits(area: float, sides: tuple[Side, Side], level: float) -> tuple[float, float]:
    sizes = (len(sides[0].placements), len(sides[1].placements))
    parts = [side.variance(area) for side in sides]
    model = _newcombe_variance(area, *sizes)
    largest = max(kish(side.groups) for side in sides)
    informative = min(side.misranked() for side in sides)
    measured = sum(parts) / model if model > 0 else 0.0
    factor = max(1.0, shrink(measured, max(measured, largest), informative))
    critical = critical_value(level, None if sides[0].groups is None else _degrees(parts, sides))

    def beyond(candidate: float) -> float:
        variance = factor * _newcombe_variance(candidate, *sizes)
        return float((area - candidate) ** 2 - critical**2 * variance)

    return _root_below(beyond, area), 1 - _root_below(lambda candidate: beyond(1 - candidate), 1 - area)


def _newcombe_variance(area: float, positives: int, negatives: int) -> float:
    half = (positives + negatives) / 2 - 1
    shape = 1 + half * (1 - area) / (2 - area) + half * area / (1 + area)
    return area * (1 - area) * shape / (positives * negatives)


def _degrees(parts: list[float], sides: tuple[Side, Side]) -> float:
    """Degrees of freedom of a sum of two variances (Satterthwaite 1946); of the smaller side where both are 0."""
    freedom = [max(1, side.units - 1) for side in sides]
    total = sum(part**2 / degrees for part, degrees in zip(parts, freedom, strict=True))
    return sum(parts) ** 2 / total if total > 0 else min(freedom)


def _root_below(beyond: Callable[[float], float], value: float) -> float:
    """Find where `beyond`, positive at 0 and negative just below `value`, changes sign."""
    from scipy import optimize

    near = value - 1e-12
    if value <= 0 or beyond(near) >= 0:
        return max(0.0, min(value, 1.0))
    return float(optimize.brentq(beyond, 0.0, near)) if beyond(0.0) > 0 else 0.0


def precision_area_estimate(
    positive: NDArray[np.bool_],
    scores: NDArray[np.float64],
    groups: NDArray[np.intp] | None,
    level: float = LEVEL,
    *,
    replicates: int = VARIANCE_REPLICATES,
    seed: int = SEED,
) -> Estimate:
    """Return the average precision with an interval of Wilson's shape and the bootstrap's variance.

    Parameters
    ----------
    positive, scores, groups, level
        As in `auc_estimate`.
    replicates, seed
        Of the bootstrap.

    Returns
    -------
    Estimate
        Without a value where no image is positive.

    Notes
    -----
    Boyd et al. 2013 (doi 10.1007/978-3-642-40994-3_29) found the interval of a proportion among the positives to cover
    and the bootstrap's percentiles not to. Departure: the number of positives is replaced by the one that gives the
    variance of the bootstrap, shrunk by one unit; the plain number is far too cautious for good rankings.
    """
    n, count = len(positive), group_count(groups)
    if not positive.any():
        return Estimate(None, 0.0, 1.0, "score-bootstrap", n, count, "no image of this class")
    area = float(average_precision(positive, scores))
    draws = _average_precision_draws(positive, scores, groups, replicates, seed)
    positives = int(np.count_nonzero(positive))
    own = None if groups is None else groups[positive]
    best_negative = scores[~positive].max() if not positive.all() else -np.inf
    behind = (scores[positive] <= best_negative).astype(np.float64)
    informative = int(np.count_nonzero(group_sums(behind, own)))
    critical = critical_value(level, None if own is None else len(np.unique(own)) - 1)
    low, high = score_limits(area, positives, float(np.nanvar(draws)), kish(own), informative, critical, level)
    return Estimate(area, low, high, "score-bootstrap", n, count)


def _average_precision_draws(
    positive: NDArray[np.bool_],
    scores: NDArray[np.float64],
    groups: NDArray[np.intp] | None,
    replicates: int,
    seed: int,
) -> NDArray[np.float64]:
    strata = strata_of_units(positive.astype(np.intp), groups)
    unit = np.arange(len(positive)) if groups is None else np.unique(groups, return_inverse=True)[1]
    draws = [average_precision(positive, scores, counts[:, unit]) for counts in resample(strata, replicates, seed)]
    return np.concatenate(draws)


def macro_auc(predictions: Predictions, level: float = LEVEL) -> Estimate:
    """Return the mean over the classes that have images of the area under the ROC curve, each against the rest."""
    present = predictions.present
    if len(present) < 2:
        n = len(predictions)
        return Estimate(None, 0.0, 1.0, "newcombe", n, group_count(predictions.groups), "needs images of two classes")
    sides = [(predictions.labels == index, predictions.probabilities[:, index]) for index in present]
    parts = [auc_estimate(positive, scores, predictions.groups, level) for positive, scores in sides]
    influences = np.stack([_auc_influence(positive, scores) for positive, scores in sides], axis=1)
    related = correlation(influences, predictions.groups, np.ones((len(parts), len(parts))))
    return mean_of(parts, related, len(predictions), group_count(predictions.groups))


def _auc_influence(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    of_positives, of_negatives = placements(positive, scores)
    influence = np.empty(len(positive))
    influence[positive] = (of_positives - of_positives.mean()) / len(of_positives)
    influence[~positive] = (of_negatives - of_negatives.mean()) / len(of_negatives)
    return influence


def macro_precision_area(predictions: Predictions, parts: list[Estimate]) -> Estimate:
    """Return the mean of the classes' average precisions; their errors are taken to go fully together.

    Parameters
    ----------
    predictions
        What was said.
    parts
        `precision_area_estimate` of each class that has images.
    """
    related = np.ones((len(parts), len(parts)))
    return mean_of(parts, related, len(predictions), group_count(predictions.groups))
