"""Which images a figure comes from, and by what kind of split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from leukolens.data.grouping import check_patients, group_images, join_groups
from leukolens.data.groups import GROUP_COLUMNS
from leukolens.data.leaks import Shared, check_against, shared_with_training
from leukolens.data.stamp import stamp_split
from leukolens.finding import DataError, UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Hashable

    from leukolens.data import Catalogue, Groups, Split

Side = Literal["test", "validation", "train"]
SIDES: tuple[Side, ...] = ("test", "validation", "train")


@dataclass(frozen=True)
class Stamp:
    """The kind of split that every figure of an evaluation comes from.

    Attributes
    ----------
    kind
        The method of the split, see `leukolens.data.split.METHODS`, or "none" without a split file.
    short
        A few words to stand beside a figure.
    sentence
        What follows for the figures.
    leaky
        Images that show the same thing can stand on both sides; None where there is no split.
    fold, side
        Which part was evaluated.
    grouping, split_sha256
        From the split file.
    embargo, by_session, groups_file, groups_sha256
        See `leukolens.data.stamp.SplitStamp`.
    shared
        How many images share a field or a session with training, where a groups file is at hand.
    """

    kind: str
    short: str
    sentence: str
    leaky: bool | None
    fold: int | None = None
    side: Side | None = None
    grouping: str = ""
    split_sha256: str | None = None
    embargo: int | None = None
    by_session: tuple[str, ...] = ()
    groups_file: str | None = None
    groups_sha256: str | None = None
    shared: Shared | None = None


@dataclass(frozen=True)
class Selection:
    """The images to evaluate, as indices into the catalogue, the group of each, and what may be said of them."""

    indices: tuple[int, ...]
    groups: tuple[int, ...]
    grouping: str
    stamp: Stamp


def select(
    catalogue: Catalogue,
    split: Split | None = None,
    fold: int | None = None,
    side: str = "test",
    recovered: Groups | None = None,
) -> Selection:
    """Choose the images to evaluate.

    Parameters
    ----------
    catalogue
        Fingerprinted.
    split
        Read and verified against the catalogue; None takes every image.
    fold
        Which fold; may be left out where there is one.
    side
        "test", "validation" or "train".
    recovered
        Groups of an audit: intervals are over them, and the split is checked against them.

    Returns
    -------
    Selection

    Raises
    ------
    UsageError
        A fold or side that is not there, or one given without a split.
    DataError
        One image is filed under two patients, the side holds no image, or a split that is not leaky parts what
        `recovered` holds together.
    """
    check_patients(catalogue)
    shared = recovered.keys(GROUP_COLUMNS) if recovered is not None else [[] for _ in catalogue.items]
    words = _grouping(catalogue, recovered)
    if split is None:
        if fold is not None or side != "test":
            raise UsageError("--fold and --side choose a part of a split", todo="name the split file with --split")
        groups = group_images(catalogue, by_patient=True, shared=shared)
        return Selection(tuple(range(len(catalogue))), tuple(groups), words, _no_split(len(catalogue)))
    chosen = _side(side)
    number = _fold_number(split, fold)
    indices = tuple(getattr(split.folds[number], chosen))
    if not indices:
        raise DataError(f"Fold {number} of the split has no image on the side {chosen!r}", todo="choose another side")
    if recovered is not None:
        check_against(split, recovered, number)
    keys: list[list[Hashable]] = [
        [("group", str(entry.group)), *([("patient", item.patient)] if item.patient is not None else []), *own]
        for entry, item, own in zip(split.items, catalogue.items, shared, strict=True)
    ]
    groups = join_groups(keys)
    stamp = _stamp(split, number, chosen, recovered)
    return Selection(indices, tuple(groups[i] for i in indices), words, stamp)


def _side(name: str) -> Side:
    for side in SIDES:
        if side == name:
            return side
    raise UsageError(f"A split has no side {name!r}", todo=nearest(name, SIDES))


def _fold_number(split: Split, fold: int | None) -> int:
    count = len(split.folds)
    if fold is None and count > 1:
        raise UsageError(
            f"The split has {count} folds, and the bundle was trained on one of them",
            todo=f"say which with --fold, 0 to {count - 1}",
        )
    number = fold or 0
    if not 0 <= number < count:
        raise UsageError(
            "That fold is not in the split",
            expected=f"--fold 0 to {count - 1}",
            found=str(number),
            todo="name one of its folds",
        )
    return number


def _grouping(catalogue: Catalogue, recovered: Groups | None) -> str:
    known = sum(item.patient is not None for item in catalogue.items)
    more = "" if recovered is None else f"recovered sessions and fields ({recovered.file} {recovered.sha256[:12]}), "
    if known == len(catalogue):
        return f"{more}patients and exact duplicates"
    if known:
        return f"{more}patients, where known ({known} of {len(catalogue)} images), and exact duplicates"
    if more:
        return f"{more}and exact duplicates; no patients are known"
    return "exact duplicates only: no patients are known, images of one patient count as independent"


def _no_split(n: int) -> Stamp:
    # Chosen, not evaluated: how many of them can be read shows later, and the warnings say it.
    sentence = f"No split file was given, so all {n} images of the data set were chosen."
    return Stamp("none", "No split: all images", sentence, None)


def _stamp(split: Split, fold: int, side: Side, recovered: Groups | None) -> Stamp:
    shared = None
    if recovered is not None and side != "train":
        shared = shared_with_training(split.folds[fold], recovered, side)
    stamp = stamp_split(split, shared)
    return Stamp(
        kind=split.method,
        short=f"{stamp.kind}, fold {fold}, {side}",
        sentence=stamp.sentence,
        leaky=split.leaky,
        fold=fold,
        side=side,
        grouping=split.grouping,
        split_sha256=split.sha256,
        embargo=stamp.embargo,
        by_session=stamp.by_session,
        groups_file=stamp.groups_file,
        groups_sha256=stamp.groups_sha256,
        shared=shared,
    )
