"""Which images a figure comes from, and by what kind of split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from leukolens.data.grouping import group_images, join_groups
from leukolens.finding import DataError, UsageError, nearest

if TYPE_CHECKING:
    from leukolens.data import Catalogue, Split

Side = Literal["test", "validation", "train"]
SIDES: tuple[Side, ...] = ("test", "validation", "train")
SPLIT_KINDS: Final = {
    "random-image": "random split by image",
    "patient": "split by patient",
    "blocks": "split in blocks",
}


@dataclass(frozen=True)
class Stamp:
    """The kind of split that every figure of an evaluation comes from.

    Attributes
    ----------
    kind
        "random-image", "patient", "blocks", or "none" without a split file.
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
    """

    kind: str
    short: str
    sentence: str
    leaky: bool | None
    fold: int | None = None
    side: Side | None = None
    grouping: str = ""
    split_sha256: str | None = None


@dataclass(frozen=True)
class Selection:
    """The images to evaluate, as indices into the catalogue, the group of each, and what may be said of them."""

    indices: tuple[int, ...]
    groups: tuple[int, ...]
    grouping: str
    stamp: Stamp


def select(catalogue: Catalogue, split: Split | None = None, fold: int | None = None, side: str = "test") -> Selection:
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

    Returns
    -------
    Selection

    Raises
    ------
    UsageError
        A fold or side that is not there, or one given without a split.
    DataError
        The side holds no image.
    """
    if split is None:
        if fold is not None or side != "test":
            raise UsageError("--fold and --side choose a part of a split", todo="name the split file with --split")
        groups = group_images(catalogue, by_patient=True)
        return Selection(tuple(range(len(catalogue))), tuple(groups), _grouping(catalogue), _no_split(len(catalogue)))
    chosen = _side(side)
    number = _fold_number(split, fold)
    indices = tuple(getattr(split.folds[number], chosen))
    if not indices:
        raise DataError(f"Fold {number} of the split has no image on the side {chosen!r}", todo="choose another side")
    keys = [
        [("group", str(entry.group)), *([("patient", item.patient)] if item.patient is not None else [])]
        for entry, item in zip(split.items, catalogue.items, strict=True)
    ]
    groups = join_groups(keys)
    return Selection(indices, tuple(groups[i] for i in indices), _grouping(catalogue), _stamp(split, number, chosen))


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
        raise UsageError("That fold is not in the split", expected=f"0 to {count - 1}", found=str(number))
    return number


def _grouping(catalogue: Catalogue) -> str:
    known = sum(item.patient is not None for item in catalogue.items)
    if known == len(catalogue):
        return "patients and exact duplicates"
    if known:
        return f"patients, where known ({known} of {len(catalogue)} images), and exact duplicates"
    return "exact duplicates only: no patients are known, images of one patient count as independent"


def _no_split(n: int) -> Stamp:
    # Chosen, not evaluated: how many of them can be read shows later, and the warnings say it.
    sentence = f"No split file was given, so all {n} images of the data set were chosen."
    return Stamp("none", "No split: all images", sentence, None)


def _stamp(split: Split, fold: int, side: Side) -> Stamp:
    short = f"{kind_of_split(split.method, leaky=split.leaky)}, fold {fold}, {side}"
    return Stamp(split.method, short, split.note, split.leaky, fold, side, split.grouping, split.sha256)


def kind_of_split(method: str, *, leaky: bool) -> str:
    """Say what kind of split it is, in capitals that images showing the same thing can stand on both sides."""
    kind = SPLIT_KINDS.get(method, method)
    return f"LEAKY {kind}" if leaky else kind.capitalize()
