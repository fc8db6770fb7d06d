"""Filling a part of a picture with pieces of the rest of it, matched at their rims.

Exemplar-based filling after Criminisi et al. [1]_ and the quilting of Efros & Freeman [2]_, with two departures: pieces
are as large as the hole allows, so that whole red cells come along with them, and a piece is levelled to the light of
the place where it goes. The best place of a piece is sought everywhere at once, by correlation.

References
----------
.. [1] Criminisi, Perez & Toyama 2004, Region filling and object removal by exemplar-based image inpainting, IEEE Trans
   Image Process 13:1200-1212, doi 10.1109/TIP.2004.833105.
.. [2] Efros & Freeman 2001, Image quilting for texture synthesis and transfer, SIGGRAPH, 341-346,
   doi 10.1145/383259.383296.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Mask = NDArray[np.bool_]
    Picture = NDArray[np.uint8]

_SIDE: Final = 128  # px; longer side of the reduced picture on which places are sought
_PIECES: Final = (28, 14, 7)  # px on that picture; sides of the pieces, tried in turn
_RIM: Final = 3  # px on that picture; width of the rim by which a piece is matched
_MOST_LIGHT: Final = 24.0  # grey levels by which light may differ between two places
_NEARLY: Final = 1.15  # squared difference, against the least, of places among which one is drawn


class _Source(NamedTuple):
    """One mirror image of the picture, from which pieces are taken: whole, and reduced to look for them."""

    whole: Picture
    picture: Floats
    barred: Floats


class _Canvas(NamedTuple):
    """The picture as far as it is filled, the hole, and what is left of it."""

    out: Picture
    hole: Mask
    left: Mask


def quilt(rgb: Picture, hole: Mask, barred: Mask, seed: int) -> tuple[Picture, Mask]:
    """Fill a hole with pieces from elsewhere in the picture.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB.
    hole
        (H, W) bool, what is to be filled.
    barred
        (H, W) bool, what no piece may hold; holds `hole`.
    seed
        For the choice between places that match about equally.

    Returns
    -------
    filled : ndarray
        (H, W, 3) uint8, a new picture, equal to `rgb` outside `hole`.
    left : ndarray
        (H, W) bool, the part of the hole for which there was no piece.
    """
    rng = np.random.default_rng(seed)
    canvas = _Canvas(rgb.copy(), hole, hole.copy())
    shrink = min(1.0, _SIDE / max(hole.shape))
    sources = _sources(rgb, barred, shrink)
    for side in _PIECES:
        if not canvas.left.any():
            break
        for window in _windows(canvas.left, round(side / shrink)):
            _fill_window(canvas, window, sources, shrink, rng)
    return canvas.out, canvas.left


def _sources(rgb: Picture, barred: Mask, shrink: float) -> list[_Source]:
    size = _reduced_size(barred.shape, shrink)
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    closed = _touched(barred, size).astype(np.float32)
    ways = ((1, 1), (-1, 1), (1, -1), (-1, -1))
    return [
        _Source(
            np.ascontiguousarray(rgb[::down, ::across]),
            np.ascontiguousarray(small[::down, ::across]),
            np.ascontiguousarray(closed[::down, ::across]),
        )
        for down, across in ways
    ]


def _reduced_size(shape: tuple[int, ...], shrink: float) -> tuple[int, int]:
    """Return width and height."""
    return max(1, round(shape[1] * shrink)), max(1, round(shape[0] * shrink))


def _touched(mask: Mask, size: tuple[int, int]) -> Mask:
    """Reduce a mask to (width, height): a pixel that holds any of it belongs to it."""
    return np.asarray(cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0)


def _windows(mask: Mask, side: int) -> list[tuple[slice, slice]]:
    """Return windows of at most `side` px that together cover the mask: around each object, or parts of a large one."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    windows = []
    for index in range(1, count):
        x, y, width, height = (int(value) for value in stats[index, :4])
        down, across = -(-height // side), -(-width // side)
        rows = np.linspace(y, y + height, down + 1).round().astype(int)
        columns = np.linspace(x, x + width, across + 1).round().astype(int)
        windows += [
            (slice(int(top), int(bottom)), slice(int(start), int(end)))
            for top, bottom in pairwise(rows)
            for start, end in pairwise(columns)
        ]
    return windows


def _fill_window(
    canvas: _Canvas, window: tuple[slice, slice], sources: list[_Source], shrink: float, rng: np.random.Generator
) -> None:
    """Fill what is left of the hole in one window, if there is a piece for it; changes the canvas."""
    rim = round(_RIM / shrink)
    region = tuple(
        slice(max(0, part.start - rim), min(part.stop + rim, most))
        for part, most in zip(window, canvas.left.shape, strict=True)
    )
    out, left, filled = canvas.out[region], canvas.left[region], canvas.hole[region] & ~canvas.left[region]
    inside = np.zeros_like(canvas.left)
    inside[window] = True
    wanted = left & inside[region]
    found = _best_place(out, left, wanted, sources, shrink, rng)
    if found is None:
        return
    source, x, y = found
    height, width = wanted.shape
    y, x = min(y, canvas.left.shape[0] - height), min(x, canvas.left.shape[1] - width)
    piece = _levelled(source.whole[y : y + height, x : x + width], out, ~left)
    # Over pieces laid before it a piece fades out; the picture itself stays.
    share = _fading(wanted, rim) * (filled | wanted)
    out[:] = np.where(wanted[..., None], piece, out + share[..., None] * (piece - out.astype(np.float32)) + 0.5)
    left[wanted] = False


def _fading(wanted: Mask, rim: int) -> Floats:
    """Return 1 within the mask, falling to 0 over `rim` px around it (H, W)."""
    away = cv2.distanceTransform((~wanted).view(np.uint8), cv2.DIST_L2, 3)
    return np.asarray(np.clip(1.0 - away / (rim + 1.0), 0.0, 1.0), np.float32)


def _best_place(
    around: Picture, unknown: Mask, wanted: Mask, sources: list[_Source], shrink: float, rng: np.random.Generator
) -> tuple[_Source, int, int] | None:
    """Find where a piece matches the known surroundings: its source, and x and y in the whole picture."""
    size = _reduced_size(wanted.shape, shrink)
    template = cv2.resize(around, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    known = (~_touched(unknown, size)).astype(np.float32)
    need = _touched(wanted, size).astype(np.float32)
    costs = []
    for source in sources:
        if min(a - b for a, b in zip(source.barred.shape, need.shape, strict=True)) < 0:
            return None
        cost = cv2.matchTemplate(source.picture, template, cv2.TM_SQDIFF, mask=cv2.merge([known] * 3))
        cost[cv2.matchTemplate(source.barred, need, cv2.TM_CCORR) > 0.5] = np.inf
        costs.append(cost)
    stacked = np.maximum(np.stack(costs), 1.0)
    least = float(stacked.min())
    if not np.isfinite(least):
        return None
    index, y, x = (int(value) for value in rng.choice(np.argwhere(stacked <= _NEARLY * least)))
    return sources[index], round(x / shrink), round(y / shrink)


def _levelled(piece: Picture, around: Picture, known: Mask) -> Picture:
    """Bring a piece to the light of its new place: what differs along the rim is spread over it.

    A membrane as in Poisson blending (Perez et al. 2003, ACM Trans Graph 22:313-318), by a normalised blur.
    """
    weight = known.astype(np.float32)
    sigma = max(2.0, 0.25 * max(known.shape))
    spread = cv2.GaussianBlur(weight, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)
    # Cells differ from cells by more than light does.
    apart = np.clip(around.astype(np.float32) - piece, -_MOST_LIGHT, _MOST_LIGHT) * weight[..., None]
    shift = cv2.GaussianBlur(apart, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)
    shift /= np.maximum(spread, 1e-3)[..., None]
    return np.asarray(np.clip(piece + shift + 0.5, 0, 255), np.uint8)
