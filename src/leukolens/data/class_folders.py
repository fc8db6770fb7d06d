"""Class folders of any names, and those of the Taleqani data set."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leukolens.data.catalogue import TALEQANI_LAYOUT, Item, Site
from leukolens.data.external.layout import Listing
from leukolens.data.walk import images_below, images_in, subfolders
from leukolens.finding import CLASSES, DataError
from leukolens.finding.paths import plain

if TYPE_CHECKING:
    from pathlib import Path

CLASS_FOLDERS: Final = "class folders"
ONE_CLASS: Final = "one class"
TALEQANI_LABORATORY: Final = "Taleqani Hospital, Tehran"
TALEQANI_SITE: Final = Site(
    "field", 100, None, ("Taleqani", "10.34740/KAGGLE/DSV/2175623", "10.1002/int.22753", "mehradaria/leukemia")
)
_TALEQANI_CLASSES = dict(zip(("Benign", "Early", "Pre", "Pro"), CLASSES, strict=True))
_PARTS_OF_A_SPLIT = frozenset({"train", "training", "val", "valid", "validation", "test", "testing"})


@dataclass(frozen=True)
class _Place:
    """Where the class folders of a layout are, and what their images are called."""

    layout: str
    prefix: str  # from the root to the folder that holds the class folders, "" or ending in "/"
    labels: dict[str, str]  # folder name -> label, in the order of the classes
    notes: tuple[str, ...]


def taleqani_place(root: Path) -> _Place | None:
    """Return where the Taleqani data set lies in `root`; None where it is not there."""
    folders = subfolders(root)
    for prefix in ("", *(["Original/"] if "Original" in folders else _one_below(root, folders))):
        held = subfolders(root / prefix) if prefix else folders
        if _is_taleqani(held, holder=(root / prefix).resolve().name):
            return _taleqani(root, prefix, held)
    return None


def list_taleqani(root: Path) -> Listing:
    """List the Taleqani data set as Kaggle delivers it.

    Raises
    ------
    DataError
        It is not there.
    """
    place = taleqani_place(root)
    if place is None:
        raise DataError(
            f"{str(root)!r} does not have the layout 'taleqani'",
            expected="the folder Original with Benign, Early, Pre and Pro, or Original itself",
            found=f"the folders {', '.join(subfolders(root)) or '(none)'}",
            todo="give the folder as Kaggle delivers it, or leave --layout out",
        )
    return _listed(root, place)


def list_class_folders(root: Path) -> Listing:
    """List a folder whose folders are its classes.

    Raises
    ------
    DataError
        It is divided into training and test, holds two versions of the same images, or holds no image in a folder.
    """
    folders = subfolders(root)
    if {"Original", "Segmented"} <= set(folders):
        raise DataError(
            f"{str(root)!r} holds 'Original' and 'Segmented', two versions of the same images",
            expected="class folders",
            todo="give the folder 'Original' itself",
        )
    if folders and {name.lower() for name in folders} <= _PARTS_OF_A_SPLIT:
        raise DataError(
            f"{str(root)!r} is divided into {', '.join(folders)}",
            expected="one folder a class",
            todo="give one of these folders, or list all images in a CSV file; a split is a file of its own here",
        )
    labels = {name: plain(unicodedata.normalize("NFC", name)) for name in folders}
    return _listed(root, _Place(CLASS_FOLDERS, "", labels, ()))


def list_one_class(root: Path, label: str) -> Listing:
    """List every image below a folder, all of one label.

    Raises
    ------
    DataError
        There is none.
    """
    images, odd = images_below(root)
    if not images:
        raise DataError(f"No image in {str(root)!r}", expected=f"images of the class {label!r} in it or below it")
    items = tuple(_item(root, path, label) for path in images)
    return Listing(ONE_CLASS, items, (label,), notes=tuple(f"{path} was left out: no regular file." for path in odd))


def _one_below(root: Path, folders: list[str]) -> list[str]:
    return [f"{folders[0]}/Original/"] if len(folders) == 1 and (root / folders[0] / "Original").is_dir() else []


def _is_taleqani(folders: list[str], holder: str) -> bool:
    found = set(folders)
    # Some of the four names alone could be anybody's classes: then the folder must be the data set's own as well.
    return found == set(_TALEQANI_CLASSES) or (
        holder in {"Original", "Segmented"} and bool(found) and found <= set(_TALEQANI_CLASSES)
    )


def _taleqani(root: Path, prefix: str, held: list[str]) -> _Place:
    holder = (root / prefix).resolve().name
    beside = [name for name in subfolders((root / prefix).parent) if name == "Segmented"] if prefix else []
    return _Place(
        layout="taleqani-segmented" if holder == "Segmented" else TALEQANI_LAYOUT,
        prefix=prefix,
        labels={folder: label for folder, label in _TALEQANI_CLASSES.items() if folder in held},
        notes=("The folder 'Segmented' was left out: it holds the same images again.",) if beside else (),
    )


def _listed(root: Path, place: _Place) -> Listing:
    taleqani = place.layout.startswith(TALEQANI_LAYOUT)
    items: list[Item] = []
    notes = list(place.notes)
    for folder, label in place.labels.items():
        images, odd = images_below(root / place.prefix / folder)
        laboratory = TALEQANI_LABORATORY if taleqani else None
        items += [_item(root, f"{place.prefix}{folder}/{path}", label, laboratory) for path in images]
        notes += [f"{place.prefix}{folder}/{path} was left out: no regular file." for path in odd]
        if not images:
            notes.append(f"The folder {folder!r} was left out: no image in it.")
    loose = images_in(root / place.prefix) if place.prefix else images_in(root)
    if loose:
        notes.append(f"{len(loose)} images beside the class folders were left out: no class ({loose[0]}).")
    if not items:
        raise DataError(
            f"No image in a class folder of {str(root)!r}",
            expected="one folder a class with .jpg, .png, .tif, .bmp or .webp files in it",
            found=f"{len(place.labels)} folders and {len(loose)} images beside them",
            todo="sort the images into class folders, or list them with their labels in a CSV file",
        )
    used = {item.label for item in items}
    classes = tuple(name for name in place.labels.values() if name in used)
    negative = tuple(name for name in classes if name == "Benign") if taleqani else None
    sites = {TALEQANI_LABORATORY: TALEQANI_SITE} if taleqani else {}
    return Listing(place.layout, tuple(items), classes, negative, (), sites, tuple(notes))


def _item(root: Path, path: str, label: str, laboratory: str | None = None) -> Item:
    return Item(path=path, label=label, patient=None, bytes=(root / path).stat().st_size, laboratory=laboratory)
