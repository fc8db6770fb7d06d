"""Perturbations of a smear picture by stain, lamp and camera: for training, and fixed ones that measure robustness.

Every function takes an (H, W, 3) uint8 sRGB picture and gives a new one; the same arguments give the same picture.

Stain is changed in optical density after colour deconvolution [1]_. Two things are adapted for Romanowsky stains: the
haematoxylin vector is replaced by that of azure B bound to chromatin, the median density of nuclei over the fields of
six laboratories, and the third, orthogonal vector absorbs blue, as haemoglobin does. Densities are counted from the
picture's own background, so that a change of stain leaves the empty background alone.

References
----------
.. [1] Ruifrok & Johnston 2001, Quantification of histochemical staining by color deconvolution, Anal Quant Cytol
   Histol 23:291-299.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from leukolens.finding import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]

AZURE: Final = (0.60, 0.79, 0.12)
"""Optical density of azure B on chromatin in red, green, blue; measured, see the module's description."""
EOSIN: Final = (0.07, 0.99, 0.11)
"""Optical density of eosin Y (Ruifrok & Johnston 2001)."""
BAR: Final = (29 / 224, 44 / 224)
"""Height and width, as shares, of the corner in which the data set's largest scale bar lies."""

_GREY_WEIGHTS: Final = (0.2126, 0.7152, 0.0722)  # Rec. 709 luma
_BACKGROUND_PERCENTILE: Final = 90.0
_SUBSAMPLE: Final = 8


# --- colour, one step at a time ---------------------------------------------------------------------------------


def to_grey(rgb: Picture) -> Picture:
    """Take all colour away: Rec. 709 luma of the sRGB values in all three channels.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB.
    """
    luma = cv2.transform(rgb, np.array([_GREY_WEIGHTS], np.float32))
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
    lab = cv2.cvtColor(cv2.LUT(rgb, _unit_table()), cv2.COLOR_RGB2LAB)
    pivot = _lightness(_background(rgb))
    moved = cv2.transform(lab, _lab_matrix(lightness, contrast, a, b, chroma, hue_deg, pivot))
    return _to_bytes(cv2.cvtColor(moved, cv2.COLOR_LAB2RGB) * np.float32(255))


def shift_stain(
    rgb: Picture, azure: float = 1.0, eosin: float = 1.0, residual: float = 1.0, hue_deg: float = 0.0
) -> Picture:
    """Stain more strongly or weakly, in optical density after colour deconvolution.

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
    shift = ColourShift(azure=azure, eosin=eosin, residual=residual, stain_hue_deg=hue_deg)
    return _through_density(rgb, shift, _background(rgb))


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
    return _darken_corners(out, vignette)


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
    done, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), flags)
    if not done:  # pragma: no cover - OpenCV encodes every uint8 picture with three channels
        raise UsageError("picture cannot be encoded as JPEG", found=f"shape {rgb.shape}")
    return np.asarray(cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB), np.uint8)


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
    out[height - rows :, width - columns :] = np.median(rgb[::_SUBSAMPLE, ::_SUBSAMPLE], axis=(0, 1)).astype(np.uint8)
    return out


# --- many at once, for training ---------------------------------------------------------------------------------


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
    """
    ground = _background(rgb)
    out = _darken_corners(_through_density(rgb, shift, ground), shift.vignette)
    lit = 255.0 * np.power(ground / 255.0, shift.gamma) * np.asarray(shift.gains)
    pivot = _lightness(np.minimum(lit, 255.0).astype(np.float32))
    if shift.grey:
        luma = cv2.LUT(cv2.transform(out, np.array([_GREY_WEIGHTS], np.float32)), _grey_table(shift, pivot))
        return np.asarray(cv2.merge([luma, luma, luma]), np.uint8)
    lab = cv2.cvtColor(out, cv2.COLOR_RGB2LAB)
    moved = cv2.transform(lab, _byte_lab_matrix(shift, pivot))
    return np.asarray(cv2.cvtColor(moved, cv2.COLOR_LAB2RGB), np.uint8)


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


# --- inner workings ---------------------------------------------------------------------------------------------


def _to_bytes(values: NDArray[np.generic]) -> Picture:
    return np.asarray(cv2.convertScaleAbs(cv2.max(values, 0.0)), np.uint8)


def _lab_matrix(
    lightness: float, contrast: float, a: float, b: float, chroma: float, hue_deg: float, pivot: float
) -> Floats:
    """(3, 4) matrix on L* (0 to 100), a*, b*, 1; contrast leaves L* = `pivot` alone."""
    cos, sin = chroma * np.cos(np.deg2rad(hue_deg)), chroma * np.sin(np.deg2rad(hue_deg))
    offset = pivot * (1.0 - contrast) + lightness
    return np.array([[contrast, 0, 0, offset], [0, cos, -sin, a], [0, sin, cos, b]], np.float32)


def _byte_lab_matrix(shift: ColourShift, pivot: float) -> Floats:
    """The same on OpenCV's 8-bit L*a*b*: L* times 2.55, a* and b* plus 128."""
    matrix = _lab_matrix(shift.lightness, shift.contrast, shift.a, shift.b, shift.chroma, shift.hue_deg, pivot)
    matrix[0, 3] *= 2.55
    matrix[1:, 3] += 128.0 - 128.0 * matrix[1:, 1:3].sum(axis=1)
    return matrix


def _grey_table(shift: ColourShift, pivot: float) -> NDArray[np.uint8]:
    """Table (256,) that does to grey what the L*a*b* step does to lightness."""
    ramp = np.repeat(np.linspace(0.0, 1.0, 256, dtype=np.float32)[None, :, None], 3, axis=2)
    lab = cv2.cvtColor(ramp, cv2.COLOR_RGB2LAB)
    moved = cv2.transform(lab, _lab_matrix(shift.lightness, shift.contrast, 0.0, 0.0, 1.0, 0.0, pivot))
    return np.ascontiguousarray(_to_bytes(cv2.cvtColor(moved, cv2.COLOR_LAB2RGB) * np.float32(255))[0, :, 1])


def _lightness(colour: Floats) -> float:
    """L* of one sRGB colour (3,), 0 to 255."""
    return float(cv2.cvtColor((colour / 255.0).astype(np.float32).reshape(1, 1, 3), cv2.COLOR_RGB2LAB)[0, 0, 0])


def _stain_vectors(hue_deg: float) -> NDArray[np.float64]:
    """Unit vectors of azure, eosin and the rest as columns (3, 3); azure turned about the grey axis."""
    azure, eosin, rest = _base_vectors()
    angle = np.deg2rad(-hue_deg)
    # Rodrigues' formula about (1, 1, 1) / sqrt(3).
    across = np.array([azure[2] - azure[1], azure[0] - azure[2], azure[1] - azure[0]]) / np.sqrt(3.0)
    turned = azure * np.cos(angle) + across * np.sin(angle) + azure.mean() * (1.0 - np.cos(angle))
    return np.column_stack([turned, eosin, rest])


@lru_cache(maxsize=1)
def _base_vectors() -> NDArray[np.float64]:
    """Unit vectors of azure, eosin and, upright on both, of the rest as rows (3, 3)."""
    azure = np.asarray(AZURE) / np.linalg.norm(AZURE)
    eosin = np.asarray(EOSIN) / np.linalg.norm(EOSIN)
    rest = np.cross(azure, eosin)
    return np.stack([azure, eosin, rest / np.linalg.norm(rest)])


@lru_cache(maxsize=1)
def _unmixing() -> NDArray[np.float64]:
    """Matrix (3, 3) from optical density to amounts of azure, eosin and the rest."""
    return np.linalg.inv(_base_vectors().T)


def _background(rgb: Picture) -> Floats:
    """Brightness of the background (3,), at least 32, from every eighth pixel each way."""
    sample = rgb[::_SUBSAMPLE, ::_SUBSAMPLE].reshape(-1, 3)
    return np.maximum(np.percentile(sample, _BACKGROUND_PERCENTILE, axis=0), 32.0).astype(np.float32)


@lru_cache(maxsize=1)
def _density_table() -> Floats:
    """Natural optical density of each grey level (1, 256, 3), white 0; black counts as half a level."""
    levels = np.maximum(np.arange(256, dtype=np.float32), 0.5)
    return np.repeat(-np.log(levels / 255.0)[None, :, None], 3, axis=2).astype(np.float32)


@lru_cache(maxsize=1)
def _unit_table() -> Floats:
    """Grey levels as shares of white (1, 256, 3)."""
    return np.repeat(np.linspace(0.0, 1.0, 256, dtype=np.float32)[None, :, None], 3, axis=2)


def _through_density(rgb: Picture, shift: ColourShift, ground: Floats) -> Picture:
    """Stain, gamma and gains of `shift`, all in optical density, where they are nearly one affine map."""
    factors = np.array([shift.azure, shift.eosin, shift.residual])
    if factors.min() <= 0:
        raise UsageError(
            "stain factor out of range",
            expected="azure, eosin and residual above 0",
            found=", ".join(f"{factor:g}" for factor in factors),
            todo="use 0.5 for half the stain",
        )
    unmix, mix = _unmixing(), _stain_vectors(shift.stain_hue_deg)
    base = -np.log(ground / 255.0)
    own = np.column_stack([-shift.gamma * mix, np.log(shift.gains) - shift.gamma * base])
    more = -shift.gamma * mix @ np.diag(factors - 1.0)
    # Three buffers in turn: fresh pages for each step would cost more than the arithmetic.
    first = cv2.LUT(rgb, _density_table())
    amounts = cv2.transform(first, np.column_stack([unmix, -unmix @ base]))
    dye = cv2.max(amounts, 0.0, dst=first)  # factors act on positive amounts only: what is negative is no dye
    light = cv2.transform(amounts, own)
    extra = cv2.transform(dye, more, dst=amounts)
    light = cv2.exp(cv2.add(light, extra, dst=light), dst=light)
    return np.asarray(cv2.convertScaleAbs(light, alpha=255.0), np.uint8)


def _darken_corners(rgb: Picture, vignette: float) -> Picture:
    if vignette <= 0:
        return rgb
    return np.asarray(cv2.multiply(rgb, _corner_light(rgb.shape[0], rgb.shape[1], round(vignette, 3)), dtype=cv2.CV_8U))


@lru_cache(maxsize=32)
def _corner_light(height: int, width: int, vignette: float) -> Floats:
    rows = np.linspace(-1.0, 1.0, height, dtype=np.float32)[:, None] ** 2
    columns = np.linspace(-1.0, 1.0, width, dtype=np.float32)[None, :] ** 2
    light = 1.0 - vignette * 0.5 * (rows + columns)
    return np.ascontiguousarray(np.repeat(light[:, :, None], 3, axis=2), np.float32)


@lru_cache(maxsize=1)
def _normal_steps() -> NDArray[np.float64]:
    """Middle quantiles of the standard normal distribution in 256 equal steps (256,)."""
    normal = NormalDist()
    return np.array([normal.inv_cdf((i + 0.5) / 256.0) for i in range(256)])
