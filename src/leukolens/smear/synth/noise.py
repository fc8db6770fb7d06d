"""Smooth random textures with a grain given in micrometres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukolens.smear.synth.canvas import Window

_UNIT_VARIANCE = 1.25  # cubic interpolation between grid points takes this much of the standard deviation away


def texture(window: Window, rng: np.random.Generator, grain: float, *, stretch: float = 1.0) -> NDArray[np.float32]:
    """Return value noise of about zero mean and unit standard deviation.

    A grid of normal numbers, turned by a random angle so that its rows do not show, is interpolated to the pixels. Its
    size depends on the window's reach alone, not on its pixels, so that the texture is the same at every resolution.

    Parameters
    ----------
    window
        Where it is wanted.
    rng
        Source of the numbers.
    grain
        Distance of grid points, um: about half the size of a grain.
    stretch
        How many times longer than wide the grains are.

    Returns
    -------
    ndarray, (h, w), float32
    """
    half = int(np.ceil(1.5 * window.reach / grain)) + 3
    grid = rng.standard_normal((2 * half + 1, 2 * half + 1)).astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    along, across = window.um_per_px / (grain * stretch), window.um_per_px / grain
    cos, sin = np.cos(angle), np.sin(angle)
    left, top = float(window.x[0, 0]) / window.um_per_px, float(window.y[0, 0]) / window.um_per_px
    turn = np.array([[cos * along, sin * along], [-sin * across, cos * across]])
    shift = turn @ (left, top) + half
    matrix = np.column_stack([turn, shift])
    height, width = window.shape
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    out = cv2.warpAffine(grid, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(out * np.float32(_UNIT_VARIANCE), np.float32)


def fractal(window: Window, rng: np.random.Generator, grain: float, octaves: int = 2) -> NDArray[np.float32]:
    """Return `texture` summed over `octaves` sizes of grain, each half as large and strong as the last."""
    out = texture(window, rng, grain)
    total = 1.0
    for k in range(1, octaves):
        out += texture(window, rng, grain / 2**k) / np.float32(2**k)
        total += 0.25**k
    return out / np.float32(np.sqrt(total))
