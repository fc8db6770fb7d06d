"""Draw the contact sheet of rendered fields: one field for each named look, and cells of each kind below.

Usage: python docs/scripts/synth_sheet.py [FILE.jpg]
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from leukolens.smear.synth import KINDS, STYLES, Content, Style, render_field, squeeze_to_square

TILE = (440, 330)
CELL = 176
FIELDS = (
    ("violet", "all", 0.105, "100 pixel"),
    ("pale grey", "all", 0.13, "200 pixel"),
    ("overexposed", "benign", 0.115, "100 pixel"),
    ("pink on green", "all", 0.12, None),
    ("buff", "benign", 0.12, None),
    ("salmon", "normal blood", 0.1, None),
    ("slate", "all", 0.13, "red 100 pixel"),
    ("yellow lamp", "no white cells", 0.13, None),
    ("grey green", "crowded", 0.15, "black 20 um"),
)


def fields() -> NDArray[np.uint8]:
    """Return nine fields, three a row."""
    tiles = []
    for seed, (style, content, um_per_px, bar) in enumerate(FIELDS, start=21):
        field = render_field(
            seed, style=Style.named(style), content=Content.named(content), um_per_px=um_per_px, scale_bar=bar
        )
        tiles.append(cv2.resize(field.pixels, TILE, interpolation=cv2.INTER_AREA))
    return np.vstack([np.hstack(tiles[k : k + 3]) for k in range(0, 9, 3)])


def cells(width: int) -> NDArray[np.uint8]:
    """Return one cell of each kind, cut from its field at its box, in two rows as wide as `width`."""
    kinds = [kind for kind in KINDS if kind != "red cell"]
    looks = ("violet", "overexposed", "buff")
    tiles = [_one(kind, looks[k % 3], 40 + k) for k, kind in enumerate(kinds)]
    half = (len(tiles) + 1) // 2
    tiles += [np.full_like(tiles[0], 255)] * (2 * half - len(tiles))
    rows = np.vstack([np.hstack(tiles[:half]), np.hstack(tiles[half:])])
    return np.asarray(
        cv2.resize(rows, (width, round(rows.shape[0] * width / rows.shape[1])), interpolation=cv2.INTER_AREA), np.uint8
    )


def _one(kind: str, look: str, seed: int) -> NDArray[np.uint8]:
    content = Content({kind: 1, "red cell": 40}, exact=True)
    while True:
        field = render_field(seed, width=620, height=620, um_per_px=0.1, style=STYLES[look], content=content)
        x0, y0, x1, y1 = field.of_kind(kind)[0].box
        x, y = (x0 + x1) // 2 - 100, (y0 + y1) // 2 - 100
        if 0 <= x <= 420 and 0 <= y <= 420:
            return np.asarray(
                cv2.resize(field.pixels[y : y + 200, x : x + 200], (CELL, CELL), interpolation=cv2.INTER_AREA), np.uint8
            )
        seed += 100


def squeezed(width: int) -> NDArray[np.uint8]:
    """Return six fields squeezed to 224 x 224, as the Taleqani set holds them."""
    tiles = [
        squeeze_to_square(render_field(seed, um_per_px=0.13, scale_bar="100 pixel").pixels) for seed in range(62, 68)
    ]
    row = np.hstack(tiles)
    return np.asarray(
        cv2.resize(row, (width, round(row.shape[0] * width / row.shape[1])), interpolation=cv2.INTER_AREA), np.uint8
    )


def main() -> int:
    """Write the sheet."""
    default = Path(__file__).parents[1] / "images" / "synth-contact-sheet.jpg"
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    width = 3 * TILE[0]
    sheet = np.vstack([fields(), cells(width), squeezed(width)])
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(sheet[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 85])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.tobytes())
    sys.stdout.write(f"{path.name}: {sheet.shape[1]} x {sheet.shape[0]} px, {len(data) // 1000} kB\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
