"""Finding and painting out what the camera's program burned into a picture: scale bars, their boxes and text.

Three kinds are known: dark ink on a white box, red ink laid over the cells, and a black bar with text and no box.
All three are sharp, thin and of one colour, which stained cells are not; they sit in the upper or lower quarter.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

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
_FADE_PIXELS: Final = 8.0  # a mark is filled on a picture so far reduced that its surroundings fade over these px


class _Rect(NamedTuple):
    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def window(self) -> tuple[slice, slice]:
        return slice(self.y0, self.y1), slice(self.x0, self.x1)


def find_marks(rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
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


def _marks_in_band(band: NDArray[np.uint8]) -> list[_Rect]:
    red, green, blue = cv2.split(band)
    low = cv2.min(cv2.min(red, green), blue)
    high = cv2.max(cv2.max(red, green), blue)
    rects = _black_marks(low, high)
    rects += _red_marks(red, green, blue)
    return rects


def _odd(value: float) -> int:
    return int(value) | 1


def _stroke(width: int) -> int:
    """Widest stroke of a letter or bar, in pixels, odd."""
    return max(5, _odd(0.008 * width))


def _black_marks(low: NDArray[np.uint8], high: NDArray[np.uint8]) -> list[_Rect]:
    width = low.shape[1]
    dark = cv2.compare(high, _BLACK, cv2.CMP_LE)
    if not dark.any():
        return []
    stroke = _stroke(width)
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (stroke, stroke))
    ground = cv2.morphologyEx(high, cv2.MORPH_CLOSE, kernel, borderType=cv2.BORDER_REPLICATE)
    thin = cv2.compare(cv2.subtract(ground, high), _CONTRAST, cv2.CMP_GE)
    neutral = cv2.compare(cv2.subtract(high, low), _NEUTRAL, cv2.CMP_LE)
    ink = cv2.bitwise_and(cv2.bitwise_and(dark, thin), neutral)
    found = []
    for rect, count in _clusters(ink, width):
        if count < _LEAST_INK or not 0.02 * width <= rect.x1 - rect.x0 <= _LONGEST * width:
            continue
        if _is_on_paper(rect, low, ink):
            found.append(_grow_over_paper(rect, low))
        elif _has_bar(rect, ink, width, max(8, round(0.03 * width))):
            found.append(_with_margin(rect, low.shape))
    return found


def _red_marks(red: NDArray[np.uint8], green: NDArray[np.uint8], blue: NDArray[np.uint8]) -> list[_Rect]:
    width = red.shape[1]
    excess = cv2.subtract(red, cv2.max(green, blue))
    strong = cv2.compare(excess, _RED, cv2.CMP_GE)
    if not strong.any():
        return []
    stroke = _stroke(width)
    ground = cv2.morphologyEx(excess, cv2.MORPH_OPEN, np.ones((stroke, stroke), np.uint8))
    thin = cv2.compare(cv2.subtract(excess, ground), _RED, cv2.CMP_GE)
    found = []
    total = cv2.countNonZero(strong)
    for rect, count in _clusters(thin, width):
        across, down = rect.x1 - rect.x0, rect.y1 - rect.y0
        if count < max(_LEAST_INK, _ALONE * total) or excess[rect.window].max() < _PURE_RED:
            continue
        if not down <= across <= _LONGEST * width or down > _HIGHEST * width:
            continue
        whole = _reach_of_faint_red(rect, excess, green)
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


def _clusters(ink: NDArray[np.uint8], width: int) -> list[tuple[_Rect, int]]:
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


def _is_on_paper(rect: _Rect, low: NDArray[np.uint8], ink: NDArray[np.uint8]) -> bool:
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


def _grow_over_paper(rect: _Rect, low: NDArray[np.uint8]) -> _Rect:
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


def _has_bar(rect: _Rect, ink: NDArray[np.uint8], width: int, length: int) -> bool:
    """Whether a straight level line of ink is there, at least `length` px long and thin."""
    part = ink[rect.y0 : rect.y1, rect.x0 : rect.x1]
    if part.shape[1] < length:
        return False
    runs = cv2.erode(part, np.ones((1, length), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    thickness = int(runs.any(axis=1).sum())
    return 0 < thickness <= max(3, round(0.012 * width))


def _reach_of_faint_red(rect: _Rect, excess: NDArray[np.uint8], green: NDArray[np.uint8]) -> _Rect:
    """Widen a red mark to what is faintly red, or thin and short of green, near it.

    Chroma is stored at half the resolution in JPEG, so that red over a blue nucleus turns purple but stays sharp in
    green.
    """
    width = excess.shape[1]
    across, down = rect.x1 - rect.x0, rect.y1 - rect.y0
    broken = across < _WHOLE_TEXT * width
    near = _widened(rect, round(0.08 * width) if broken else across // 2 + 2, down // 2 + 2, excess.shape)
    faint = excess[near.window] >= _FAINT_RED
    if broken:
        kernel = np.ones((5, 5), np.uint8)
        hat = cv2.morphologyEx(green[near.window], cv2.MORPH_BLACKHAT, kernel, borderType=cv2.BORDER_REPLICATE)
        faint |= hat >= _CONTRAST // 2
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


def paint_out(rgb: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Fill the marked pixels from what surrounds them, with the picture's own grain.

    No cell is invented: what touches the hole is drawn on by 3.5 % of the picture's longer side and then fades into
    the background of the surroundings. A cell under a thin mark thus stays whole.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB picture.
    mask
        (H, W) bool, true where it is to be filled. All true gives a plain grey picture.

    Returns
    -------
    ndarray
        (H, W, 3) uint8, a new picture, equal to `rgb` outside `mask`.
    """
    out = rgb.copy()
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    fade = 0.035 * max(mask.shape)
    for outline in outlines:
        x, y, w, h = cv2.boundingRect(outline)
        ring = max(4, round(0.5 * min(w, h)))
        window = _widened(_Rect(x, y, x + w, y + h), ring, ring, mask.shape).window
        hole = mask[window]
        out[window][hole] = _fill(rgb[window], hole, fade)
    return out


def _fill(rgb: NDArray[np.uint8], hole: NDArray[np.bool_], fade: float) -> NDArray[np.uint8]:
    """Give the (n, 3) uint8 colours of the hole's n pixels; `fade` in pixels."""
    if hole.all():
        return np.full((int(hole.sum()), 3), 128, dtype=np.uint8)
    height, width = hole.shape
    shrink = min(1.0, _FADE_PIXELS / fade)
    size = (max(2, round(width * shrink)), max(2, round(height * shrink)))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    # A reduced pixel that holds any of the mark belongs to the hole.
    holed = cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    if holed.all():
        small, holed, shrink = rgb, hole, 1.0
    surface, grain = _surface(np.asarray(small, np.uint8), holed, fade * shrink)
    smooth = cv2.resize(surface, (width, height), interpolation=cv2.INTER_LINEAR)[hole]
    noise = np.random.default_rng(5).standard_normal((len(smooth), 1), dtype=np.float32)
    return np.clip(smooth + noise * grain + 0.5, 0, 255).astype(np.uint8)


def _surface(
    rgb: NDArray[np.uint8], hole: NDArray[np.bool_], fade: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Smooth fill (h, w, 3) of a hole, and the size of the grain (3,) around it."""
    known = ~hole
    distance, nearest = cv2.distanceTransformWithLabels(
        hole.astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    colours = np.zeros((int(nearest.max()) + 1, 3), dtype=np.uint8)
    colours[nearest[known]] = rgb[known]
    side = _odd(max(3.0, fade))
    edge = cv2.blur(colours[nearest], (side, side), borderType=cv2.BORDER_REPLICATE).astype(np.float32)
    background, grain = _background(rgb, known)
    share = 1.0 / (1.0 + np.exp((distance[..., None] - fade) * (4.0 / fade)))
    return (background + share * (edge - background)).astype(np.float32), grain


def _background(rgb: NDArray[np.uint8], known: NDArray[np.bool_]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Colour of the brighter surroundings and the mean size of their grain, each (3,) float32."""
    fine = cv2.absdiff(rgb, cv2.blur(rgb, (3, 3)))[known]
    around = rgb[known]
    green = around[:, 1]
    bright = green >= np.percentile(green, 60)
    background = np.median(around[bright], axis=0).astype(np.float32)
    return background, fine[bright].mean(axis=0, dtype=np.float32)
