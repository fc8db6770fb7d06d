"""BCCD: fields of normal blood with boxes, in the layout of PASCAL VOC.

https://github.com/Shenggan/BCCD_Dataset (MIT)::

    BCCD/JPEGImages/BloodImage_00000.jpg      640 x 480 px
    BCCD/Annotations/BloodImage_00000.xml     boxes of RBC, WBC, Platelets
    BCCD/ImageSets/Main/{train,val,test,trainval}.txt

In the repository as stored now the three folders may also stand at the top. Every field gets the label "normal": the
owners describe blood cells of no disease, which is all that is known.

Not confirmed: who gave the blood, which microscope and what pixel size; the owners state none.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from leukolens.data.catalogue import Site
from leukolens.data.external.layout import Layout, Listing, below, broken, find_folder, left_out, new_item
from leukolens.data.walk import images_in

if TYPE_CHECKING:
    from pathlib import Path

NAME: Final = "bccd"
LABORATORY: Final = "BCCD"
SITE: Final = Site("field", None, None, ("BCCD", "Shenggan"))
EXPECTED: Final = "JPEGImages/BloodImage_00000.jpg, ..., Annotations/BloodImage_00000.xml, ... and ImageSets"


def _folder(root: Path) -> Path:
    return find_folder(root, "BCCD") or root


def _recognise(root: Path) -> bool:
    folder = _folder(root)
    images, boxes = find_folder(folder, "JPEGImages"), find_folder(folder, "Annotations")
    return images is not None and boxes is not None and any(n.startswith("BloodImage_") for n in images_in(images))


def _list(root: Path) -> Listing:
    folder = _folder(root)
    images, boxes = find_folder(folder, "JPEGImages"), find_folder(folder, "Annotations")
    if images is None or boxes is None:
        raise broken(root, NAME, expected=EXPECTED)
    paths, notes = below(root, images)
    if not paths:
        raise broken(root, NAME, expected=EXPECTED, found="no image in JPEGImages")
    described = {PurePosixPath(file.name).stem for file in boxes.glob("*.xml")}
    bare = [path for path in paths if PurePosixPath(path).stem not in described]
    lost = sorted(described - {PurePosixPath(path).stem for path in paths})
    notes += [f"{len(bare)} images have no boxes in Annotations, such as {bare[0]}."] if bare else []
    notes += left_out(len(lost), "descriptions without their image were", f"{lost[0]}.xml") if lost else []
    notes.append("The owners publish no patients: images of one person count as independent.")
    items = tuple(new_item(root, path, "normal", LABORATORY) for path in paths)
    return Listing(NAME, items, ("normal",), ("normal",), (), {LABORATORY: SITE}, tuple(notes))


LAYOUT: Final = Layout(NAME, EXPECTED, _recognise, _list)
