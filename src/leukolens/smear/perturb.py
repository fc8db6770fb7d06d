"""Perturbations of a smear picture by stain, lamp and camera: for training, and fixed ones that measure robustness.

Every function takes an (H, W, 3) uint8 sRGB picture and gives a new one; the same arguments give the same picture.
`ColourShift`, `sample_colour` and `apply_colour` do all of stain, lamp and colour at once, for training.
"""

from __future__ import annotations

from functools import lru_cache, partial
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from leukolens.finding import UsageError
from leukolens.smear.colour import (
    GREY_WEIGHTS,
    ColourShift,
    apply_colour,
    darken_corners,
    lab_matrix,
    lab_to_bytes,
    lightness_of,
    sample_colour,
)
from leukolens.smear.staining import AZURE, EOSIN, background_colour, change_density

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

__all__ = [
    "AZURE",
    "BAR",
    "EOSIN",
    "STRESSES",
    "ColourShift",
    "apply_colour",
    "blur",
    "jpeg",
    "lamp_gains",
    "mask_bar",
    "noise",
    "sample_colour",
    "shift_lab",
    "shift_lamp",
    "shift_stain",
    "to_grey",
]

BAR: Final = (29 / 224, 44 / 224)
"""Height and width, as shares, of the corner in which the data set's largest scale bar lies."""


def to_grey(rgb: Picture) -> Picture:
    """Take all colour away: Rec. 709 luma of the sRGB values in all three channels.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB.
    """
    luma = cv2.transform(rgb, np.array([GREY_WEIGHTS], np.float32))
    return np.asarray(cv2.merge([luma, luma, luma]), np.uint8)


def shift_lab(
    rgb: Picture,
    lightness: float = 0.0,
    contrast: float = 1.0,
    a: float = 0.0,
    b: float = 0.0,
    chroma: float = 1.0,
    hue_deg: float = 0.0,
) -> Picture:
    """Shift lightness and colour in CIE L*a*b* (D65), where equal steps look about equally large.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB.
    lightness
        Added to L* (0 to 100).
    contrast
        Factor on the distance of L* from that of the picture's own background, which stays.
    a, b
        Added to a* (green to magenta) and b* (blue to yellow) after the turn.
    chroma
        Factor on a* and b*.
    hue_deg
        Turn of a* and b*, in degrees, from red towards yellow.
    """
    lab = cv2.cvtColor(np.asarray(cv2.LUT(rgb, _unit_table()), np.float32), cv2.COLOR_RGB2LAB)
    pivot = lightness_of(background_colour(rgb))
    moved = cv2.transform(lab, lab_matrix(lightness, contrast, a, b, chroma, hue_deg, pivot))
    return lab_to_bytes(np.asarray(moved, np.float32))


def shift_stain(
    rgb: Picture, azure: float = 1.0, eosin: float = 1.0, residual: float = 1.0, hue_deg: float = 0.0
) -> Picture:
    """Stain more strongly or weakly, in optical density after colour deconvolution (see `smear.staining`).

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB.
    azure, eosin, residual
        Factors (> 0) on the amounts of azure B (nuclei, basophilic cytoplasm), of eosin (red cells, eosinophilic
        granules) and of what absorbs blue (haemoglobin). Negative amounts, which the vectors of another staining
        leave, are no dye and stay as they are.
    hue_deg
        Turn of azure's own colour about the grey axis of optical density: positive is redder, negative is bluer.
    """
    return change_density(rgb, (azure, eosin, residual), hue_deg)


def shift_lamp(
    rgb: Picture,
    gains: tuple[float, float, float] = (1.0, 1.0, 1.0),
    gamma: float = 1.0,
    vignette: float = 0.0,
) -> Picture:
    """Change the lamp, its filter and the camera's response.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB.
    gains
        Factors (> 0) on red, green and blue: the tint that the background gets. `lamp_gains` gives those of a
        warmer or colder lamp.
    gamma
        Exponent (> 0) on the values scaled to 0..1; above 1 darkens the middle.
    vignette
        Share of light lost in the corners, 0 to below 1; it falls with the square of the distance from the middle.
    """
    steps = np.linspace(0.0, 1.0, 256)
    table = np.clip(np.power(steps, gamma)[:, None] * np.asarray(gains) * 255.0 + 0.5, 0, 255).astype(np.uint8)
    out = np.asarray(cv2.LUT(rgb, table.reshape(1, 256, 3)), np.uint8)
    return darken_corners(out, vignette)


def lamp_gains(warmth: float) -> tuple[float, float, float]:
    """Gains of a warmer (positive) or colder (negative) lamp; 1 is about from 5500 K to 4000 K, green kept.

    The exponents follow the ratio of black-body light at 600 nm and 450 nm to that at 550 nm (Wien).
    """
    return (float(np.exp(0.10 * warmth)), 1.0, float(np.exp(-0.26 * warmth)))


# --- camera and file --------------------------------------------------------------------------------------------


def blur(rgb: Picture, sigma: float) -> Picture:
    """Blur with a Gaussian of `sigma` pixels (>= 0)."""
    if sigma <= 0:
        return rgb.copy()
    return np.asarray(cv2.GaussianBlur(rgb, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101), np.uint8)


def jpeg(rgb: Picture, quality: int) -> Picture:
    """Encode as JPEG of the given quality (1 to 100, chroma at half the resolution) and decode again."""
    if not 1 <= quality <= 100:
        raise UsageError(
            "JPEG quality out of range", expected="1 to 100", found=str(quality), todo="choose one between"
        )
    flags = [cv2.IMWRITE_JPEG_QUALITY, int(quality)]
    _, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), flags)
    return np.asarray(cv2.cvtColor(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR)), cv2.COLOR_BGR2RGB), np.uint8)


def noise(rgb: Picture, sigma: float, rng: np.random.Generator | int = 0) -> Picture:
    """Add normal noise of `sigma` grey levels, independent in each pixel and channel.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB.
    sigma
        Standard deviation in grey levels (>= 0). The noise takes 256 values, at most 2.9 sigma off.
    rng
        Where the draws come from, or a seed.
    """
    draws = np.random.default_rng(rng).bytes(rgb.size)
    steps = np.frombuffer(draws, np.uint8).reshape(rgb.shape)
    grains = cv2.LUT(steps, np.round(sigma * _normal_steps()).astype(np.int16))
    return np.asarray(cv2.add(rgb, grains, dtype=cv2.CV_8U), np.uint8)


def mask_bar(rgb: Picture) -> Picture:
    """Cover the bottom right corner, where the data set's scale bars lie, with the picture's median colour."""
    height, width = rgb.shape[:2]
    out = rgb.copy()
    rows, columns = round(BAR[0] * height), round(BAR[1] * width)
    out[height - rows :, width - columns :] = np.median(rgb[::8, ::8], axis=(0, 1)).astype(np.uint8)
    return out


# --- a fixed set, for measuring robustness ----------------------------------------------------------------------


def _stain_then_lab(rgb: Picture, stain: dict[str, float], lab: dict[str, float]) -> Picture:
    return shift_lab(shift_stain(rgb, **stain), **lab)


STRESSES: Final[dict[str, Callable[[Picture], Picture]]] = {
    "grey": to_grey,
    # Pinker: eosin strong, nuclei turned to magenta, yellowish ground.
    "stain-shift-1": partial(
        _stain_then_lab, stain={"azure": 0.85, "eosin": 1.9, "hue_deg": 14.0}, lab={"a": 9.0, "b": 4.0}
    ),
    # Bluer: hardly any eosin, nuclei turned to blue.
    "stain-shift-2": partial(
        _stain_then_lab, stain={"azure": 1.15, "eosin": 0.45, "hue_deg": -14.0}, lab={"a": -7.0, "b": -9.0}
    ),
    # Paler: two thirds of the stain, little colour.
    "stain-shift-3": partial(
        _stain_then_lab, stain={"azure": 0.65, "eosin": 0.65, "residual": 0.65}, lab={"chroma": 0.75}
    ),
    # Darker: stained too long, and turned in hue.
    "stain-shift-4": partial(
        _stain_then_lab, stain={"azure": 1.5, "eosin": 1.4, "residual": 1.4}, lab={"hue_deg": 15.0, "lightness": -5.0}
    ),
    "lamp-warm": partial(shift_lamp, gains=lamp_gains(1.2), gamma=1.15, vignette=0.2),
    "lamp-cold": partial(shift_lamp, gains=(0.86, 0.95, 1.05), gamma=0.9),
    "bar-masked": mask_bar,
    "jpeg-50": partial(jpeg, quality=50),
    "blur": partial(blur, sigma=1.2),
}
"""Named, fixed and fairly strong perturbations of a prepared picture (224 px wide), for measuring robustness."""


@lru_cache(maxsize=1)
def _unit_table() -> NDArray[np.float32]:
    """Give grey levels as shares of white (1, 256, 3)."""
    return np.repeat(np.linspace(0.0, 1.0, 256, dtype=np.float32)[None, :, None], 3, axis=2)


@lru_cache(maxsize=1)
def _normal_steps() -> NDArray[np.float64]:
    """Give the middle quantiles of the standard normal distribution in 256 equal steps (256,)."""
    normal = NormalDist()
    return np.array([normal.inv_cdf((i + 0.5) / 256.0) for i in range(256)])
