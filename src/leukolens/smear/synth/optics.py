"""From amounts of dye to a picture: Beer-Lambert, lamp, lens, camera."""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from leukolens.smear.synth.canvas import DYES, picture
from leukolens.smear.synth.noise import texture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukolens.smear.synth.canvas import Canvas
    from leukolens.smear.synth.imaging import Camera, Lens, Stain
    from leukolens.smear.synth.style import Style

_WAVELENGTHS: Final = np.array([0.60, 0.54, 0.46])  # um, middle of the camera's red, green, blue
_WIEN: Final = 14388.0  # um K, second radiation constant
_PHASE: Final = np.array([0.25, 0.3, 0.3, 0.3, 1.0], np.float32)
_LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)
_TONES: Final = 4096


def photograph(canvas: Canvas, style: Style, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the picture (H, W, 3) uint8, sRGB, of what is drawn on the canvas."""
    light = transmit(canvas.dyes, style.stain)
    light *= np.exp(-_plasma(canvas, style, rng))[..., None]
    light = _refract(light, canvas, style.lens)
    light = _focus(light, canvas, style.lens, rng)
    light *= _lamp(canvas, style, rng)
    return develop(np.ascontiguousarray(picture(light)), style.camera, rng)


def transmit(dyes: NDArray[np.float32], stain: Stain) -> NDArray[np.float32]:
    """Return the share of light that passes, per channel, by the law of Beer and Lambert.

    Parameters
    ----------
    dyes
        (H, W, 5) float32 amounts, in the order of `DYES`.
    stain
        Absorbance of each dye.

    Returns
    -------
    ndarray, (H, W, 3), float32, 0 to 1
    """
    spectra = np.array([getattr(stain, dye) for dye in DYES], np.float32)
    return np.asarray(np.exp(-(dyes @ spectra)), np.float32)


def _plasma(canvas: Canvas, style: Style, rng: np.random.Generator) -> NDArray[np.float32]:
    window = canvas.whole()
    film = 1 + np.float32(0.5) * texture(window, rng, 9.0) + np.float32(0.25) * texture(window, rng, 1.5)
    return np.asarray(style.stain.plasma * np.maximum(film, 0), np.float32)


def _refract(light: NDArray[np.float32], canvas: Canvas, lens: Lens) -> NDArray[np.float32]:
    """Brighten just outside of edges and darken just inside, as a slightly defocused phase object does.

    To first order the change of light is proportional to the Laplacian of the optical thickness (transport of
    intensity, Teague 1983); the thickness is taken from the dyes, most of it
    from haemoglobin: red cells refract more than they absorb.
    """
    mass = canvas.dyes @ _PHASE
    scale = canvas.frame.um_per_px
    near = cv2.GaussianBlur(mass, (0, 0), max(0.22 / scale, 0.4))
    far = cv2.GaussianBlur(mass, (0, 0), max(0.5 / scale, 0.6))
    change = np.clip((far - near) * np.float32(4 * lens.refraction), -0.4, 0.4)
    return np.asarray(light * (1 + change)[..., None], np.float32)


def _focus(light: NDArray[np.float32], canvas: Canvas, lens: Lens, rng: np.random.Generator) -> NDArray[np.float32]:
    """Blur: in focus in one part of the field, towards `lens.defocus` in another."""
    window, scale = canvas.whole(), canvas.frame.um_per_px
    angle, slope = rng.uniform(0, 2 * np.pi), float(rng.uniform(0.2, 1.0))
    width, height = canvas.frame.size_um
    tilt = (window.x * np.float32(np.cos(angle)) + window.y * np.float32(np.sin(angle))) / np.float32(
        math.hypot(width, height) / 2
    )
    away = np.clip(np.abs(tilt * slope + np.float32(0.2) * texture(window, rng, 25.0)), 0, 1)[..., None]
    sharp = _blur(light, lens.blur / scale, lens.fringe)
    soft = _blur(light, lens.defocus / scale, lens.fringe)
    return np.asarray(sharp + away * (soft - sharp), np.float32)


def _blur(light: NDArray[np.float32], sigma: float, fringe: float) -> NDArray[np.float32]:
    channels = [
        cv2.GaussianBlur(light[..., k], (0, 0), s) if (s := sigma * (fringe if k == 2 else 1)) > 0.25 else light[..., k]
        for k in range(3)
    ]
    return np.dstack(channels)


def _lamp(canvas: Canvas, style: Style, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the light without a smear, (H, W, 3), in linear light."""
    lens, window = style.lens, canvas.whole()
    half = math.hypot(*canvas.frame.size_um) / 2
    cx, cy = 0.15 * half * rng.standard_normal(2)
    out = ((window.x - np.float32(cx)) ** 2 + (window.y - np.float32(cy)) ** 2) / np.float32(half**2)
    level = 1 - np.float32(lens.vignette) * out
    level = level * (1 + np.float32(lens.uneven) * texture(window, rng, 0.5 * half))
    tint = [1 + np.float32(0.8 * lens.uneven) * texture(window, rng, 0.6 * half) for _ in range(3)]
    colour = np.asarray(lens.lamp) ** style.camera.gamma * warmth(lens.mired)
    level = level * _dust(canvas, style)
    return np.dstack([np.float32(colour[k]) * level * tint[k] for k in range(3)])


def warmth(mired: float) -> NDArray[np.float64]:
    """Return factors of red, green and blue light for a lamp `mired` warmer (Wien's law), green unchanged."""
    factors = np.exp(-_WIEN * mired * 1e-6 * (1 / _WAVELENGTHS - 1 / _WAVELENGTHS[1]))
    return np.asarray(factors, np.float64)


def _dust(canvas: Canvas, style: Style) -> NDArray[np.float32]:
    """Return the shadow of dust in the camera: at the same places in every picture of one style."""
    height, width = canvas.dyes.shape[:2]
    shadow = np.ones((height, width), np.float32)
    rng = np.random.default_rng(zlib.crc32(style.name.encode()))
    x, y = np.arange(width, dtype=np.float32)[None, :], np.arange(height, dtype=np.float32)[:, None]
    for _ in range(style.lens.dust):
        cx, cy = rng.uniform(0.1, 0.9, 2) * (width, height)
        size, depth = float(rng.uniform(0.006, 0.014)) * width, float(rng.uniform(0.05, 0.14))
        away = ((x - np.float32(cx)) / np.float32(1.4 * size)) ** 2 + ((y - np.float32(cy)) / np.float32(size)) ** 2
        shadow *= 1 - np.float32(depth) * np.exp(-away / 2)
    return shadow


def develop(light: NDArray[np.float32], camera: Camera, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return what the camera makes of the light: noise, saturation, tone curve, unsharp mask, 8 bits.

    Parameters
    ----------
    light
        (H, W, 3) float32, linear; 1 is full light, more is clipped.
    camera
        Its response and noise.
    rng
        Source of the noise.
    """
    light = np.asarray(light + _noise(light, camera, rng), np.float32)
    grey = light @ _LUMA
    vivid = grey[..., None] + np.float32(camera.saturation) * (light - grey[..., None])
    index = np.clip(vivid * (_TONES - 1), 0, _TONES - 1).astype(np.int32)
    shown = _tone_curve(camera)[index]
    if camera.sharpen > 0:
        soft = cv2.GaussianBlur(shown, (0, 0), 1.2)
        shown = shown + np.float32(camera.sharpen) * (shown - soft)
    return np.clip(np.rint(shown * 255), 0, 255).astype(np.uint8)


def _tone_curve(camera: Camera) -> NDArray[np.float32]:
    tone = np.linspace(0, 1, _TONES) ** (1 / camera.gamma)
    curved = tone * tone * (3 - 2 * tone)
    return np.asarray(tone + camera.contrast * (curved - tone), np.float32)


def _noise(light: NDArray[np.float32], camera: Camera, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return shot noise (grows with the root of the light), the same for all channels, and coloured blotches."""
    height, width = light.shape[:2]
    fine = cv2.GaussianBlur(rng.standard_normal((height, width), np.float32), (0, 0), 0.5) * np.float32(1.4)
    coarse = rng.standard_normal((height // 2 + 1, width // 2 + 1, 3), np.float32)
    blotches = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    root = np.sqrt(np.clip(light, 0.02, 1))
    return np.asarray(
        root * (np.float32(camera.noise) * fine[..., None] + np.float32(camera.colour_noise) * blotches),
        np.float32,
    )
