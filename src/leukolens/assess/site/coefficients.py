"""Coefficients of agreement with their intervals: one to decide by, and two that readers of such reports know.

At full agreement both the asymptotic interval and any bootstrap of kappa collapse to the point 1, with five cases as
with five hundred; near it they are too narrow. The interval to decide by does not: the observed agreement is a mean
between 0 and 1, so it gets Wilson's shape on the number of cases that gives the jackknife's variance
(`leukolens.statistics.intervals.score_limits`), and is carried over at the chance agreement that was found.
`tests/assess/site` tells its coverage.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.assess.bootstrap import REPLICATES, SEED, bca_limits, resample
from leukolens.statistics.intervals import LEVEL, Estimate, critical_value, score_limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from leukolens.assess.site.agreement import Agreement

    Coefficient = Callable[[NDArray[np.float64]], Agreement]

METHODS: Final = {
    "clopper-pearson": "exact interval of a proportion of cases (Clopper and Pearson 1934)",
    "chance-corrected": (
        "Wilson's shape for the observed agreement, on the number of cases that gives the jackknife's variance of the "
        "coefficient, carried over at the chance agreement found; it does not collapse at full agreement"
    ),
    "clopper-pearson-rescaled": "exact interval of the observed agreement, rescaled",
}
"""What the word in `Estimate.method` means, beyond `leukolens.statistics.intervals.METHODS`."""

_LEAST: Final = 2
"""Cases below which nothing can be left out or drawn again."""


@dataclass(frozen=True)
class AgreementEstimate:
    """A coefficient of agreement.

    Attributes
    ----------
    estimate
        With the interval to decide by. Its value is None where only one answer was ever given.
    asymptotic
        Value and 1.96 standard errors either way, cut at -1 and 1; None where no error is known.
    bootstrap
        Expanded BCa over cases (Efron 1987, Hesterberg 2015); None where it has nothing to draw from.
    """

    estimate: Estimate
    asymptotic: tuple[float, float] | None
    bootstrap: tuple[float, float] | None


def judge_coefficient(
    coefficient: Coefficient,
    n: int,
    disagreeing: int,
    error: float | None = None,
    *,
    level: float = LEVEL,
    replicates: int = REPLICATES,
    seed: int = SEED,
) -> AgreementEstimate:
    """Return a coefficient of agreement over `n` cases with its intervals.

    Parameters
    ----------
    coefficient
        From weightings of the cases (B, n) to agreement observed and expected, see `agreement`.
    n
        Cases that were answered twice or more.
    disagreeing
        Cases with any two different answers.
    error
        Asymptotic standard error, where there is a formula; else the jackknife's is taken.
    level, replicates, seed
        Coverage of the intervals, number of replicates, seed.
    """
    if n == 0:
        return AgreementEstimate(_nothing(0, "no case was answered twice"), None, None)
    point = coefficient(np.ones((1, n)))
    value = float(point.coefficient[0])
    if np.isnan(value):
        return AgreementEstimate(_nothing(n, "one answer only was ever given: chance alone agrees as well"), None, None)
    if n < _LEAST:
        return AgreementEstimate(_nothing(n, "one case says nothing"), None, None)
    left_out = coefficient(1 - np.eye(n)).coefficient
    # Where without one case only one answer is left, the coefficient rests on that case: as if nothing were known.
    left_out = np.where(np.isnan(left_out), 0.0, left_out)
    variance = (n - 1) / n * float(((left_out - left_out.mean()) ** 2).sum())
    observed, expected = float(point.observed[0]), float(point.expected[0])
    critical = critical_value(level)
    low, high = score_limits(observed, n, variance * (1 - expected) ** 2, 1.0, disagreeing, critical, level)
    limits = [max(-1.0, min(1.0, (end - expected) / (1 - expected))) for end in (low, high)]
    estimate = Estimate(value, min(limits[0], value), max(limits[1], value), "chance-corrected", n)
    spread = critical * (np.sqrt(variance) if error is None or np.isnan(error) else error)
    asymptotic = (max(-1.0, value - spread), min(1.0, value + spread))
    return AgreementEstimate(estimate, asymptotic, _bootstrap(coefficient, value, left_out, level, replicates, seed))


def _nothing(n: int, note: str) -> Estimate:
    return Estimate(None, -1.0, 1.0, "chance-corrected", n, note=note)


def _bootstrap(
    coefficient: Coefficient, value: float, left_out: NDArray[np.float64], level: float, replicates: int, seed: int
) -> tuple[float, float] | None:
    n = len(left_out)
    draws = np.concatenate(
        [coefficient(counts).coefficient for counts in resample(np.zeros(n, np.intp), replicates, seed)]
    )
    draws = draws[~np.isnan(draws)]
    if len(draws) < replicates // 2:
        return None
    if np.ptp(draws) < 1e-12 or np.ptp(left_out) < 1e-12:
        return value, value
    low, high = bca_limits(value, draws, left_out, level)
    return min(low, value), max(high, value)
