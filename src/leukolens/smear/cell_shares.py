"""Which shares of a picture are nuclear stain, red cells and white cells: first measures, without a network.

Colour is looked at in optical density above the picture's own background, so that lamp, tint and vignetting matter
little.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import cv2
import numpy as np

from leukolens.smear.otsu import otsu_level
from leukolens.smear.quantile import nearest_quantile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Picture = NDArray[np.uint8]

_LEAST_CONTRAST: Final = 0.06  # optical density that the densest 1 % reach where there are cells at all
_LEAST_DENSITY: Final = 0.03  # optical density of the palest cell
_WHITE_IN_GREY: Final = 0.75  # least nuclear dye of a nucleus against the density of red cells, without colour
_WHITE_IN_COLOUR: Final = 1.22  # the same in full colour
_FULL_COLOUR: Final = 0.8  # spread between channels, against density, from which a picture counts as fully coloured
_PACKED: Final = 0.6  # share of a picture that cells fill where they are packed
_PACKED_DYE: Final = 0.15  # nuclear dye of a field in which nearly all is nucleus
_REACH: Final = 0.22  # width, against the picture's, of the surroundings in which the background is looked for
_RED_CELL: Final = 0.07  # optical density of a pale red cell
_CORE: Final = 0.45  # radius of the compact core of a nucleus against that of red cells
_LARGEST_RED_CELL: Final = 0.06  # radius against the picture's width
_ROUND: Final = 0.6  # least roundness (1 for a circle) of a hole that is the pale middle of a red cell
_LEAST_STAIN: Final = 0.05  # optical density of nuclear dye below which nothing counts as stained


class CellShares(NamedTuple):
    """What is seen of cells. All but `present` are 0 where there are none."""

    present: bool
    colour: float
    """Spread of optical density between channels, against the density itself."""
    stain: float
    """Share of the picture with nuclear stain, 0 to 1."""
    red: float
    """The same for red cells."""
    white: float
    """The same for nuclei of white cells."""


def measure_cells(rgb: Picture) -> CellShares:
    """Measure what is seen of cells.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB, marks painted out, longest side about 320 px.
    """
    density = _density(rgb)
    red, green, blue = (np.asarray(plane, np.float32) for plane in cv2.split(density))
    mean = np.asarray(cv2.addWeighted(red, 0.5, green, 0.5, 0.0), np.float32)
    # Nuclear dye takes red and green light but little blue; haemoglobin and eosin take blue too.
    dye = np.asarray(cv2.addWeighted(mean, 1.0, blue, -0.5, 0.0), np.float32)
    densest = nearest_quantile(mean[::2, ::2], 0.99)
    if densest < _LEAST_CONTRAST:
        return CellShares(False, 0.0, 0.0, 0.0, 0.0)
    cells = _cell_mask(mean, densest)
    inside = cells > 0
    spread = cv2.add(cv2.absdiff(green, blue), cv2.absdiff(red, green))
    colour = cv2.mean(spread, cells)[0] / cv2.mean(mean, cells)[0]
    # Most of what stands out is red cells, so this is their density.
    typical = nearest_quantile(mean[::2, ::2][inside[::2, ::2]], 0.4)
    least = _PACKED_DYE if _is_packed(density, inside) else _least_dye(typical, colour)
    # Narrowed to half their own density, so that a halo does not join neighbours.
    tight = np.asarray(mean > 0.5 * typical).astype(np.uint8)
    nuclei = _nuclei(dye, _red_cell_radius(tight), least)
    stain = (dye >= max(0.85 * least, _LEAST_STAIN)) & (blue < 0.8 * mean)
    grown = cv2.dilate(nuclei, np.ones((5, 5), np.uint8))
    return CellShares(True, colour, _share(stain), _share(inside & (grown == 0)), _share(nuclei))


def _share(found: NDArray[np.bool_] | NDArray[np.uint8]) -> float:
    return float(np.count_nonzero(found) / found.size)


def _density(rgb: Picture) -> Floats:
    """Decadic optical density (H, W, 3) above the local background, at least 0."""
    smooth = cv2.GaussianBlur(rgb, (3, 3), 0.7)
    density = cv2.LUT(smooth, _density_table())
    height, width = rgb.shape[:2]
    gaps = cv2.erode(density, np.ones((3, 3), np.uint8))
    quarter = cv2.resize(gaps, (max(1, width // 4), max(1, height // 4)), interpolation=cv2.INTER_AREA)
    side = max(5, round(_REACH * quarter.shape[1])) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    ground = cv2.erode(quarter, kernel, borderType=cv2.BORDER_REPLICATE)
    ground = cv2.blur(ground, (side, side), borderType=cv2.BORDER_REPLICATE)
    ground = cv2.resize(ground, (width, height), interpolation=cv2.INTER_LINEAR)
    above = np.asarray(cv2.subtract(density, ground, dst=ground), np.float32)
    return np.maximum(above, 0.0, out=above)


@lru_cache(maxsize=1)
def _density_table() -> Floats:
    levels = np.maximum(np.arange(256, dtype=np.float32), 2.0)
    return np.repeat(-np.log10(levels / 255.0)[None, :, None], 3, axis=2).astype(np.float32)


def _cell_mask(mean: Floats, densest: float) -> NDArray[np.uint8]:
    """Whatever stands out from the background (H, W), 0 or 1."""
    levels = cv2.convertScaleAbs(mean, alpha=600.0)
    counts = cv2.calcHist([levels], [0], None, [256], [0, 256]).ravel()
    between = otsu_level(counts)
    # Where nuclei are much denser than red cells, that lies between those two; then the rest is parted once more.
    rest = counts[: between + 1]
    within = otsu_level(rest)
    pale = rest[within + 1 :]
    if pale.sum() > 0.05 * levels.size and _mean_level(pale) + within + 1 > max(
        600.0 * _RED_CELL, 3.0 * _mean_level(rest)
    ):
        between = within
    least = max(0.5 * min(between / 600.0, 0.5 * densest), _LEAST_DENSITY)
    return np.asarray(mean > least).astype(np.uint8)


def _mean_level(counts: NDArray[Any]) -> float:
    return float(counts @ np.arange(counts.size) / max(float(counts.sum()), 1.0))


def _is_packed(density: Floats, inside: NDArray[np.bool_]) -> bool:
    """Whether cells fill the picture and their typical pixel is nucleus itself: then nothing can stand out."""
    if float(inside.mean()) < _PACKED:
        return False
    red, green, blue = (float(value) for value in np.median(density[::2, ::2][inside[::2, ::2]], axis=0))
    return 0.5 * (red + green - blue) >= _PACKED_DYE and green < 2.0 * red and blue < 0.4 * green


def _least_dye(red_density: float, colour: float) -> float:
    """Give the least nuclear dye of a nucleus, from the density of red cells.

    It is asked more of where the picture has colour, for there red cells that overlap are dense without being dyed.
    """
    coloured = min(1.0, colour / _FULL_COLOUR)
    return (_WHITE_IN_GREY + (_WHITE_IN_COLOUR - _WHITE_IN_GREY) * coloured) * red_density


def _nuclei(dye: Floats, red_cell: float, least: float) -> NDArray[np.uint8]:
    """Find nuclei of white cells (H, W), 0 or 1: what holds much nuclear dye all over a compact core.

    `red_cell` is the radius of red cells in px, `least` the least dye of a nucleus.
    """
    radius = max(1, round(_CORE * min(red_cell, _LARGEST_RED_CELL * dye.shape[1])))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    core = np.asarray(cv2.morphologyEx(dye, cv2.MORPH_OPEN, kernel, borderType=cv2.BORDER_REPLICATE), np.float32)
    most = float(core.max())
    if most < least:
        return np.zeros(dye.shape, np.uint8)
    return np.asarray(core >= max(0.85 * least, 0.55 * most)).astype(np.uint8)


def _red_cell_radius(cells: NDArray[np.uint8]) -> float:
    """Typical half width of what stands out, in px, pale middles filled: red cells where there are many."""
    filled = cells.copy()
    outlines, tree = cv2.findContours(cells, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    if tree is not None:
        holes = [outlines[int(index)] for index in np.flatnonzero(tree[0, :, 3] >= 0)]
        middles = [
            hole for hole in holes if 4.0 * np.pi * cv2.contourArea(hole) > _ROUND * cv2.arcLength(hole, True) ** 2
        ]
        cv2.drawContours(filled, middles, -1, 1, cv2.FILLED)
    depth = cv2.distanceTransform(filled, cv2.DIST_L2, 3)
    peaks = depth[(depth >= cv2.dilate(depth, np.ones((5, 5), np.uint8))) & (depth >= 2.0)]
    return nearest_quantile(peaks, 0.35) if peaks.size > 3 else 4.0
