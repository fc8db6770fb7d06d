"""Whether a bundle, or the weights that its training started from, have seen the images that it is evaluated on."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from leukolens.data import Split
    from leukolens.engine.spec import Provenance

Status = Literal["held out", "selected on", "trained on", "unknown"]
_WORST_FIRST: Final = ("trained on", "unknown", "selected on", "held out")


@dataclass(frozen=True)
class Training:
    """What is known of the bundle's having seen the evaluated images; `images` of them where that can be counted."""

    status: Status
    sentence: str
    images: int | None = None


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
        A split file of the evaluated data. Where the training side of one of its folds has the bundle's hash, that fold
        is what the bundle was trained on, and every image can be looked up.

    Returns
    -------
    Training
        What a run learned from whose weights the bundle's training started with counts as well. Where that run, or one
        before it, had the same data, nothing is "held out" unless it is known to have kept to the same fold.
    """
    wanted = provenance.training_images_sha256
    if not wanted:
        return Training("unknown", "The bundle does not say which images it was trained on.")
    if images_sha256(evaluated) == wanted:
        n = len(evaluated)
        return Training("trained on", f"The bundle was trained on exactly these {n} images.", n)
    if split is None:
        return _cannot_tell("no split file was given to compare with")
    fold = _fold_of(split, wanted)
    if fold is None:
        same = split.sha256 == provenance.split_sha256
        reason = "no fold of the split is what it was trained on" if same else "it was trained by another split"
        own = _cannot_tell(reason)
    else:
        own = _compare(split, fold, evaluated)
    return _with_starts(own, provenance, split, fold, evaluated)


def _cannot_tell(reason: str) -> Training:
    return Training("unknown", f"Whether the bundle was trained on these images cannot be told: {reason}.")


def _fold_of(split: Split, wanted: str) -> int | None:
    for number, fold in enumerate(split.folds):
        if images_sha256(_hashes(split, fold.train)) == wanted:
            return number
    return None


def _hashes(split: Split, indices: Iterable[int]) -> list[str]:
    return [split.items[index].sha256 for index in indices]


def _count(split: Split, number: int, evaluated: Sequence[str]) -> tuple[int, int]:
    """Return how many of the evaluated images are on the training side of a fold, and on its validation side."""
    fold, counts = split.folds[number], Counter(evaluated)
    trained, validated = (
        sum(counts[sha256] for sha256 in set(_hashes(split, side))) for side in (fold.train, fold.validation)
    )
    return trained, validated


def _compare(split: Split, number: int, evaluated: Sequence[str]) -> Training:
    trained, validated = _count(split, number, evaluated)
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


def _with_starts(
    own: Training, provenance: Provenance, split: Split, fold: int | None, evaluated: Sequence[str]
) -> Training:
    """Return what is known of the bundle and of the weights that it started from, the worst of it first."""
    if own.status == "trained on":
        return own
    judged = [_judge_start(start, provenance, split, fold, evaluated) for start in starts_of(provenance)]
    found = sorted((one for one in judged if one is not None), key=lambda one: _WORST_FIRST.index(one.status))
    if not found:
        return own
    worst = found[0]
    if own.status == "held out":
        after = f"The bundle's own training and validation had none of them (fold {fold})."
        return replace(worst, sentence=f"{worst.sentence} {after}")
    if worst.status == "trained on":
        return replace(worst, sentence=f"{worst.sentence} {own.sentence}")
    return replace(own, sentence=f"{own.sentence} {worst.sentence}")


def starts_of(provenance: Provenance) -> Iterator[Mapping[str, Any]]:
    """Go through the start of the bundle's training, the start of the run that it comes from, and so on."""
    start: object = provenance.start
    network = provenance.recipe.get("network")
    weights = network.get("weights") if isinstance(network, Mapping) else None
    if start is None and weights not in (None, "none", "imagenet"):  # a run that wrote down no start
        yield {}
    while isinstance(start, Mapping):
        yield start
        start = start.get("start")


def _judge_start(
    start: Mapping[str, Any], provenance: Provenance, split: Split, fold: int | None, evaluated: Sequence[str]
) -> Training | None:
    """Return what start weights have seen of the evaluated images; None where they add nothing to what is known."""
    if "package" in start:  # ImageNet
        return None
    if start.get("split_sha256") == split.sha256 and (number := _kept_to(start, split)) is not None:
        return None if number == fold else _seen_by_start(split, number, evaluated)
    data = start.get("data_sha256")
    if data and data not in (split.catalogue_sha256, provenance.data_sha256):
        return None
    learned = "learned from the same data set" if data else "come from a run that does not say what it learned from"
    run = f" (recipe {start['recipe']!r})" if start.get("recipe") else ""
    unclear = f"it is not known which of the {len(evaluated)} evaluated images they have seen"
    return Training("unknown", f"The bundle's start weights{run} {learned}: {unclear}.")


def _kept_to(start: Mapping[str, Any], split: Split) -> int | None:
    """Return the fold of the split that a start was trained on; None where it does not say, or trained on all sides."""
    number = start.get("fold")
    if not isinstance(number, int) or not 0 <= number < len(split.folds) or start.get("leaky_order") is not None:
        return None
    return number


def _seen_by_start(split: Split, number: int, evaluated: Sequence[str]) -> Training | None:
    trained, validated = _count(split, number, evaluated)
    total = len(evaluated)
    if trained:
        sentence = (
            f"The bundle's start weights were trained on {trained} of the {total} evaluated images (fold {number})."
        )
        return Training("trained on", sentence, trained)
    if validated:
        sentence = (
            f"{validated} of the {total} evaluated images chose the bundle's start weights (validation side of fold "
            f"{number})."
        )
        return Training("selected on", sentence, validated)
    return None
