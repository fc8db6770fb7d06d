"""How much of the nuclei's own dye each pixel of a smear holds, whatever the stain, read from the picture itself.

Whatever the stain, chromatin takes green light most, red light next and blue light least; red cells take red and blue
more evenly. How far apart the two lie differs from laboratory to laboratory. So both directions of optical density are
taken from the picture: its pixels are parted by how magenta they are [2]_, each part's median is a direction, and the
dye of a pixel is its density along the axis of nuclei made upright on that of red cells: colour deconvolution [1]_
with the picture's own vectors. Red cells hold none by construction.

References
----------
.. [1] Ruifrok & Johnston 2001, Quantification of histochemical staining by color deconvolution, Anal Quant Cytol
   Histol 23:291-299.
.. [2] Otsu 1979, A threshold selection method from gray-level histograms, IEEE Trans Syst Man Cybern 9:62-66,
   doi 10.1109/TSMC.1979.4310076.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import cv2
import numpy as np

from leukolens.smear.otsu import otsu_level
from leukolens.smear.staining import AZURE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Mask = NDArray[np.bool_]
    Picture = NDArray[np.uint8]

_LEVELS: Final = 128
_REACH: Final = 0.25  # width, against the longer side, of the surroundings in which the background is looked for
_FAINTEST: Final = 0.035  # decadic optical density that stands out from the background
_LEAST_DYE: Final = 0.03  # the same of a nucleus, along its own axis
_APART: Final = 3.6  # robust standard deviations of the rest by which nuclei stand above it
_FEWEST: Final = 16  # px in a part of which a median is taken
_FITS: Final = 5  # rounds in which the parabola of the light sinks to the ground
_LIGHT: Final = 2.0  # robust standard deviations above the parabola up to which a pixel counts as ground
_NO_COLOUR: Final = 0.06  # spread of density between channels, against density, of a picture without colour
_CORE: Final = 7  # px; a nucleus is wider than that, the rim of a red cell is not
_HIGHEST: Final = 0.995  # share of what stands out that lies below the cores of nuclei, where these are few


class Dye(NamedTuple):
    """Density of one picture, and what of it is the nuclei's dye.

    Attributes
    ----------
    amount
        (H, W) float32, decadic optical density along the axis of the nuclei's dye; red cells lie about 0.
    typical
        That of a typical nucleus; 0.0 where nothing stands apart from the red cells.
    density
        (H, W) float32, length of the optical density in red, green and blue above the local background.
    stands
        (H, W) bool, what stands out from the background: cells of any kind.
    above
        (H, W, 3) float32, optical density in red, green and blue above the local background.
    """

    amount: Floats
    typical: float
    density: Floats
    stands: Mask
    above: Floats


def measure_dye(rgb: Picture) -> Dye:
    """Measure the nuclei's dye.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB, longer side up to about 320 px.
    """
    above = _density(rgb)
    density = np.asarray(np.sqrt(np.square(np.maximum(above, 0.0)).sum(axis=2)), np.float32)
    stands = density > _ground_limit(density)
    for axis in _axes(above, density, stands):
        amount = np.asarray(cv2.transform(above, axis[None]), np.float32)
        if axis.min() > 0.0:  # no colour: nuclei are what is denser than the typical cell
            amount -= float(np.median(amount[stands]))
        typical = _typical_nucleus(amount, stands)
        if typical > _LEAST_DYE:
            return Dye(amount, typical, density, stands, above)
    return Dye(np.zeros_like(density), 0.0, density, stands, above)


def parting(values: NDArray[Any], low: float, high: float) -> float:
    """Give the limit that parts values best in two (Otsu 1979); those outside `low` to `high` count for nothing."""
    counts = cv2.calcHist([np.ascontiguousarray(values, np.float32)], [0], None, [_LEVELS], [low, high * 1.0001])
    return low + (otsu_level(counts.ravel()) + 1.0) / _LEVELS * (high - low)


def _density(rgb: Picture) -> Floats:
    """Decadic optical density (H, W, 3) above the local background, which may fall off or change colour."""
    density = cv2.LUT(cv2.GaussianBlur(rgb, (3, 3), 0.8), _density_table())
    height, width = rgb.shape[:2]
    gaps = cv2.erode(density, np.ones((3, 3), np.uint8))
    quarter = cv2.resize(gaps, (max(1, width // 4), max(1, height // 4)), interpolation=cv2.INTER_AREA)
    # Opening takes the dark corners of a lamp that falls off for cells; so that fall-off is taken off first.
    bowl = _fall_off(np.asarray(quarter, np.float32))
    side = max(5, round(_REACH * max(quarter.shape[:2]))) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    # Opening, not erosion alone: where the light falls off, the least density of the surroundings is too little.
    ground = cv2.morphologyEx(quarter - bowl, cv2.MORPH_OPEN, kernel, borderType=cv2.BORDER_REPLICATE)
    ground = bowl + cv2.blur(ground, (side, side), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(density - cv2.resize(ground, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _fall_off(density: Floats) -> Floats:
    """Fit a parabola (h, w, 3) to the least density of a picture: the light, where it falls off from one place."""
    height, width = density.shape[:2]
    if min(height, width) < 8:
        return np.zeros_like(density)
    basis = _parabola(height, width)
    values = density.reshape(-1, 3)
    level = values.sum(axis=1)
    used = level <= np.quantile(level, 0.5)
    fitted = np.zeros_like(values)
    for _ in range(_FITS):
        weights, *_ = np.linalg.lstsq(basis[used], values[used], rcond=None)
        fitted = basis @ weights
        rest = level - fitted.sum(axis=1)
        spread = 1.4826 * float(np.median(np.abs(rest[used])))
        used = rest < _LIGHT * max(spread, 0.01)
    return np.asarray((fitted - fitted.mean(axis=0)).reshape(density.shape), np.float32)


@lru_cache(maxsize=8)
def _parabola(height: int, width: int) -> Floats:
    """Give 1, x, y, x x, x y and y y of each pixel (height * width, 6), x and y from -1 to 1."""
    y, x = (part.ravel() for part in np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32))
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)


@lru_cache(maxsize=1)
def _density_table() -> Floats:
    levels = np.maximum(np.arange(256, dtype=np.float32), 2.0)
    return np.repeat(-np.log10(levels / 255.0)[None, :, None], 3, axis=2).astype(np.float32)


def _ground_limit(density: Floats) -> float:
    """Give the density (H, W) above which a pixel stands out from the background."""
    first = parting(np.minimum(density, 0.4), 0.0, 0.4)
    below = density[density <= first]
    second = parting(below, 0.0, 0.4)
    pale, rest = below[below > second], below[below <= second]
    # Where nuclei are much denser than red cells, the first limit lies between those two.
    if pale.size > 0.05 * density.size and float(pale.mean()) > 2.5 * max(float(rest.mean()), 0.01):
        first = second
    return max(0.8 * first, _FAINTEST)


def _axes(above: Floats, density: Floats, stands: Mask) -> Iterator[Floats]:
    """Yield axes (3,) of the nuclei's dye, the likeliest first."""
    inside, length = above[stands], np.maximum(density[stands], 1e-3)
    if len(length) < 4 * _FEWEST:
        return
    direction = inside / length[:, None]
    if float(np.median(np.ptp(direction, axis=1))) < _NO_COLOUR:
        yield np.full(3, 3.0**-0.5, np.float32)
        return
    magenta = np.clip(direction[:, 1] - 0.5 * (direction[:, 0] + direction[:, 2]), -0.5, 1.0)
    high = magenta > parting(magenta, -0.5, 1.0)
    if _FEWEST < np.count_nonzero(high) < high.size - _FEWEST:
        yield from _upright(np.median(direction[~high], axis=0), np.median(direction[high], axis=0))
    # A nucleus or two in a whole field do not move the parting: then nearly all is red cells.
    yield from _upright(np.median(direction, axis=0), np.asarray(AZURE))


def _upright(red: NDArray[Any], nucleus: NDArray[Any]) -> Iterator[Floats]:
    """Yield the part (3,) of one direction that is upright on the other, unless there is none."""
    red, nucleus = red / np.linalg.norm(red), nucleus / np.linalg.norm(nucleus)
    axis = nucleus - (nucleus @ red) * red
    length = float(np.linalg.norm(axis))
    if length > 1e-3:
        yield np.asarray(axis / length, np.float32)


def _typical_nucleus(amount: Floats, stands: Mask) -> float:
    """Give the dye of a typical nucleus, 0.0 where no pixels stand well above the rest."""
    inner = amount[stands]
    high = inner > parting(np.clip(inner, 0.0, 0.6), 0.0, 0.6)
    if _FEWEST < np.count_nonzero(high) < high.size:
        typical = float(np.median(inner[high]))
        if _stands_apart(typical, inner[~high], 1e-4):
            return typical
    # Few nuclei do not move the parting: the highest of what is wider than the rims of red cells is looked at instead.
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_CORE, _CORE))
    cores = np.asarray(cv2.morphologyEx(amount, cv2.MORPH_OPEN, kernel, borderType=cv2.BORDER_REPLICATE))[stands]
    highest = float(np.quantile(cores, _HIGHEST))
    return highest if _stands_apart(0.5 * (highest + float(np.median(cores))), cores, 0.004) else 0.0


def _stands_apart(value: float, rest: NDArray[Any], least_spread: float) -> bool:
    middle = float(np.median(rest))
    spread = 1.4826 * float(np.median(np.abs(rest - middle)))
    return value - middle > _APART * max(spread, least_spread)
