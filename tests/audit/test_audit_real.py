"""On real images: every tenth of the data set with copies made of it on the way, none of them kept."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from leukolens.audit.hashes import hash_positions
from leukolens.audit.near import find_near
from leukolens.audit.picture import look_at
from leukolens.data import open_catalogue
from leukolens.smear.reading import read_image

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture(scope="module")
def pictures() -> tuple[list[np.ndarray], list[str]]:
    folder = Path(os.environ.get("LEUKOLENS_DATA") or Path(__file__).parents[2] / "../shared/data").resolve()
    if not (folder / "taleqani" / "Original").is_dir():
        pytest.skip(f"the real images are not at {folder}: set LEUKOLENS_DATA")
    catalogue = open_catalogue(folder / "taleqani")
    items = catalogue.items[::10]
    files = [catalogue.locate(item) for item in items]
    return [look_at(file, read_image(file).pixels).clean for file in files], [item.label for item in items]


def altered(rgb: np.ndarray, number: int) -> np.ndarray:
    """Turned or mirrored, a little brighter, reduced to 90 % and stored as JPEG of quality 80."""
    turned = np.rot90(rgb, number % 4)
    turned = turned[:, ::-1] if number % 2 else turned
    brighter = np.clip(turned * 1.06, 0, 255).astype(np.uint8)
    small = cv2.resize(brighter, None, fx=0.9, fy=0.9, interpolation=cv2.INTER_AREA)
    _, coded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 80])
    return np.ascontiguousarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))


def test_altered_copies_are_found_and_unrelated_pictures_are_not_merged(pictures) -> None:
    clean, labels = pictures
    copies = [altered(rgb, number) for number, rgb in enumerate(clean)]
    bits = np.stack([hash_positions(rgb) for rgb in [*clean, *copies]])
    _, links = find_near(bits, [*labels, *labels])
    count = len(clean)
    found = {(link.first, link.second) for link in links}
    assert sum((number, number + count) in found for number in range(count)) >= 0.98 * count
    across = {(one % count, other % count) for one, other in found if one % count != other % count}
    assert sum(labels[one] != labels[other] for one, other in across) == 0
    assert len(across) <= 0.02 * count  # neighbours that show the same field are in it
