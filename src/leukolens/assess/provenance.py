"""Which images a figure comes from, and whether the bundle may have learned from them."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from leukolens.data.grouping import group_images, join_groups
from leukolens.finding import DataError, UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from leukolens.data import Catalogue, Fold, Split
    from leukolens.engine.spec import Provenance

Side = Literal["test", "validation", "train"]
SIDES: tuple[Side, ...] = ("test", "validation", "train")
SPLIT_KINDS: Final = {
    "random-image": "random split by image",
    "patient": "split by patient",
    "blocks": "split in blocks",
}
Status = Literal["held out", "selected on", "trained on", "unknown"]


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


@dataclass(frozen=True)
class Training:
    """What is known of the bundle's having seen the evaluated images; `images` of them where that can be counted."""

    status: Status
    sentence: str
    images: int | None = None


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


def images_sha256(hashes: Iterable[str]) -> str:
    """Return one hash over the sorted SHA-256 of images, as a bundle records it of its training images."""
    return hashlib.sha256("\n".join(sorted(hashes)).encode()).hexdigest()


def judge_training(provenance: Provenance, evaluated: Sequence[str], split: Split | None = None) -> Training:
    """Say whether a bundle learned from the evaluated images, as far as its provenance tells.

    Parameters
    ----------
    provenance
        Of the bundle; it records one hash over its training images, not the images.
    evaluated
        SHA-256 of each evaluated image.
    split
        A split file. Where the training side of one of its folds has the bundle's hash, that fold is what the bundle
        was trained on, and every image can be looked up.

    Returns
    -------
    Training
    """
    wanted = provenance.training_images_sha256
    if not wanted:
        return Training("unknown", "The bundle does not say which images it was trained on.")
    if images_sha256(evaluated) == wanted:
        n = len(evaluated)
        return Training("trained on", f"The bundle was trained on exactly these {n} images.", n)
    fold = _fold_of(split, wanted)
    if split is None or fold is None:
        same = split is not None and split.sha256 == provenance.split_sha256
        reason = "no fold of the split is what it was trained on" if same else "it was trained by another split"
        told = reason if split is not None else "no split file was given to compare with"
        return Training("unknown", f"Whether the bundle was trained on these images cannot be told: {told}.")
    return _compare(split, fold, evaluated)


def _fold_of(split: Split | None, wanted: str) -> int | None:
    for number, fold in enumerate(split.folds if split else ()):
        if split and images_sha256(_hashes(split, fold.train)) == wanted:
            return number
    return None


def _hashes(split: Split, indices: Iterable[int]) -> list[str]:
    return [split.items[index].sha256 for index in indices]


def _compare(split: Split, number: int, evaluated: Sequence[str]) -> Training:
    fold: Fold = split.folds[number]
    counts = Counter(evaluated)
    trained, validated = (
        sum(counts[sha256] for sha256 in set(_hashes(split, side))) for side in (fold.train, fold.validation)
    )
    total = len(evaluated)
    if trained:
        return Training(
            "trained on",
            f"The bundle was trained on {trained} of the {total} evaluated images (fold {number}).",
            trained,
        )
    if validated:
        sentence = (
            f"{validated} of the {total} evaluated images chose the bundle's weights and calibration "
            f"(validation side of fold {number})."
        )
        return Training("selected on", sentence, validated)
    return Training(
        "held out",
        f"None of the {total} evaluated images was in the bundle's training or validation (fold {number}).",
        0,
    )
