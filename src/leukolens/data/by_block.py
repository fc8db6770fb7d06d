"""Folds of contiguous blocks; a class whose sessions alternate along its files is dealt out by sessions instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leukolens.data.blocks import BlockFold, arrange, cut_blocks, held_out_block
from leukolens.data.catalogue import images_per_label, sha256_of
from leukolens.data.dealing import collect, deal_folds, draw_part
from leukolens.data.groups import interleaved
from leukolens.data.split import Fold
from leukolens.finding import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from fractions import Fraction

    from leukolens.data.catalogue import Catalogue
    from leukolens.data.groups import Groups


def interleaved_classes(catalogue: Catalogue, groups: Groups) -> tuple[str, ...]:
    """Return the classes whose recovered sessions alternate along their files, see `leukolens.data.groups`."""
    sessions = groups.names["session_group"]
    members = images_per_label([item.label for item in catalogue.items], catalogue.classes)
    return tuple(name for name, indices in members.items() if interleaved([sessions[index] for index in indices]))


def block_folds(
    catalogue: Catalogue,
    numbers: Sequence[int],
    folds: int,
    seed: int,
    part: Fraction | None,
    embargo: int,
    share: Fraction,
    by_session: Sequence[str] = (),
) -> list[Fold]:
    """Cut each class into blocks, and deal the groups of some classes out instead.

    Parameters
    ----------
    catalogue
        The data set, in natural order.
    numbers
        The group of each image: a training image whose group is held out is left out.
    folds, seed, part, share
        See `leukolens.data.by_group.group_folds`.
    embargo
        Files on either side of a held-out block that are left out.
    by_session
        Classes to deal out by their groups.

    Raises
    ------
    DataError
        A class is too small for the blocks, or has too few groups.
    """
    sides: list[list[BlockFold]] = [[] for _ in range(folds)]
    members = images_per_label([item.label for item in catalogue.items], catalogue.classes)
    labels = [item.label for item in catalogue.items]
    for order, (name, indices) in enumerate(members.items()):
        if name in by_session:
            placed = _dealt(name, indices, labels, numbers, folds, (seed, order), part, share)
        else:
            hashes = [sha256_of(catalogue.items[index]) for index in indices]
            blocks = [held_out_block(hashes, share, (seed, order))] if folds == 1 else cut_blocks(hashes, folds)
            placed = [
                _as_indices(arrange(hashes, block, embargo=embargo, validation=part, label=name), indices)
                for block in blocks
            ]
        for fold, one in enumerate(placed):
            sides[fold].append(one)
    return [_joined(classes, numbers) for classes in sides]


def _dealt(
    name: str,
    indices: Sequence[int],
    labels: Sequence[str],
    numbers: Sequence[int],
    folds: int,
    seed: tuple[int, int],
    part: Fraction | None,
    share: Fraction,
) -> list[BlockFold]:
    together = collect(indices, numbers)
    wanted = max(folds, 2) + (part is not None)
    if len(together) < wanted:
        raise DataError(
            f"The class {name!r} has too few recovered sessions to be split by them",
            expected=f"at least {wanted}: one for each fold{', and one to validate' if part is not None else ''}",
            found=str(len(together)),
            todo="ask for fewer folds, or add images of other sessions; its files interleave their sessions, so that "
            "blocks would not part them",
        )
    if folds == 1:
        tested = [draw_part(together, labels, share, (*seed, 0))]
    else:
        tested = deal_folds(together, labels, folds, (*seed, 0))
    made = []
    for number, test in enumerate(tested, start=1):
        held = set(test)
        rest = [index for index in indices if index not in held]
        validation = draw_part(collect(rest, numbers), labels, part, (*seed, number)) if part else []
        made.append(BlockFold(sorted(set(rest) - set(validation)), validation, test, []))
    return made


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
