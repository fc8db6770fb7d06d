"""How many dark nuclei a field holds and where they lie: told without a look at what they are."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final, NamedTuple

import cv2
import numpy as np

from leukolens.smear.segmentation.regions import drop_small_objects, fill_holes
from leukolens.smear.staining import background_colour

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]
    Mask = NDArray[np.bool_]
    Row = NDArray[np.float32]
    FindNuclei = Callable[[Picture], Mask]

_SMALLEST: Final = 0.002  # of the picture's area: a nucleus of a Taleqani field takes 0.01 to 0.02
_LEAST_DENSITY: Final = 0.15  # natural optical density that a nucleus has at the least
_OPENING: Final = 0.018  # of the longer side: thinner things are rims and debris


def dark_nuclei(rgb: Picture) -> Mask:
    """Find what is dark, compact and large enough to be a nucleus.

    Red and green density against the picture's own background, parted in two by Otsu's threshold among what is stained
    at all. It is meant to be exchanged for a better mask: every function of this form will do.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB; grey is good enough.

    Returns
    -------
    ndarray
        (H, W) bool.
    """
    ground = background_colour(rgb)
    table = -np.log((np.arange(256, dtype=np.float32)[:, None] + 1.0) / (ground[None, :] + 1.0))
    density = np.asarray(cv2.LUT(cv2.GaussianBlur(rgb, (3, 3), 0.8), np.ascontiguousarray(table[None])), np.float32)
    dark = density[..., :2].mean(axis=2)
    levels = np.asarray(cv2.convertScaleAbs(np.maximum(dark, 0.0), alpha=100.0), np.uint8)
    stained = levels[levels >= 100 * _LEAST_DENSITY]
    if stained.size < _SMALLEST * levels.size:
        return np.zeros(levels.shape, np.bool_)
    threshold, _ = cv2.threshold(stained.reshape(1, -1), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    side = max(3, round(_OPENING * max(levels.shape))) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    opened = cv2.morphologyEx((levels > threshold).astype(np.uint8), cv2.MORPH_OPEN, kernel)
    filled, _ = fill_holes(opened > 0)
    return drop_small_objects(filled, max(4, round(_SMALLEST * levels.size)))


def number_of_cells(found: Regions) -> Row:
    """Return how many nuclei there are and how large (5,): regions, share of the area, mean, spread, greatest."""
    areas = found.areas
    if not areas.size:
        return np.zeros(5, np.float32)
    return np.array([areas.size, areas.sum(), areas.mean(), areas.std(), areas.max()], np.float32)


def position_of_cells(found: Regions) -> Row:
    """Return where one nucleus lies, drawn from those that are there (6,); NaN where there is none.

    Its centre across and down, its distance from the middle across, down and straight, and whether the border cuts it.
    One only: from the places of all of them their number could be read.
    """
    if not found.areas.size:
        return np.full(6, np.nan, np.float32)
    # Regions are numbered from the top: the first of many lies higher than the first of few.
    drawn = zlib.crc32(found.centres.tobytes()) % found.areas.size
    x, y = found.centres[drawn]
    across, down = abs(x - 0.5), abs(y - 0.5)
    return np.array([x, y, across, down, np.hypot(across, down), found.cut[drawn]], np.float32)


class Regions(NamedTuple):
    """The regions of a mask: areas (n,) as shares, centres (n, 2) across and down, which the border cuts (n,)."""

    areas: NDArray[np.float64]
    centres: NDArray[np.float64]
    cut: NDArray[np.bool_]


def regions_of(mask: Mask) -> Regions:
    """Return the regions of a mask (H, W) bool; pixels join by edges."""
    height, width = mask.shape
    _, _, stats, centres = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=4)
    left, top, wide, high, area = (stats[1:, column] for column in range(5))
    cut = (left == 0) | (top == 0) | (left + wide == width) | (top + high == height)
    return Regions(area / mask.size, (centres[1:] + 0.5) / [width, height], np.asarray(cut))
