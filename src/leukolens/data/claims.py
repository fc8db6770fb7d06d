"""Whether a split is what its method says: laboratories whole, groups as many as told, leaky where it must be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leukolens.data.split import LEAKY_METHODS
from leukolens.finding import DataError

if TYPE_CHECKING:
    from leukolens.data.split import Split

_TODO: Final = "make the split again"


def check_claims(split: Split) -> None:
    """Check a split against its own method.

    Groups on two sides, copies on two sides and the embargo are `leukolens.data.verify`'s.

    Raises
    ------
    DataError
        It claims what it does not keep.
    """
    if split.method in LEAKY_METHODS and not split.leaky:
        raise DataError("A split by image says that it is not leaky", todo=_TODO)
    blocks = set(split.labels) - set(split.by_session)
    if split.embargo == 0 and blocks and not split.leaky:
        raise DataError("A split in blocks without an embargo says that it is not leaky", todo=_TODO)
    _groups_as_told(split)
    if split.method == "leave-one-laboratory-out":
        _laboratories_whole(split)


def _groups_as_told(split: Split) -> None:
    told = split.groups
    if told is None:
        if split.by_session:
            raise DataError("The split names classes that are split by sessions, and no groups file", todo=_TODO)
        return
    number = len({item.group for item in split.items})
    if number != told.number:
        raise DataError(
            "The split does not hold the groups that it names",
            expected=f"{told.number} groups, from {told.file}",
            found=str(number),
            todo=_TODO,
        )
    if split.by_session and "session_group" not in told.columns:
        raise DataError("The split names classes that are split by sessions, and heeds no sessions", todo=_TODO)


def _laboratories_whole(split: Split) -> None:
    for number, fold in enumerate(split.folds):
        tested = {split.items[index].laboratory for index in fold.test}
        name = min(tested, key=str)
        trained = {split.items[index].laboratory for index in (*fold.train, *fold.validation)}
        if len(tested) != 1 or name is None or name in trained:
            raise DataError(
                f"Fold {number} does not leave one laboratory out",
                expected="tests of one laboratory, and none of its images in training or validation",
                found=", ".join(sorted(map(str, tested)))
                + (" in the test" if len(tested) != 1 else " on two sides" if name else " in the test"),
                todo=_TODO,
            )
