"""Colour, texture and shape of a picture in a few numbers, for outliers and likely label errors.

Colour [1]_: mean, standard deviation and five percentiles of L*, a* and b*, and the colour of the empty background.
Texture: rotation-invariant uniform local binary patterns [2]_ of the green channel at full and at half size, and the
logarithms of the energy in five bands of optical density (differences of Gaussians). Shape: number, share, size and
form of what holds nuclear dye, parted from the rest by Otsu's threshold [3]_.

They are plain on purpose: each has a name that a person can check against the picture.

References
----------
.. [1] CIE 1976 L*a*b*, as OpenCV computes it.
.. [2] Ojala, Pietikainen & Maenpaa 2002, doi 10.1109/TPAMI.2002.1017623.
.. [3] Otsu 1979, doi 10.1109/TSMC.1979.4310076.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from leukolens.smear.resampling import reduce_to
from leukolens.smear.staining import background_colour

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_SIDE: Final = 320  # px, longer side on which all is measured
_PERCENTILES: Final = (5, 25, 50, 75, 95)
_LBP_NEIGHBOURS: Final = 8
_SIGMAS: Final = (0.7, 1.4, 2.8, 5.6, 11.2, 22.4)  # px; borders of the bands
_LEAST_NUCLEUS: Final = 5e-4  # share of the picture
_LEAST_DYE: Final = 0.08  # optical density of nuclear dye below which nothing is a nucleus

_COLOUR_NAMES: Final = tuple(
    f"{channel} {what}"
    for channel in ("lightness", "redness", "yellowness")
    for what in ("mean", "spread", *(f"percentile {p}" for p in _PERCENTILES))
) + tuple(f"background {channel}" for channel in ("red", "green", "blue"))
_TEXTURE_NAMES: Final = tuple(
    f"pattern {number}, {size} size" for size in ("full", "half") for number in range(_LBP_NEIGHBOURS + 2)
) + tuple(f"detail of {low:g} to {high:g} px" for low, high in pairwise(_SIGMAS))
_SHAPE_NAMES: Final = (
    "number of nuclei",
    "share of nuclei",
    "size of nuclei",
    "spread of their sizes",
    "roundness of nuclei",
    "elongation of nuclei",
    "solidity of nuclei",
    "dye in nuclei",
)
NAMES: Final = _COLOUR_NAMES + _TEXTURE_NAMES + _SHAPE_NAMES
"""What each number is, in words; colour, texture, shape."""


def describe_picture(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the features of a picture.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB, marks painted out.

    Returns
    -------
    ndarray
        (len(NAMES),) float32, all finite. Sizes are against the picture's, so that the same field in more pixels gives
        about the same numbers.
    """
    small = reduce_to(rgb, _SIDE)
    ground = background_colour(small)
    density = -np.log10(np.maximum(small.astype(np.float32), 2.0) / ground)
    return np.concatenate([_colour(small), ground, _texture(small, density), _shape(density)]).astype(np.float32)


def _colour(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).reshape(-1, 3).astype(np.float32)
    spots = np.percentile(lab, _PERCENTILES, axis=0)
    return np.concatenate([lab.mean(axis=0)[None], lab.std(axis=0)[None], spots]).T.ravel()


def _texture(rgb: NDArray[np.uint8], density: Floats) -> NDArray[np.float64]:
    green = np.ascontiguousarray(rgb[..., 1])
    half = cv2.resize(green, (max(3, green.shape[1] // 2), max(3, green.shape[0] // 2)), interpolation=cv2.INTER_AREA)
    levels = [cv2.GaussianBlur(np.ascontiguousarray(density[..., 1]), (0, 0), sigma) for sigma in _SIGMAS]
    bands = [np.log10(np.var(low - high) + 1e-8) for low, high in pairwise(levels)]
    return np.concatenate([_patterns(green), _patterns(np.asarray(half, np.uint8)), bands])


def _patterns(grey: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return shares (10,) of the uniform patterns of 8 neighbours by their number of ones, and of all others last.

    The neighbours are the eight pixels around, without interpolation, after a slight blur that takes JPEG's noise.
    """
    smooth = cv2.GaussianBlur(grey, (0, 0), 0.8).astype(np.int16)
    height, width = smooth.shape
    middle = smooth[1:-1, 1:-1]
    ring = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))
    ones = np.stack([smooth[y : height - 2 + y, x : width - 2 + x] >= middle for y, x in ring])
    changes = (ones != np.roll(ones, 1, axis=0)).sum(axis=0, dtype=np.uint8)
    kind = np.where(changes <= 2, ones.sum(axis=0, dtype=np.uint8), _LBP_NEIGHBOURS + 1)
    return np.bincount(kind.ravel(), minlength=_LBP_NEIGHBOURS + 2) / kind.size


def _shape(density: Floats) -> NDArray[np.float64]:
    red, green, blue = (np.ascontiguousarray(density[..., channel]) for channel in range(3))
    # Nuclear dye takes red and green light but little blue; haemoglobin and eosin take blue too.
    dye = cv2.GaussianBlur(0.5 * (red + green - blue), (0, 0), 1.5)
    levels = np.clip(dye * 255.0, 0, 255).astype(np.uint8)
    threshold, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    mask = (levels > max(threshold, 255.0 * _LEAST_DYE)).astype(np.uint8)
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    least = _LEAST_NUCLEUS * mask.size
    forms = np.array([_form(outline) for outline in outlines if cv2.contourArea(outline) >= least])
    if len(forms) == 0:
        return np.zeros(len(_SHAPE_NAMES))
    area = forms[:, 0] / mask.size
    inside = float(dye[mask > 0].mean())
    return np.array(
        [
            np.log1p(len(forms)),
            np.sqrt(area.sum()),
            np.sqrt(np.median(area)),
            np.std(np.log(area)),
            *np.median(forms[:, 1:], axis=0),
            inside,
        ]
    )


def _form(outline: NDArray[np.int32]) -> tuple[float, float, float, float]:
    """Return area in px, roundness (1 of a circle), elongation (1 of a circle) and solidity (1 of a convex form)."""
    area, length = cv2.contourArea(outline), cv2.arcLength(outline, True)
    hull = cv2.contourArea(cv2.convexHull(outline))
    moments = cv2.moments(outline)
    across, down, mixed = moments["mu20"], moments["mu02"], moments["mu11"]
    root = float(np.hypot(across - down, 2 * mixed))
    elongation = np.sqrt((across + down + root) / max(across + down - root, 1e-9))
    return area, 4 * np.pi * area / max(length, 1e-9) ** 2, min(float(elongation), 10.0), area / max(hull, 1e-9)
