"""Holes and small regions of a mask, by connected components. Regions join by edges, not by corners."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]


def fill_holes(mask: Mask) -> Mask:
    """Fill what the border of the picture cannot be reached from, as `scipy.ndimage.binary_fill_holes` does.

    Parameters
    ----------
    mask
        (H, W) bool.

    Returns
    -------
    ndarray
        (H, W) bool, a new mask.
    """
    # A margin of background joins all of it that touches the border, so that one flood reaches it.
    grown = cv2.copyMakeBorder(mask.view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    cv2.floodFill(grown, None, (0, 0), 2)
    return np.asarray(grown[1:-1, 1:-1] != 2)


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
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=4, ltype=cv2.CV_16U)
    kept = stats[:, cv2.CC_STAT_AREA] >= area
    kept[0] = False
    return np.asarray(kept[labels])


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
