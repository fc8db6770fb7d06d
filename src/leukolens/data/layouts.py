"""Opening a data set: which layout it has, and what its labels are."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from leukolens.data.catalogue import TALEQANI_LAYOUT, Catalogue, Item
from leukolens.data.labels import read_labels
from leukolens.data.walk import images_below, images_in, subfolders
from leukolens.finding import CLASSES, DataError, nearest
from leukolens.finding.paths import natural_key, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TALEQANI_CLASSES = dict(zip(("Benign", "Early", "Pre", "Pro"), CLASSES, strict=True))
_PARTS_OF_A_SPLIT = frozenset({"train", "training", "val", "valid", "validation", "test", "testing"})


@dataclass(frozen=True)
class _Place:
    """Where the class folders of a layout are, and what their images are called."""

    layout: str
    prefix: str  # from the root to the folder that holds the class folders, "" or ending in "/"
    labels: dict[str, str]  # folder name -> label, in the order of the classes
    notes: tuple[str, ...]


def open_catalogue(
    root: Path,
    *,
    labels: Path | None = None,
    label_column: str = "label",
    path_column: str = "path",
    patient_column: str | None = None,
    laboratory_column: str | None = None,
    negative: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
) -> Catalogue:
    """Open a data set without reading its images.

    Three layouts are known. `labels` names a CSV file: one row an image, paths relative to `root`. Else, the Taleqani
    data set as Kaggle delivers it, given by the folder that holds ``Original``, or by ``Original`` itself: the labels
    become "Benign", "Early Pre-B", "Pre-B" and "Pro-B", and ``Segmented`` is left out. Else, each folder in `root` is
    a class and all images below it are of that class. `root` may also be a CSV file; paths are then relative to the
    folder that it lies in.

    Parameters
    ----------
    root
        Folder of the data set.
    labels
        CSV file (comma, semicolon or tab; UTF-8) with at least a column of paths and one of labels.
    label_column, path_column, patient_column, laboratory_column
        Names of its columns. Without one of patients no patients are known; the same goes for laboratories.
    negative
        Labels that mean "no leukaemia"; none of them if empty. For the Taleqani layout "Benign" where not given.
    classes
        The labels that may occur, in the order wanted. Others are an error.

    Returns
    -------
    Catalogue
        In natural order of the paths, without SHA-256: see `fingerprint`.

    Raises
    ------
    DataError
        No image, an unknown or missing label, a path that occurs twice, leaves `root` or leads to no file, a column
        that is not there.
    """
    if labels is None and Path(root).is_file() and Path(root).suffix.lower() in {".csv", ".tsv"}:
        root, labels = Path(root).parent, Path(root)
    root = Path(root)
    if not root.is_dir():
        raise DataError(
            f"No data set at {str(root)!r}",
            expected="a folder, or a CSV file with columns 'path' and 'label'",
            found="a file" if root.exists() else "nothing",
            todo="check the path",
        )
    if labels is not None:
        items = read_labels(Path(labels), root, path_column, label_column, patient_column, laboratory_column)
        notes = list[str]()
        layout, natural = "csv", _in_order(item.label for item in items)
    elif (column := patient_column or laboratory_column) is not None:
        what = "patient" if patient_column else "laboratory"
        raise DataError(
            f"A {what} column ({column!r}) was named without a table of labels",
            todo="give the CSV file that holds it as well",
        )
    else:
        place = _recognise(root)
        items, notes = _listed(root, place)
        layout, natural = place.layout, [name for name in place.labels.values() if name in {i.label for i in items}]
        if negative is None and layout.startswith(TALEQANI_LAYOUT):
            negative = [name for name in ("Benign",) if name in natural]
    return Catalogue(
        root=root,
        items=tuple(sorted(items, key=lambda item: natural_key(item.path))),
        classes=_classes(natural, classes),
        layout=layout,
        negative=_negative(negative, natural),
        notes=tuple(notes),
    )


def _recognise(root: Path) -> _Place:
    folders = subfolders(root)
    for prefix in ("", *(["Original/"] if "Original" in folders else _one_below(root, folders))):
        held = subfolders(root / prefix) if prefix else folders
        if _is_taleqani(held, holder=(root / prefix).resolve().name):
            return _taleqani(root, prefix, held)
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
    return _Place("class folders", "", {name: plain(unicodedata.normalize("NFC", name)) for name in folders}, ())


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


def _listed(root: Path, place: _Place) -> tuple[list[Item], list[str]]:
    items: list[Item] = []
    notes = list(place.notes)
    for folder, label in place.labels.items():
        images, odd = images_below(root / place.prefix / folder)
        items += [_item(root, f"{place.prefix}{folder}/{path}", label) for path in images]
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
    return items, notes


def _item(root: Path, path: str, label: str) -> Item:
    return Item(path=path, label=label, patient=None, bytes=(root / path).stat().st_size)


def _in_order(labels: Iterable[str]) -> list[str]:
    return sorted(set(labels), key=natural_key)


def _classes(found: Sequence[str], wanted: Sequence[str] | None) -> tuple[str, ...]:
    if wanted is None:
        return tuple(found)
    unknown = [name for name in found if name not in wanted]
    if unknown:
        raise DataError(
            f"The label {unknown[0]!r} is not among the classes asked for",
            expected=", ".join(wanted),
            found=", ".join(found),
            todo=nearest(unknown[0], wanted),
        )
    return tuple(wanted)


def _negative(negative: Sequence[str] | None, found: Sequence[str]) -> tuple[str, ...] | None:
    if negative is None:
        return None
    unknown = [name for name in negative if name not in found]
    if unknown:
        raise DataError(
            f"The negative class {unknown[0]!r} is not a label",
            expected="labels that occur in the data set",
            todo=nearest(unknown[0], found),
        )
    return tuple(name for name in found if name in negative)
