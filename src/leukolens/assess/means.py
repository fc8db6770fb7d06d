"""Means of figures that do not err independently: square-and-add over their intervals and correlation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leukolens.statistics.grouped import group_count, group_sums, kish, spread
from leukolens.statistics.intervals import LEVEL, Estimate, critical_value, score_limits

if TYPE_CHECKING:
    from numpy.typing import NDArray


def correlation(
    influences: NDArray[np.float64], groups: NDArray[np.intp] | None, unknown: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how strongly the errors of several figures go together.

    Parameters
    ----------
    influences
        (N, K) float: by how much each image pulls each figure from its value.
    groups
        (N,) int or None.
    unknown
        (K, K) float, taken where a figure has no error to learn from.

    Returns
    -------
    ndarray
        (K, K) float64, ones on the diagonal.
    """
    sums = group_sums(influences, groups)
    covariance = sums.T @ sums
    spread = np.sqrt(np.diag(covariance))
    known = np.outer(spread, spread) > 1e-24
    result = np.where(known, covariance / np.where(known, np.outer(spread, spread), 1.0), unknown)
    np.fill_diagonal(result, 1.0)
    return np.clip(result, -1.0, 1.0)


def mean_of(
    parts: list[Estimate],
    related: NDArray[np.float64],
    n: int,
    groups: int | None,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> Estimate:
    """Return the unweighted mean of several figures with a square-and-add interval (MOVER).

    Parameters
    ----------
    parts
        The figures with their intervals. One without a value counts as 0, its interval as it stands.
    related
        (K, K) float, correlation of their errors.
    n, groups
        What the mean rests on.
    bounds
        Least and greatest possible value.

    Returns
    -------
    Estimate
    """
    if not parts:
        return Estimate(None, *bounds, "mover", 0, groups, "no class to average over")
    values = np.array([0.0 if part.value is None else part.value for part in parts])
    below = values - np.array([part.low for part in parts])
    above = np.array([part.high for part in parts]) - values
    mean = float(values.mean())
    down = np.sqrt(max(0.0, float(below @ related @ below))) / len(parts)
    up = np.sqrt(max(0.0, float(above @ related @ above))) / len(parts)
    undefined = sum(part.value is None for part in parts)
    note = f"{undefined} of {len(parts)} classes not defined, counted as 0" if undefined else ""
    return Estimate(
        mean, max(bounds[0], mean - float(down)), min(bounds[1], mean + float(up)), "mover", n, groups, note
    )


def bounded_mean(
    values: NDArray[np.float64],
    labels: NDArray[np.intp],
    groups: NDArray[np.intp] | None,
    bounds: tuple[float, float],
    level: float = LEVEL,
) -> Estimate:
    """Return the mean of numbers between two bounds with an interval of Wilson's shape.

    Parameters
    ----------
    values
        (N,) float, one number an image, within `bounds`; mostly near the lower one, as losses are.
    labels
        (N,) int, class of each image, by which groups are stratified.
    groups
        (N,) int or None.
    bounds
        Least and greatest possible value of one number.
    level
        Coverage of the interval.

    Returns
    -------
    Estimate
        Method "bounded-mean".

    Notes
    -----
    Of all numbers between two bounds with a given mean those at the bounds vary most: a proportion. The interval is
    Wilson's on the number of images that gives the variance found, so that it is as skewed as a mean of few large
    losses is. The BCa bootstrap, which stood here before, held the log loss as seldom as 75 times in 100, where a
    few patients hold most of the errors.
    """
    n, span = len(values), bounds[1] - bounds[0]
    shares = (values - bounds[0]) / span
    mean = float(shares.mean())
    found = spread((shares - mean) / n, groups, labels)
    critical = critical_value(level, found.degrees)
    ends = score_limits(mean, n, found.variance, kish(groups), found.informative, critical, level, exact=False)
    low, high = (bounds[0] + end * span for end in ends)
    return Estimate(float(values.mean()), low, high, "bounded-mean", n, group_count(groups))
