"""K-means of one 8-bit channel, on its histogram: 256 numbers stand for all pixels.

Pixels of one value always share a cluster, so that Lloyd's algorithm [1]_ goes through the same centres on the
histogram as on the pixels. In one dimension the best of all clusterings can be had outright, by dynamic programming
over the borders between clusters [2]_; it is where the clustering starts here unless centres are given, and depends on
no draw.

References
----------
.. [1] Lloyd 1982, Least squares quantization in PCM, IEEE Trans Inf Theory 28:129-137, doi 10.1109/TIT.1982.1056489.
.. [2] Wang & Song 2011, Ckmeans.1d.dp: optimal k-means clustering in one dimension by dynamic programming, The R
   Journal 3(2):29-33, doi 10.32614/RJ-2011-015.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Counts = NDArray[np.int64]
    Floats = NDArray[np.float64]

ROUNDS: Final = 300
TOLERANCE: Final = 1e-4
"""Both as in scikit-learn: most rounds, and the squared shift of all centres, as a share of the variance, that ends."""


def optimal_centres(counts: Counts, clusters: int) -> Floats:
    """Return the centres of the clustering with the least sum of squares.

    Parameters
    ----------
    counts
        (256,) number of pixels of each value.
    clusters
        How many, at least 1.

    Returns
    -------
    ndarray
        (k,) float64, rising, 0 to 255. k is `clusters`, or the number of values that occur where that is less.
    """
    values = np.flatnonzero(counts)
    size = len(values)
    cost = _costs(values, counts[values])
    best, borders = cost[0], []
    for _ in range(min(clusters, size) - 1):
        # best[i - 1] + cost[i, j]: clusters up to i - 1, and one more from i to j.
        joined = np.concatenate([np.full((1, size), np.inf), best[:-1, None] + cost[1:]])
        border = joined.argmin(axis=0)
        best = joined[border, np.arange(size)]
        borders.append(border)
    starts, last = [0], size - 1
    for border in reversed(borders):
        starts.insert(1, int(border[last]))
        last = int(border[last]) - 1
    weights = counts[values]
    return np.add.reduceat(values * weights, starts) / np.add.reduceat(weights, starts)


def lloyd(counts: Counts, start: Sequence[float] | Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Improve centres until they stay, as scikit-learn's KMeans does on the pixels.

    Parameters
    ----------
    counts
        (256,) number of pixels of each value, one at least.
    start
        (k,) first centres, in any order.

    Returns
    -------
    centres : ndarray
        (k,) float64, in the order of `start`.
    labels : ndarray
        (256,) cluster of each value, the first of equally near ones.

    Notes
    -----
    A cluster without pixels keeps its centre; scikit-learn gives it the pixel that is farthest from its own.
    """
    levels = np.arange(256, dtype=np.float64)
    total = counts.sum()
    mean = counts @ levels / total
    enough = TOLERANCE * float(counts @ (levels - mean) ** 2 / total)
    centres, before = np.asarray(start, np.float64), None
    for _ in range(ROUNDS):
        labels = _assign(levels, centres)
        weight = np.bincount(labels, counts, len(centres))
        moments = np.bincount(labels, counts * levels, len(centres))
        moved = np.where(weight > 0, moments / np.maximum(weight, 1.0), centres)
        shift = float(((moved - centres) ** 2).sum())
        centres = moved
        # Values that do not occur have a label too, but move nothing.
        seen = labels[counts > 0]
        if before is not None and np.array_equal(seen, before):
            break
        if shift <= enough:
            break
        before = seen
    return centres, _assign(levels, centres)


def _assign(levels: Floats, centres: Floats) -> NDArray[np.intp]:
    nearest: NDArray[np.intp] = np.abs(levels[:, None] - centres).argmin(axis=1)
    return nearest


def _costs(values: NDArray[np.intp], weights: Counts) -> Floats:
    """Return the sum of squares (n, n) about their mean of the values from i to j; infinite where j < i."""
    moments = np.stack([weights, weights * values, weights * values**2]).astype(np.float64)
    sums = np.concatenate([np.zeros((3, 1)), moments.cumsum(axis=1)], axis=1)
    n, first, second = sums[:, None, 1:] - sums[:, :-1, None]
    upper = n > 0
    return np.where(upper, second - first**2 / np.where(upper, n, 1.0), np.inf)
