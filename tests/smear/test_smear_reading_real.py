"""The real images of LEUKOLENS_DATA: a sample of every folder is read to the pixels that Pillow gives."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from leukolens.smear.reading import read_image

ROOT = Path(os.environ.get("LEUKOLENS_DATA") or Path(__file__).parents[2] / ".." / "shared" / "data").resolve()
PER_FOLDER = 12
SUFFIXES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp"}

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not ROOT.is_dir(), reason="no real images: set LEUKOLENS_DATA to their folder"),
]


def sample() -> list[Path]:
    folders = defaultdict(list)
    for path in sorted(ROOT.rglob("*")):
        if path.suffix.lower() in SUFFIXES:
            folders[path.parent].append(path)
    return [path for paths in folders.values() for path in paths[:: max(1, len(paths) // PER_FOLDER)]]


def test_real_images_are_read_as_they_are():
    paths = sample()
    assert len(paths) > 200
    for path in paths:
        image = read_image(path)
        with Image.open(path) as expected:
            if expected.mode == "RGB" and not image.notes:
                np.testing.assert_array_equal(image.pixels, np.asarray(expected), err_msg=path.name)
        assert image.pixels.shape[2] == 3
        assert min(image.pixels.shape[:2]) >= 16


def test_fields_need_no_conversion():
    for path in sample():
        if "taleqani" in path.parts:
            image = read_image(path)
            assert image.pixels.shape == (224, 224, 3)
            assert image.um_per_px is None
