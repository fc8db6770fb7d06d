"""PBC: 17,092 single normal cells, Hospital Clinic of Barcelona.

Acevedo et al. 2020 (doi 10.1016/j.dib.2020.105474; data doi 10.17632/snkd93bnjr.1, CC BY 4.0)::

    PBC_dataset_normal_DIB/{basophil,eosinophil,erythroblast,ig,lymphocyte,monocyte,neutrophil,platelet}/BA_123456.jpg

360 x 363 px, CellaVision DM96, May Gruenwald-Giemsa. The letters before the number name the kind or its stage: ``MY``,
``MMY`` and ``PMY`` are in ``ig`` (immature granulocytes), ``BNE`` and ``SNE`` in ``neutrophil``. All are cells of
people without infection, haematological or oncological disease, so every class means no leukaemia.

Not confirmed: pixel size and subjects; the owners publish neither.
"""

from __future__ import annotations

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
from leukolens.data.walk import images_in

if TYPE_CHECKING:
    from pathlib import Path

NAME: Final = "pbc"
LABORATORY: Final = "Hospital Clinic of Barcelona (PBC)"
SITE: Final = Site("cell", 100, None, ("PBC_dataset", "10.17632/snkd93bnjr", "10.1016/j.dib.2020.105474"))
PREFIXES: Final = {
    "basophil": ("BA",),
    "eosinophil": ("EO",),
    "erythroblast": ("ERB",),
    "ig": ("IG", "MY", "MMY", "PMY"),
    "lymphocyte": ("LY",),
    "monocyte": ("MO",),
    "neutrophil": ("NEUTROPHIL", "BNE", "SNE"),
    "platelet": ("PLATELET",),
}
"""Folder -> what its files' names begin with."""
EXPECTED: Final = f"the folders {', '.join(PREFIXES)} with names such as basophil/BA_123456.jpg"
_NAME: Final = re.compile(r"([A-Z]+)_(\d+)\.\w+", re.IGNORECASE)


def _folder(root: Path) -> Path:
    return descend(root, "PBC_dataset_normal_DIB")


def _fits(name: str, folder: str) -> bool:
    found = _NAME.fullmatch(name)
    return found is not None and found[1].upper() in PREFIXES[folder]


def _recognise(root: Path) -> bool:
    folder = _folder(root)
    firsts = [
        bool(images) and _fits(images[0], name)
        for name in PREFIXES
        if (own := find_folder(folder, name)) is not None and (images := images_in(own)) is not None
    ]
    return len(firsts) >= 2 and all(firsts)


def _list(root: Path) -> Listing:
    folder = _folder(root)
    items, strange, notes = [], [], []
    for name in PREFIXES:
        own = find_folder(folder, name)
        paths, odd = below(root, own) if own else ([], [])
        notes += odd
        strange += [path for path in paths if not _fits(path.rpartition("/")[2], name)]
        items += [new_item(root, path, name, LABORATORY) for path in paths if _fits(path.rpartition("/")[2], name)]
    if not items:
        raise broken(root, NAME, expected=EXPECTED)
    classes = in_use(PREFIXES, items)
    absent = [name for name in PREFIXES if name not in classes]
    notes += [f"There is no image of {', '.join(absent)}."] if absent else []
    notes += left_out(len(strange), "images whose names do not fit their folder were", strange[0]) if strange else []
    notes.append("The owners publish no subjects: cells of one person count as independent.")
    return Listing(NAME, tuple(items), classes, classes, (), {LABORATORY: SITE}, tuple(notes))


LAYOUT: Final = Layout(NAME, EXPECTED, _recognise, _list)
