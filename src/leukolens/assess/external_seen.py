"""Whether a bundle, or the weights that its training started from, have seen a laboratory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from leukolens.assess.seen import images_sha256, starts_of
from leukolens.data.external.known import sets_named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leukolens.data import Split
    from leukolens.engine.spec import Provenance

SeenStatus = Literal["never seen", "seen in training", "cannot be told"]
ORDER: Final[tuple[SeenStatus, ...]] = ("never seen", "cannot be told", "seen in training")


@dataclass(frozen=True)
class Seen:
    """What is known of a bundle's having seen a laboratory, and what that rests on."""

    status: SeenStatus
    sentence: str


@dataclass(frozen=True)
class Evaluated:
    """What is known of the images of a site.

    Attributes
    ----------
    hashes
        SHA-256 of every image of the data set.
    catalogue_sha256
        Of the data set as a whole.
    words
        What names it: layout, laboratories, the words by which texts name it.
    named
        Whether its layout, its own list or the user says where its images come from.
    """

    hashes: Sequence[str]
    catalogue_sha256: str
    words: Sequence[str]
    named: bool = True


def judge_laboratory(provenance: Provenance, site: Evaluated, split: Split | None = None) -> Seen:
    """Say whether a laboratory was in the training of a bundle or of its starts, as far as can be told.

    Parameters
    ----------
    provenance
        Of the bundle. It records hashes of its data as a whole, and in words (`terms`, `citations`) what they were.
    site
        What is evaluated.
    split
        The split file that the bundle was trained by, if at hand: it lists each image.

    Returns
    -------
    Seen
        "never seen" needs a bundle that says, in words or by its split file, which published data it learned from,
        starts that add no others, and a site whose laboratory is named, or whose images can be compared with the split
        one by one; a hash that differs proves nothing, since a part of a data set has another one.
    """
    for reason in (_by_hashes(provenance, site), _by_images(provenance, site, split), _by_words(provenance, site)):
        if reason:
            return Seen("seen in training", reason)
    trained_on = _named(provenance, split)
    unclear = _unclear_start(provenance)
    if not trained_on:
        return Seen("cannot be told", "The bundle names no published data set that it learned from.")
    if unclear:
        return Seen("cannot be told", unclear)
    listed = split is not None and split.sha256 == provenance.split_sha256
    if not (site.named or listed):
        return Seen("cannot be told", "Nobody says where its images come from: name their laboratory, or give --split.")
    compared = _compared(provenance, split)
    return Seen("never seen", f"The bundle says that it learned from {', '.join(trained_on)}; {compared}.")


def _by_hashes(provenance: Provenance, site: Evaluated) -> str:
    if provenance.data_sha256 and provenance.data_sha256 == site.catalogue_sha256:
        return "It is the data set that the bundle was trained and tested on."
    if provenance.training_images_sha256 and provenance.training_images_sha256 == images_sha256(site.hashes):
        return "The bundle was trained on exactly these images."
    if any(start.get("data_sha256") == site.catalogue_sha256 for start in starts_of(provenance)):
        return "It is the data set that the bundle's start weights learned from."
    return ""


def _by_images(provenance: Provenance, site: Evaluated, split: Split | None) -> str:
    if split is None or split.sha256 != provenance.split_sha256:
        return ""
    shared = {item.sha256 for item in split.items} & set(site.hashes)
    are = "is" if len(shared) == 1 else "are"
    return f"{len(shared)} of its images {are} in the split that the bundle was trained by." if shared else ""


def _by_words(provenance: Provenance, site: Evaluated) -> str:
    shared = [name for name in _named(provenance, None) if name in sets_named(" | ".join(site.words))]
    if shared:
        return f"The bundle says that it learned from {shared[0]}."
    text = _text(provenance).casefold()
    own = next((word for word in site.words if len(word) > 7 and word.casefold() in text), None)
    return f"The bundle names {own!r} among what it learned from." if own else ""


def _text(provenance: Provenance) -> str:
    return " | ".join((provenance.terms, *provenance.citations))


def _named(provenance: Provenance, split: Split | None) -> tuple[str, ...]:
    layout = split.layout if split is not None and split.sha256 == provenance.split_sha256 else ""
    return sets_named(f"{_text(provenance)} | {layout}")


def _unclear_start(provenance: Provenance) -> str:
    for start in starts_of(provenance):
        if "package" in start:  # ImageNet
            continue
        data = start.get("data_sha256")
        if not data:
            return "The bundle's start weights come from a run that does not say what it learned from."
        if data != provenance.data_sha256:
            return "The bundle's start weights learned from another data set, which it does not name."
    return ""


def _compared(provenance: Provenance, split: Split | None) -> str:
    if split is not None and split.sha256 == provenance.split_sha256:
        return f"none of the images is among the {len(split.items)} of its split file"
    return "this rests on its words, since it lists no single image (--split would)"
