"""Folds, and the labels that a permutation test may deal anew without leaving the design of the folds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.intp]

FOLDS: Final = 5
LEAST_IMAGES: Final = 10
"""Images that a class needs: two in each fold."""
LEAST_DEALS: Final = 20
"""Truly different ways to deal the labels below which a p value of 0.05 is not in reach."""


@dataclass(frozen=True, eq=False)
class Dealing:
    """Which images are tested together, and which keep their label together when labels are dealt anew.

    Attributes
    ----------
    unit
        (N,) int, the unit of each image: the image itself, or all images of one group with one label.
    labels, folds
        (U,) int, class and fold of each unit.
    """

    unit: Ints
    labels: Ints
    folds: Ints

    @property
    def image_folds(self) -> Ints:
        """(N,) int, the fold in which each image is tested."""
        return np.asarray(self.folds[self.unit])

    @property
    def count(self) -> int:
        """Number of folds."""
        return int(self.folds.max()) + 1


def deal_images(labels: Ints, seed: int) -> Dealing:
    """Deal images at random to folds, stratified by class, as the literature does.

    Parameters
    ----------
    labels
        (N,) int, at least `LEAST_IMAGES` of each class.
    seed
        Of the draw.
    """
    rng = np.random.default_rng((seed, 0))
    return Dealing(np.arange(len(labels)), labels, _deal(labels, FOLDS, rng))


def deal_groups(labels: Ints, groups: Ints, seed: int) -> Dealing | None:
    """Deal whole groups to folds, stratified by the class of most of their images.

    Parameters
    ----------
    labels, groups
        (N,) int.
    seed
        Of the draw.

    Returns
    -------
    Dealing or None
        With as many folds, 5 at most, as leave `LEAST_DEALS` ways to deal the labels anew and every class in two folds
        or more; None where no number of folds does.
    """
    group = np.unique(groups, return_inverse=True)[1]
    counts = np.zeros((int(group.max()) + 1, int(labels.max()) + 1), np.intp)
    np.add.at(counts, (group, labels), 1)
    main = counts.argmax(axis=1)
    least = int(np.unique(main, return_counts=True)[1].min())
    pairs, unit = np.unique(np.stack([group, labels]), axis=1, return_inverse=True)
    for count in range(min(FOLDS, least), 1, -1):
        folds = _deal(main, count, np.random.default_rng((seed, 1)))
        dealing = Dealing(unit.ravel(), pairs[1], folds[pairs[0]])
        if _ways(dealing) >= LEAST_DEALS and _all_can_be_learned(dealing):
            return dealing
    return None


def _deal(labels: Ints, folds: int, rng: np.random.Generator) -> Ints:
    """Shuffle the units of each class and deal them in turn, each class going on where the last one ended.

    Sizes are left out of account on purpose: then, given the folds, each way to deal the labels within them is as
    likely as any other under the null, and the permutation test is exact.
    """
    dealt, start = np.empty(len(labels), np.intp), 0
    for name in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == name))
        dealt[members] = (start + np.arange(len(members))) % folds
        start += len(members)
    return dealt


def _all_can_be_learned(dealing: Dealing) -> bool:
    """Whether each class lies in two folds or more, so that it can be learned in one and tested in another."""
    return all(len(np.unique(dealing.folds[dealing.labels == name])) > 1 for name in np.unique(dealing.labels))


def _ways(dealing: Dealing) -> float:
    """Return in how many ways labels can be dealt anew within the folds; classes that only change names count once."""
    logarithm = -math.lgamma(len(np.unique(dealing.labels)) + 1)
    for fold in range(dealing.count):
        sizes = np.unique(dealing.labels[dealing.folds == fold], return_counts=True)[1]
        logarithm += math.lgamma(sizes.sum() + 1) - sum(math.lgamma(size + 1) for size in sizes)
    return math.exp(min(logarithm, 700.0)) + 1e-6


def drawn_labels(dealing: Dealing, draws: int, seed: int) -> Ints:
    """Draw labels under the null: those of the units are dealt anew within each fold.

    Whole units, since the images of a session are alike whatever their class: exchanging single images would break that
    likeness, and give a null far too narrow (Winkler et al. 2015, doi 10.1016/j.neuroimage.2015.05.092). Within
    folds, since these are stratified by class: so every draw has as many units of each class in each fold as the data.

    Parameters
    ----------
    dealing
        The design.
    draws
        Number B.
    seed
        Of the draws; two probes with one seed and one dealing get the same draws.

    Returns
    -------
    ndarray
        (B, N) int.
    """
    rng = np.random.default_rng((seed, 2))
    labels = np.tile(dealing.labels, (draws, 1))
    for fold in range(dealing.count):
        members = np.flatnonzero(dealing.folds == fold)
        order = rng.random((draws, len(members))).argsort(axis=1)
        labels[:, members] = dealing.labels[members][order]
    return labels[:, dealing.unit]
