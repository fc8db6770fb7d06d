"""Where a sequence of pictures changes its look: optimal partitioning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def partition(values: NDArray[np.float64], *, penalty: float, shortest: int) -> list[range]:
    """Cut a sequence into the stretches of constant mean that fit it best.

    The sum of squared distances from the stretches' means plus `penalty` for each stretch is the least possible
    (optimal partitioning, Jackson et al. 2005, doi 10.1109/LSP.2001.838216).

    Parameters
    ----------
    values
        (N, P) float64, scaled so that the noise within a stretch has variance 1 in each of the P columns.
    penalty
        Above 0. With (P + 1) log N it is the Bayesian information criterion, twice.
    shortest
        Least length of a stretch, 1 or more.

    Returns
    -------
    list of range
        The stretches in order; the whole as one where it is shorter than twice `shortest`.
    """
    count, columns = values.shape
    if count < 2 * shortest:
        return [range(count)]
    values = values - values.mean(axis=0)  # keeps the differences of sums small
    sums = np.vstack([np.zeros(columns), values.cumsum(axis=0)])
    squares = np.concatenate([[0.0], (values**2).sum(axis=1).cumsum()])
    best = np.full(count + 1, np.inf)
    best[0] = 0.0
    start = np.zeros(count + 1, np.int64)
    for stop in range(shortest, count + 1):
        starts = np.arange(stop - shortest + 1)
        spread = ((sums[stop] - sums[starts]) ** 2).sum(axis=1) / (stop - starts)
        total = best[starts] + squares[stop] - squares[starts] - spread + penalty
        start[stop] = int(total.argmin())
        best[stop] = total[start[stop]]
    found: list[range] = []
    stop = count
    while stop > 0:
        found.append(range(int(start[stop]), stop))
        stop = int(start[stop])
    return found[::-1]
