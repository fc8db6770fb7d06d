"""Raabin-WBC: single normal white cells from Tehran; and the pictures of leukaemia that the same people publish.

Kouzehkanan et al. 2022 (doi 10.1038/s41598-021-04426-x), https://raabindata.com/free-data ::

    {Train,TestA,TestB}/{Basophil,Eosinophil,Lymphocyte,Monocyte,Neutrophil}/95-8-27-1_154_1.jpg, 20190531_114409_2.jpg

TestB holds neutrophils and lymphocytes only, from another microscope and camera than the other two. The owners used
two microscopes (Olympus CX18, Zeiss; 100x) and two telephones (Samsung Galaxy S5, LG G3). Giemsa, 575 x 575 px.

Not confirmed: which microscope and camera belong to which folder, so the laboratories are called after the folders; a
pixel's size; the form of the names, of which the part before the last two numbers ("95-8-27-1", a date and a number) is
taken for the smear: images of one smear are kept together as if of one patient, names that are times of capture alone.

The leukaemia pictures: folders "first microscope" and "second microscope" that hold a folder a diagnosis. No published
text with their names was found; what a folder's name says (ALL, AML, CLL, CML, APL, normal) is all that is used.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from leukolens.data.catalogue import Site
from leukolens.data.external.layout import Layout, Listing, below, broken, descend, in_use, left_out, new_item
from leukolens.data.walk import images_below, subfolders
from leukolens.finding.paths import natural_key

if TYPE_CHECKING:
    from pathlib import Path

    from leukolens.data.catalogue import Item

WBC: Final = "raabin-wbc"
LEUKAEMIA: Final = "raabin-leukaemia"
CLASSES: Final = ("Basophil", "Eosinophil", "Lymphocyte", "Monocyte", "Neutrophil")
EXPECTED: Final = {
    WBC: f"Train, TestA or TestB with the folders {', '.join(CLASSES)}",
    LEUKAEMIA: "the folders 'first microscope' or 'second microscope' with a folder a diagnosis: ALL, AML, CLL, ...",
}
NAMES: Final = ("Raabin", "10.1038/s41598-021-04426-x")
_FIRST: Final = "Raabin-WBC, Train and TestA"
_PARTS: Final = {"train": _FIRST, "testa": _FIRST, "testb": "Raabin-WBC, TestB"}
_SMEAR: Final = re.compile(r"(\d{2}-\d{1,2}-\d{1,2}-\d+)_\d+_\d+\.\w+")
_DIAGNOSES: Final = {
    "ALL": ("all", "l1", "l2", "l3"),
    "AML": ("aml", "m0", "m1", "m2", "m4", "m5", "m6", "m7"),
    "APL": ("apl", "apml", "m3"),
    "CLL": ("cll",),
    "CML": ("cml",),
    "normal": ("normal", "healthy"),
}


def smear_of(name: str) -> str | None:
    """Return the smear that a file name begins with, such as "95-8-27-1"; None where it is a time of capture."""
    found = _SMEAR.fullmatch(name)
    return found[1] if found else None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _parts(root: Path) -> dict[str, str]:
    """Return which folders of `root` are parts of Raabin-WBC, and their laboratories."""
    return {name: _PARTS[_plain(name)] for name in subfolders(root) if _plain(name) in _PARTS}


def _recognise_wbc(root: Path) -> bool:
    folder = descend(root, "Raabin-WBC")
    parts = _parts(folder)
    wanted = {_plain(name) for name in CLASSES}
    held = {part: {_plain(name) for name in subfolders(folder / part)} for part in parts}
    # "Train" with classes of cells could be anybody's: TestA or TestB must be there, or smears in the names.
    return (
        bool(parts)
        and all(own and own <= wanted for own in held.values())
        and (any(_plain(part) != "train" for part in parts) or _has_smears(folder, parts))
    )


def _has_smears(folder: Path, parts: dict[str, str]) -> bool:
    return any(smear_of(path.rpartition("/")[2]) for part in parts for path in images_below(folder / part)[0][:50])


def _list_wbc(root: Path) -> Listing:
    folder = descend(root, "Raabin-WBC")
    known = {_plain(name): name for name in CLASSES}
    items: list[Item] = []
    strange: list[str] = []
    notes: list[str] = []
    for part, laboratory in _parts(folder).items():
        for name in subfolders(folder / part):
            paths, odd = below(root, folder / part / name)
            notes += odd
            if _plain(name) not in known:
                strange += paths
                continue
            items += [
                new_item(root, path, known[_plain(name)], laboratory, smear_of(path.rpartition("/")[2]))
                for path in paths
            ]
    if not items:
        raise broken(root, WBC, expected=EXPECTED[WBC])
    notes += left_out(len(strange), "images of other classes were", strange[0]) if strange else []
    notes += _smear_note(items)
    sites = {item.laboratory: Site("cell", 100, None, NAMES) for item in items if item.laboratory}
    classes = in_use(CLASSES, items)
    return Listing(WBC, tuple(items), classes, classes, (), sites, tuple(notes))


def _smear_note(items: list[Item]) -> list[str]:
    bare = sum(item.patient is None for item in items)
    return [f"{bare} of {len(items)} names tell no smear: these images count as independent."] if bare else []


def _diagnosis(name: str) -> str | None:
    words = re.findall(r"[a-z]+\d?", name.lower())
    return next((label for label, known in _DIAGNOSES.items() if set(words) & set(known)), None)


def _microscopes(root: Path) -> list[str]:
    return [name for name in subfolders(root) if re.fullmatch(r"(first|second)microscope", _plain(name))]


def _list_leukaemia(root: Path) -> Listing:
    items: list[Item] = []
    strange: list[str] = []
    notes: list[str] = []
    for microscope in _microscopes(root):
        laboratory = f"Raabin leukaemia, {' '.join(microscope.lower().replace('_', ' ').split())}"
        for name in subfolders(root / microscope):
            label = _diagnosis(name)
            paths, odd = below(root, root / microscope / name)
            notes += odd
            if label is None:
                strange += paths
            else:
                items += [new_item(root, path, label, laboratory) for path in paths]
    if not items:
        raise broken(root, LEUKAEMIA, expected=EXPECTED[LEUKAEMIA])
    notes += (
        left_out(len(strange), "images in folders that name no known diagnosis were", strange[0]) if strange else []
    )
    notes.append(
        "No patients are known, and the layout could not be confirmed: look at the labels before you believe them."
    )
    sites = {item.laboratory: Site("field", 100, None, NAMES) for item in items if item.laboratory}
    classes = in_use(("normal", "ALL", "AML", "APL", "CLL", "CML"), items)
    other = tuple(name for name in classes if name not in {"normal", "ALL"})
    negative = tuple(name for name in classes if name == "normal")
    sites = dict(sorted(sites.items(), key=lambda one: natural_key(one[0])))
    return Listing(LEUKAEMIA, tuple(items), classes, negative, other, sites, tuple(notes))


LAYOUTS: Final = (
    Layout(WBC, EXPECTED[WBC], _recognise_wbc, _list_wbc),
    Layout(LEUKAEMIA, EXPECTED[LEUKAEMIA], lambda root: bool(_microscopes(root)), _list_leukaemia),
)
