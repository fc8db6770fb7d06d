"""Opening a data set: which layout it has, and what its labels are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from leukolens.data.catalogue import TALEQANI_LAYOUT, Catalogue
from leukolens.data.class_folders import (
    list_class_folders,
    list_one_class,
    list_taleqani,
    taleqani_place,
)
from leukolens.data.external import EXTERNAL
from leukolens.data.external.layout import Layout, Listing, names_in
from leukolens.data.labels import read_labels
from leukolens.finding import DataError, UsageError, nearest
from leukolens.finding.paths import natural_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


_TALEQANI: Final = Layout(
    TALEQANI_LAYOUT,
    "the folder Original with Benign, Early, Pre and Pro",
    lambda root: taleqani_place(root) is not None,
    list_taleqani,
)
_FOLDERS: Final = Layout("class-folders", "one folder a class", lambda _: False, list_class_folders)
_KNOWN: Final = (_TALEQANI, *EXTERNAL)
LAYOUTS: Final = {layout.name: layout for layout in (*_KNOWN, _FOLDERS)}
"""Every layout that can be named, by its name."""


def open_catalogue(
    root: Path,
    *,
    labels: Path | None = None,
    label_column: str = "label",
    path_column: str = "path",
    patient_column: str | None = None,
    laboratory_column: str | None = None,
    negative: Sequence[str] | None = None,
    other_leukaemia: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
    layout: str | None = None,
    label: str | None = None,
) -> Catalogue:
    """Open a data set without reading its images.

    `labels` names a CSV file: one row an image, paths relative to `root`. Else, a published layout is recognised
    (`LAYOUTS`), among them the Taleqani data set as Kaggle delivers it: the labels become "Benign", "Early Pre-B",
    "Pre-B" and "Pro-B", and ``Segmented`` is left out. Else, each folder in `root` is a class and all images below it
    are of that class. `root` may also be a CSV file; paths are then relative to the folder that it lies in.

    Parameters
    ----------
    root
        Folder of the data set.
    labels
        CSV file (comma, semicolon or tab; UTF-8) with at least a column of paths and one of labels.
    label_column, path_column, patient_column, laboratory_column
        Names of its columns. Without one of patients no patients are known; the same goes for laboratories.
    negative
        Labels that mean "no leukaemia"; none of them if empty. What the layout says where not given.
    other_leukaemia
        Labels that mean a leukaemia other than ALL. What the layout says where not given.
    classes
        The labels that may occur, in the order wanted. Others are an error.
    layout
        A name of `LAYOUTS`; None: recognised.
    label
        Gives every image below `root` this label, whatever the folders are called.

    Returns
    -------
    Catalogue
        In natural order of the paths, without SHA-256: see `fingerprint`.

    Raises
    ------
    DataError
        No image, an unknown or missing label, a path that occurs twice, leaves `root` or leads to no file, a column
        that is not there, a tree that has not the layout asked for, or that has several.
    UsageError
        No such layout, or options that exclude each other.
    """
    root, labels = _root_and_table(Path(root), labels)
    if labels is not None:
        _alone("a table of labels", layout, label)
        items = read_labels(Path(labels), root, path_column, label_column, patient_column, laboratory_column)
        listing = Listing("csv", tuple(items), _in_order(item.label for item in items))
    elif (column := patient_column or laboratory_column) is not None:
        what = "patient" if patient_column else "laboratory"
        raise DataError(
            f"A {what} column ({column!r}) was named without a table of labels",
            todo="give the CSV file that holds it as well",
        )
    elif label is not None:
        _alone("one label for all images", layout)
        listing = list_one_class(root, label)
    else:
        listing = (named_layout(layout) if layout is not None else recognise(root)).list_images(root)
    natural = listing.classes
    return Catalogue(
        root=root,
        items=tuple(sorted(listing.items, key=lambda item: natural_key(item.path))),
        classes=_classes(natural, classes),
        layout=listing.layout,
        negative=_used(listing.negative, natural) if negative is None else _chosen("negative", negative, natural),
        notes=listing.notes,
        other_leukaemia=_used(listing.other_leukaemia, natural) or ()
        if other_leukaemia is None
        else _chosen("other leukaemia's", other_leukaemia, natural),
        sites=listing.sites,
    )


def recognise(root: Path) -> Layout:
    """Return the layout of a folder: a published one where it plainly is, else class folders.

    Raises
    ------
    DataError
        It has several.
    """
    found = [layout for layout in _KNOWN if layout.recognise(root)]
    if len(found) > 1:
        names = [layout.name for layout in found]
        raise DataError(
            f"{str(root)!r} could be {' or '.join(names)}",
            expected="one data set",
            found=names_in(root),
            todo=f"say which with --layout ({', '.join(names)}), or give the folder of one of them",
        )
    return found[0] if found else _FOLDERS


def named_layout(name: str) -> Layout:
    """Return a layout by its name.

    Raises
    ------
    UsageError
        There is none.
    """
    if name not in LAYOUTS:
        raise UsageError(f"There is no layout {name!r}", todo=nearest(name, LAYOUTS))
    return LAYOUTS[name]


def _root_and_table(root: Path, labels: Path | None) -> tuple[Path, Path | None]:
    if labels is None and root.is_file() and root.suffix.lower() in {".csv", ".tsv"}:
        root, labels = root.parent, root
    if not root.is_dir():
        raise DataError(
            f"No data set at {str(root)!r}",
            expected="a folder, or a CSV file with columns 'path' and 'label'",
            found="a file" if root.exists() else "nothing",
            todo="check the path",
        )
    return root, labels


def _alone(what: str, *others: str | None) -> None:
    named = [repr(other) for other in others if other is not None]
    if named:
        raise UsageError(f"{what} and {named[0]} exclude each other", todo="give one of them")


def _in_order(labels: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(labels), key=natural_key))


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


def _used(names: Sequence[str] | None, found: Sequence[str]) -> tuple[str, ...] | None:
    """Return those of a layout's own labels that occur: part of a data set need not have them all."""
    return None if names is None else tuple(name for name in found if name in names)


def _chosen(what: str, names: Sequence[str], found: Sequence[str]) -> tuple[str, ...]:
    unknown = [name for name in names if name not in found]
    if unknown:
        raise DataError(
            f"The {what} class {unknown[0]!r} is not a label",
            expected="labels that occur in the data set",
            todo=nearest(unknown[0], found),
        )
    return tuple(name for name in found if name in names)
