"""Intervals of proportions, for independent images and for images in groups; of their means see `means.py`.

A percentile bootstrap collapses to a point when everything is right, and covers far too little when a handful of
images is wrong: the very place where classifiers of smears live. Score-type intervals do not; so these are used
wherever one exists, and the bootstrap (`bootstrap.py`) for the rest. `docs/evaluate.md` tells the coverage that the
tests require of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukolens.statistics.grouped import design_effect, group_count, shrink

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A figure and how well it is known.

    Attributes
    ----------
    value
        The figure; None where it is not defined (`note` says why, and the interval is all that is possible).
    low, high
        The interval.
    method
        A key of `METHODS`.
    n
        Images that the figure rests on.
    groups
        Groups that these images come from; None where every image stands for itself.
    note
        What a reader must know beside the figure.
    """

    value: float | None
    low: float
    high: float
    method: str
    n: int
    groups: int | None = None
    note: str = ""


METHODS = {
    "wilson": (
        "Wilson score interval (1927), with few errors the one-sided exact limit (Brown et al. 2001); with groups "
        "on the effective number of images (linearised variance over groups within classes, design effect shrunk by "
        "half a group towards full dependence) and Student's t, its degrees of freedom from the groups themselves"
    ),
    "wilson-jaccard": "Wilson score interval, as above, of the Jaccard index J, carried over by F1 = 2 J / (1 + J)",
    "score-linearised": (
        "Wilson's shape on the number of images that gives the linearised variance (delta method, over groups within "
        "classes where there are groups), shrunk by one unit towards the variance of a proportion; Student's t as above"
    ),
    "mover": "square-and-add (MOVER, Zou and Donner 2008) over the intervals of the classes and their correlation",
    "newcombe": (
        "Newcombe's method 5 for the Mann-Whitney statistic (2006), its variance brought to the placement variance "
        "(DeLong 1988, with groups Obuchowski 1997), and to no less than four fifths of itself"
    ),
    "bca": "expanded BCa bootstrap (Efron 1987, Hesterberg 2015), over groups where there are any",
    "ece-bootstrap": (
        "expanded BCa bootstrap (Efron 1987, Hesterberg 2015), over groups where there are any; its low end no higher "
        "than the error less what chance alone gives (97.5 % quantile), neither end further in than square-and-add "
        "(MOVER) over the Wilson intervals of the shares of right images and the spread of the confidence, the upper "
        "one less the bootstrap's bias"
    ),
    "bounded-mean": (
        "Wilson's shape for the mean of numbers between fixed bounds, on the number of images that gives its variance "
        "over groups, shrunk by one unit towards that of numbers at the bounds; Student's t as above"
    ),
    "mover-ratio": (
        "MOVER for a ratio (Donner and Zou 2012) of the Wilson intervals of sensitivity and specificity, by Bayes' "
        "rule at the stated prevalence"
    ),
    "clopper-pearson": "exact interval of a proportion (Clopper and Pearson 1934): holds at least as often as it says",
    "paired-mover": (
        "square-and-add (MOVER, Zou and Donner 2008) over the intervals of the two figures and the correlation of "
        "their paired bootstrap, over groups where there are any"
    ),
    "bonett-price": "adjusted Wald interval of paired proportions (Bonett and Price 2012), on the effective number",
}
"""What the word in `Estimate.method` means."""


def critical_value(level: float = LEVEL, degrees: float | None = None) -> float:
    """Return the two-sided critical value of the normal, or with `degrees` of freedom of Student's, distribution."""
    from scipy import special

    upper = 0.5 + level / 2
    if degrees is None:
        return float(special.ndtri(upper))
    return float(special.stdtrit(max(float(degrees), 1.0), upper))


def wilson(proportion: float, n: float, critical: float) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion.

    Parameters
    ----------
    proportion
        0 to 1.
    n
        Trials; an effective number need not be whole. 0 gives the interval 0 to 1.
    critical
        Critical value, such as 1.96.

    Returns
    -------
    tuple of float
        Low and high, within 0 to 1, with `proportion` between them.
    """
    if n <= 0:
        return 0.0, 1.0
    square = critical * critical / n
    centre = (proportion + square / 2) / (1 + square)
    half = np.sqrt(square * (proportion * (1 - proportion) + square / 4)) / (1 + square)
    return max(0.0, min(float(centre - half), proportion)), min(1.0, max(float(centre + half), proportion))


def share_limits(share: float, n: float, critical: float, level: float = LEVEL) -> tuple[float, float]:
    """Return the Wilson interval of a share, widened where hits or misses are few.

    Parameters
    ----------
    share
        0 to 1.
    n
        Trials; an effective number need not be whole.
    critical
        Critical value of the Wilson interval.
    level
        Coverage of the interval.

    Returns
    -------
    tuple of float
        Low and high.

    Notes
    -----
    With one error the plain interval puts the end on the error's side too far in, and covers as little as 0.83. Brown,
    Cai and DasGupta 2001 (doi 10.1214/ss/1009213286) take the limit of the one-sided exact interval for one to three
    errors. Departure: it is taken wherever it lies further out, which also goes for effective numbers, that are not
    whole; with ten errors and more it does not.
    """
    low, high = wilson(share, n, critical)
    if n <= 0:
        return low, high
    return min(low, _one_sided(share * n, n, level)), max(high, 1 - _one_sided((1 - share) * n, n, level))


def _one_sided(hits: float, n: float, level: float) -> float:
    """Lower limit of a proportion that alone holds at `level` (Clopper and Pearson 1934)."""
    from scipy import special

    return float(special.betaincinv(hits, n - hits + 1, 1 - level)) if hits > 0 else 0.0


def clopper_pearson(hits: int, n: int, level: float = LEVEL) -> Estimate:
    """Return a share of independent cases with its exact two-sided interval.

    Parameters
    ----------
    hits
        0 to `n`.
    n
        Cases. 0 gives no value and the interval 0 to 1.
    level
        Coverage, such as 0.95; each end alone holds at (1 + level) / 2.

    Raises
    ------
    ValueError
        `hits` does not lie between 0 and `n`.

    Notes
    -----
    Clopper and Pearson 1934, doi 10.1093/biomet/26.4.404: never too narrow, and so wider than Wilson's.
    """
    from scipy import special

    if not 0 <= hits <= n:
        raise ValueError(f"hits: expected 0 to n = {n}, found {hits}")
    if n == 0:
        return Estimate(None, 0.0, 1.0, "clopper-pearson", 0, note="no case to count")
    tail = (1 - level) / 2
    low = float(special.betaincinv(hits, n - hits + 1, tail)) if hits else 0.0
    high = float(special.betaincinv(hits + 1, n - hits, 1 - tail)) if hits < n else 1.0
    return Estimate(hits / n, low, high, "clopper-pearson", n)


def score_limits(
    value: float,
    trials: float,
    variance: float,
    alike: float,
    informative: float,
    critical: float,
    level: float = LEVEL,
    *,
    exact: bool = True,
) -> tuple[float, float]:
    """Return an interval of Wilson's shape for a figure that is no plain proportion.

    Parameters
    ----------
    value
        The figure, 0 to 1.
    trials
        Number of images that a proportion of the same value would need to be known about as well.
    variance
        Of the figure, estimated.
    alike
        By how much groups that are alike within raise the variance, `kish`; 1 without groups.
    informative
        Units with an error, which the estimate of the variance rests on, see `shrink`.
    critical
        Critical value.
    level
        Coverage of the interval.
    exact
        Whether it is widened where hits or misses are few, see `share_limits`: right for means of shares.

    Returns
    -------
    tuple of float
        The Wilson interval on the number of trials that gives the estimated variance, shrunk by one unit.
    """
    binomial = value * (1 - value) / trials
    measured = variance / binomial if binomial > 0 else 0.0
    effective = trials / shrink(measured, max(measured, alike), informative)
    return share_limits(value, effective, critical, level) if exact else wilson(value, effective, critical)


def proportion(hits: NDArray[np.bool_], groups: NDArray[np.intp] | None = None, level: float = LEVEL) -> Estimate:
    """Return the share of hits with its Wilson interval.

    Parameters
    ----------
    hits
        (N,) bool. N of 0 gives no value and the interval 0 to 1.
    groups
        (N,) int or None.
    level
        Coverage of the interval.

    Returns
    -------
    Estimate
    """
    return share(hits, np.ones(len(hits), np.bool_), groups, level=level)


def share(
    hits: NDArray[np.bool_],
    counted: NDArray[np.bool_],
    groups: NDArray[np.intp] | None = None,
    labels: NDArray[np.intp] | None = None,
    level: float = LEVEL,
) -> Estimate:
    """Return the share of hits among some of the images, with its Wilson interval.

    Parameters
    ----------
    hits
        (N,) bool.
    counted
        (N,) bool, the images that count; none gives no value and the interval 0 to 1.
    groups
        (N,) int or None.
    labels
        (N,) int, class of each image, by which groups are stratified, see `grouped.spread`; None for one stratum.
    level
        Coverage of the interval.

    Returns
    -------
    Estimate
    """
    n = int(np.count_nonzero(counted))
    if n == 0:
        return Estimate(None, 0.0, 1.0, "wilson", 0, None if groups is None else 0, "no image to count")
    value = float(np.mean(hits[counted]))
    effect, degrees = design_effect(hits.astype(np.float64), counted, groups, labels)
    low, high = share_limits(value, n / effect, critical_value(level, degrees), level)
    return Estimate(value, low, high, "wilson", n, group_count(None if groups is None else groups[counted]))
