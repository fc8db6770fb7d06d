"""C-NMC 2019: single cells of ALL patients and of healthy subjects, SBILab and AIIMS, New Delhi.

Layout and names as published by TCIA (doi 10.7937/tcia.2019.dc64i46r) and the challenge
(https://competitions.codalab.org/competitions/20395)::

    C-NMC_training_data/fold_{0,1,2}/{all,hem}/UID_11_1_1_all.bmp, UID_H10_1_1_hem.bmp
    C-NMC_test_prelim_phase_data/C-NMC_test_prelim_phase_data/1.bmp
    C-NMC_test_prelim_phase_data/C-NMC_test_prelim_phase_data_labels.csv    Patient_ID,new_names,labels
    C-NMC_test_final_phase_data/...                                         no labels are published

Kaggle's copy calls the three ``training_data``, ``validation_data`` and ``testing_data``. A name is
``UID_subject_image_cell_class``; ``labels`` are 1 for a leukaemic cell and 0 for a normal one, and ``Patient_ID`` is
such a name. Cells are cut out on black, 450 x 450 px.

Not confirmed: a pixel's size is nowhere stated. Subjects are written both ``H3`` and ``h3``: taken for one.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Final

from leukolens.data.catalogue import Site
from leukolens.data.external.layout import (
    Layout,
    Listing,
    below,
    broken,
    descend,
    find_folder,
    in_use,
    left_out,
    new_item,
)
from leukolens.data.walk import images_in, subfolders

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from leukolens.data.catalogue import Item

NAME: Final = "cnmc"
LABORATORY: Final = "AIIMS New Delhi (C-NMC 2019)"
SITE: Final = Site("cell", 100, None, ("C-NMC", "10.7937/tcia.2019.dc64i46r"))
EXPECTED: Final = (
    "C-NMC_training_data/fold_0/{all,hem}/UID_11_1_1_all.bmp, or the folders all and hem, or "
    "C-NMC_test_prelim_phase_data with its C-NMC_test_prelim_phase_data_labels.csv"
)
CLASSES: Final = {"all": "ALL", "hem": "normal"}
_NAME: Final = re.compile(r"UID_([Hh]?\d+)_(\d+)_(\d+)_(all|hem)\.\w+", re.IGNORECASE)
_TRAINING: Final = ("C-NMC_training_data", "training_data")
_PRELIM: Final = ("C-NMC_test_prelim_phase_data", "validation_data")
_LABELS: Final = "C-NMC_test_prelim_phase_data_labels.csv"
_FINAL: Final = ("C-NMC_test_final_phase_data", "testing_data")


def subject_of(name: str) -> tuple[str, str] | None:
    """Return subject and class, "all" or "hem", of a file name such as ``UID_H10_1_1_hem.bmp``; None for others."""
    found = _NAME.fullmatch(name)
    return (found[1].upper(), found[4].lower()) if found else None


def _recognise(root: Path) -> bool:
    folder = descend(root, "C-NMC_Leukemia", "PKG - C-NMC 2019")
    places = [folder, *(place for place in (find_folder(folder, *_TRAINING),) if place)]
    if any(_class_folder(place) for place in places):
        return True
    return _table(folder) is not None


def _class_folder(folder: Path) -> Path | None:
    """Return a folder of cells, in `folder` or in one of its folds, whose first image has a name of this data set."""
    for place in (folder, *(folder / name for name in subfolders(folder) if name.lower().startswith("fold_"))):
        for name in CLASSES:
            own = find_folder(place, name)
            first = images_in(own)[:1] if own else []
            if first and subject_of(first[0]):
                return own
    return None


def _table(folder: Path) -> Path | None:
    """Return the table of the preliminary phase, in `folder` or in the folder of that phase."""
    places = (folder, find_folder(folder, *_PRELIM))
    return next((place / _LABELS for place in places if place is not None and (place / _LABELS).is_file()), None)


def _list(root: Path) -> Listing:
    folder = descend(root, "C-NMC_Leukemia", "PKG - C-NMC 2019")
    training = find_folder(folder, *_TRAINING) or folder
    items, notes = _training(root, training)
    table = _table(folder)
    if table is not None:
        items += list(_prelim(root, table))
    final = find_folder(folder, *_FINAL)
    if final is not None:
        unlabelled = below(root, final)[0]
        notes += (
            left_out(len(unlabelled), "images of the final phase without published labels were", unlabelled[0])
            if (unlabelled)
            else []
        )
    if not items:
        raise broken(root, NAME, expected=EXPECTED)
    return Listing(
        NAME, tuple(items), in_use(("normal", "ALL"), items), ("normal",), (), {LABORATORY: SITE}, tuple(notes)
    )


def _training(root: Path, folder: Path) -> tuple[list[Item], list[str]]:
    items: list[Item] = []
    strange: list[str] = []
    notes: list[str] = []
    folds = [folder / name for name in subfolders(folder) if name.lower().startswith("fold_")]
    for place in (folder, *folds):
        for name, label in CLASSES.items():
            own = find_folder(place, name)
            paths, odd = below(root, own) if own else ([], [])
            notes += odd
            for path in paths:
                parts = subject_of(path.rpartition("/")[2])
                if parts is None:
                    strange.append(path)
                elif parts[1] != name:
                    raise broken(root, NAME, expected=f"cells called ..._{name} in the folder {name}", found=path)
                else:
                    items.append(new_item(root, path, label, LABORATORY, parts[0]))
    notes += left_out(len(strange), "images whose names tell no subject were", strange[0]) if strange else []
    return items, notes


def _prelim(root: Path, table: Path) -> Iterator[Item]:
    """Read the table of the preliminary phase: new name, original name with the subject, 1 or 0."""
    inner = find_folder(table.parent, *_PRELIM[:1]) or table.parent
    prefix = "" if inner == root else f"{inner.relative_to(root).as_posix()}/"
    there = set(images_in(inner))
    try:
        rows = list(csv.DictReader(table.read_text("utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise broken(root, NAME, expected=f"a CSV file {table.name}", found=str(error)) from error
    for number, row in enumerate(rows, start=2):
        parts = subject_of((row.get("Patient_ID") or "").strip())
        name, label = (row.get("new_names") or "").strip(), (row.get("labels") or "").strip()
        if parts is None or label != {"all": "1", "hem": "0"}[parts[1]]:
            raise broken(
                root,
                NAME,
                expected="rows such as UID_57_29_1_all.bmp,1.bmp,1 under Patient_ID,new_names,labels",
                found=f"row {number} of {table.name}: {', '.join(str(value) for value in row.values())}",
            )
        if name not in there:
            raise broken(root, NAME, expected=f"every image that {table.name} lists", found=f"no {prefix}{name}")
        yield new_item(root, prefix + name, CLASSES[parts[1]], LABORATORY, parts[0])


LAYOUT: Final = Layout(NAME, EXPECTED, _recognise, _list)
