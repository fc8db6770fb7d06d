"""Smears drawn with a few circles, for tests of this room: exact truth, no real image."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

DATA = Path(os.environ.get("LEUKOLENS_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"real images not found in {DATA}: set LEUKOLENS_DATA")

GROUND = (236, 240, 246)
RED_CELL = (200, 168, 176)
CYTOPLASM = (150, 160, 225)
NUCLEUS = (96, 62, 168)


def _places(rng, count, radius, width, height, taken):
    found = []
    for _ in range(4000):
        if len(found) == count:
            break
        x, y = rng.uniform(radius, width - radius), rng.uniform(radius, height - radius)
        if all((x - u) ** 2 + (y - v) ** 2 > (radius + r + 2) ** 2 for u, v, r in taken):
            found.append((x, y))
            taken.append((x, y, radius))
    return found


def draw_field(width=224, height=224, *, red=45, white=4, seed=0, ground=GROUND, red_cell=RED_CELL, nucleus=NUCLEUS):
    """Return the picture (H, W, 3) uint8, and the masks (H, W) bool of red cells and of nuclei."""
    rng = np.random.default_rng(seed)
    scale, taken = width / 224, []
    big, fine = 4, (width * 4, height * 4)
    if width > 700:
        big, fine = 1, (width, height)
    picture = np.full((fine[1], fine[0], 3), ground, np.uint8)
    reds, nuclei = np.zeros(fine[::-1], np.uint8), np.zeros(fine[::-1], np.uint8)

    def disk(target, place, radius, colour):
        centre = tuple(round(big * v) for v in place)
        cv2.circle(target, centre, max(1, round(big * radius)), colour, -1, cv2.LINE_AA)

    whites = _places(rng, white, 14 * scale, width, height, taken)
    for place in _places(rng, red, 9 * scale, width, height, taken):
        disk(picture, place, 9 * scale, red_cell)
        disk(picture, place, 3 * scale, tuple(int(0.6 * g + 0.4 * r) for g, r in zip(ground, red_cell, strict=True)))
        disk(reds, place, 9 * scale, 1)
    for place in whites:
        disk(picture, place, 14 * scale, CYTOPLASM)
        disk(picture, place, 11 * scale, nucleus)
        disk(nuclei, place, 11 * scale, 1)
    picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    picture = cv2.GaussianBlur(picture, (0, 0), 0.7 * max(1.0, 0.6 * scale))
    grain = rng.normal(0.0, 1.0, picture.shape)
    picture = np.clip(picture + grain, 0, 255).astype(np.uint8)
    masks = [cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST) > 0 for mask in (reds, nuclei)]
    return picture, masks[0], masks[1]


def draw_mark(picture, style, corner="bottom right"):
    """Draw a scale bar into a copy; return it and the truth (H, W) bool: the box, or the bounds of bar and text."""
    out = picture.copy()
    height, width = out.shape[:2]
    w, h = round(0.135 * width), round(0.075 * width)
    x0 = width - w - round(0.03 * width) if "right" in corner else round(0.03 * width)
    y0 = height - h - round(0.03 * height) if "bottom" in corner else round(0.03 * height)
    ink = (210, 20, 25) if style == "red" else (8, 8, 8)
    if style == "box":
        out[y0 : y0 + h, x0 : x0 + w] = 255
    thick = max(1, round(0.005 * width))
    margin = max(2, round(0.012 * width))
    bar_y = y0 + round(0.78 * h)
    left, right = x0 + margin, x0 + w - margin
    out[bar_y : bar_y + thick, left:right] = ink
    tick = round(0.15 * h)
    for x in (left, right - thick):
        out[bar_y - tick : bar_y + thick + tick, x : x + thick] = ink
    font = 0.0011 * width
    cv2.putText(out, "100 px", (left + margin, y0 + round(0.5 * h)), cv2.FONT_HERSHEY_SIMPLEX, font, ink, thick)
    truth = np.zeros((height, width), bool)
    if style == "box":
        truth[y0 : y0 + h, x0 : x0 + w] = True
    else:
        (across, up), _ = cv2.getTextSize("100 px", cv2.FONT_HERSHEY_SIMPLEX, font, thick)
        top = y0 + round(0.5 * h) - up
        truth[top : bar_y + thick + tick, left : max(right, left + margin + across)] = True
    return out, truth


def read(path):
    """Return a picture (H, W, 3) uint8 RGB."""
    return np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])
