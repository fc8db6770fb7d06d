"""Rendered fields with the truth about their white cells, for the tests of masks and backgrounds."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from leukolens.smear.synth import Content, Style, render_field

RED_ONLY = "red cells only"


@lru_cache(maxsize=32)
def white_field(style="violet", seed=40, content="all", width=480, height=360, um_per_px=0.256):
    """Return the picture (H, W, 3) uint8, and the masks (H, W) bool of white cells and of their nuclei."""
    field = render_field(
        seed,
        width=width,
        height=height,
        um_per_px=um_per_px,
        style=Style.named(style),
        content=Content({"red cell": 60}, exact=True) if content == RED_ONLY else Content.named(content),
    )
    cells, nuclei = np.zeros((2, height, width), bool)
    for index, cell in enumerate(field.cells):
        if cell.nucleus is not None:
            x0, y0, x1, y1 = cell.box
            cells[y0:y1, x0:x1] |= field.visible(index)
            nuclei[y0:y1, x0:x1] |= cell.nucleus & field.visible(index)
    return field.pixels, cells, nuclei


def overlap(first, second):
    """Return the intersection of two masks over their union."""
    return float((first & second).sum() / max(1, (first | second).sum()))
