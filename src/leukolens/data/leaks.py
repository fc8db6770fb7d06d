"""What stands on two sides of a split: counted for a leaky one, refused for one that says there is nothing."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final, Literal

from leukolens.data.split import LEAKY_METHODS
from leukolens.finding import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from leukolens.data.groups import Column, Groups
    from leukolens.data.split import Fold, Split

HeldOut = Literal["test", "validation"]
_SAME: Final[tuple[Column, ...]] = ("duplicate_group", "field_group")
_WORDS: Final = {
    "duplicate_group": "are near-duplicates",
    "field_group": "show one field",
    "session_group": "are of one session",
}


@dataclass(frozen=True)
class Shared:
    """How many held-out images share something with a training image.

    Attributes
    ----------
    file, sha256
        Of the groups file that says so.
    side
        "test" or "validation".
    images
        On that side.
    fields
        Those of which training holds a copy, a near-duplicate or another capture of the same field.
    sessions
        Those of which training holds an image of the same session.
    """

    file: str
    sha256: str
    side: HeldOut
    images: int
    fields: int
    sessions: int

    def sentence(self) -> str:
        """Say so."""
        return (
            f"Of {self.images} {self.side} images, {self.fields} have a capture of the same field in training and "
            f"{self.sessions} an image of the same session ({self.file} {self.sha256[:12]})."
        )


def shared_with_training(fold: Fold, groups: Groups, side: HeldOut = "test") -> Shared:
    """Count the held-out images of a fold that share a field, or a session, with a training image.

    Parameters
    ----------
    fold
        Of a split of the same catalogue as the groups.
    groups
        From `leukolens.data.groups.read_groups`.
    side
        Which side is held out.
    """
    held: Sequence[int] = getattr(fold, side)
    trained = {column: _names(groups, column, fold.train) for column in groups.names}
    fields = sum(any(groups.names[one][index] in trained[one] for one in _SAME) for index in held)
    sessions = sum(groups.names["session_group"][index] in trained["session_group"] for index in held)
    return Shared(groups.file, groups.sha256, side, len(held), fields, sessions)


def add_shared(parts: Iterable[Shared]) -> Shared | None:
    """Return the counts of several folds as one; None of nothing."""
    parts = list(parts)
    if not parts:
        return None
    first = parts[0]
    images, fields, sessions = (sum(getattr(one, name) for one in parts) for name in ("images", "fields", "sessions"))
    return Shared(first.file, first.sha256, first.side, images, fields, sessions)


def _names(groups: Groups, column: Column, indices: Iterable[int]) -> set[str]:
    own = groups.names[column]
    return {name for index in indices if (name := own[index]) is not None}


def check_against(split: Split, groups: Groups, only: int | None = None) -> None:
    """See that a split keeps apart what a groups file says belongs together.

    Near-duplicates and captures of one field may stand on two sides of no split but a leaky one; images of one session
    not of a split by group (where no patients made it), nor in a class of blocks that is split by sessions.

    Parameters
    ----------
    split
        Verified against the catalogue that the groups were read for. A leaky one passes: see `shared_with_training`.
    groups
        From `leukolens.data.groups.read_groups`.
    only
        The one fold that matters; None: all of them.

    Raises
    ------
    DataError
        Two images that belong together stand on two sides; the message names them.
    """
    if split.leaky or split.method in LEAKY_METHODS:
        return
    by_session: set[int] = set()
    if split.method == "grouped" and split.parameters.get("by") != "patient":
        by_session = set(range(len(split.items)))
    elif split.method == "blocks":
        by_session = {index for index, item in enumerate(split.items) if item.label in split.by_session}
    for number, fold in enumerate(split.folds):
        if only is not None and number != only:
            continue
        for column in _SAME:
            _apart(split, fold, number, groups, column, None)
        _apart(split, fold, number, groups, "session_group", by_session)


def _apart(split: Split, fold: Fold, number: int, groups: Groups, column: Column, only: set[int] | None) -> None:
    names = groups.names[column]
    first: dict[str, tuple[str, int]] = {}
    # Tested images first: what they share with training is the worst, and so what is told.
    sides = (("test", fold.test), ("training", fold.train), ("validation", fold.validation))
    for side, index in chain.from_iterable(((side, index) for index in own) for side, own in sides):
        name = names[index]
        if name is None or (only is not None and index not in only):
            continue
        other, at = first.setdefault(name, (side, index))
        if other != side:
            raise DataError(
                f"Fold {number} of the split puts images that {_WORDS[column]} on two sides, by {groups.file}",
                expected=f"{split.items[at].path!r} and {split.items[index].path!r}, both {column} {name!r}, on one "
                "side",
                found=f"one in {other}, the other in {side}",
                todo="make the split again with --groups",
            )
