"""Placing evidence on a reduced picture: the same as on the whole one, reduced afterwards."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from leukolens.explain import place_evidence
from leukolens.smear.prepare import Preparation, map_back, prepare


@pytest.mark.parametrize(
    ("width", "height", "aspect"), [(400, 300, None), (300, 400, None), (320, 320, 4 / 3), (900, 300, None)]
)
def test_same_as_the_full_map_reduced(width: int, height: int, aspect: float | None) -> None:
    rng = np.random.default_rng(3)
    rgb = cv2.GaussianBlur(rng.integers(150, 250, (height, width, 3), dtype=np.uint8), (0, 0), 3)
    prepared = prepare(rgb, Preparation(paint_out_marks=False), aspect=aspect or width / height)
    evidence = rng.normal(size=(6, 7)).astype(np.float32)
    shown = (width // 4, height // 4)
    got = place_evidence(evidence, prepared, (width, height), shown)
    whole = map_back(evidence, prepared, width, height)
    wanted = cv2.resize(whole, shown, interpolation=cv2.INTER_AREA)
    assert got.shape == (shown[1], shown[0])
    assert got.dtype == np.float32
    np.testing.assert_allclose(got[1:-1, 1:-1], wanted[1:-1, 1:-1], atol=0.05)


def test_the_hot_cell_lands_on_the_nucleus() -> None:
    rgb = np.full((600, 800, 3), 235, np.uint8)
    cv2.circle(rgb, (560, 180), 50, (100, 50, 150), -1)
    prepared = prepare(rgb, Preparation(paint_out_marks=False), aspect=4 / 3)
    dark = 255.0 - cv2.resize(prepared.pixels, (14, 12), interpolation=cv2.INTER_AREA).mean(-1)
    placed = place_evidence(dark.astype(np.float32), prepared, (800, 600), (400, 300))
    y, x = np.unravel_index(int(placed.argmax()), placed.shape)
    assert np.hypot(x - 280, y - 90) < 20
