"""Folds that each test one laboratory and train on the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leukolens.data.dealing import collect, draw_part
from leukolens.data.split import Fold
from leukolens.finding import DataError
from leukolens.finding.paths import natural_key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from leukolens.data.catalogue import Catalogue

_MOST = 2
"""How many times its share of images a validation side of whole laboratories may have."""


def laboratories_of(catalogue: Catalogue) -> tuple[str, ...]:
    """Return the laboratories of a data set in natural order, once each class can be learned without any of them.

    Raises
    ------
    DataError
        An image has no laboratory, there is one only, or a class is from one only.
    """
    without = [item.path for item in catalogue.items if item.laboratory is None]
    if without:
        raise DataError(
            f"{len(without)} images have no laboratory, {without[0]!r} first",
            expected="a laboratory for every image, to leave one out",
            todo="name the column of laboratories (--laboratory-column)",
        )
    found = sorted({item.laboratory for item in catalogue.items if item.laboratory is not None}, key=natural_key)
    if len(found) < 2:
        raise DataError(
            "One laboratory cannot be left out of one",
            expected="images of at least two laboratories",
            found=f"only {found[0]!r}",
            todo="add another laboratory's images, or choose another method",
        )
    for name in catalogue.classes:
        own = {item.laboratory for item in catalogue.items if item.label == name}
        if len(own) < 2:
            raise DataError(
                f"The class {name!r} is from one laboratory only, and cannot be learned where that is left out",
                expected="images of every class from at least two laboratories",
                found=f"{name!r} from {next(iter(own))!r} alone",
                todo="add another laboratory's images of this class, join classes, or leave the class out",
            )
    return tuple(found)


def laboratory_folds(
    catalogue: Catalogue, numbers: Sequence[int], laboratories: Sequence[str], seed: int, part: Fraction | None
) -> tuple[list[Fold], bool]:
    """Test each laboratory once, on a network that saw the others.

    Parameters
    ----------
    catalogue
        The data set.
    numbers
        The group of each image: images of a held-out group, in whichever laboratory, are left out of training.
    laboratories
        From `laboratories_of`.
    seed
        Of the draw of what validates.
    part
        Share of the training laboratories' images that validates, or None.

    Returns
    -------
    folds : list of Fold
        One a laboratory, in the order given; the tested side may lack a class.
    whole : bool
        Whether the validation sides are whole laboratories. They are, where some can be spared that hold at most twice
        the share in every fold; else they are groups of images of the training laboratories.

    Raises
    ------
    DataError
        Images that belong together leave a class without training images, or nothing to validate.
    """
    labels = [item.label for item in catalogue.items]
    at = [laboratories.index(item.laboratory or "") for item in catalogue.items]
    rests = []
    for laboratory in range(len(laboratories)):
        tested = {numbers[index] for index, own in enumerate(at) if own == laboratory}
        rests.append([i for i, own in enumerate(at) if own != laboratory and numbers[i] not in tested])
    held = [_whole(rest, at, labels, part, (seed, n)) for n, rest in enumerate(rests)] if part else [[] for _ in rests]
    whole = all(part is None or 0 < len(one) <= _MOST * part * len(rest) for one, rest in zip(held, rests, strict=True))
    if part and not whole:
        held = [draw_part(collect(rest, numbers), labels, part, (seed, n)) for n, rest in enumerate(rests)]
    made = []
    for laboratory, (rest, validation) in enumerate(zip(rests, held, strict=True)):
        near = {numbers[index] for index in validation}
        train = [index for index in rest if numbers[index] not in near]
        _learnable(catalogue, train, validation, laboratories[laboratory], validated=part is not None)
        test = [index for index, own in enumerate(at) if own == laboratory]
        used = {*test, *validation, *train}
        left_out = [index for index in range(len(at)) if index not in used]
        made.append(Fold(train=tuple(train), validation=tuple(validation), test=tuple(test), left_out=tuple(left_out)))
    return made, whole


def _whole(
    rest: Sequence[int], at: Sequence[int], labels: Sequence[str], part: Fraction, seed: tuple[int, int]
) -> list[int]:
    return draw_part(collect(rest, at), labels, part, seed)


def _learnable(
    catalogue: Catalogue, train: Sequence[int], validation: Sequence[int], laboratory: str, *, validated: bool
) -> None:
    missing = [name for name in catalogue.classes if name not in {catalogue.items[index].label for index in train}]
    if missing or (validated and not validation):
        what = f"no training image of {missing[0]!r}" if missing else "no image to validate"
        raise DataError(
            f"Without the laboratory {laboratory!r} too little is left to learn from",
            expected="training images of every class, and images to validate, of other laboratories' own groups",
            found=what,
            todo="add images, or ask for no validation side",
        )
