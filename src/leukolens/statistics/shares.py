"""The mean of several shares of hits, such as the balanced accuracy, with one interval for all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leukolens.statistics.grouped import group_count, kish, spread
from leukolens.statistics.intervals import LEVEL, Estimate, critical_value, score_limits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Masks = tuple[NDArray[np.bool_], NDArray[np.bool_]]
    Slope = Callable[[float], float]


def balanced_accuracy(
    labels: NDArray[np.intp], predicted: NDArray[np.intp], groups: NDArray[np.intp] | None = None, level: float = LEVEL
) -> Estimate:
    """Return the mean over the classes of the share of their images that are called so.

    Parameters
    ----------
    labels, predicted
        (N,) int; the mean goes over the classes that `labels` holds, one at the least.
    groups
        (N,) int or None: images of one group are not independent.
    level
        Coverage of the interval.

    Returns
    -------
    Estimate
        Method "score-linearised".
    """
    masks = [(labels == name, predicted == name) for name in np.unique(labels)]
    shares = [float(hits[counted].mean()) for counted, hits in masks]
    count = group_count(groups)
    # The usual degrees of freedom, the groups less one: whoever resamples training widens the interval for that.
    low, high = mean_limits(masks, shares, groups, level=level, degrees=None if count is None else max(1, count - 1))
    return Estimate(float(np.mean(shares)), low, high, "score-linearised", len(labels), count)


def mean_limits(
    masks: Sequence[Masks],
    values: Sequence[float],
    groups: NDArray[np.intp] | None,
    labels: NDArray[np.intp] | None = None,
    level: float = LEVEL,
    slope: Slope = lambda _: 1.0,
    degrees: float | None = None,
) -> tuple[float, float]:
    """Return the interval of a mean of figures that are each a share of hits, or a function of one.

    Wilson's shape on the number of images that gives the variance by the delta method, over groups where there are
    groups (see `score_limits`).

    Parameters
    ----------
    masks
        For each figure which images count (N,) and which are hits (N,), bool.
    values
        The figures, 0 to 1.
    groups
        (N,) int or None.
    labels
        (N,) int, class of each image, by which groups are stratified, see `grouped.spread`; None for one stratum.
    level
        Coverage of the interval.
    slope
        Derivative of a figure by its share of hits: 1 where it is that share.
    degrees
        Of freedom of Student's t; as `grouped.spread` finds them where None.

    Returns
    -------
    tuple of float
        Low and high.
    """
    counted = [max(1, int(np.count_nonzero(mask[0]))) for mask in masks]
    # Equal shares p in all classes would give the mean the variance p (1 - p) / trials.
    trials = len(masks) / float(np.mean([1 / n for n in counted]))
    influences: NDArray[np.float64] = np.mean([_influence(*mask, slope) for mask in masks], axis=0)
    found = spread(influences, groups, labels)
    return score_limits(
        float(np.mean(values)),
        trials,
        found.variance,
        kish(groups),
        found.informative,
        critical_value(level, found.degrees if degrees is None else degrees),
        level,
    )


def _influence(counted: NDArray[np.bool_], hits: NDArray[np.bool_], slope: Slope) -> NDArray[np.float64]:
    """By how much each image pulls a figure from its value (N,)."""
    n = np.count_nonzero(counted)
    if n == 0:
        return np.zeros(len(counted))
    share = np.count_nonzero(hits & counted) / n
    return np.where(counted, hits - share, 0.0) * slope(share) / n
