"""Intervals of the areas under ROC and precision-recall curves, one class against the rest and their mean."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.assess.confusion import one_class
from leukolens.assess.means import mean_of
from leukolens.assess.ranking import average_precision, placements, precision_pulls
from leukolens.statistics.grouped import HALF, Spread, group_count, group_sums, kish, shrink, spread
from leukolens.statistics.intervals import LEVEL, Estimate, critical_value, score_limits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from leukolens.assess.predictions import Predictions

    Labels = NDArray[np.intp] | None


LEAST: Final = 0.8
"""How far the variance of the placements may lie below Newcombe's: that of normal scores of equal spread is 0.85 of it
at an area of 0.9, 0.75 at 0.95, 0.5 at 0.99, but a small sample cannot show it."""


@dataclass(frozen=True)
class Side:
    """The positive or the negative images of a ROC curve: their placements among the other side."""

    placements: NDArray[np.float64]
    groups: NDArray[np.intp] | None
    spread: Spread

    @property
    def units(self) -> int:
        """Groups, or images where there are no groups."""
        return len(self.placements) if self.groups is None else len(np.unique(self.groups))

    def misranked(self) -> int:
        """Return the units with an image that lies behind an image of the other side."""
        return int(np.count_nonzero(group_sums((self.placements < 1).astype(np.float64), self.groups)))


def _side(
    placed: NDArray[np.float64], inside: NDArray[np.bool_], groups: NDArray[np.intp] | None, labels: Labels
) -> Side:
    pulls = np.zeros(len(inside))
    pulls[inside] = (placed - placed.mean()) / len(placed)
    own = None if groups is None else groups[inside]
    return Side(placed, own, spread(pulls, groups, labels))


def auc_estimate(
    positive: NDArray[np.bool_],
    scores: NDArray[np.float64],
    groups: NDArray[np.intp] | None,
    level: float = LEVEL,
    *,
    labels: Labels = None,
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
    labels
        (N,) int, class of each image, by which groups are stratified; None: positive or not.

    Returns
    -------
    Estimate
        Without a value where one side has no image.

    Notes
    -----
    Newcombe's method 5 (2006, doi 10.1002/sim.2324) solves ``(A - t)^2 = z^2 f V(t)`` for t, so that the interval of a
    perfect ranking still has a width. Departure: his variance V assumes exponential scores; `f` brings it to the
    variance of the placements (over groups, where there are groups), shrunk by half a unit, and to no less than
    `LEAST`.
    """
    n, count = len(positive), group_count(groups)
    if positive.all() or not positive.any():
        return Estimate(None, 0.0, 1.0, "newcombe", n, count, "needs images of the class and of another")
    of_positives, of_negatives = placements(positive, scores)
    strata = positive.astype(np.intp) if labels is None else labels
    sides = (_side(of_positives, positive, groups, strata), _side(of_negatives, ~positive, groups, strata))
    area = float(of_positives.mean())
    low, high = _newcombe_limits(area, sides, level)
    return Estimate(area, low, high, "newcombe", n, count)


def _newcombe_limits(area: float, sides: tuple[Side, Side], level: float) -> tuple[float, float]:
    sizes = (len(sides[0].placements), len(sides[1].placements))
    parts = [side.spread.variance for side in sides]
    model = _newcombe_variance(area, *sizes)
    largest = max(kish(side.groups) for side in sides)
    informative = min(side.misranked() for side in sides)
    measured = sum(parts) / model if model > 0 else 0.0
    factor = max(LEAST, shrink(measured, max(measured, largest), informative, HALF))
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
    freedom = [min(max(1.0, side.units - 1.0), side.spread.degrees or 1.0) for side in sides]
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
    labels: Labels = None,
) -> Estimate:
    """Return the average precision with an interval of Wilson's shape on its linearised variance.

    Parameters
    ----------
    positive, scores, groups, level, labels
        As in `auc_estimate`.

    Returns
    -------
    Estimate
        Without a value where one side has no image: among positives alone any ranking would be perfect.

    Notes
    -----
    Boyd et al. 2013 (doi 10.1007/978-3-642-40994-3_29) found the interval of a proportion among the positives to cover
    and the bootstrap's percentiles not to. Departure: the number of positives is replaced by the one that gives the
    variance of the images' pulls, shrunk by one unit; the plain number is far too cautious for good rankings.
    """
    n, count = len(positive), group_count(groups)
    if not positive.any():
        return Estimate(None, 0.0, 1.0, "score-linearised", n, count, "no image of this class")
    if positive.all():
        return Estimate(None, 0.0, 1.0, "score-linearised", n, count, "no image of another class")
    strata = positive.astype(np.intp) if labels is None else labels
    found = spread(precision_pulls(positive, scores), groups, strata)
    own = None if groups is None else groups[positive]
    positives = int(np.count_nonzero(positive))
    area = float(average_precision(positive, scores))
    low, high = _limits(area, positives, found, kish(own), own, level)
    return Estimate(area, low, high, "score-linearised", n, count)


def _limits(
    area: float, trials: float, found: Spread, alike: float, groups: NDArray[np.intp] | None, level: float
) -> tuple[float, float]:
    degrees = found.degrees
    if degrees is not None and groups is not None:
        degrees = min(degrees, max(1.0, len(np.unique(groups)) - 1.0))
    critical = critical_value(level, degrees)
    return score_limits(area, trials, found.variance, alike, found.informative, critical, level, exact=False)


def macro_auc(predictions: Predictions, level: float = LEVEL) -> Estimate:
    """Return the mean over the classes that have images of the area under the ROC curve, each against the rest."""
    present = predictions.present
    if len(present) < 2:
        return one_class("newcombe", predictions)
    sides = [(predictions.labels == index, predictions.probabilities[:, index]) for index in present]
    groups, labels = predictions.groups, predictions.labels
    parts = [auc_estimate(positive, scores, groups, level, labels=labels) for positive, scores in sides]
    areas = [float(placements(positive, scores)[0].mean()) for positive, scores in sides]
    own = _macro(predictions, areas, [_auc_pulls(positive, scores) for positive, scores in sides], level)
    # No wider than if the classes' errors went fully together: that is what is known of a perfect ranking.
    together = mean_of(parts, np.ones((len(parts), len(parts))), own.n, own.groups)
    return replace(own, low=max(own.low, together.low), high=min(own.high, together.high))


def _auc_pulls(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    of_positives, of_negatives = placements(positive, scores)
    pulls = np.empty(len(positive))
    pulls[positive] = (of_positives - of_positives.mean()) / len(of_positives)
    pulls[~positive] = (of_negatives - of_negatives.mean()) / len(of_negatives)
    return pulls


def _macro(
    predictions: Predictions, areas: Sequence[float], pulls: Sequence[NDArray[np.float64]], level: float
) -> Estimate:
    """Return the mean of the classes' areas; `pulls` tells by how much each image moves each of them."""
    found = spread(np.mean(pulls, axis=0), predictions.groups, predictions.labels)
    support = predictions.support[predictions.present]
    # At worst the classes' errors go fully together: the mean is then known like a share of one class's images.
    trials = 1 / float(np.mean(1 / support))
    area = float(np.mean(areas))
    low, high = _limits(area, trials, found, kish(predictions.groups), predictions.groups, level)
    return Estimate(area, low, high, "score-linearised", len(predictions), group_count(predictions.groups))


def macro_precision_area(predictions: Predictions, level: float = LEVEL) -> Estimate:
    """Return the mean over the classes that have images of the average precision."""
    if len(predictions.present) < 2:
        return one_class("score-linearised", predictions)
    sides = [(predictions.labels == index, predictions.probabilities[:, index]) for index in predictions.present]
    areas = [float(average_precision(positive, scores)) for positive, scores in sides]
    return _macro(predictions, areas, [precision_pulls(positive, scores) for positive, scores in sides], level)
