"""Segmentation by colour, every stage of it, and the mask laid on the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from leukolens.smear.pixels import check_pixels
from leukolens.smear.segmentation.clustering import lloyd, nearest, optimal_centres
from leukolens.smear.segmentation.regions import drop_small_objects, fill_holes, fill_small_outside
from leukolens.smear.segmentation.settings import SegmentHSV, SegmentKMeans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]
    Mask = NDArray[np.bool_]


class Stages(NamedTuple):
    """What `SegmentKMeans` makes on its way, each (H, W).

    Attributes
    ----------
    a
        uint8, a* plus 128.
    clustered
        uint8, the centre of each pixel's cluster, decimals cut off.
    above
        bool, clusters above the threshold.
    filled
        bool, with holes filled.
    cleaned
        bool, without small objects.
    mask
        bool, without small holes: the result.
    """

    a: Picture
    clustered: Picture
    above: Mask
    filled: Mask
    cleaned: Mask
    mask: Mask


def segment(rgb: Picture, step: SegmentKMeans | SegmentHSV) -> Mask:
    """Tell which pixels belong to a cell.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB.
    step
        By which method, with which constants.

    Returns
    -------
    ndarray
        (H, W) bool. A picture of one colour is all true or all false.

    Raises
    ------
    ImageError
        `rgb` is not a picture of that form.
    """
    if isinstance(step, SegmentKMeans):
        return kmeans_stages(rgb, step).mask
    check_pixels(rgb, "segmented")
    # Their slip, RGB's conversion on the order BGR, is BGR's conversion on the order RGB.
    conversion = cv2.COLOR_BGR2HSV if step.channels == "swapped" else cv2.COLOR_RGB2HSV
    low, high = step.bounds()
    found = cv2.inRange(cv2.cvtColor(rgb, conversion), np.array(low), np.array(high))
    return np.asarray(found != 0)


def kmeans_stages(rgb: Picture, step: SegmentKMeans, start: Sequence[float] | None = None) -> Stages:
    """Segment as the thesis does and keep every stage.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB.
    step
        The constants.
    start
        (k,) centres to start from on the scale of 8-bit a*, to compare with another implementation. None: the best
        there are.

    Raises
    ------
    ImageError
        `rgb` is not a picture of that form.
    """
    check_pixels(rgb, "segmented")
    a = np.asarray(cv2.extractChannel(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB), 1), np.uint8)
    table = centre_table(a, step.clusters, start)
    clustered = np.asarray(cv2.LUT(a, table), np.uint8)
    above = clustered > step.threshold
    filled, outside = fill_holes(above)
    cleaned = drop_small_objects(filled, step.min_object)
    mask = fill_small_outside(cleaned, outside, step.min_hole)
    return Stages(a, clustered, above, filled, cleaned, mask)


def centre_table(channel: Picture, clusters: int, start: Sequence[float] | None = None) -> Picture:
    """Return the centre (256,) uint8 that stands for each value of a channel (H, W) uint8, decimals cut off."""
    counts = cv2.calcHist([channel], [0], None, [256], [0, 256]).ravel().astype(np.int64)
    centres = optimal_centres(counts, clusters) if start is None else lloyd(counts, start)
    return centres.astype(np.uint8)[nearest(centres)]


def apply_mask(rgb: Picture, mask: Mask) -> Picture:
    """Return the picture (H, W, 3) uint8 with everything outside `mask` (H, W) bool black, a new one."""
    return np.asarray(rgb * mask[..., None], np.uint8)
