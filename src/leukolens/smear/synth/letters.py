"""The few letters of a scale bar, as strokes: the same with every version of OpenCV."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Stroke = list[tuple[float, float]]

_FINE: Final = 4  # drawn this many times larger, then reduced
_TOP, _BOTTOM = 1.45, -0.42  # of digits and of "p", where a small letter is 1 high
_WEIGHT: Final = 0.19
_GAP: Final = 0.24
_SPACE: Final = 0.45


def _loop(cx: float, cy: float, rx: float, ry: float, start: float = 0.0, stop: float = 360.0) -> Stroke:
    angles = np.radians(np.linspace(start, stop, 40))
    return [(float(cx + rx * np.cos(a)), float(cy + ry * np.sin(a))) for a in angles]


_GLYPHS: Final[dict[str, list[Stroke]]] = {
    "0": [_loop(0.42, 0.725, 0.36, 0.725)],
    "1": [[(0.1, 1.18), (0.45, 1.45), (0.45, 0.0)], [(0.12, 0.0), (0.78, 0.0)]],
    "2": [_loop(0.42, 1.08, 0.36, 0.37, 165, -38), [(0.7, 0.85), (0.08, 0.0), (0.8, 0.0)]],
    "3": [_loop(0.4, 1.09, 0.33, 0.36, 150, -90), _loop(0.4, 0.37, 0.38, 0.37, 90, -150)],
    "4": [[(0.62, 0.0), (0.62, 1.45), (0.05, 0.42), (0.86, 0.42)]],
    "5": [[(0.72, 1.45), (0.18, 1.45), (0.14, 0.76)], _loop(0.36, 0.44, 0.42, 0.44, 122, -135)],
    "6": [_loop(0.44, 0.43, 0.36, 0.43), [(0.08, 0.45), (0.13, 0.9), (0.3, 1.28), (0.68, 1.45)]],
    "7": [[(0.06, 1.45), (0.8, 1.45), (0.32, 0.0)]],
    "8": [_loop(0.42, 1.09, 0.3, 0.36), _loop(0.42, 0.37, 0.36, 0.37)],
    "9": [_loop(0.42, 1.02, 0.36, 0.43), [(0.78, 1.0), (0.73, 0.55), (0.56, 0.17), (0.18, 0.0)]],
    "p": [_loop(0.45, 0.5, 0.35, 0.5), [(0.1, 1.0), (0.1, _BOTTOM)]],
    "i": [[(0.08, 0.0), (0.08, 1.0)], [(0.08, 1.36), (0.08, 1.4)]],
    "x": [[(0.04, 0.0), (0.7, 1.0)], [(0.04, 1.0), (0.7, 0.0)]],
    "e": [[(0.08, 0.53), (0.77, 0.53)], _loop(0.42, 0.5, 0.35, 0.5, 4, 318)],
    "l": [[(0.08, 0.0), (0.08, 1.45)]],
    "u": [[(0.08, 1.0), (0.08, 0.35)], _loop(0.38, 0.35, 0.3, 0.35, 180, 360), [(0.68, 1.0), (0.68, 0.0)]],
    "m": [
        [(0.08, 0.0), (0.08, 1.0)],
        [*_loop(0.33, 0.7, 0.25, 0.3, 180, 0), (0.58, 0.0)],
        [*_loop(0.83, 0.7, 0.25, 0.3, 180, 0), (1.08, 0.0)],
    ],
}


def write_letters(text: str, height: int) -> NDArray[np.float32]:
    """Return a text as ink.

    Parameters
    ----------
    text
        Of the digits, the letters of "pixel" and "um", and blanks.
    height
        From the top of a digit to the end of a "p", pixels.

    Returns
    -------
    ndarray, (height, w), float32, 0 to 1

    Raises
    ------
    ValueError
        If there are no strokes for one of the letters.
    """
    strokes: list[Stroke] = []
    pen = _WEIGHT / 2
    for letter in text:
        if letter == " ":
            pen += _SPACE
            continue
        if letter not in _GLYPHS:
            raise ValueError(f"letters: expected some of {''.join(_GLYPHS)!r}, found {letter!r}")
        strokes += [[(x + pen, y) for x, y in stroke] for stroke in _GLYPHS[letter]]
        pen += max(x for stroke in _GLYPHS[letter] for x, _ in stroke) + _GAP
    unit = _FINE * height / (_TOP - _BOTTOM + _WEIGHT)
    width = int(np.ceil((pen - _GAP + _WEIGHT / 2) * unit / _FINE)) + 1
    sheet = np.zeros((height * _FINE, width * _FINE), np.uint8)
    for stroke in strokes:
        points = [(x * unit, (_TOP + _WEIGHT / 2 - y) * unit) for x, y in stroke]
        cv2.polylines(sheet, [np.rint(points).astype(np.int32)], False, 255, max(round(_WEIGHT * unit), 1))
    small = cv2.resize(sheet, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small / np.float32(255), np.float32)
