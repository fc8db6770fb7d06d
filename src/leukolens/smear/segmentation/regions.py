"""Holes and small regions of a mask, by connected components. Regions join by edges, not by corners."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

_SMALL: Final = 131_000  # px, in which there are no more regions than 16 bits can number
_REACHED: Final = 2


class Outside(NamedTuple):
    """A region of background at the border of the picture: one pixel of it, and its size in px."""

    x: int
    y: int
    area: int


def fill_holes(mask: Mask) -> tuple[Mask, list[Outside]]:
    """Fill what cannot be reached from the border of the picture, as `scipy.ndimage.binary_fill_holes` does.

    Parameters
    ----------
    mask
        (H, W) bool.

    Returns
    -------
    filled : ndarray
        (H, W) bool, a new mask.
    outside : list of Outside
        The regions of background that are left.
    """
    image = mask.astype(np.uint8)
    outside = []
    for x, y in _background_at_border(mask):
        if image[y, x] == 0:
            outside.append(Outside(x, y, cv2.floodFill(image, None, (x, y), _REACHED)[0]))
    return np.asarray(image != _REACHED), outside


def drop_small_objects(mask: Mask, area: int) -> Mask:
    """Drop objects of fewer than `area` px, as scikit-image's `remove_small_objects` does by `min_size`.

    Parameters
    ----------
    mask
        (H, W) bool.
    area
        The smallest that stays, px.

    Returns
    -------
    ndarray
        (H, W) bool, a new mask.
    """
    if area <= 1:
        return mask.copy()
    if mask.size > _SMALL:
        _, wide = cv2.connectedComponents(mask.view(np.uint8), connectivity=4, ltype=cv2.CV_32S)
        kept = np.bincount(wide.ravel()) >= area
        kept[0] = False
        return np.asarray(kept[wide])
    count, labels = cv2.connectedComponents(mask.view(np.uint8), connectivity=4, ltype=cv2.CV_16U)
    if count > 256:
        kept = np.bincount(labels.ravel(), minlength=count) >= area
        kept[0] = False
        return np.asarray(kept[labels])
    # One byte can hold the numbers: counting and looking up are three times as fast.
    small = labels.astype(np.uint8)
    table = cv2.calcHist([small], [0], None, [256], [0, 256]).ravel() >= area
    table[0] = False
    return np.asarray(cv2.LUT(small, table.view(np.uint8)).view(np.bool_))


def fill_small_holes(mask: Mask, area: int) -> Mask:
    """Fill regions of background of fewer than `area` px, those at the border too, as `remove_small_holes` does.

    Parameters
    ----------
    mask
        (H, W) bool.
    area
        The smallest that stays, px.

    Returns
    -------
    ndarray
        (H, W) bool, a new mask.
    """
    return ~drop_small_objects(~mask, area)


def fill_small_outside(mask: Mask, outside: list[Outside], area: int) -> Mask:
    """Do what `fill_small_holes` does to a mask of which objects were dropped since its holes were filled.

    Dropping objects only adds to the background around them, so that only regions can be small that were small before.

    Parameters
    ----------
    mask
        (H, W) bool, without holes.
    outside
        What `fill_holes` gave.
    area
        The smallest that stays, px.

    Returns
    -------
    ndarray
        (H, W) bool; `mask` itself where there is nothing to fill.
    """
    if not outside:
        return fill_small_holes(mask, area)
    small = [place for place in outside if place.area < area]
    if not small:
        return mask
    image = mask.astype(np.uint8)
    for x, y, _ in small:
        if image[y, x] == 0 and cv2.floodFill(image, None, (x, y), _REACHED)[0] < area:
            cv2.floodFill(image, None, (x, y), 1)
    return np.asarray(image == 1)


def _background_at_border(mask: Mask) -> list[tuple[int, int]]:
    """Return a pixel (x, y) of every stretch of background along the border, going round it once."""
    right, bottom = mask.shape[1] - 1, mask.shape[0] - 1
    ring = np.concatenate([mask[0], mask[1:, -1], mask[-1, -2::-1], mask[-2:0:-1, 0]])
    starts = np.flatnonzero(ring[:-1] & ~ring[1:]) + 1
    places = [] if ring[0] else [(0, 0)]
    for at in starts.tolist():
        if at <= right:
            places.append((at, 0))
        elif at <= right + bottom:
            places.append((right, at - right))
        elif at <= 2 * right + bottom:
            places.append((2 * right + bottom - at, bottom))
        else:
            places.append((0, 2 * (right + bottom) - at))
    return places
