"""What a network still gets wrong when it answers only where it is sure: risk-coverage curves and their area."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.statistics.grouped import group_count, kish, spread
from leukolens.statistics.intervals import LEVEL, Estimate, critical_value, score_limits

if TYPE_CHECKING:
    from numpy.typing import NDArray

COVERAGES: Final = (80, 90, 95)
"""Percent of the images that are answered, at which the risk is told."""

FIGURES: Final = ("aurc", "excess_aurc", *(f"risk_at_{percent}" for percent in COVERAGES))
POINTS: Final = 200


@dataclass(frozen=True)
class RiskCurve:
    """The share of wrong images among those answered, as more and more are answered, the surest first.

    Attributes
    ----------
    order
        What the images are ordered by: "confidence" or "novelty".
    coverage, risk
        (K,) share of the images that are answered, and share of these that are wrong.
    figures
        By the names in `FIGURES`.
    """

    order: str
    coverage: NDArray[np.float64]
    risk: NDArray[np.float64]
    figures: dict[str, Estimate]


def risks(wrong: NDArray[np.bool_], sureness: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of wrong images among the k surest, for k of 1 to N.

    Parameters
    ----------
    wrong
        (N,) bool.
    sureness
        (N,) float, higher is answered earlier. Images that are equally sure count as if each of them were wrong to the
        same part, so that their order does not matter: the mean over all their orders.

    Returns
    -------
    ndarray
        (N,) float64, 0 to 1.
    """
    order = np.argsort(-sureness, kind="stable")
    taken = _tied(wrong.astype(np.float64), sureness)[order]
    result: NDArray[np.float64] = np.cumsum(taken) / np.arange(1, len(wrong) + 1)
    return result


def _tied(values: NDArray[np.float64], sureness: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give each image the mean (N,) of `values` over the images that are as sure as it is."""
    _, block = np.unique(sureness, return_inverse=True)
    means: NDArray[np.float64] = (np.bincount(block, weights=values) / np.bincount(block))[block]
    return means


def area_under_risk(wrong: NDArray[np.bool_], sureness: NDArray[np.float64]) -> float:
    """Return the mean of the risk over all coverages, AURC (Geifman and El-Yaniv 2017, arXiv 1705.08500); 0 to 1."""
    return float(risks(wrong, sureness).mean())


def smallest_area(wrong: NDArray[np.bool_]) -> float:
    """Return the area of an order that puts every wrong image last; no order of the same answers has a smaller one."""
    return float(risks(np.sort(wrong), -np.arange(len(wrong), dtype=np.float64)).mean())


def risk_curve(
    wrong: NDArray[np.bool_],
    sureness: NDArray[np.float64],
    groups: NDArray[np.intp] | None = None,
    labels: NDArray[np.intp] | None = None,
    *,
    order: str = "confidence",
    level: float = LEVEL,
) -> RiskCurve:
    """Return the risk-coverage curve with its figures.

    Parameters
    ----------
    wrong
        (N,) bool, N of at least 1.
    sureness
        (N,) float, higher is answered earlier.
    groups
        (N,) int or None.
    labels
        (N,) int, class of each image, by which groups are stratified; None for one stratum.
    order
        What `sureness` is, for those who read it.
    level
        Coverage of the intervals.

    Returns
    -------
    RiskCurve

    Notes
    -----
    The area is a mean over the images: a wrong one counts for the sum of 1 / k over the places k from its own on, so
    that sure errors weigh most. Its variance is that of the images' pulls (the delta method, over groups where there
    are groups), and its interval has Wilson's shape on the number of images that gives that variance. The bootstrap's
    percentiles, which the literature takes, collapse where no image is wrong. The excess area is the area less the
    smallest that the same answers could have (Geifman, Uziel and El-Yaniv 2019, arXiv 1805.08206, there in the limit of
    many images: r + (1 - r) ln(1 - r); here counted out).
    """
    n = len(wrong)
    area, smallest = area_under_risk(wrong, sureness), smallest_area(wrong)
    pulls = _area_pulls(wrong, sureness)
    share = float(wrong.mean())
    own = np.log(max(1 - share, 0.5 / n)) * (wrong - share)
    figures = {
        "aurc": _estimate(area, pulls, groups, labels, level),
        "excess_aurc": _estimate(max(0.0, area - smallest), pulls + own, groups, labels, level),
    }
    curve = risks(wrong, sureness)
    for percent in COVERAGES:
        figures[f"risk_at_{percent}"] = _risk_at(percent / 100, curve, wrong, sureness, groups, labels, level)
    kept = np.unique(np.linspace(1, n, min(n, POINTS)).round().astype(np.intp))
    return RiskCurve(order, kept / n, curve[kept - 1], figures)


def _area_pulls(wrong: NDArray[np.bool_], sureness: NDArray[np.float64]) -> NDArray[np.float64]:
    """By how much each image pulls the area from its value, times N: (N,) with a mean of 0.

    In the limit the area is the mean of e (-ln G(s)), G the share of images at least as sure: a wrong image adds its
    own term, and every image moves G for those that are less sure.
    """
    n = len(wrong)
    order = np.argsort(-sureness, kind="stable")
    weight, behind = np.empty(n), np.empty(n)
    weight[order] = np.cumsum((1 / np.arange(1, n + 1))[::-1])[::-1]
    shares = _tied(wrong.astype(np.float64), sureness)[order] / np.arange(1, n + 1)
    behind[order] = np.cumsum(shares[::-1])[::-1]
    pulls = wrong * _tied(weight, sureness) - _tied(behind, sureness)
    centred: NDArray[np.float64] = pulls - pulls.mean()
    return centred


def _estimate(
    value: float,
    pulls: NDArray[np.float64],
    groups: NDArray[np.intp] | None,
    labels: NDArray[np.intp] | None,
    level: float,
    answered: int | None = None,
) -> Estimate:
    """Return a figure with its interval; `answered` images for a share of these, None for an area over all."""
    n = len(pulls)
    found = spread(pulls / n, groups, labels)
    critical = critical_value(level, found.degrees)
    trials, alike = answered or n, kish(groups)
    low, high = score_limits(value, trials, found.variance, alike, found.informative, critical, level, exact=False)
    return Estimate(value, low, high, "score-linearised", trials, group_count(groups))


def _risk_at(
    coverage: float,
    curve: NDArray[np.float64],
    wrong: NDArray[np.bool_],
    sureness: NDArray[np.float64],
    groups: NDArray[np.intp] | None,
    labels: NDArray[np.intp] | None,
    level: float,
) -> Estimate:
    """Return the risk of the surest images, this share of all; that their border moves with the images counts too."""
    n = len(wrong)
    kept = max(1, int(np.ceil(coverage * n - 1e-9)))
    order = np.argsort(-sureness, kind="stable")
    answered = np.zeros(n)
    answered[order[:kept]] = 1.0
    inside = _tied(answered, sureness)
    value = float(curve[kept - 1])
    near = order[max(0, kept - 1 - n // 20) : kept + n // 20 + 1]
    border = float(wrong[near].mean())
    pulls = inside * (wrong - border) - inside.mean() * (value - border)
    return _estimate(value, pulls * n / kept, groups, labels, level, kept)
