"""Scale bars, burned in as camera programs do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.smear.synth.letters import write_letters

if TYPE_CHECKING:
    from numpy.typing import NDArray

Box = tuple[int, int, int, int]
_RED: Final = (210, 30, 40)
_BLACK: Final = (15, 15, 15)
_PATTERN: Final = re.compile(r"(?:(red|black) )?([1-9][0-9]*) (pixel|um)")


@dataclass(frozen=True)
class BarSpec:
    """A scale bar: its text, its length in pixels, its colour, and whether it lies on a white box."""

    text: str
    length: int
    colour: tuple[int, int, int]
    boxed: bool


def parse_bar(text: str, um_per_px: float) -> BarSpec:
    """Return what a scale bar's description means.

    "100 pixel" is a black bar on a white box, "red 100 pixel" and "black 50 um" stand without one. The number is the
    length; "um" is turned into pixels by the scale.

    Raises
    ------
    ValueError
        If the text is not of that form.
    """
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(
            f"scale_bar: expected '[red |black ]<whole number> pixel' or '... um', such as '100 pixel', found {text!r}"
        )
    colour, number, unit = match.groups()
    length = int(number) if unit == "pixel" else round(int(number) / um_per_px)
    return BarSpec(f"{number} {unit}", length, _RED if colour == "red" else _BLACK, boxed=colour is None)


def draw_bar(pixels: NDArray[np.uint8], bar: BarSpec) -> tuple[NDArray[np.uint8], Box]:
    """Return a new picture with the bar in its lower right corner, and the box (x0, y0, x1, y1) that it covers.

    The bar itself is exactly ``bar.length`` pixels long, ends included.

    Raises
    ------
    ValueError
        If bar and text do not fit into the picture.
    """
    height, width = pixels.shape[:2]
    mask = _bar_ink(bar, max(height / 768, 0.35))
    box_h, box_w = mask.shape
    x0 = width - max(round(0.026 * width), 1) - box_w
    y0 = height - max(round(0.03 * height), 1) - box_h
    if x0 < 0 or y0 < 0 or bar.length < 2:
        raise ValueError(
            f"scale bar {bar.text!r}: expected one of 2 pixels or more that fits, with its text and margin, into "
            f"{width} x {height} pixels, found one of {bar.length} pixels that covers {box_w} x {box_h}; take another "
            "length or a larger picture"
        )
    out = pixels.copy()
    area = out[y0 : y0 + box_h, x0 : x0 + box_w]
    if bar.boxed:
        area[:] = 255
    area[:] = np.rint(area + mask[..., None] * (np.array(bar.colour, np.float32) - area))
    return out, (x0, y0, x0 + box_w, y0 + box_h)


def _bar_ink(bar: BarSpec, unit: float) -> NDArray[np.float32]:
    """Return text above rule as ink, 0 to 1; `unit` is 1 for a picture 768 pixels high."""
    ink = write_letters(bar.text, max(round(17 * unit), 6))
    pad, tick, line = max(round(4 * unit), 1), max(round(5 * unit), 2), max(round(2 * unit), 1)
    width = max(bar.length, ink.shape[1]) + 2 * pad
    height = ink.shape[0] + 2 * tick + line + 2 * pad
    mask = np.zeros((height, width), np.float32)
    left = (width - ink.shape[1]) // 2
    mask[pad : pad + ink.shape[0], left : left + ink.shape[1]] = ink
    _rule(mask, (width - bar.length) // 2, height - pad - tick - line, bar.length, tick, line)
    return mask


def _rule(mask: NDArray[np.float32], x: int, y: int, length: int, tick: int, line: int) -> None:
    mask[y : y + line, x : x + length] = 1
    for end in (x, x + length - line):
        mask[y - tick : y + line + tick, end : end + line] = 1
