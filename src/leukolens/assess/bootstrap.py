"""The bootstrap, stratified by class and over groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.statistics.intervals import critical_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

REPLICATES: Final = 2000
SEED: Final = 88
CHUNK: Final = 64
"""Replicates held in memory at once."""


def resample(strata: NDArray[np.intp], replicates: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Draw units with replacement within each stratum.

    Parameters
    ----------
    strata
        (U,) int.
    replicates
        Number of draws B.
    seed
        Seed of the generator; the same seed gives the same draws.

    Yields
    ------
    ndarray
        (at most 64, U) float64: how often each unit was drawn; B rows altogether.
    """
    generator = np.random.default_rng(seed)
    members = [np.flatnonzero(strata == name) for name in np.unique(strata)]
    for start in range(0, replicates, CHUNK):
        counts = np.zeros((min(CHUNK, replicates - start), len(strata)))
        for units in members:
            counts[:, units] = _times_drawn(generator, len(counts), len(units))
        yield counts


def _times_drawn(generator: np.random.Generator, replicates: int, units: int) -> NDArray[np.int64]:
    drawn = generator.integers(units, size=(replicates, units))
    flat = np.bincount((drawn + np.arange(replicates)[:, None] * units).ravel(), minlength=replicates * units)
    return flat.reshape(replicates, units)


def bca_limits(
    value: float, draws: NDArray[np.float64], left_out: NDArray[np.float64], level: float
) -> tuple[float, float]:
    """Limits of the bias-corrected and accelerated bootstrap, its tails widened as Student's t asks for U units."""
    from scipy import special

    units = len(left_out)
    wide = critical_value(level, units - 1) * np.sqrt(units / (units - 1))
    below = (np.count_nonzero(draws < value) + np.count_nonzero(draws <= value)) / 2
    bias = special.ndtri(np.clip(below / len(draws), 0.5 / len(draws), 1 - 0.5 / len(draws)))
    deviation = left_out.mean() - left_out
    acceleration = float((deviation**3).sum() / (6 * (deviation**2).sum() ** 1.5))
    ends = bias + np.array([-wide, wide])
    quantiles = special.ndtr(bias + ends / np.maximum(1 - acceleration * ends, 0.05))
    low, high = np.quantile(draws, np.clip(quantiles, 0.0, 1.0))
    return float(low), float(high)
