"""ALL-IDB1 and ALL-IDB2: fields and single cells of ALL patients and of others, Università degli Studi di Milano.

Labati, Piuri and Scotti 2011 (doi 10.1109/ICIP.2011.6115881), https://homes.di.unimi.it/scotti/all ::

    ALL_IDB1/im/Im006_1.jpg    a field; the last number is 1 for an ALL patient, 0 for none
    ALL_IDB1/xyc/Im006_1.xyc   a line "x y" for the centre of each probable lymphoblast, px
    ALL_IDB2/img/Im001_1.tif   a cell, 257 x 257 px; 1 for a probable lymphoblast, 0 for another cell

The owners state total magnifications of 300 to 500, differing from image to image, and no pixel size; they publish no
patients. ALL-IDB2 is cut out of ALL-IDB1, so the two must not stand on two sides of anything: one is opened at a time.
A label 0 of ALL-IDB2 may be a normal cell of a patient with ALL.

Not confirmed: that every field with label 1 has an ``.xyc`` file; fields that disagree with theirs are told in a note.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from leukolens.data.catalogue import Site
from leukolens.data.external.layout import Layout, Listing, broken, find_folder, in_use, left_out, new_item
from leukolens.data.walk import images_in
from leukolens.finding import DataError

if TYPE_CHECKING:
    from pathlib import Path

ONE: Final = "all-idb1"
TWO: Final = "all-idb2"
LABORATORY: Final = "Università degli Studi di Milano (ALL-IDB)"
NAMES: Final = ("ALL-IDB", "ALL_IDB", "10.1109/ICIP.2011.6115881")
_SITES: Final = {ONE: Site("field", None, None, NAMES), TWO: Site("cell", None, None, NAMES)}
_ENDINGS: Final = {ONE: (".jpg", ".jpeg"), TWO: (".tif", ".tiff")}
_FOLDERS: Final = {ONE: ("ALL_IDB1", "im"), TWO: ("ALL_IDB2", "img")}
EXPECTED: Final = {
    ONE: "im/Im001_1.jpg, ... beside xyc/Im001_1.xyc, ...: the last number 1 for ALL, 0 for none",
    TWO: "img/Im001_1.tif, ...: the last number 1 for a lymphoblast, 0 for another cell",
}
_NAME: Final = re.compile(r"Im(\d{3})_([01])(\.\w+)", re.IGNORECASE)
_NO_PATIENTS: Final = "The owners publish no patients: images of one patient count as independent."


def read_centroids(file: Path) -> list[tuple[int, int]]:
    """Read an ``.xyc`` file of ALL-IDB1.

    Parameters
    ----------
    file
        A line with x and y, px, for each probable lymphoblast; empty for a healthy field.

    Returns
    -------
    list of tuple of int
        (x, y) of the centres, px.

    Raises
    ------
    DataError
        It cannot be read, or holds something else than pairs of whole numbers.
    """
    try:
        words = file.read_text("ascii").split()
        numbers = [int(word) for word in words]
    except (OSError, ValueError) as error:
        raise DataError(
            f"{str(file)!r} holds no centroids", expected="lines of two whole numbers", found=str(error)
        ) from error
    if len(numbers) % 2 or any(number < 0 for number in numbers):
        raise DataError(
            f"{str(file)!r} holds no centroids", expected="two numbers a line", found=f"{len(numbers)} numbers"
        )
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _place(root: Path, name: str) -> Path:
    """Return the folder with the images: `root`, its ``im`` or ``img``, or that of the folder one below."""
    outer, inner = _FOLDERS[name]
    folder = find_folder(root, outer, outer.replace("_", "-")) or root
    return find_folder(folder, inner) or folder


def _own(folder: Path, name: str) -> list[str]:
    found = [(image, _NAME.fullmatch(image)) for image in images_in(folder)]
    return [image for image, match in found if match and match[3].lower() in _ENDINGS[name]]


def _recognise(name: str, root: Path) -> bool:
    own = _own(_place(root, name), name)
    return bool(own) and len(own) == len(images_in(_place(root, name)))


def _list(name: str, root: Path) -> Listing:
    folder = _place(root, name)
    own, there = _own(folder, name), images_in(folder)
    if not own:
        raise broken(root, name, expected=EXPECTED[name])
    prefix = "" if folder == root else f"{folder.relative_to(root).as_posix()}/"
    labels = ("healthy", "ALL") if name == ONE else ("normal cell", "lymphoblast")
    items = []
    for image in own:
        match = _NAME.fullmatch(image)
        label = labels[int(match[2])] if match else labels[0]
        items.append(new_item(root, prefix + image, label, LABORATORY))
    strange = sorted(set(there) - set(own))
    notes = left_out(len(strange), "images with other names were", strange[0]) if strange else []
    notes += [*(_check_centroids(folder, own) if name == ONE else []), _NO_PATIENTS]
    return Listing(name, tuple(items), in_use(labels, items), labels[:1], (), {LABORATORY: _SITES[name]}, tuple(notes))


def _check_centroids(folder: Path, images: list[str]) -> list[str]:
    """Return in a sentence which labels the ``.xyc`` files beside the images contradict."""
    tables = find_folder(folder.parent, "xyc")
    if tables is None:
        return ["There is no folder 'xyc': the labels were not compared with the lymphoblasts' centres."]
    odd = []
    for image in images:
        stem = image.rpartition(".")[0]
        file = tables / f"{stem}.xyc"
        if file.is_file() and bool(read_centroids(file)) != stem.endswith("1"):
            odd.append(image)
    return [f"{len(odd)} labels disagree with their .xyc file, such as that of {odd[0]}."] if odd else []


LAYOUTS: Final = tuple(
    Layout(
        name,
        EXPECTED[name],
        lambda root, name=name: _recognise(name, root),  # type: ignore[misc]
        lambda root, name=name: _list(name, root),  # type: ignore[misc]
    )
    for name in (ONE, TWO)
)
