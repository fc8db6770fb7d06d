"""Medians with intervals, and ratios of things that were measured in turns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

RESAMPLES: Final = 10_000
LEVEL: Final = 0.95


@dataclass(frozen=True)
class Estimate:
    """What repetitions of one measurement say.

    Attributes
    ----------
    median
        Of the values.
    low, high
        95 % interval of the median (percentile bootstrap, Efron & Tibshirani 1993). With seven values it is hardly
        narrower than their range; the range is told beside it.
    least, most
        Range of the values.
    values
        As measured, in order.
    """

    median: float
    low: float
    high: float
    least: float
    most: float
    values: tuple[float, ...]


def estimate(values: Sequence[float], seed: int = 0) -> Estimate:
    """Return median, interval and range.

    Parameters
    ----------
    values
        At least one, finite.
    seed
        Of the resampling.

    Raises
    ------
    ValueError
        There are none, or one is not finite.
    """
    data = np.asarray(values, np.float64)
    if data.ndim != 1 or data.size == 0 or not np.isfinite(data).all():
        raise ValueError(f"values: expected one or more finite numbers, found {list(values)!r}")
    low, high = _interval_of_median(data, seed)
    return Estimate(
        median=float(np.median(data)),
        low=low,
        high=high,
        least=float(data.min()),
        most=float(data.max()),
        values=tuple(data.tolist()),
    )


def ratio(numerators: Sequence[float], denominators: Sequence[float], seed: int = 0) -> Estimate:
    """Return the median of the ratios of values that were measured in the same rounds.

    A round's two values share the state of the machine at that time, so their ratio varies less than either.

    Parameters
    ----------
    numerators, denominators
        One value a round, in the order of the rounds; denominators over 0.
    seed
        Of the resampling.

    Raises
    ------
    ValueError
        They differ in number, or a denominator is not over 0.
    """
    if len(numerators) != len(denominators):
        raise ValueError(f"expected as many numerators as denominators, found {len(numerators)}, {len(denominators)}")
    if any(value <= 0 for value in denominators):
        raise ValueError(f"denominators: expected numbers over 0, found {list(denominators)!r}")
    return estimate([above / below for above, below in zip(numerators, denominators, strict=True)], seed)


def _interval_of_median(data: NDArray[np.float64], seed: int) -> tuple[float, float]:
    drawn = np.random.default_rng(seed).integers(0, data.size, (RESAMPLES, data.size))
    medians = np.median(data[drawn], axis=1)
    low, high = np.quantile(medians, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return float(low), float(high)
