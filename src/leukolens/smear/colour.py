"""One draw of everything that stain, lamp and camera do to colour, and its fast application in training."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from leukolens.smear.staining import background_colour, change_density

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]
    Floats = NDArray[np.float32]

GREY_WEIGHTS: Final = (0.2126, 0.7152, 0.0722)
"""Rec. 709 luma."""


@dataclass(frozen=True)
class ColourShift:
    """One draw of everything that stain, lamp and camera can do to colour. The defaults change nothing.

    The names mean what they mean in `shift_stain`, `shift_lamp` and `shift_lab`; `grey` takes all colour away.
    """

    azure: float = 1.0
    eosin: float = 1.0
    residual: float = 1.0
    stain_hue_deg: float = 0.0
    gains: tuple[float, float, float] = (1.0, 1.0, 1.0)
    gamma: float = 1.0
    vignette: float = 0.0
    lightness: float = 0.0
    contrast: float = 1.0
    a: float = 0.0
    b: float = 0.0
    chroma: float = 1.0
    hue_deg: float = 0.0
    grey: bool = False


def sample_colour(rng: np.random.Generator, strength: float = 1.0, grey: float = 0.3) -> ColourShift:
    """Draw a change of colour for training.

    Parameters
    ----------
    rng
        Where every draw comes from; the number of draws is always the same.
    strength
        0 changes nothing but grey; 1 spans about the laboratories that are known; 1.5 goes beyond them.
    grey
        Probability of a picture without colour.
    """
    u = rng.uniform(-1.0, 1.0, 15) * strength
    # Light is rather taken than given: the background is near white in most pictures and would be clipped.
    gains = np.exp(np.array([0.12, 0.12, 0.16]) * u[4:7] - 0.05 * strength)
    return ColourShift(
        azure=float(np.exp(0.4 * u[0])),
        eosin=float(np.exp(0.6 * u[1])),
        residual=float(np.exp(0.6 * u[2])),
        stain_hue_deg=float(18.0 * u[3]),
        gains=(float(gains[0]), float(gains[1]), float(gains[2])),
        vignette=float(min(max(0.0, 0.5 * u[7]), 0.8)),
        gamma=float(np.exp(0.25 * u[8])),
        lightness=float(10.0 * u[9] - 5.0 * strength),
        contrast=float(np.exp(0.25 * u[10])),
        a=float(12.0 * u[11]),
        b=float(12.0 * u[12]),
        chroma=float(np.exp(0.6 * u[13])),
        hue_deg=float(25.0 * u[14]),
        grey=bool(rng.random() < grey),
    )


def apply_colour(rgb: Picture, shift: ColourShift) -> Picture:
    """Apply a draw in one pass: stain and lamp together in optical density, then L*a*b* on 8 bit, then grey.

    The same as `shift_stain`, `shift_lamp` and `shift_lab` in turn, but for rounding (8-bit L*a*b*: 1 to 3 levels)
    and for values that would have been clipped in between.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB.
    shift
        From `sample_colour`, or made by hand.

    Returns
    -------
    ndarray
        (H, W, 3) uint8, a new picture.
    """
    ground = background_colour(rgb)
    dyes = (shift.azure, shift.eosin, shift.residual)
    out = change_density(rgb, dyes, shift.stain_hue_deg, shift.gains, shift.gamma, ground)
    out = darken_corners(out, shift.vignette)
    lit = 255.0 * np.power(ground / 255.0, shift.gamma) * np.asarray(shift.gains)
    pivot = lightness_of(np.minimum(lit, 255.0))
    if shift.grey:
        luma = cv2.LUT(cv2.transform(out, np.array([GREY_WEIGHTS], np.float32)), _grey_table(shift, pivot))
        return np.asarray(cv2.merge([luma, luma, luma]), np.uint8)
    lab = cv2.cvtColor(out, cv2.COLOR_RGB2LAB)
    moved = cv2.transform(lab, _byte_lab_matrix(shift, pivot))
    return np.asarray(cv2.cvtColor(moved, cv2.COLOR_LAB2RGB), np.uint8)


def lab_matrix(
    lightness: float, contrast: float, a: float, b: float, chroma: float, hue_deg: float, pivot: float
) -> Floats:
    """Give the (3, 4) matrix of `shift_lab` on L* (0 to 100), a*, b*, 1; contrast leaves L* = `pivot` alone."""
    cos, sin = chroma * np.cos(np.deg2rad(hue_deg)), chroma * np.sin(np.deg2rad(hue_deg))
    offset = pivot * (1.0 - contrast) + lightness
    return np.array([[contrast, 0, 0, offset], [0, cos, -sin, a], [0, sin, cos, b]], np.float32)


def lightness_of(colour: NDArray[np.floating]) -> float:
    """Give L* of one sRGB colour (3,), 0 to 255."""
    pixel = np.asarray(colour / 255.0, np.float32).reshape(1, 1, 3)
    return float(cv2.cvtColor(pixel, cv2.COLOR_RGB2LAB)[0, 0, 0])


def lab_to_bytes(lab: NDArray[np.floating]) -> Picture:
    """Turn (H, W, 3) float32 L*a*b* into sRGB (H, W, 3) uint8, out-of-gamut colours clipped."""
    light = cv2.cvtColor(np.asarray(lab, np.float32), cv2.COLOR_LAB2RGB)
    return np.asarray(cv2.convertScaleAbs(np.maximum(light, 0.0), alpha=255.0), np.uint8)


def darken_corners(rgb: Picture, vignette: float) -> Picture:
    """Take the share `vignette` (0 to below 1) of the light away in the corners, with the square of the distance."""
    if vignette <= 0:
        return rgb
    light = _corner_light(rgb.shape[0], rgb.shape[1], round(vignette, 3))
    return np.asarray(cv2.multiply(rgb, light, dtype=cv2.CV_8U), np.uint8)


def _byte_lab_matrix(shift: ColourShift, pivot: float) -> Floats:
    """Give the matrix for OpenCV's 8-bit L*a*b*: L* times 2.55, a* and b* plus 128."""
    matrix = lab_matrix(shift.lightness, shift.contrast, shift.a, shift.b, shift.chroma, shift.hue_deg, pivot)
    matrix[0, 3] *= 2.55
    matrix[1:, 3] += 128.0 - 128.0 * matrix[1:, 1:3].sum(axis=1)
    return matrix


def _grey_table(shift: ColourShift, pivot: float) -> NDArray[np.uint8]:
    """Give the table (256,) that does to grey what the L*a*b* step does to lightness."""
    ramp = np.repeat(np.linspace(0.0, 1.0, 256, dtype=np.float32)[None, :, None], 3, axis=2)
    lab = cv2.cvtColor(ramp, cv2.COLOR_RGB2LAB)
    moved = cv2.transform(lab, lab_matrix(shift.lightness, shift.contrast, 0.0, 0.0, 1.0, 0.0, pivot))
    return np.ascontiguousarray(lab_to_bytes(np.asarray(moved, np.float32))[0, :, 1])


@lru_cache(maxsize=32)
def _corner_light(height: int, width: int, vignette: float) -> Floats:
    rows = np.linspace(-1.0, 1.0, height, dtype=np.float32)[:, None] ** 2
    columns = np.linspace(-1.0, 1.0, width, dtype=np.float32)[None, :] ** 2
    light = 1.0 - vignette * 0.5 * (rows + columns)
    return np.ascontiguousarray(np.repeat(light[:, :, None], 3, axis=2), np.float32)
