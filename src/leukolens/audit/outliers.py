"""Outliers: pictures that look like hardly any other one of the data set.

The score of a picture is its mean distance to its ten nearest neighbours outside its own group, in the features of
`leukolens.audit.features`, robustly scaled and reduced to their main directions. A data set is a mixture of classes,
slides and stains: a distance to one centre (Mahalanobis) calls every rare stain an outlier as a whole and sees nothing
between the clouds, and an isolation forest is random and cuts along the axes only. The distance to neighbours needs
no model of the clouds, and is among the most accurate and the most stable in comparisons [1]_ [2]_. Copies of a
picture are left out, else an odd picture that is there twice would look ordinary.

References
----------
.. [1] Campos et al. 2016, On the evaluation of unsupervised outlier detection, doi 10.1007/s10618-015-0444-8.
.. [2] Goldstein & Uchida 2016, A comparative evaluation of unsupervised anomaly detection algorithms,
   doi 10.1371/journal.pone.0152173.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.audit.features import NAMES
from leukolens.audit.robust import EXTREME, robust_z

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST: Final = 20
"""Pictures from which on one can be said to be unlike the others."""
NEIGHBOURS: Final = 10

_CLIP: Final = 10.0  # robust standard deviations beyond which a feature counts no more
_KEPT: Final = 0.95  # share of the variance
_BLOCK: Final = 512
_TOLD: Final = 3


@dataclass(frozen=True, slots=True)
class Outlier:
    """A picture unlike the others.

    Attributes
    ----------
    index
        Its number.
    distance
        Mean distance to its nearest neighbours.
    z
        Robust z score of the logarithm of that.
    because
        The features that stand out most, with their robust z scores.
    """

    index: int
    distance: float
    z: float
    because: tuple[tuple[str, float], ...]


def find_outliers(features: NDArray[np.float32], groups: Sequence[int]) -> list[Outlier]:
    """Find pictures whose neighbours are further off than those of the others.

    Parameters
    ----------
    features
        (n, len(NAMES)), n at least `LEAST`.
    groups
        (n,) number of the group of pictures that show the same; these are not neighbours of each other.

    Returns
    -------
    list of Outlier
        Those with a robust z score above 3.5, the furthest first.
    """
    scaled = scale_features(features)
    distances = neighbour_distances(main_directions(np.clip(scaled, -_CLIP, _CLIP)), groups)
    scores = robust_z(np.log(np.maximum(distances, 1e-9)))
    found = np.flatnonzero(scores > EXTREME)
    order = found[np.argsort(-scores[found], kind="stable")]
    return [Outlier(int(i), float(distances[i]), float(scores[i]), _because(scaled[i])) for i in order]


def scale_features(features: NDArray[np.float32]) -> Floats:
    """Return the features (n, d) as robust z scores within the data set."""
    return np.column_stack([robust_z(column) for column in np.asarray(features, np.float64).T])


def main_directions(values: Floats) -> Floats:
    """Project (n, d) values on the fewest directions that hold 95 % of their variance (principal components)."""
    centred = values - values.mean(axis=0)
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    shares = np.cumsum(sizes**2) / max(float((sizes**2).sum()), 1e-300)
    kept = int(np.searchsorted(shares, _KEPT)) + 1
    return np.asarray(centred @ directions[:kept].T)


def neighbour_distances(values: Floats, groups: Sequence[int], neighbours: int = NEIGHBOURS) -> Floats:
    """Return for each of (n, d) values the mean distance to its nearest neighbours of other groups.

    Where fewer are in other groups than asked for, all of them count; where there is none, the distance is 0.
    """
    own = np.asarray(groups)
    squares = (values**2).sum(axis=1)
    found = np.zeros(len(values))
    for start in range(0, len(values), _BLOCK):
        rows = slice(start, start + _BLOCK)
        distance = np.sqrt(np.maximum(squares[rows, None] + squares - 2 * values[rows] @ values.T, 0.0))
        distance[own[rows, None] == own] = np.inf
        nearest = np.sort(np.partition(distance, min(neighbours, len(values) - 1), axis=1)[:, :neighbours], axis=1)
        counted = np.isfinite(nearest)
        found[rows] = np.where(counted, nearest, 0.0).sum(axis=1) / np.maximum(counted.sum(axis=1), 1)
    return found


def _because(scaled: Floats) -> tuple[tuple[str, float], ...]:
    order = np.argsort(-np.abs(scaled), kind="stable")[:_TOLD]
    return tuple((NAMES[i], float(scaled[i])) for i in order)
