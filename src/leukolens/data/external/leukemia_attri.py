"""LeukemiaAttri: the same fields of leukaemia under two microscopes, several cameras and magnifications, Lahore.

Rehman et al. 2024 (MICCAI, arXiv 2405.10803; grown into LLD, arXiv 2504.02602),
https://github.com/intelligentMachines-ITU/Blood-Cancer-Dataset-Lukemia-Attri-MICCAI-2024 ::

    H_100X_C1/Images/{train,test}/38_2_1000_ALL.png
    H_100X_C1/json_labels/{train,test}.json              COCO: boxes of 14 kinds of white cells with attributes
    H_100X_C2, L_100X_C1, H_40X_C1, ...                  H and L: dear and cheap microscope; objective; camera

The repository's README writes ``Annotations`` for the folder of the COCO files, copies in use have ``json_labels`` or
``WBC_detection``: all are read. A name is patient, field, total magnification, diagnosis (ALL, AML, APML, CLL, CML);
at 40x a further number stands between field and magnification. The diagnosis is that of the patient: a field of it need
not show a blast. All are patients with leukaemia: there is no class that means none.

One patient has images in every folder, and stands in training in one and in test in another: `patient` is the same in
all, so that a split by patient keeps them together. The owners state no pixel size.

Not confirmed: the order of the numbers in a name, which other programs that read the set agree upon; and that the
fields, published as 640 x 640 px, are squeezed from a wider picture, which one of them found (factor 0.60).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from leukolens.data.catalogue import Site
from leukolens.data.external.layout import Layout, Listing, below, broken, find_folder, in_use, left_out, new_item
from leukolens.data.walk import subfolders

if TYPE_CHECKING:
    from pathlib import Path

    from leukolens.data.catalogue import Item

NAME: Final = "leukemia-attri"
DIAGNOSES: Final = ("ALL", "AML", "APML", "CLL", "CML")
EXPECTED: Final = "folders such as H_100X_C1/Images/{train,test}/38_2_1000_ALL.png with json_labels/{train,test}.json"
_DOMAIN: Final = re.compile(r"([HL])_(\d+)X_(\w+)", re.IGNORECASE)
_NAME: Final = re.compile(r"(\d+)_\d+(?:_\d+)*_(ALL|AML|APML|CLL|CML)\.\w+", re.IGNORECASE)
_TABLES: Final = ("json_labels", "Annotations", "WBC_detection")
NAMES: Final = ("LeukemiaAttri", "Large Leukemia Dataset", "2405.10803", "2504.02602")


def patient_of(name: str) -> tuple[str, str] | None:
    """Return patient and diagnosis of a file name such as ``38_2_1000_ALL.png``; None for others."""
    found = _NAME.fullmatch(name)
    return (found[1], found[2].upper()) if found else None


def _domains(root: Path) -> list[Path]:
    """Return the folders of a microscope, an objective and a camera: `root` itself, below it, or one further down."""
    if _DOMAIN.fullmatch(root.resolve().name):
        return [root]
    own = [root / name for name in subfolders(root)]
    direct = [folder for folder in own if _DOMAIN.fullmatch(folder.name)]
    return direct or [folder / name for folder in own for name in subfolders(folder) if _DOMAIN.fullmatch(name)]


def _recognise(root: Path) -> bool:
    return any(find_folder(domain, "Images") is not None for domain in _domains(root))


def _list(root: Path) -> Listing:
    items: list[Item] = []
    notes: list[str] = []
    sites: dict[str, Site] = {}
    for domain in _domains(root):
        images = find_folder(domain, "Images")
        if images is None:
            notes.append(f"The folder {domain.name!r} was left out: no folder 'Images' in it.")
            continue
        found = _DOMAIN.fullmatch(domain.resolve().name)
        laboratory = f"LeukemiaAttri {found[0].upper()}" if found else "LeukemiaAttri"
        listed, own_notes = _one(root, images, laboratory)
        items += listed
        notes += own_notes + _compare(root, domain, listed)
        sites[laboratory] = Site("field", float(found[2]) if found else None, None, NAMES)
    if not items:
        raise broken(root, NAME, expected=EXPECTED)
    classes = in_use(DIAGNOSES, items)
    other = tuple(name for name in classes if name != "ALL")
    notes.append("Labels are diagnoses of patients: a field need not show a blast, and none is of a healthy person.")
    return Listing(NAME, tuple(items), classes, (), other, sites, tuple(notes))


def _one(root: Path, images: Path, laboratory: str) -> tuple[list[Item], list[str]]:
    paths, notes = below(root, images)
    items, strange = [], []
    for path in paths:
        parts = patient_of(path.rpartition("/")[2])
        if parts is None:
            strange.append(path)
        else:
            items.append(new_item(root, path, parts[1], laboratory, parts[0]))
    return items, notes + (left_out(len(strange), "images with other names were", strange[0]) if strange else [])


def _compare(root: Path, domain: Path, items: list[Item]) -> list[str]:
    """Return in sentences how images and annotations of a folder disagree."""
    cells = read_cells(root, domain)
    if cells is None:
        return [f"The folder {domain.name!r} has no COCO annotations: images and boxes were not compared."]
    there = {item.path.rpartition("/")[2] for item in items}
    bare, lost = sorted(there - cells.keys()), sorted(cells.keys() - there)
    notes = [f"{len(bare)} images of {domain.name} have no annotation, such as {bare[0]}."] if bare else []
    return notes + ([f"{len(lost)} annotated images of {domain.name} are missing, such as {lost[0]}."] if lost else [])


def read_cells(root: Path, domain: Path) -> dict[str, dict[str, int]] | None:
    """Count the annotated cells of each image of a folder such as ``H_100X_C1``.

    Parameters
    ----------
    root
        The data set, for messages.
    domain
        The folder.

    Returns
    -------
    dict or None
        File name -> kind of cell, as the owners write it -> number of boxes. None where there are no COCO files.

    Raises
    ------
    DataError
        A file is no COCO annotation.
    """
    folder = find_folder(domain, *_TABLES)
    files = [] if folder is None else sorted(file for file in folder.glob("*.json") if file.is_file())
    if not files:
        return None
    cells: dict[str, Counter[str]] = {}
    for file in files:
        try:
            content: dict[str, Any] = json.loads(file.read_text("utf-8"))
            kinds = {one["id"]: str(one["name"]) for one in content["categories"]}
            names = {one["id"]: str(one["file_name"]).rpartition("/")[2] for one in content["images"]}
            for name in names.values():
                cells.setdefault(name, Counter())
            for box in content["annotations"]:
                cells[names[box["image_id"]]][kinds[box["category_id"]]] += 1
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise broken(
                root,
                NAME,
                expected=f"COCO in {file.name}: images, categories, annotations",
                found=f"{type(error).__name__}: {error}",
            ) from error
    return {name: dict(counts) for name, counts in cells.items()}


LAYOUT: Final = Layout(NAME, EXPECTED, _recognise, _list)
