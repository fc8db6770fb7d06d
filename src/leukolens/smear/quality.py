"""First measures of one picture: is it sharp, well lit, stained, and are there cells, white ones among them.

They are simple on purpose and need no network. What is seen of cells is measured in `leukolens.smear.cell_shares`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from leukolens.finding import Quality
from leukolens.smear.cell_shares import CellShares, measure_cells
from leukolens.smear.quantile import nearest_quantile
from leukolens.smear.resampling import reduce_to

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukolens.smear.squeeze import Squeeze

    Floats = NDArray[np.float32]
    Picture = NDArray[np.uint8]

OUT_OF_FOCUS: Final = 0.28
"""Focus below which the flag is set: blurrier than all but 1 of 2,880 fields of the data set."""
UNDER_EXPOSED: Final = 35.0
OVER_EXPOSED: Final = 97.0
"""Mean L* beyond which the flags are set: beyond all real fields of seven laboratories."""
CLIPPED: Final = 0.60
HARDLY_ANY_STAIN: Final = 0.001
FEW_RED_CELLS: Final = 0.03
NO_COLOUR: Final = 0.06
"""Spread of optical density between channels, against the density itself, below which a picture has no colour."""

_SIDE: Final = 320  # px; longer side of the reduced picture on which light and cells are looked at
_MIDDLE: Final = 0.75  # share of width and height on which focus is read, where the objective's field is flat
_FINE, _COARSE = 0.8, 2.4  # px; the two blurs between which edge width is read
_HALF_FOCUS: Final = 1.3  # edge width at which focus is one half
_CLEAR_EDGE: Final = 0.3  # least slope of a clear edge against the steepest ones
_LEAST_EDGE: Final = 1.0  # grey levels per px; less, and there is nothing to judge focus by


def measure_quality(rgb: Picture, *, burned_in: float, squeeze: Squeeze) -> Quality:
    """Measure the quality of one picture.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB, marks painted out, longest side about 224 to 640 px.
    burned_in
        Share of the pixels that were painted out, 0 to 1.
    squeeze
        The squeeze found or given.

    Returns
    -------
    Quality
        The measures and, in `flags`, those out of their usual range: "out of focus", "under-exposed", "over-exposed",
        "clipped", "no colour", "hardly any stain", "no cells", "few red cells", "no white cells". The last is set
        only where nothing dark, compact and as large as half a red cell stands out; a faint cell may be missed.
    """
    focus = _focus(rgb[..., 1])
    clipped = _clipped_fraction(rgb)
    small = reduce_to(rgb, _SIDE)
    exposure = float(cv2.cvtColor(small, cv2.COLOR_RGB2LAB)[..., 0].mean()) / 2.55
    cells = measure_cells(small)
    flags = _exposure_flags(focus, exposure, clipped) + _cell_flags(cells)
    return Quality(
        focus=focus,
        exposure=min(exposure, 100.0),
        clipped_fraction=clipped,
        stain=cells.stain,
        red_cells=cells.red,
        white_cells=cells.white,
        burned_in=burned_in,
        squeeze=squeeze.factor,
        squeeze_source=squeeze.source,
        flags=flags,
    )


def _exposure_flags(focus: float, exposure: float, clipped: float) -> list[str]:
    checks = (
        (focus < OUT_OF_FOCUS, "out of focus"),
        (exposure < UNDER_EXPOSED, "under-exposed"),
        (exposure > OVER_EXPOSED, "over-exposed"),
        (clipped > CLIPPED, "clipped"),
    )
    return [flag for found, flag in checks if found]


def _cell_flags(cells: CellShares) -> list[str]:
    if not cells.present:
        return ["no cells", "no white cells"]
    grey = cells.colour < NO_COLOUR
    checks = (
        (grey, "no colour"),
        (not grey and cells.stain < HARDLY_ANY_STAIN, "hardly any stain"),
        (cells.red < FEW_RED_CELLS, "few red cells"),
        (cells.white == 0.0, "no white cells"),
    )
    return [flag for found, flag in checks if found]


def _focus(green: NDArray[np.uint8]) -> float:
    """Sharpness, 0 to 1, from the typical width of the clear edges; whatever the brightness and contrast.

    An edge blurred by s has its steepest slope as 1 / s. After two more blurs, f and c, the slopes are as
    sqrt(s^2 + c^2) to sqrt(s^2 + f^2), which gives s in pixels. The width is weighed with the root of the picture's
    width: a picture of more pixels ought to be sharper against its width, but may be softer in each pixel.
    """
    above, aside = (round(0.5 * (1.0 - _MIDDLE) * side) for side in green.shape)
    values = green[above : green.shape[0] - above, aside : green.shape[1] - aside].astype(np.float32)
    coarse = _slopes(values, _COARSE)
    steepest = nearest_quantile(coarse[::2, ::2], 0.995)
    if steepest < _LEAST_EDGE:
        return 0.0
    edges = (coarse >= cv2.dilate(coarse, np.ones((3, 3), np.uint8))) & (coarse >= _CLEAR_EDGE * steepest)
    fine = cv2.dilate(_slopes(values, _FINE), np.ones((5, 5), np.uint8))
    ratio = nearest_quantile(np.divide(fine[edges], coarse[edges]), 0.6) ** 2
    ratio = min(max(ratio, 1.0 + 1e-6), (_COARSE / _FINE) ** 2)
    width = np.sqrt((_COARSE**2 - ratio * _FINE**2) / (ratio - 1.0)) * np.sqrt(224.0 / green.shape[1])
    return float(1.0 / (1.0 + (width / _HALF_FOCUS) ** 3))


def _slopes(values: Floats, sigma: float) -> Floats:
    """Give the gradient (H, W) in grey levels per px, after a blur of `sigma` px."""
    smooth = cv2.GaussianBlur(values, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)
    across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    return np.asarray(cv2.magnitude(across, down, magnitude=smooth), np.float32)


def _clipped_fraction(rgb: Picture) -> float:
    """Share of pixels with a channel at 0 or all channels at 255."""
    red, green, blue = cv2.split(rgb)
    low = cv2.min(cv2.min(red, green), blue)
    pixels = low.size
    dark = pixels - cv2.countNonZero(low)
    white = pixels - cv2.countNonZero(cv2.bitwise_not(low))
    return float((dark + white) / pixels)
