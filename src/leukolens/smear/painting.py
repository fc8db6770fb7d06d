"""Filling what was marked in a picture with what its surroundings suggest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

_FADE: Final = 0.035  # of the longer side, over which what touches a hole fades into the background
_FADE_PIXELS: Final = 8.0  # a hole is filled on a picture so far reduced that this fading takes these px


def paint_out(rgb: Picture, mask: NDArray[np.bool_]) -> Picture:
    """Fill the marked pixels from what surrounds them, with the picture's own grain.

    No cell is invented: what touches the hole is drawn on by 3.5 % of the picture's longer side and then fades into
    the background of the surroundings. A cell under a thin mark thus stays whole.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB picture.
    mask
        (H, W) bool, true where it is to be filled. All true gives a plain grey picture.

    Returns
    -------
    ndarray
        (H, W, 3) uint8, a new picture, equal to `rgb` outside `mask`.
    """
    out = rgb.copy()
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    fade = _FADE * max(mask.shape)
    for outline in outlines:
        x, y, w, h = cv2.boundingRect(outline)
        ring = max(4, round(0.5 * min(w, h)))
        window = np.s_[max(0, y - ring) : y + h + ring, max(0, x - ring) : x + w + ring]
        hole = mask[window]
        out[window][hole] = _fill(rgb[window], hole, fade)
    return out


def _fill(rgb: Picture, hole: NDArray[np.bool_], fade: float) -> Picture:
    """Give the (n, 3) uint8 colours of the hole's n pixels; `fade` in pixels."""
    if hole.all():
        return np.full((int(hole.sum()), 3), 128, dtype=np.uint8)
    height, width = hole.shape
    shrink = min(1.0, _FADE_PIXELS / fade)
    size = (max(2, round(width * shrink)), max(2, round(height * shrink)))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    # A reduced pixel that holds any of the mark belongs to the hole.
    holed = cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    if holed.all():
        small, holed, shrink = rgb, hole, 1.0
    surface, grain = _surface(np.asarray(small, np.uint8), holed, fade * shrink)
    smooth = cv2.resize(surface, (width, height), interpolation=cv2.INTER_LINEAR)[hole]
    noise = np.random.default_rng(5).standard_normal((len(smooth), 1), dtype=np.float32)
    return np.clip(smooth + noise * grain + 0.5, 0, 255).astype(np.uint8)


def _surface(rgb: Picture, hole: NDArray[np.bool_], fade: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Smooth fill (h, w, 3) of a hole, and the size of the grain (3,) around it."""
    known = ~hole
    distance, nearest = cv2.distanceTransformWithLabels(
        hole.astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    colours = np.zeros((int(nearest.max()) + 1, 3), dtype=np.uint8)
    colours[nearest[known]] = rgb[known]
    side = max(3, int(fade)) | 1
    edge = cv2.blur(colours[nearest], (side, side), borderType=cv2.BORDER_REPLICATE).astype(np.float32)
    background, grain = _background(rgb, known)
    share = 1.0 / (1.0 + np.exp((distance[..., None] - fade) * (4.0 / fade)))
    return (background + share * (edge - background)).astype(np.float32), grain


def _background(rgb: Picture, known: NDArray[np.bool_]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Colour of the brighter surroundings and the mean size of their grain, each (3,) float32."""
    fine = cv2.absdiff(rgb, cv2.blur(rgb, (3, 3)))[known]
    around = rgb[known]
    green = around[:, 1]
    bright = green >= np.percentile(green, 60)
    background = np.median(around[bright], axis=0).astype(np.float32)
    return background, np.asarray(fine[bright].mean(axis=0), np.float32)
