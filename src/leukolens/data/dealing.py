"""Dealing groups of images out to folds, every class evenly, the same way on every machine."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Groups = list[list[int]]
Seed = int | tuple[int, ...]


def collect(indices: Iterable[int], groups: Sequence[int]) -> Groups:
    """Return the images of each group, in the order in which the groups first appear among `indices`."""
    found: dict[int, list[int]] = {}
    for index in indices:
        found.setdefault(groups[index], []).append(index)
    return list(found.values())


def shuffled(groups: Groups, seed: Seed) -> Groups:
    """Return the groups in a random order.

    Fisher and Yates' shuffle over the raw words of PCG64, whose stream numpy keeps fixed between versions; the methods
    of `numpy.random.Generator` have no such promise. The bias of the remainder is below 2**-40.
    """
    words = np.random.PCG64(seed)
    order = list(groups)
    for last in range(len(order) - 1, 0, -1):
        other = int(words.random_raw()) % (last + 1)
        order[last], order[other] = order[other], order[last]
    return order


def deal_folds(groups: Groups, labels: Sequence[str], folds: int, seed: Seed) -> list[list[int]]:
    """Deal whole groups out to folds of nearly equal size and class shares.

    The largest groups come first, those of one size in random order; each goes where its classes are rarest so far,
    measured against the class' total, then to the smallest fold. Groups of one image each give folds whose count of
    every class differs by one at most.

    Parameters
    ----------
    groups
        Images that stay together; a partition of the images to deal.
    labels
        Label of every image of the data set.
    folds
        How many.
    seed
        Of the shuffle.

    Returns
    -------
    list of list of int
        The images of each fold, ascending.
    """
    totals = Counter(labels[index] for group in groups for index in group)
    dealt: list[list[int]] = [[] for _ in range(folds)]
    held: list[Counter[str]] = [Counter() for _ in range(folds)]
    for group in sorted(shuffled(groups, seed), key=len, reverse=True):
        own = Counter(labels[index] for index in group)

        def load(fold: int, own: Counter[str] = own) -> tuple[Fraction, int, int]:
            # What the sum of squared class shares grows by; exact, so that ties are ties on every machine.
            grown = (Fraction(n * (2 * held[fold][name] + n), totals[name] ** 2) for name, n in sorted(own.items()))
            return sum(grown, Fraction(0)), len(dealt[fold]), fold

        chosen = min(range(folds), key=load)
        dealt[chosen] += group
        held[chosen] += own
    return [sorted(images) for images in dealt]


def draw_part(groups: Groups, labels: Sequence[str], share: Fraction, seed: Seed) -> list[int]:
    """Draw whole groups that hold about `share` of every class.

    Groups are tried in random order, the largest first, and taken while they bring the class counts nearer to their
    targets. The last group of a class is never taken, so that the rest can still be learned from.

    Parameters
    ----------
    groups
        Images that stay together.
    labels
        Label of every image of the data set.
    share
        Wanted share, above 0 and below 1.
    seed
        Of the shuffle.

    Returns
    -------
    list of int
        The images drawn, ascending; none if no group can be spared.
    """
    totals = Counter(labels[index] for group in groups for index in group)
    left = Counter(name for group in groups for name in {labels[index] for index in group})
    held: Counter[str] = Counter()
    drawn: list[int] = []
    spare: list[list[int]] = []
    for group in sorted(shuffled(groups, seed), key=len, reverse=True):
        own = Counter(labels[index] for index in group)
        if any(left[name] < 2 for name in own):
            continue
        spare.append(group)
        if _gain(own, held, totals, share) > 0:
            drawn += group
            held += own
            left -= Counter(dict.fromkeys(own, 1))
    if not drawn and spare:
        drawn = min(spare, key=len)
    return sorted(drawn)


def _gain(own: Counter[str], held: Counter[str], totals: Counter[str], share: Fraction) -> Fraction:
    # How much nearer to the targets, as a sum of squared distances of class shares.
    gain = Fraction(0)
    for name, n in sorted(own.items()):
        short = share * totals[name] - held[name]
        gain += (short**2 - (short - n) ** 2) / totals[name] ** 2
    return gain
