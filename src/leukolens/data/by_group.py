"""Folds of whole groups of images, stratified by class as far as the groups allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leukolens.data.dealing import collect, deal_folds, draw_part
from leukolens.data.split import Fold
from leukolens.finding import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from leukolens.data.catalogue import Catalogue


def group_folds(
    catalogue: Catalogue, numbers: Sequence[int], folds: int, seed: int, part: Fraction | None, share: Fraction
) -> list[Fold]:
    """Deal whole groups out to folds.

    Parameters
    ----------
    catalogue
        The data set.
    numbers
        The group of each image.
    folds, seed
        See `leukolens.data.splitting.make_split`.
    part
        Share of what is not tested that validates, or None.
    share
        With one fold, the share to hold out.

    Raises
    ------
    DataError
        A class has fewer than two groups.
    """
    labels = [item.label for item in catalogue.items]
    everything = range(len(labels))
    enough_groups(catalogue, numbers, 2)
    together = collect(everything, numbers)
    if folds == 1:
        tested = [draw_part(together, labels, share, (seed, 0))]
    else:
        tested = deal_folds(together, labels, folds, (seed, 0))
    made = []
    for number, test in enumerate(tested, start=1):
        held = set(test)
        rest = [index for index in everything if index not in held]
        validation = draw_part(collect(rest, numbers), labels, part, (seed, number)) if part else []
        train = sorted(set(rest) - set(validation))
        made.append(Fold(train=tuple(train), validation=tuple(validation), test=tuple(test), left_out=()))
    return made


def groups_of(catalogue: Catalogue, numbers: Sequence[int], name: str) -> int:
    """Return how many groups hold an image of a class."""
    return len({number for item, number in zip(catalogue.items, numbers, strict=True) if item.label == name})


def enough_groups(catalogue: Catalogue, numbers: Sequence[int], wanted: int, why: str = "") -> None:
    """See that every class has so many groups.

    Raises
    ------
    DataError
        One has fewer.
    """
    for name in catalogue.classes:
        found = groups_of(catalogue, numbers, name)
        if found < wanted:
            raise DataError(
                f"The class {name!r} cannot stand on both sides of a split",
                expected=f"at least {'two' if wanted == 2 else wanted} groups of images (patients, recovered sessions, "
                f"or images that are no duplicates) a class{why}",
                found=str(found),
                todo="add images of this class"
                + (", ask for fewer folds" if wanted > 2 else "")
                + ", or leave the class out",
            )
