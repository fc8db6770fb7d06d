"""Nearest neighbours among many vectors, by an inverted file of faiss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PER_CELL: Final = 400  # vectors in a cell of the index, on average
_PROBES: Final = 8  # cells that are searched
_SAMPLE: Final = 100_000  # vectors that the cells are learned from
_SMALL: Final = 20_000  # vectors below which all are compared with all


def nearest_neighbours(
    stored: NDArray[np.float32], queries: NDArray[np.float32], *, count: int, seed: int, threads: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Find the stored vectors nearest to each query.

    An inverted file (as in Jegou et al. 2011, doi 10.1109/TPAMI.2010.57, without compression): a few neighbours in a
    hundred are missed. Few vectors are compared outright.

    Parameters
    ----------
    stored
        (N, D) float32.
    queries
        (M, D) float32.
    count
        Neighbours wanted, at most N.
    seed
        Of the sample that the index is learned from.
    threads
        How many to work with.

    Returns
    -------
    distances
        (M, count) float32 squared distances, ascending; infinite where fewer were found.
    indices
        (M, count) int64 into `stored`; -1 where fewer were found.
    """
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(threads)
    try:
        flat = faiss.IndexFlatL2(stored.shape[1])
        index = flat
        if len(stored) >= _SMALL:
            index = faiss.IndexIVFFlat(flat, stored.shape[1], len(stored) // _PER_CELL)
            index.cp.seed = seed
            index.nprobe = _PROBES
            sample = np.random.default_rng(seed).choice(len(stored), min(_SAMPLE, len(stored)), replace=False)
            index.train(stored[np.sort(sample)])
        index.add(stored)
        distances, indices = index.search(queries, count)
    finally:
        faiss.omp_set_num_threads(before)
    return np.where(indices < 0, np.inf, distances).astype(np.float32), indices


def principal_components(
    vectors: NDArray[np.float32], count: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean (D,) of vectors (N, D), and their first `count` principal directions (D, count)."""
    mean = vectors.mean(axis=0)
    _, directions = np.linalg.eigh(np.atleast_2d(np.cov((vectors - mean).T)))
    return np.asarray(mean, np.float32), np.asarray(directions[:, ::-1][:, :count], np.float32)
