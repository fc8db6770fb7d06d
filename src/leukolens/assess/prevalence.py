"""Predictive values at a prevalence that is stated, not at that of the images at hand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.assess.means import correlation
from leukolens.finding import UsageError
from leukolens.statistics.grouped import group_count
from leukolens.statistics.intervals import LEVEL, Estimate, share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

PREVALENCES: Final = (0.01, 0.05, 0.2)
"""Taken where none is stated: from a laboratory that seldom sees leukaemia to one that is sent suspected cases."""


def check_prevalences(stated: Sequence[float]) -> tuple[float, ...]:
    """Return prevalences in rising order, each once.

    Raises
    ------
    UsageError
        One is not between 0 and 1.
    """
    for value in stated:
        if not 0 < value < 1:
            raise UsageError(
                "That is no prevalence",
                expected="a share of leukaemia between 0 and 1, such as --prevalence 0.05",
                found=f"{value:g}",
            )
    return tuple(sorted(set(stated)))


def prevalence_name(prevalence: float) -> str:
    """Return how a prevalence is written in the name of a figure: 0.05 as ``5%``."""
    return f"{100 * prevalence:.10g}%"


def predictive_values(
    positive: NDArray[np.bool_],
    called: NDArray[np.bool_],
    prevalence: float,
    groups: NDArray[np.intp] | None = None,
    level: float = LEVEL,
    labels: NDArray[np.intp] | None = None,
) -> dict[str, Estimate]:
    """Return positive and negative predictive value at a prevalence.

    Parameters
    ----------
    positive
        (N,) bool, whether the image is of leukaemia.
    called
        (N,) bool, whether it was called so.
    prevalence
        Share of leukaemia among the images that the values are to hold for, above 0 and below 1.
    groups
        (N,) int or None.
    level
        Coverage of the intervals.
    labels
        (N,) int, class of each image, by which groups are stratified.

    Returns
    -------
    dict
        ``ppv`` and ``npv``; without a value where one side has no image, or where nothing would be called so.

    Notes
    -----
    By Bayes' rule PPV = 1 / (1 + R (1 - prevalence) / prevalence) with R = (1 - specificity) / sensitivity; NPV
    likewise. Mercaldo, Lau and Zhou 2007 (doi 10.1002/sim.2677) put the interval on the logit, which is log R plus a
    constant, and add half the squared critical value to each cell where one is empty. Departure: the limits of R come
    from those of sensitivity and specificity by MOVER for a ratio (Donner and Zou 2012, doi
    10.1177/0962280210383082), so that empty cells need nothing added and images in groups count as elsewhere here.
    Where no cell is nearly empty the two agree.
    """
    masks = (positive, called), (~positive, ~called)
    shares = [share(hits, counted, groups, labels, level) for counted, hits in masks]
    count = group_count(groups)
    sensitivity, specificity = shares
    if sensitivity.value is None or specificity.value is None:
        nothing = Estimate(None, 0.0, 1.0, "mover-ratio", len(positive), count, "needs images of leukaemia and of none")
        return {"ppv": nothing, "npv": nothing}
    pulls = [np.where(counted, hits - hits[counted].mean(), 0.0) / counted.sum() for counted, hits in masks]
    related = float(correlation(np.stack(pulls, axis=1), groups, np.eye(2))[0, 1])
    odds = prevalence / (1 - prevalence)
    n = len(positive)
    return {
        "ppv": _value(_complement(specificity), sensitivity, 1 / odds, -related, n, count),
        "npv": _value(_complement(sensitivity), specificity, odds, -related, n, count),
    }


Limits = tuple[float, float, float]
"""A share with its limits: low, value, high."""


def _complement(own: Estimate) -> Limits:
    assert own.value is not None
    return 1 - own.high, 1 - own.value, 1 - own.low


def _value(wrong: Limits, right: Estimate, odds: float, related: float, n: int, groups: int | None) -> Estimate:
    """Return 1 / (1 + odds wrong / right); `related` is the correlation of the two shares' errors."""
    assert right.value is not None
    low, high = ratio_limits(wrong, (right.low, right.value, right.high), related)
    ends = 1 / (1 + odds * high), 1 / (1 + odds * low)
    if right.value == 0:
        note = "not defined where no image is called so" if wrong[1] == 0 else ""
        return Estimate(None if note else 0.0, ends[0], ends[1], "mover-ratio", n, groups, note)
    value = 1 / (1 + odds * wrong[1] / right.value)
    return Estimate(value, min(ends[0], value), max(ends[1], value), "mover-ratio", n, groups)


def ratio_limits(top: Limits, bottom: Limits, related: float = 0.0) -> tuple[float, float]:
    """Return the limits of a ratio of two shares, from their own limits (MOVER, Donner and Zou 2012).

    Parameters
    ----------
    top, bottom
        Low, value, high; none below 0.
    related
        Correlation of their errors, -1 to 1.

    Returns
    -------
    tuple of float
        Low and high, 0 to infinity.
    """
    (low1, value1, high1), (low2, value2, high2) = top, bottom
    low = _root(value1 * value2 - related * (value1 - low1) * (high2 - value2), low1, value1, high2, value2, -1)
    high = _root(value1 * value2 - related * (high1 - value1) * (value2 - low2), high1, value1, low2, value2, 1)
    return max(0.0, low), high


def _root(middle: float, end1: float, value1: float, end2: float, value2: float, sign: int) -> float:
    below = end2 * (2 * value2 - end2)
    if below <= 0:
        return math.inf if sign > 0 else 0.0
    inside = middle**2 - end1 * end2 * (2 * value1 - end1) * (2 * value2 - end2)
    return (middle + sign * math.sqrt(max(0.0, inside))) / below
