"""Which pairs of pictures are worth registering: those whose features are nearer to each other than to all others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from leukolens.audit.field_features import mirrored, unit_descriptors
from leukolens.audit.nearest import build_index, principal_components, search, using_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from leukolens.audit.field_features import FieldFeatures
    from leukolens.audit.nearest import Index

MOST_FEATURES: Final = 1_200_000
"""Features of all pictures together that are compared; of many pictures each keeps fewer."""
LEAST_VOTES: Final = 1.5
"""Votes from which a pair is registered: captures of one field have from 3 to hundreds, other pairs hardly ever 2."""

LEAST_MIRRORED: Final = 2.0
"""The same for mirrored pairs, which are rarer than what chance gives below this."""

_COMPONENTS: Final = 48  # of 128; they hold 91 % of the variance of descriptors of smears
_SAMPLE: Final = 60_000  # descriptors that the components are learned from
_NEIGHBOURS: Final = 12
_LEAST_WEIGHT: Final = 0.1
_CAPTURE: Final = 0.3  # of the usual distance to the last neighbour; two captures of one feature are nearer than this
_TYPICAL: Final = 5_000  # descriptors of which the usual distance is taken
_BATCH: Final = 50_000  # features that look for neighbours at a time
_TURNS: Final = 12  # bins of 30 degrees
_OCTAVES: Final = 0.6
_SCALES: Final = 12  # bins of that many octaves


class Candidate(NamedTuple):
    """Two pictures by number, the first below the second, and the votes of their features."""

    first: int
    second: int
    votes: float
    mirror: bool


def find_candidates(features: Sequence[FieldFeatures], *, seed: int = 0, threads: int = 1) -> list[Candidate]:
    """Find the pairs of pictures that may show one field.

    Every feature looks for its nearest among those of all pictures, as it is and in the mirror, and votes for the
    pictures that these lie in: the more, the nearer they are against the last of its neighbours. Votes for a pair count
    together where they agree on the turn and the change of scale (Jegou et al. 2010, doi 10.1007/s11263-009-0285-2).

    Parameters
    ----------
    features
        One entry a picture.
    seed
        Of the samples that the search is learned from.
    threads
        How many to search with.

    Returns
    -------
    list of Candidate
        Those with enough votes, the most voted first. A pair can stand in it plain and mirrored.
    """
    features = [_strongest(one, max(20, MOST_FEATURES // max(1, len(features)))) for one in features]
    owner = np.repeat(np.arange(len(features)), [len(one.points) for one in features])
    if len(owner) <= _NEIGHBOURS:
        return []
    points = np.concatenate([one.points for one in features])
    found: list[Candidate] = []
    with using_threads(threads):
        projection, index, usual = _index(np.concatenate([one.descriptors for one in features]), seed)
        for mirror in (False, True):
            asking = [mirrored(one) for one in features] if mirror else features
            votes = _Votes(points, owner, usual, mirror)
            for first, last in _batches([len(one.points) for one in asking]):
                asked = np.concatenate([one.points for one in asking[first:last]])
                queries = projection(np.concatenate([one.descriptors for one in asking[first:last]]))
                askers = np.repeat(np.arange(first, last), [len(one.points) for one in asking[first:last]])
                votes.add(*search(index, queries, _NEIGHBOURS), asked, askers)
            found += votes.count()
    return sorted(found, key=lambda one: (-one.votes, one))


def _strongest(features: FieldFeatures, most: int) -> FieldFeatures:
    # OpenCV gives the strongest in no order; the largest are the ones that other captures show as well.
    if len(features.points) <= most:
        return features
    kept = np.sort(np.argsort(-features.points[:, 2], kind="stable")[:most])
    return type(features)(features.points[kept], features.descriptors[kept], features.thumbnail, features.width)


def _index(
    descriptors: NDArray[np.uint8], seed: int
) -> tuple[Callable[[NDArray[np.uint8]], NDArray[np.float32]], Index, float]:
    """Return the projection of descriptors, the index of all, and the usual distance to the last neighbour."""
    chosen = np.sort(
        np.random.default_rng(seed).choice(len(descriptors), min(_SAMPLE, len(descriptors)), replace=False)
    )
    mean, directions = principal_components(unit_descriptors(descriptors[chosen]), _COMPONENTS)

    def projection(some: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.asarray((unit_descriptors(some) - mean) @ directions, np.float32)

    stored = np.empty((len(descriptors), directions.shape[1]), np.float32)
    for start in range(0, len(descriptors), _BATCH):
        stored[start : start + _BATCH] = projection(descriptors[start : start + _BATCH])
    index = build_index(stored, seed=seed)
    distances, _ = search(index, stored[chosen[:: max(1, len(chosen) // _TYPICAL)]], _NEIGHBOURS)
    return projection, index, float(np.nanmedian(np.nanmax(distances, axis=1)))


def _batches(counts: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Part pictures into runs with about `_BATCH` features, so that memory stays bounded."""
    first, held = 0, 0
    for number, count in enumerate(counts, start=1):
        held += count
        if held >= _BATCH or number == len(counts):
            yield first, number
            first, held = number, 0


class _Votes:
    """Gathers what features say about pairs of pictures, batch by batch."""

    def __init__(self, points: NDArray[np.float32], owner: NDArray[np.int64], usual: float, mirror: bool) -> None:
        self._points, self._owner, self._usual, self._mirror = points, owner, usual, mirror
        self._pictures = int(owner[-1]) + 1
        self._cast: list[tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]] = []

    def add(
        self,
        distances: NDArray[np.float32],
        indices: NDArray[np.int64],
        asked: NDArray[np.float32],
        askers: NDArray[np.int64],
    ) -> None:
        """Add the votes of features (`asked`) of some pictures (`askers`) for the pictures of their neighbours."""
        # Where a field was captured more often than there are neighbours, the last of them is one of its captures too.
        scale = np.maximum(np.nanmax(distances, axis=1), _CAPTURE * self._usual)[:, None]
        weight = np.nan_to_num(np.clip(1 - distances / np.maximum(scale, 1e-9), 0, 1))
        query, rank = np.nonzero((weight > _LEAST_WEIGHT) & (self._owner[indices] != askers[:, None]))
        answer = indices[query, rank]
        one, other = askers[query], self._owner[answer]
        turn = self._points[answer, 3] - asked[query, 3]
        octaves = np.log2(self._points[answer, 2] / asked[query, 2])
        # Seen from the other picture turn and scale are inverted; the turn between mirror images is its own inverse.
        swapped = one > other
        turn = np.where(swapped, -turn, turn) if not self._mirror else turn
        octaves = np.where(swapped, -octaves, octaves)
        pair = np.minimum(one, other) * self._pictures + np.maximum(one, other)
        self._cast.append((pair, weight[query, rank], turn % 360, octaves))

    def count(self) -> list[Candidate]:
        """Return the pairs with enough votes that agree on turn and scale."""
        pair, weight, turn, octaves = (np.concatenate(part) for part in zip(*self._cast, strict=True))
        most: dict[int, float] = {}
        for offset in (0.0, 0.5):  # bins laid twice, so that votes near a border are together once
            turned = ((turn / 360 * _TURNS + offset) % _TURNS).astype(np.int64)
            scaled = np.clip(np.floor(octaves / _OCTAVES + offset) + _SCALES // 2, 0, _SCALES - 1).astype(np.int64)
            bins, inverse = np.unique((pair * _TURNS + turned) * _SCALES + scaled, return_inverse=True)
            votes = np.bincount(inverse, weights=weight)
            for place in np.nonzero(votes >= (LEAST_MIRRORED if self._mirror else LEAST_VOTES))[0]:
                key = int(bins[place]) // (_TURNS * _SCALES)
                most[key] = max(most.get(key, 0.0), float(votes[place]))
        return [Candidate(*divmod(key, self._pictures), votes, self._mirror) for key, votes in most.items()]
