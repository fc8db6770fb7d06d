"""Making a split: by image, by patient, or in contiguous blocks."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final, Literal

from leukolens.data.blocks import BlockFold, arrange, cut_blocks, held_out_block
from leukolens.data.catalogue import Catalogue, catalogue_sha256, fingerprint, images_per_label, sha256_of
from leukolens.data.dealing import collect, deal_folds, draw_part
from leukolens.data.grouping import group_images
from leukolens.data.split import METHODS, Fold, Method, Split, SplitItem, sealed
from leukolens.data.verify import verify_split
from leukolens.finding import DataError, UsageError, nearest
from leukolens.finding.paths import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_GROUPING: Final[dict[Method, str]] = {
    "random-image": "exact duplicates (same bytes) stay together; nothing else does",
    "patient": "all images of a patient and exact duplicates (same bytes) stay together",
    "blocks": "each class in contiguous blocks of its files in natural order, with an embargo around tested and "
    "validation blocks; a training image that duplicates a held-out one, or shares its patient or group, is left out",
}
_NOTE: Final[dict[Method, str]] = {
    "random-image": "Split at random by image: neighbours, repeated captures of a field and images of one patient "
    "stand on both sides, so figures from it are higher than on new patients.",
    "patient": "Split by patient: no patient stands on both sides.",
    "blocks": "Split in blocks of neighbouring files: it keeps neighbours apart only where file numbers follow the "
    "order of capture; a class that interleaves its patients still has them on both sides.",
}


def make_split(
    catalogue: Catalogue,
    *,
    method: Method,
    folds: int = 5,
    seed: int = 88,
    validation: float | Literal["none"] = "none",
    embargo: int = 0,
    test_share: float = 0.2,
    groups: Mapping[str, str] | None = None,
) -> Split:
    """Split a data set into folds, before anything is augmented or segmented.

    Parameters
    ----------
    catalogue
        The data set; it is fingerprinted here where it has not been.
    method
        "random-image": stratified by class, exact duplicates together. "patient": whole patients, stratified as far as
        they allow. "blocks": contiguous blocks of each class' files in natural order.
    folds
        Number of folds; every image is tested in exactly one. With 1, one part is held out.
    seed
        Of the random order; for "blocks" it only places the part held out with one fold.
    validation
        Share of what is not tested that validates instead of training, by the same principle; or "none".
    embargo
        Only for "blocks": files on either side of a tested or validation block that are used for nothing.
    test_share
        With one fold, the share of images to hold out.
    groups
        Path to name of a group, for images known to belong together: they never stand on two sides. With "patient"
        a group does instead of a patient.

    Returns
    -------
    Split
        Verified against the catalogue.

    Raises
    ------
    UsageError
        A value out of its range, or one that the method does not use.
    DataError
        The data set is too small, has one class only, or has no patients where they are needed.
    """
    part = _checked(method, folds, seed, validation, embargo, test_share)
    catalogue = fingerprint(catalogue)
    _enough(catalogue)
    numbers = group_images(catalogue, by_patient=method != "random-image", groups=groups, required=method == "patient")
    share = Fraction(str(test_share))
    if method == "blocks":
        made = _block_folds(catalogue, numbers, folds, seed, part, embargo, share)
    else:
        made = _group_folds(catalogue, numbers, folds, seed, part, share)
    grouping, note = _GROUPING[method], _NOTE[method]
    if groups:
        grouping += "; images of one given group stay together"
    leaky = method == "random-image" or (method == "blocks" and embargo == 0)
    split = sealed(
        Split(
            method=method,
            seed=seed,
            parameters=_parameters(method, folds, validation, embargo, test_share),
            labels=catalogue.classes,
            layout=catalogue.layout,
            grouping=grouping,
            leaky=leaky,
            note=note
            + (
                " Without an embargo the ends of neighbouring blocks touch."
                if method == "blocks" and embargo == 0 and leaky
                else ""
            ),
            catalogue_sha256=catalogue_sha256(catalogue),
            items=tuple(
                SplitItem(path=plain(item.path), sha256=sha256_of(item), label=item.label, group=number)
                for item, number in zip(catalogue.items, numbers, strict=True)
            ),
            folds=tuple(made),
        )
    )
    return verify_split(split, catalogue)


def _checked(
    method: str, folds: int, seed: int, validation: float | str, embargo: int, test_share: float
) -> Fraction | None:
    if method not in METHODS:
        raise UsageError(f"There is no method {method!r} to split by", todo=nearest(method, METHODS))
    _in_range("folds", folds, folds >= 1, "1 or more")
    _in_range("seed", seed, seed >= 0, "0 or more")
    _in_range("embargo", embargo, embargo >= 0, "0 or more")
    _in_range("embargo", embargo, embargo == 0 or method == "blocks", "0: only the method 'blocks' has an embargo")
    _in_range("test_share", test_share, 0 < test_share < 1, "above 0 and below 1")
    if validation == "none":
        return None
    _in_range("validation", validation, not isinstance(validation, str) and 0 < validation < 1, "'none', or 0 to 1")
    return Fraction(str(validation))


def _in_range(name: str, value: object, right: bool, expected: str) -> None:
    if not right:
        raise UsageError(f"The value of {name} does not fit", expected=expected, found=repr(value))


def _parameters(
    method: Method, folds: int, validation: float | str, embargo: int, test_share: float
) -> dict[str, int | float | str]:
    values: dict[str, int | float | str] = {"folds": folds, "validation": validation}
    if folds == 1:
        values["test_share"] = test_share
    if method == "blocks":
        values["embargo"] = embargo
    return values


def _enough(catalogue: Catalogue) -> None:
    empty = [name for name, n in catalogue.counts().items() if n == 0]
    if len(catalogue.classes) < 2 or empty:
        raise DataError(
            "This data set cannot be split",
            expected="images of at least two classes",
            found=f"no image of {empty[0]!r}" if empty else f"only the class {catalogue.classes[0]!r}",
            todo="add images of the other class",
        )


def _group_folds(
    catalogue: Catalogue, numbers: Sequence[int], folds: int, seed: int, part: Fraction | None, share: Fraction
) -> list[Fold]:
    labels = [item.label for item in catalogue.items]
    everything = range(len(labels))
    _groups_per_class(catalogue, numbers)
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


def _groups_per_class(catalogue: Catalogue, numbers: Sequence[int]) -> None:
    for name in catalogue.classes:
        n = len({number for item, number in zip(catalogue.items, numbers, strict=True) if item.label == name})
        if n < 2:
            raise DataError(
                f"The class {name!r} cannot stand on both sides of a split",
                expected="at least two groups of images (patients, or images that are no duplicates) a class",
                found=str(n),
                todo="add images of this class, or leave the class out",
            )


def _block_folds(
    catalogue: Catalogue,
    numbers: Sequence[int],
    folds: int,
    seed: int,
    part: Fraction | None,
    embargo: int,
    share: Fraction,
) -> list[Fold]:
    sides: list[list[BlockFold]] = [[] for _ in range(folds)]
    members = images_per_label([item.label for item in catalogue.items], catalogue.classes)
    for order, (name, indices) in enumerate(members.items()):
        hashes = [sha256_of(catalogue.items[index]) for index in indices]
        blocks = [held_out_block(hashes, share, (seed, order))] if folds == 1 else cut_blocks(hashes, folds)
        for fold, block in enumerate(blocks):
            placed = arrange(hashes, block, embargo=embargo, validation=part, label=name)
            sides[fold].append(_as_indices(placed, indices))
    return [_joined(classes, numbers) for classes in sides]


def _as_indices(placed: BlockFold, indices: Sequence[int]) -> BlockFold:
    def at(positions: Iterable[int]) -> list[int]:
        return [indices[position] for position in positions]

    return BlockFold(at(placed.train), at(placed.validation), at(placed.test), at(placed.left_out))


def _joined(classes: Sequence[BlockFold], numbers: Sequence[int]) -> Fold:
    test = sorted(index for one in classes for index in one.test)
    tested = {numbers[index] for index in test}
    wished = [index for one in classes for index in one.validation]
    validation = sorted(index for index in wished if numbers[index] not in tested)
    held = tested | {numbers[index] for index in validation}
    train = sorted(index for one in classes for index in one.train if numbers[index] not in held)
    used = {*test, *validation, *train}
    left_out = sorted(i for one in classes for i in (*one.left_out, *one.validation, *one.train) if i not in used)
    return Fold(train=tuple(train), validation=tuple(validation), test=tuple(test), left_out=tuple(left_out))
