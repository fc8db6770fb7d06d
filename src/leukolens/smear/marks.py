"""Finding what the camera's program burned into a picture: scale bars, their boxes and text.

Three kinds are known: dark ink on a white box, red ink laid over the cells, and a black bar with text and no box.
All three are sharp, thin and of one colour, which stained cells are not; they sit in the upper or lower quarter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import cv2
import numpy as np

from leukolens.smear.painting import paint_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]
    Plane = NDArray[np.uint8]

__all__ = ["BAND", "WORK_SIZE", "find_marks", "paint_out"]

BAND: Final = 0.25
"""Share of the height, at the top and at the bottom, in which marks are looked for."""
WORK_SIZE: Final = 1024
"""Longer side in pixels above which the bands are reduced before looking."""

_BLACK: Final = 100  # brightest channel of black ink, after sampling and JPEG
_NEUTRAL: Final = 45  # largest difference of channels of black ink
_CONTRAST: Final = 90  # least step from black ink to what surrounds it
_RED: Final = 32  # least excess of red over the larger of green and blue in red ink
_LEAST_INK: Final = 6  # pixels of ink in the smallest mark
_ALONE: Final = 0.6  # share of all red of the band that one mark must hold; where all is red, it is the stain
_LONGEST: Final = 0.35  # longest mark against the picture's width
_WHOLE_TEXT: Final = 0.05  # least length of text against the picture's width; shorter, and part of it was not seen
_HIGHEST: Final = 0.1  # greatest height of red text with its bar against the picture's width
_PURE_RED: Final = 60  # least excess of the reddest pixel of red ink
_FAINT_RED: Final = 10  # the same for the ends of a bar that was sampled down
_PAPER: Final = 238  # darkest channel of the white box
_WHITE: Final = 245  # the same, where it is told from a bright background
_MOSTLY: Final = 0.85  # share of white pixels along a line that still lies in the box


class _Rect(NamedTuple):
    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def window(self) -> tuple[slice, slice]:
        return slice(self.y0, self.y1), slice(self.x0, self.x1)


def find_marks(rgb: Picture) -> NDArray[np.bool_]:
    """Find burned-in scale bars with their box and text, and red marks.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB picture of any size.

    Returns
    -------
    ndarray
        (H, W) bool, true where something was burned in. Each mark is one upright rectangle.
    """
    height, width = rgb.shape[:2]
    mask = np.zeros((height, width), dtype=np.bool_)
    depth = round(BAND * height)
    if depth < 8 or width < 32:
        return mask
    shrink = min(1.0, WORK_SIZE / max(height, width))
    for top in (0, height - depth):
        band = np.ascontiguousarray(rgb[top : top + depth])
        if shrink < 1.0:
            band = cv2.resize(band, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA).astype(np.uint8)
        for rect in _marks_in_band(band):
            x0, y0 = int(rect.x0 / shrink), top + int(rect.y0 / shrink)
            x1, y1 = int(np.ceil(rect.x1 / shrink)), top + int(np.ceil(rect.y1 / shrink))
            mask[y0 : min(y1, top + depth), x0:x1] = True
    return mask


def _marks_in_band(band: Picture) -> list[_Rect]:
    red, green, blue = (np.asarray(plane, np.uint8) for plane in cv2.split(band))
    low = np.asarray(cv2.min(cv2.min(red, green), blue), np.uint8)
    high = np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)
    return _black_marks(low, high) + _red_marks(red, green, blue)


def _flags(condition: NDArray[Any]) -> Plane:
    """Turn booleans into 0 and 1, as OpenCV wants them."""
    return condition.view(np.uint8)


def _odd(value: float) -> int:
    return int(value) | 1


def _stroke(width: int) -> int:
    """Widest stroke of a letter or bar, in pixels, odd."""
    return max(5, _odd(0.008 * width))


def _black_marks(low: Plane, high: Plane) -> list[_Rect]:
    width = low.shape[1]
    dark = _flags((high <= _BLACK) & (cv2.subtract(high, low) <= _NEUTRAL))
    if cv2.countNonZero(dark) < _LEAST_INK:
        return []
    stroke = _stroke(width)
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (stroke, stroke))
    hat = cv2.morphologyEx(high, cv2.MORPH_BLACKHAT, kernel, borderType=cv2.BORDER_REPLICATE)
    ink = dark & _flags(hat >= _CONTRAST)
    found = []
    for rect, count in _clusters(ink, width):
        if count < _LEAST_INK or not 0.02 * width <= rect.x1 - rect.x0 <= _LONGEST * width:
            continue
        if _is_on_paper(rect, low, ink):
            found.append(_grow_over_paper(rect, low))
        elif _has_bar(rect, ink, width, max(8, round(0.03 * width))):
            found.append(_with_margin(rect, low.shape))
    return found


def _red_marks(red: Plane, green: Plane, blue: Plane) -> list[_Rect]:
    width = red.shape[1]
    excess = np.asarray(cv2.subtract(red, cv2.max(green, blue)), np.uint8)
    strong = _flags(excess >= _RED)
    if cv2.countNonZero(strong) < _LEAST_INK:
        return []
    stroke = _stroke(width)
    hat = cv2.morphologyEx(excess, cv2.MORPH_TOPHAT, np.ones((stroke, stroke), np.uint8))
    thin = _flags(hat >= _RED)
    found = []
    total = cv2.countNonZero(strong)
    for rect, count in _clusters(thin, width):
        across, down = rect.x1 - rect.x0, rect.y1 - rect.y0
        if count < max(_LEAST_INK, _ALONE * total) or excess[rect.window].max() < _PURE_RED:
            continue
        if not down <= across <= _LONGEST * width or down > _HIGHEST * width:
            continue
        whole = _reach_of_faint_red(rect, np.asarray(hat, np.uint8), green)
        if whole.x1 - whole.x0 < _WHOLE_TEXT * width:
            continue  # a red speck, no line of text
        if not _has_bar(rect, thin, width, round(0.9 * across)):
            whole = _lengthened(whole, rect, width)
        found.append(_with_margin(whole, red.shape))
    return found


def _lengthened(whole: _Rect, text: _Rect, width: int) -> _Rect:
    """Give a line of red text the length of the bar under it, where sampling down has lost the bar but for its ends."""
    aside = round(max(0.35 * (text.x1 - text.x0), 0.028 * width))
    x0, x1 = max(0, text.x0 - aside), min(width, text.x1 + aside)
    return _Rect(min(whole.x0, x0), whole.y0, max(whole.x1, x1), whole.y1)


def _clusters(ink: Plane, width: int) -> list[tuple[_Rect, int]]:
    """Group strokes that lie as near as letters of one line do; give each group's bounds and pixels of ink."""
    across, down = max(3, round(0.022 * width)), max(3, round(0.018 * width))
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (2 * across + 1, 2 * down + 1))
    joined = cv2.dilate(ink, kernel)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined)
    groups = []
    for index in range(1, count):
        x, y, w, h = (int(v) for v in stats[index, :4])
        part = (labels[y : y + h, x : x + w] == index) & (ink[y : y + h, x : x + w] > 0)
        columns, rows = np.flatnonzero(part.any(axis=0)), np.flatnonzero(part.any(axis=1))
        bounds = _Rect(x + int(columns[0]), y + int(rows[0]), x + int(columns[-1]) + 1, y + int(rows[-1]) + 1)
        groups.append((bounds, int(part.sum())))
    return groups


def _is_on_paper(rect: _Rect, low: Plane, ink: Plane) -> bool:
    """Whether nearly all between the letters, or most around them too, is white.

    Pixels that touch ink are mixtures and left out.
    """
    for ring, least in ((0, 0.9), (2, 0.75)):
        around = _widened(rect, ring, ring, low.shape).window
        touched = cv2.dilate(ink[around], np.ones((3, 3), np.uint8)) > 0
        between = low[around][~touched]
        if between.size > 0 and float((between >= _PAPER).mean()) >= least:
            return True
    return False


def _grow_over_paper(rect: _Rect, low: Plane) -> _Rect:
    """Move each side outwards over lines that are mostly white, at most 0.8 of the mark's height."""
    reach = max(3, round(0.8 * (rect.y1 - rect.y0)))
    near = _widened(rect, reach, reach, low.shape)
    white = low[near.window] >= _WHITE
    rows = white[:, rect.x0 - near.x0 : rect.x1 - near.x0].mean(axis=1) >= _MOSTLY
    columns = white[rect.y0 - near.y0 : rect.y1 - near.y0].mean(axis=0) >= _MOSTLY
    gap = max(3, round(0.006 * low.shape[1]))
    up = _run(rows[: rect.y0 - near.y0][::-1], gap)
    down = _run(rows[rect.y1 - near.y0 :], gap)
    left = _run(columns[: rect.x0 - near.x0][::-1], gap)
    right = _run(columns[rect.x1 - near.x0 :], gap)
    return _with_margin(_Rect(rect.x0 - left, rect.y0 - up, rect.x1 + right, rect.y1 + down), low.shape)


def _run(lines: NDArray[np.bool_], gap: int) -> int:
    """How far true lines go on from the start, over breaks of at most `gap` lines such as the end of a bar."""
    reached = 0
    for index in np.flatnonzero(lines):
        if index - reached > gap:
            break
        reached = int(index) + 1
    return reached


def _has_bar(rect: _Rect, ink: Plane, width: int, length: int) -> bool:
    """Whether a straight level line of ink is there, at least `length` px long and thin."""
    part = ink[rect.y0 : rect.y1, rect.x0 : rect.x1]
    if part.shape[1] < length:
        return False
    runs = cv2.erode(part, np.ones((1, length), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    thickness = int(runs.any(axis=1).sum())
    return 0 < thickness <= max(3, round(0.012 * width))


def _reach_of_faint_red(rect: _Rect, hat: Plane, green: Plane) -> _Rect:
    """Widen a red mark to what is thin and faintly red, by `hat`, or thin and short of green, near it.

    Chroma is stored at half the resolution in JPEG, so that red over a blue nucleus turns purple but stays sharp in
    green.
    """
    width = hat.shape[1]
    across, down = rect.x1 - rect.x0, rect.y1 - rect.y0
    broken = across < _WHOLE_TEXT * width
    near = _widened(rect, round(0.08 * width) if broken else across // 2 + 2, down // 2 + 2, hat.shape)
    faint = hat[near.window] >= _FAINT_RED
    if broken:
        kernel = np.ones((5, 5), np.uint8)
        short = cv2.morphologyEx(green[near.window], cv2.MORPH_BLACKHAT, kernel, borderType=cv2.BORDER_REPLICATE)
        faint |= short >= _CONTRAST // 2
    columns, rows = np.flatnonzero(faint.any(axis=0)), np.flatnonzero(faint.any(axis=1))
    return _Rect(
        near.x0 + int(columns[0]), near.y0 + int(rows[0]), near.x0 + int(columns[-1]) + 1, near.y0 + int(rows[-1]) + 1
    )


def _widened(rect: _Rect, aside: int, above: int, shape: tuple[int, ...]) -> _Rect:
    return _Rect(
        max(0, rect.x0 - aside),
        max(0, rect.y0 - above),
        min(shape[1], rect.x1 + aside),
        min(shape[0], rect.y1 + above),
    )


def _with_margin(rect: _Rect, shape: tuple[int, ...]) -> _Rect:
    margin = max(2, round(0.006 * shape[1]))
    return _widened(rect, margin, margin, shape)
