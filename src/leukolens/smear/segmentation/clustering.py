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

_LEVELS: Final = np.arange(256)
_ABOVE: Final = np.where(np.tri(256, dtype=bool), 0.0, -np.inf)


def optimal_centres(counts: Counts, clusters: int) -> Floats:
    """Return the centres of the clustering with the least sum of squares.

    Parameters
    ----------
    counts
        (256,) number of pixels of each value, one pixel at least.
    clusters
        How many, at least 1.

    Returns
    -------
    ndarray
        (k,) float64, rising, 0 to 255. k is `clusters`, or the number of values that occur where that is less.
        Lloyd's algorithm leaves them where they are.
    """
    values = np.flatnonzero(counts)
    size = len(values)
    weight = counts[values].astype(np.float64)
    moment = weight * values
    gain = _gains(weight, moment)
    best, borders = gain[:, 0], []
    for _ in range(min(clusters, size) - 1):
        # Row j, column i: the best clusters up to i, and one more from i + 1 to j.
        joined = gain[:, 1:] + best[:-1]
        border = joined.argmax(axis=1)
        best = joined[_LEVELS[:size], border]
        borders.append(border)
    starts, last = [0], size - 1
    for border in reversed(borders):
        starts.insert(1, int(border[last]) + 1)
        last = int(border[last])
    centres: Floats = np.add.reduceat(moment, starts) / np.add.reduceat(weight, starts)
    return centres


def lloyd(counts: Counts, start: Sequence[float] | Floats) -> Floats:
    """Improve centres until they stay, as scikit-learn's KMeans does on the pixels.

    Parameters
    ----------
    counts
        (256,) number of pixels of each value, one at least.
    start
        (k,) first centres.

    Returns
    -------
    ndarray
        (k,) float64, rising.

    Notes
    -----
    As in scikit-learn, a cluster without pixels is given the one that is farthest from its own centre. Values midway
    between two whole centres, as k-means++ draws them, go to one or the other by rounding alone, and the rounds
    after that another way; so distances are computed with its arithmetic: from the mean, ``c c - 2 x c``.
    """
    mean = float(counts @ _LEVELS / counts.sum())
    levels = _LEVELS.astype(np.float64) - mean
    centres = np.asarray(start, np.float64) - mean
    enough = TOLERANCE * float(counts @ levels**2 / counts.sum())
    before = None
    for _ in range(ROUNDS):
        labels = (centres * centres - 2.0 * (levels[:, None] * centres)).argmin(axis=1)
        weight: Floats = np.bincount(labels, counts, len(centres)).astype(np.float64)
        moments: Floats = np.bincount(labels, counts * levels, len(centres)).astype(np.float64)
        if not weight.all():
            _fill_empty(counts, levels, centres, labels, weight, moments)
        moved = moments / weight
        shift = float(((moved - centres) ** 2).sum())
        centres = moved
        # Values that do not occur have a label too, but move nothing.
        seen = labels[counts > 0]
        if shift <= enough or (before is not None and np.array_equal(seen, before)):
            break
        before = seen
    return np.sort(centres) + mean


def nearest(centres: Floats) -> NDArray[np.intp]:
    """Return the cluster (256,) of each value by its centres (k,), which rise: the lower of equally near ones."""
    return (0.5 * (centres[1:] + centres[:-1])).searchsorted(_LEVELS)


def _fill_empty(
    counts: Counts, levels: Floats, centres: Floats, labels: NDArray[np.intp], weight: Floats, moments: Floats
) -> None:
    """Give each cluster without pixels one that is farthest from its centre; changes `weight` and `moments`."""
    empty = np.flatnonzero(weight == 0)
    away = np.where(counts > 0, np.abs(levels - centres[labels]), -1.0)
    order = np.argsort(-away, kind="stable")
    farthest = np.repeat(order, np.minimum(counts[order], len(empty)))[: len(empty)]
    for cluster, value in zip(empty, farthest, strict=False):
        moments[labels[value]] -= levels[value]
        weight[labels[value]] -= 1.0
        moments[cluster], weight[cluster] = levels[value], 1.0
    # With fewer pixels than clusters some are left: they stay where they are.
    left = weight == 0
    moments[left], weight[left] = centres[left], 1.0


def _gains(weight: Floats, moment: Floats) -> Floats:
    """Return how much less the sum of squares is (n, n) for a cluster from column to row; nothing above the diagonal.

    The sum of squares about the means of clusters is that about 0, less (sum of values) ** 2 / number for each.
    """
    n, first = weight.cumsum(), moment.cumsum()
    numbers = np.subtract.outer(n, n - weight)
    sums = np.subtract.outer(first, first - moment)
    gain: Floats = sums * sums / np.maximum(numbers, 1.0) + _ABOVE[: len(n), : len(n)]
    return gain
