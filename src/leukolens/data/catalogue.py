"""A data set on disk as a list of labelled images."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from leukolens.finding import DataError
from leukolens.finding.paths import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

TALEQANI_LAYOUT = "taleqani"


@dataclass(frozen=True, slots=True)
class Item:
    """One image of a data set.

    Attributes
    ----------
    path
        Relative to the catalogue's root, "/" between the parts.
    label
        The class, as the network will call it.
    patient
        Whose image it is, where the data set says so.
    bytes
        Size of the file.
    sha256
        Of the file's bytes, in hexadecimal; None until `fingerprint` has read the file.
    laboratory
        Where it was taken (a hospital, a microscope with its camera), where the data set says so.
    """

    path: str
    label: str
    patient: str | None
    bytes: int
    sha256: str | None = None
    laboratory: str | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """What the owners of a data set publish of one of its laboratories.

    Attributes
    ----------
    content
        "field" for pictures of whole fields of view, "cell" for pictures cut out around one cell.
    objective
        Magnification of the objective, such as 100; None where it is not stated.
    um_per_px
        Micrometres a pixel; None where it is not stated, which is the rule.
    names
        Words by which a text that speaks of the data set names it, such as its DOI.
    """

    content: Literal["field", "cell"] = "field"
    objective: float | None = None
    um_per_px: float | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Catalogue:
    """The labelled images of one data set, in natural order.

    Attributes
    ----------
    root
        The folder that all paths are relative to, as it was given.
    items
        The images.
    classes
        The labels in the order of a network's outputs: the data set's own order where it has one, else natural order.
    layout
        "taleqani", "taleqani-segmented", "class folders", "one class", "csv" or a name of `leukolens.data.external`.
    negative
        The labels that mean "no leukaemia"; None where nobody has said.
    notes
        What was left out and why, and what a reader must know of the set, one sentence each.
    other_leukaemia
        The labels that mean a leukaemia, but not an acute lymphoblastic one.
    sites
        What is published of each laboratory that the items name.
    """

    root: Path
    items: tuple[Item, ...]
    classes: tuple[str, ...]
    layout: str
    negative: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    other_leukaemia: tuple[str, ...] = ()
    sites: Mapping[str, Site] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.items)

    def locate(self, item: Item) -> Path:
        """Return where the file of `item` lies."""
        return self.root / item.path

    def counts(self) -> dict[str, int]:
        """Return the number of images of each class, in the order of `classes`."""
        counts = dict.fromkeys(self.classes, 0)
        for item in self.items:
            counts[item.label] += 1
        return counts


def fingerprint(catalogue: Catalogue, *, progress: Callable[[int], None] | None = None) -> Catalogue:
    """Read every file once and fill in its SHA-256.

    Parameters
    ----------
    catalogue
        A data set; items that have a SHA-256 already are not read again.
    progress
        Called after each file with the number of files done.

    Returns
    -------
    Catalogue
        The same data set, every item with `sha256` and the size that was hashed. Nothing is stored on disk.

    Raises
    ------
    DataError
        A file has gone or cannot be read.
    """
    done: list[Item] = []
    for item in catalogue.items:
        done.append(item if item.sha256 is not None else _hashed(catalogue, item))
        if progress is not None:
            progress(len(done))
    return replace(catalogue, items=tuple(done))


def _hashed(catalogue: Catalogue, item: Item) -> Item:
    try:
        with catalogue.locate(item).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
            return replace(item, sha256=digest.hexdigest(), bytes=file.tell())
    except OSError as error:
        raise DataError(
            f"{item.path!r} cannot be read",
            expected="the file that was listed a moment ago",
            found=error.strerror or type(error).__name__,
            todo="check the file and its permissions, or take it out of the data set",
        ) from error


def sha256_of(item: Item) -> str:
    """Return the SHA-256 of an item that has been fingerprinted.

    Raises
    ------
    DataError
        It has not been.
    """
    if item.sha256 is None:
        raise DataError(f"{item.path!r} has no SHA-256 yet", todo="call fingerprint(catalogue) first")
    return item.sha256


def portable_path(path: str, layout: str) -> str:
    """Return the part of a path that does not depend on where the data set was entered.

    The Taleqani data set may be given by the folder above ``Original``, or by ``Original`` itself: a split made
    one way must fit the other. Names written by macOS in decomposed Unicode are composed.
    """
    if layout.startswith(TALEQANI_LAYOUT):
        for folder in ("Original/", "Segmented/"):
            path = path[path.find(folder) + len(folder) :] if folder in path else path
    return plain(unicodedata.normalize("NFC", path))


def catalogue_sha256(catalogue: Catalogue) -> str:
    """Return one hash over all paths and file hashes, independent of the order and of the place on disk.

    Raises
    ------
    DataError
        The catalogue has not been fingerprinted.
    """
    lines = sorted(f"{sha256_of(item)}  {portable_path(item.path, catalogue.layout)}\n" for item in catalogue.items)
    return hashlib.sha256("".join(lines).encode("utf-8")).hexdigest()


def images_per_label(labels: Sequence[str], classes: Sequence[str]) -> Mapping[str, list[int]]:
    """Return for each class the indices of its images, in order."""
    found: dict[str, list[int]] = {name: [] for name in classes}
    for index, label in enumerate(labels):
        found[label].append(index)
    return found
