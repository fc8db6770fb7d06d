"""Objects of a mask: their numbers, their widths, their outlines filled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Labels = NDArray[np.int32]
    Mask = NDArray[np.bool_]


def number_objects(mask: Mask) -> tuple[Labels, int]:
    """Return the number of each pixel's object (H, W), 0 for none, and how many numbers there are, 0 included."""
    number, labels = cv2.connectedComponents(mask.view(np.uint8), connectivity=4, ltype=cv2.CV_32S)
    return np.asarray(labels, np.int32), number


def inscribed_radii(mask: Mask, labels: Labels, number: int) -> NDArray[np.float32]:
    """Return the radius (number,) in px of the largest circle within each object; 0 for number 0.

    At most half the longer side, which is that of a mask without an edge.
    """
    depth = np.minimum(cv2.distanceTransform(mask.view(np.uint8), cv2.DIST_L2, 3), 0.5 * max(mask.shape))
    radii = np.zeros(number, np.float32)
    np.maximum.at(radii, labels[mask], depth[mask])
    return radii


def fill_outlines(mask: Mask) -> Mask:
    """Return the mask with every hole filled that does not touch the border, a new one."""
    outlines, _ = cv2.findContours(mask.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(filled, outlines, -1, 1, cv2.FILLED)
    return np.asarray(filled.view(np.bool_))


def weighted_median(values: NDArray[np.float32], weights: NDArray[np.float64]) -> float:
    """Return the value up to which half the weight lies; 0.0 where there is no weight."""
    total = np.cumsum(weights[np.argsort(values)])
    if total[-1] == 0.0:
        return 0.0
    return float(np.sort(values)[np.searchsorted(total, 0.5 * total[-1])])
