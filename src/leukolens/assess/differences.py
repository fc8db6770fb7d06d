"""What a change costs on the same images: paired differences of accuracy and balanced accuracy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukolens.assess.means import correlation, mean_of
from leukolens.finding import DataError
from leukolens.statistics.grouped import design_effect, group_count
from leukolens.statistics.intervals import LEVEL, Estimate, critical_value

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukolens.assess.predictions import Predictions


@dataclass(frozen=True)
class Loss:
    """What is lost between two sets of predictions of the same images, -1 to 1; above 0 is a loss."""

    accuracy: Estimate
    balanced_accuracy: Estimate


def loss(before: Predictions, after: Predictions, level: float = LEVEL) -> Loss:
    """Return accuracy and balanced accuracy of `before` minus those of `after`, with paired intervals.

    Parameters
    ----------
    before, after
        The same images in the same order.
    level
        Coverage of the intervals.

    Returns
    -------
    Loss

    Raises
    ------
    DataError
        The two are not of the same images.
    """
    if len(before) != len(after) or not np.array_equal(before.labels, after.labels):
        raise DataError(
            "A paired difference needs the same images twice",
            expected=f"{len(before)} images with the same labels",
            found=f"{len(after)}" if len(before) != len(after) else "other labels",
        )
    lost = _hits(before) - _hits(after)
    return Loss(
        paired_difference(lost, before.groups, level, labels=before.labels),
        paired_difference_by_class(lost, before.labels, before.groups, level),
    )


def _hits(predictions: Predictions) -> NDArray[np.float64]:
    right: NDArray[np.bool_] = predictions.predicted == predictions.labels
    return right.astype(np.float64)


def paired_difference(
    lost: NDArray[np.float64],
    groups: NDArray[np.intp] | None = None,
    level: float = LEVEL,
    *,
    labels: NDArray[np.intp] | None = None,
) -> Estimate:
    """Return the mean of paired differences of right and wrong.

    Parameters
    ----------
    lost
        (N,) float: 1 right before and wrong after, -1 the other way round, 0 no change. N of 0 gives no value.
    groups
        (N,) int or None.
    level
        Coverage of the interval.
    labels
        (N,) int, class of each image, by which groups are stratified; None for one stratum.

    Returns
    -------
    Estimate
        -1 to 1.

    Notes
    -----
    Bonett and Price 2012 (doi 10.3102/1076998611411915): one image is added to either kind of change, so that no change
    at all still has a width. With groups the counts are divided by the design effect.
    """
    n, count = len(lost), group_count(groups)
    if n == 0:
        return Estimate(None, -1.0, 1.0, "bonett-price", 0, count, "no image to compare")
    value = float(lost.mean())
    effect, degrees = design_effect(lost, np.ones(n, np.bool_), groups, labels)
    worse = (np.count_nonzero(lost > 0) / effect + 1) / (n / effect + 2)
    better = (np.count_nonzero(lost < 0) / effect + 1) / (n / effect + 2)
    centre = float(worse - better)
    critical = critical_value(level, degrees)
    half = critical * math.sqrt(max(0.0, worse + better - centre**2) / (n / effect + 2))
    low, high = max(-1.0, min(centre - half, value)), min(1.0, max(centre + half, value))
    return Estimate(value, low, high, "bonett-price", n, count)


def paired_difference_by_class(
    lost: NDArray[np.float64],
    labels: NDArray[np.intp],
    groups: NDArray[np.intp] | None = None,
    level: float = LEVEL,
) -> Estimate:
    """Return the mean over the classes of paired differences, as `paired_difference` gives them within each.

    Parameters
    ----------
    lost
        (N,) float, -1 to 1.
    labels
        (N,) int, class of each image.
    groups
        (N,) int or None.
    level
        Coverage of the interval.

    Returns
    -------
    Estimate
        -1 to 1: the difference of two balanced accuracies.
    """
    parts, influences = [], []
    for index in np.unique(labels):
        inside = labels == index
        parts.append(paired_difference(lost[inside], None if groups is None else groups[inside], level))
        influences.append(np.where(inside, lost - lost[inside].mean(), 0.0) / np.count_nonzero(inside))
    related = correlation(np.stack(influences, axis=1), groups, np.eye(len(parts)))
    return mean_of(parts, related, len(lost), group_count(groups), bounds=(-1.0, 1.0))
