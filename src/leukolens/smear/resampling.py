"""A picture with fewer pixels, or more, without aliasing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from leukolens.smear.squeeze import SQUEEZED

if TYPE_CHECKING:
    from numpy.typing import NDArray

WORKING_SIDE: Final = 640
"""Longest side, in px, of the reduced picture on which marks, squeeze and quality are measured."""
_ENOUGH_SIDE: Final = 480


def reduce_to(rgb: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    """Return the picture with its longer side at most `longest` px, averaged over areas.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8.
    longest
        Above 0.

    Returns
    -------
    NDArray
        (h, w, 3) uint8; `rgb` itself where it is small already and its memory is in one piece.
    """
    height, width = rgb.shape[:2]
    scale = longest / max(height, width)
    if scale >= 1.0:
        return np.ascontiguousarray(rgb)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def reduce_picture(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the picture with its longest side at most `WORKING_SIDE`, averaged over areas.

    Most cameras' pictures divide by a whole number, which is ten times as fast; it is taken where it leaves enough.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8.

    Returns
    -------
    NDArray
        (h, w, 3) uint8; `rgb` itself where it is small already and its memory is in one piece.
    """
    height, width = rgb.shape[:2]
    longest = max(height, width)
    if longest <= WORKING_SIDE:
        return np.ascontiguousarray(rgb)
    by = math.ceil(longest / WORKING_SIDE)
    if longest / by < _ENOUGH_SIDE or height % by or width % by:
        return reduce_to(rgb, WORKING_SIDE)
    size = (width // by, height // by)
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def resample(rgb: NDArray[np.uint8], size: tuple[int, int], *, squeezed: bool) -> NDArray[np.uint8]:
    """Resize without aliasing: areas where an axis shrinks, linear where it grows.

    Where `squeezed` is set, a large picture goes by the grid that a squeezed one has, so that both end equally sharp
    along each axis: on the seven Taleqani fields that exist in both forms the mean difference of the prepared pixels
    falls from 1.92 to 1.86 grey levels; the JPEG coding of the small ones alone makes 1.80. Linear or cubic rows add
    0.03 or 0.16.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8.
    size
        Width and height wanted, px.
    squeezed
        Whether pictures that were squeezed to a square are to come out alike.

    Returns
    -------
    NDArray
        (height, width, 3) uint8; `rgb` itself where it has that size.
    """
    grid = (size[0], round(size[1] * SQUEEZED))
    if squeezed and rgb.shape[1] > grid[0] and rgb.shape[0] > grid[1]:
        rgb = np.asarray(cv2.resize(rgb, grid, interpolation=cv2.INTER_AREA), np.uint8)
    for wanted in ((size[0], rgb.shape[0]), size):
        now = (rgb.shape[1], rgb.shape[0])
        if wanted != now:
            shrinks = wanted[0] < now[0] or wanted[1] < now[1]
            method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
            rgb = np.asarray(cv2.resize(rgb, wanted, interpolation=method), np.uint8)
    return rgb
