"""Sequences of files that are interleaved in one listing, as when several folders were merged by file name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MOST_STREAMS: Final = 6
_LEAST_SILHOUETTE: Final = 1 / 3  # of the clusters of looks; "weak structure" begins at 0.25, "reasonable" at 0.5
_LEAST_ALTERNATING: Final = 0.2  # share of files in runs of three or fewer; slow drift makes long runs
_LEAST_TOGETHER: Final = 0.95  # of captures of one field in one stream
_SHORT_RUN: Final = 3
_COMPONENTS: Final = 6
_LEAST_FILES: Final = 24
_MOST_COMPARED: Final = 3000  # files of which the silhouette is taken


def find_streams(looks: NDArray[np.float64], pairs: Sequence[tuple[int, int]], *, seed: int) -> list[int]:
    """Tell interleaved sequences of files apart by their look.

    k-means on the first principal components, with the number of clusters of the best silhouette (Rousseeuw 1987, doi
    10.1016/0377-0427(87)90125-7). They are sequences only where they are well apart, alternate from file to file, and
    leave captures of one field together. Otherwise the listing is one sequence.

    Parameters
    ----------
    looks
        (N, P) float64, in the order of the files.
    pairs
        Places of two captures of one field.
    seed
        Of the clustering.

    Returns
    -------
    list of int
        (N,) number of each file's sequence: 0, 1, ... in the order in which they begin.
    """
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    count = len(looks)
    if count < _LEAST_FILES:
        return [0] * count
    components = _components(looks)
    best, chosen = 0.0, np.zeros(count, np.int64)
    for clusters in range(2, MOST_STREAMS + 1):
        if len(np.unique(components, axis=0)) <= clusters:
            break
        streams = KMeans(clusters, n_init=10, random_state=seed).fit_predict(components)
        silhouette = float(
            silhouette_score(components, streams, sample_size=min(count, _MOST_COMPARED), random_state=seed)
        )
        if silhouette > best:
            best, chosen = silhouette, streams
    together = np.mean([chosen[one] == chosen[other] for one, other in pairs]) if pairs else 1.0
    if best < _LEAST_SILHOUETTE or _alternating(chosen) < _LEAST_ALTERNATING or together < _LEAST_TOGETHER:
        return [0] * count
    order = {int(stream): number for number, stream in enumerate(dict.fromkeys(chosen.tolist()))}
    return [order[int(stream)] for stream in chosen]


def _components(looks: NDArray[np.float64]) -> NDArray[np.float64]:
    scaled = (looks - looks.mean(axis=0)) / np.maximum(looks.std(axis=0), 1e-9)
    left, values, _ = np.linalg.svd(scaled, full_matrices=False)
    return np.asarray(left[:, :_COMPONENTS] * values[:_COMPONENTS], np.float64)


def _alternating(streams: NDArray[np.int64]) -> float:
    """Return the share of files that lie in short runs of one stream."""
    ends = np.nonzero(np.diff(streams))[0] + 1
    runs = np.diff(np.concatenate([[0], ends, [len(streams)]]))
    return float(runs[runs <= _SHORT_RUN].sum()) / len(streams)
