"""The bootstrap, stratified by class and over groups, for figures that have no interval of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.assess.intervals import LEVEL, Estimate, critical_value, group_count, group_sums, kish, wilson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

REPLICATES: Final = 2000
SEED: Final = 88
CHUNK: Final = 64
"""Replicates held in memory at once."""


def strata_of_units(labels: NDArray[np.intp], groups: NDArray[np.intp] | None) -> NDArray[np.intp]:
    """Return the stratum of each unit of resampling: an image, or a group of images.

    Parameters
    ----------
    labels
        (N,) int, class of each image.
    groups
        (N,) int or None.

    Returns
    -------
    ndarray
        (U,) int. A unit's stratum is the class of most of its images. A stratum of one unit would never vary; such
        units share one stratum, and if only one is left it joins the largest.
    """
    if groups is None:
        strata = labels.copy()
    else:
        counts = group_sums(np.eye(int(labels.max()) + 1)[labels], groups)
        strata = np.argmax(counts, axis=1)
    names, sizes = np.unique(strata, return_counts=True)
    single = np.isin(strata, names[sizes == 1])
    if single.sum() == 1 and len(names) > 1:
        strata[single] = names[np.argmax(sizes)]
    else:
        strata[single] = -1
    return strata


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


def mean_interval(
    values: NDArray[np.float64],
    labels: NDArray[np.intp],
    groups: NDArray[np.intp] | None,
    bounds: tuple[float, float],
    *,
    level: float = LEVEL,
    replicates: int = REPLICATES,
    seed: int = SEED,
) -> Estimate:
    """Return the mean of `values` with an expanded BCa bootstrap interval.

    Parameters
    ----------
    values
        (N,) float, one number an image, within `bounds`.
    labels
        (N,) int, class of each image; the resampling is stratified by it.
    groups
        (N,) int or None; whole groups are resampled.
    bounds
        Least and greatest possible value of one number.
    level, replicates, seed
        Coverage of the interval, number of replicates, seed.

    Returns
    -------
    Estimate
        Method "bca"; or "bounded-mean", where every unit says the same or there is but one.

    References
    ----------
    Efron 1987, doi 10.1080/01621459.1987.10478410; Hesterberg 2015, doi 10.1080/00031305.2015.1089789 (expanded
    quantiles, against the narrowness of the bootstrap in small samples).
    """
    mean = float(values.mean())
    count = group_count(groups)
    sums = group_sums(values, groups)
    sizes = group_sums(np.ones(len(values)), groups)
    strata = strata_of_units(labels, groups)
    draws = np.concatenate([(counts @ sums) / (counts @ sizes) for counts in resample(strata, replicates, seed)])
    if len(sums) < 2 or np.ptp(draws) < 1e-9 * (bounds[1] - bounds[0]):
        return _bounded_mean(mean, len(values) / kish(groups), bounds, len(values), count, level)
    left_out = (sums.sum() - sums) / (sizes.sum() - sizes)
    low, high = bca_limits(mean, draws, left_out, level)
    return Estimate(mean, max(bounds[0], min(low, mean)), min(bounds[1], max(high, mean)), "bca", len(values), count)


def _bounded_mean(
    mean: float, units: float, bounds: tuple[float, float], n: int, count: int | None, level: float
) -> Estimate:
    """Of all numbers between two bounds with a given mean, those at the bounds vary most: a proportion, rescaled."""
    span = bounds[1] - bounds[0]
    low, high = wilson((mean - bounds[0]) / span, units, critical_value(level))
    return Estimate(mean, bounds[0] + low * span, bounds[0] + high * span, "bounded-mean", n, count)


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
