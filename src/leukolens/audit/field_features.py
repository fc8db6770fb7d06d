"""What a picture of a smear is recognised by when the same field was captured again: SIFT features."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

LONGER_SIDE: Final = 320
"""Longer side in pixels to which a picture is reduced before its features are looked for; none is enlarged."""
MOST_FEATURES: Final = 300
"""Features kept of one picture, the ones of the highest contrast."""

_LEAST_CONTRAST: Final = 0.02  # below OpenCV's 0.04: pale smears have few strong corners
_EDGE_RATIO: Final = 15.0  # above OpenCV's 10: a red cell's rim tells a place apart from others
_MARGIN: Final = 9  # px around a burned-in mark in which nothing is looked for
_THUMBNAIL: Final = 0.5  # of the working picture, on which overlaps are confirmed


@dataclass(frozen=True, eq=False, slots=True)
class FieldFeatures:
    """The features of one picture.

    Attributes
    ----------
    points
        (N, 4) float32: x, y, diameter in pixels of the working picture, and orientation in degrees.
    descriptors
        (N, 128) uint8 SIFT descriptors.
    thumbnail
        (h, w) uint8, the green channel at half the working size; overlaps are confirmed on it.
    width
        Of the working picture, in pixels.
    """

    points: NDArray[np.float32]
    descriptors: NDArray[np.uint8]
    thumbnail: NDArray[np.uint8]
    width: int


def describe_field(rgb: Picture, marks: NDArray[np.bool_], *, most: int = MOST_FEATURES) -> FieldFeatures:
    """Return what a picture is recognised by in other captures of its field.

    SIFT (Lowe 2004, doi 10.1023/B:VISI.0000029664.99615.94) on the green channel, where stain absorbs most. Burned-in
    marks are passed over: a scale bar stands at one place in every picture and would make all of them alike.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB, of any size.
    marks
        (H, W) bool, true where the camera's program wrote (`smear.marks.find_marks`).
    most
        How many features to keep.

    Returns
    -------
    FieldFeatures
        With N = 0 for a picture without structure.
    """
    green = np.ascontiguousarray(rgb[..., 1])
    reduction = min(1.0, LONGER_SIDE / max(green.shape))
    if reduction < 1:
        size = (max(1, round(green.shape[1] * reduction)), max(1, round(green.shape[0] * reduction)))
        green = np.asarray(cv2.resize(green, size, interpolation=cv2.INTER_AREA), np.uint8)
        marks = cv2.resize(marks.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    near = cv2.dilate(marks.astype(np.uint8), np.ones((_MARGIN, _MARGIN), np.uint8))
    found, descriptors = _sift(most).detectAndCompute(green, np.where(near > 0, 0, 255).astype(np.uint8))
    points = np.array([(*one.pt, one.size, one.angle) for one in found], np.float32).reshape(-1, 4)
    if descriptors is None:
        descriptors = np.zeros((0, 128), np.float32)
    half = (max(1, round(_THUMBNAIL * green.shape[1])), max(1, round(_THUMBNAIL * green.shape[0])))
    small = cv2.resize(green, half, interpolation=cv2.INTER_AREA)
    # OpenCV may give one feature more than it was asked for, where two have the same contrast.
    return FieldFeatures(
        points[:most], descriptors[:most].astype(np.uint8), np.asarray(small, np.uint8), green.shape[1]
    )


@lru_cache(maxsize=4)
def _sift(most: int) -> cv2.SIFT:
    return cv2.SIFT.create(nfeatures=most, contrastThreshold=_LEAST_CONTRAST, edgeThreshold=_EDGE_RATIO)


_ROWS, _COLUMNS, _BINS = 4, 4, 8
_MIRROR: Final = np.array(
    [
        ((_ROWS - 1 - row) * _COLUMNS + column) * _BINS + (-turn) % _BINS
        for row in range(_ROWS)
        for column in range(_COLUMNS)
        for turn in range(_BINS)
    ]
)


def mirrored(features: FieldFeatures) -> FieldFeatures:
    """Return the features of the picture's mirror image (left and right changed), without looking at it again.

    A SIFT descriptor is a grid of 4 x 4 histograms of 8 directions, laid along the feature's own orientation: in the
    mirror image its rows and its directions change places and nothing else.
    """
    points = features.points.copy()
    points[:, 0] = features.width - 1 - points[:, 0]
    points[:, 3] = (180 - points[:, 3]) % 360
    return FieldFeatures(
        points, features.descriptors[:, _MIRROR], np.ascontiguousarray(features.thumbnail[:, ::-1]), features.width
    )


def unit_descriptors(descriptors: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return descriptors as unit vectors whose distance is that of Hellinger ("RootSIFT").

    Arandjelovic and Zisserman 2012, doi 10.1109/CVPR.2012.6248018.

    Parameters
    ----------
    descriptors
        (N, 128) uint8.

    Returns
    -------
    ndarray
        (N, 128) float32, each row of length 1.
    """
    values = descriptors.astype(np.float32)
    return np.asarray(np.sqrt(values / np.maximum(values.sum(axis=1, keepdims=True), 1)), np.float32)
