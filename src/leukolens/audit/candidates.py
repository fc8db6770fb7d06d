"""Which pairs of pictures are worth registering: those whose features are nearer to each other than to all others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from leukolens.audit.field_features import mirrored, unit_descriptors
from leukolens.audit.nearest import nearest_neighbours, principal_components

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from leukolens.audit.field_features import FieldFeatures

MOST_FEATURES: Final = 1_200_000
"""Features of all pictures together that are compared; of many pictures each keeps fewer."""
LEAST_VOTES: Final = 1.5
"""Votes from which a pair is registered: captures of one field have from 3 to hundreds, other pairs hardly ever 2."""

_COMPONENTS: Final = 48  # of 128; they hold 91 % of the variance of descriptors of smears
_SAMPLE: Final = 60_000  # descriptors that the components are learned from
_NEIGHBOURS: Final = 12
_LEAST_WEIGHT: Final = 0.1
_CAPTURE: Final = 0.3  # of the usual distance to the last neighbour; two captures of one feature are nearer than this
_CHUNK: Final = 50_000
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
        Those with `LEAST_VOTES` or more, the most voted first. A pair can stand in it plain and mirrored.
    """
    features = [_strongest(one, max(20, MOST_FEATURES // max(1, len(features)))) for one in features]
    owner = np.repeat(np.arange(len(features)), [len(one.points) for one in features])
    if len(owner) <= _NEIGHBOURS:
        return []
    descriptors = np.concatenate([one.descriptors for one in features])
    sample = np.random.default_rng(seed).choice(len(owner), min(_SAMPLE, len(owner)), replace=False)
    basis = principal_components(unit_descriptors(descriptors[np.sort(sample)]), _COMPONENTS)
    stored = _projected(descriptors, *basis)
    points = np.concatenate([one.points for one in features])
    found: list[Candidate] = []
    for mirror in (False, True):
        asking = [mirrored(one) for one in features] if mirror else features
        queries = _projected(np.concatenate([one.descriptors for one in asking]), *basis) if mirror else stored
        nearest = nearest_neighbours(stored, queries, count=_NEIGHBOURS, seed=seed, threads=threads)
        asked = np.concatenate([one.points for one in asking]) if mirror else points
        found += _elected(*nearest, asked, points, owner, mirror)
    return sorted(found, key=lambda one: (-one.votes, one))


def _strongest(features: FieldFeatures, most: int) -> FieldFeatures:
    # OpenCV gives the strongest in no order; the largest are the ones that other captures show as well.
    if len(features.points) <= most:
        return features
    kept = np.sort(np.argsort(-features.points[:, 2], kind="stable")[:most])
    return type(features)(features.points[kept], features.descriptors[kept], features.thumbnail, features.width)


def _projected(
    descriptors: NDArray[np.uint8], mean: NDArray[np.float32], directions: NDArray[np.float32]
) -> NDArray[np.float32]:
    out = np.empty((len(descriptors), directions.shape[1]), np.float32)
    for start in range(0, len(descriptors), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        out[chunk] = (unit_descriptors(descriptors[chunk]) - mean) @ directions
    return out


def _elected(
    distances: NDArray[np.float32],
    indices: NDArray[np.int64],
    asked: NDArray[np.float32],
    points: NDArray[np.float32],
    owner: NDArray[np.int64],
    mirror: bool,
) -> list[Candidate]:
    finite = np.where(np.isfinite(distances), distances, np.nan)
    last = np.nanmax(finite, axis=1)
    # Where a field was captured more often than there are neighbours, the last of them is one of its captures too.
    scale = np.maximum(last, _CAPTURE * np.median(last))[:, None]
    weight = np.nan_to_num(np.clip(1 - finite / np.maximum(scale, 1e-9), 0, 1))
    query, rank = np.nonzero((weight > _LEAST_WEIGHT) & (owner[indices] != owner[:, None]))
    answer = indices[query, rank]
    one, other = owner[query], owner[answer]
    turn = points[answer, 3] - asked[query, 3]
    octaves = np.log2(points[answer, 2] / asked[query, 2])
    # Seen from the other picture turn and scale are the inverse; the turn between mirror images is its own inverse.
    swapped = one > other
    turn = np.where(swapped & (not mirror), -turn, turn) % 360
    octaves = np.where(swapped, -octaves, octaves)
    pictures = int(owner[-1]) + 1
    pair = np.minimum(one, other) * pictures + np.maximum(one, other)
    return _counted(pair, weight[query, rank], turn, octaves, pictures, mirror)


def _counted(
    pair: NDArray[np.int64],
    weight: NDArray[np.float32],
    turn: NDArray[np.float32],
    octaves: NDArray[np.float32],
    pictures: int,
    mirror: bool,
) -> list[Candidate]:
    most: dict[int, float] = {}
    for offset in (0.0, 0.5):  # bins laid twice, so that votes near a border are together once
        turned = ((turn / 360 * _TURNS + offset) % _TURNS).astype(np.int64)
        scaled = np.clip(np.floor(octaves / _OCTAVES + offset) + _SCALES // 2, 0, _SCALES - 1).astype(np.int64)
        bins, inverse = np.unique((pair * _TURNS + turned) * _SCALES + scaled, return_inverse=True)
        votes = np.bincount(inverse, weights=weight)
        for place in np.nonzero(votes >= LEAST_VOTES)[0]:
            key = int(bins[place]) // (_TURNS * _SCALES)
            most[key] = max(most.get(key, 0.0), float(votes[place]))
    return [Candidate(key // pictures, key % pictures, votes, mirror) for key, votes in most.items()]
