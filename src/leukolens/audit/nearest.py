"""Nearest neighbours among many vectors, by an inverted file of faiss."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol, cast

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_PER_CELL: Final = 400  # vectors in a cell of the index, on average
_PROBES: Final = 8  # cells that are searched
_SAMPLE: Final = 100_000  # vectors that the cells are learned from
_SMALL: Final = 20_000  # vectors below which all are compared with all


class Index(Protocol):
    """What is used of an index of faiss."""

    def search(self, queries: NDArray[np.float32], count: int, /) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return squared distances and numbers of the nearest stored vectors."""


def build_index(stored: NDArray[np.float32], *, seed: int) -> Index:
    """Return an index of vectors: an inverted file, or for few vectors a plain list that is searched outright.

    As in Jegou et al. 2011, doi 10.1109/TPAMI.2010.57, without compression: a few neighbours in a hundred are missed.

    Parameters
    ----------
    stored
        (N, D) float32.
    seed
        Of the sample that the cells are learned from.
    """
    import faiss

    flat = faiss.IndexFlatL2(stored.shape[1])
    if len(stored) < _SMALL:
        flat.add(stored)
        return cast("Index", flat)
    index = faiss.IndexIVFFlat(flat, stored.shape[1], len(stored) // _PER_CELL)
    index.cp.seed = seed
    index.nprobe = _PROBES
    sample = np.random.default_rng(seed).choice(len(stored), min(_SAMPLE, len(stored)), replace=False)
    index.train(stored[np.sort(sample)])
    index.add(stored)
    return cast("Index", index)


def search(index: Index, queries: NDArray[np.float32], count: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Find the stored vectors nearest to each query.

    Parameters
    ----------
    index
        From `build_index`.
    queries
        (M, D) float32.
    count
        Neighbours wanted.

    Returns
    -------
    distances
        (M, count) float32 squared distances, ascending; NaN where fewer were found.
    indices
        (M, count) int64 number of the stored vector; -1 where fewer were found.
    """
    distances, indices = index.search(queries, count)
    return np.where(indices < 0, np.nan, distances).astype(np.float32), indices


@contextmanager
def using_threads(count: int) -> Iterator[None]:
    """Let faiss work with so many threads for a while."""
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def principal_components(vectors: NDArray[np.float32], count: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean (D,) of vectors (N, D), and their first `count` principal directions (D, count)."""
    mean = vectors.mean(axis=0)
    _, directions = np.linalg.eigh(np.atleast_2d(np.cov((vectors - mean).T)))
    return np.asarray(mean, np.float32), np.asarray(directions[:, ::-1][:, :count], np.float32)
