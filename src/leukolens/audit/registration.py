"""Whether two pictures show one field: an affine map between their features, confirmed where they overlap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from leukolens.audit.field_features import mirrored, unit_descriptors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukolens.audit.field_features import FieldFeatures

LEAST_INLIERS: Final = 6
"""Matched features that must agree on one map; an affine map is fixed by three."""
LEAST_OVERLAP: Final = 0.04
"""Share of the first picture that the second must cover."""
LEAST_CORRELATION: Final = 0.5
"""Correlation of what both show where they overlap. On the Taleqani images it is below 0.3 for all pairs of different
classes and above 0.5, mostly above 0.9, for captures of one field; next to nothing lies between."""

_RATIO: Final = 0.9  # of the distances to the nearest and the second nearest feature (Lowe: 0.8; the map is checked)
_REPROJECTION: Final = 3.0  # px of the working picture
_TRIALS: Final = 2000
_SCALES: Final = (0.4, 2.5)  # between two captures of one field
_STRETCH: Final = 1.6  # a 4:3 field saved as a square is stretched by 1.33
_LEAST_PIXELS: Final = 200  # of the overlap, on the thumbnail
_LOCAL: Final = 1 / 12  # of the thumbnail's height: what is coarser is lamp, not field


@dataclass(frozen=True, eq=False, slots=True)
class Registration:
    """How the second picture lies on the first.

    Attributes
    ----------
    matrix
        (2, 3) float64, from working pixels of the second picture (mirrored first, where `mirror`) to those of the
        first.
    inliers
        Matched features that agree on the map.
    overlap
        Share of the first picture that the second covers, 0 to 1.
    correlation
        Of the two where they overlap, without what is coarser than a cell; -1 to 1.
    mirror
        Whether the second is seen in a mirror.
    """

    matrix: NDArray[np.float64]
    inliers: int
    overlap: float
    correlation: float
    mirror: bool = False


def register(first: FieldFeatures, second: FieldFeatures, *, mirror: bool = False) -> Registration | None:
    """Find the map from one capture of a field to another.

    Features that are each other's nearest are matched, RANSAC (Fischler and Bolles 1981, doi 10.1145/358669.358692)
    finds the affine map that most agree on, and the pictures are laid on each other by it. Captures are shifted, turned
    and rescaled, and squeezed where 4:3 fields were saved as squares: hence an affine map, within plausible bounds.

    Parameters
    ----------
    first, second
        From `describe_field`.
    mirror
        Whether to try the second picture's mirror image.

    Returns
    -------
    Registration or None
        None where the two do not show one field, or it cannot be told.
    """
    if mirror:
        second = mirrored(second)
    here, there = _matches(first, second)
    if len(here) < LEAST_INLIERS:
        return None
    found, agreeing = cv2.estimateAffine2D(
        there, here, method=cv2.RANSAC, ransacReprojThreshold=_REPROJECTION, maxIters=_TRIALS, confidence=0.999
    )
    if found is None or int(agreeing.sum()) < LEAST_INLIERS:
        return None
    matrix = np.asarray(found, np.float64)
    if not _plausible(matrix):
        return None
    overlap, correlation = _overlap(first, second, matrix)
    if overlap < LEAST_OVERLAP or correlation < LEAST_CORRELATION:
        return None
    return Registration(matrix, int(agreeing.sum()), overlap, correlation, mirror)


def _matches(first: FieldFeatures, second: FieldFeatures) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    if min(len(first.points), len(second.points)) < max(2, LEAST_INLIERS):
        return np.zeros((0, 2), np.float32), np.zeros((0, 2), np.float32)
    # Unit vectors: the squared distance is 2 - 2 * cosine.
    squared = 2 - 2 * unit_descriptors(first.descriptors) @ unit_descriptors(second.descriptors).T
    nearest = squared.argmin(axis=1)
    two = np.partition(squared, 1, axis=1)[:, :2]
    mutual = squared.argmin(axis=0)[nearest] == np.arange(len(nearest))
    kept = mutual & (two[:, 0] < _RATIO**2 * two[:, 1])
    return first.points[kept, :2], second.points[nearest[kept], :2]


def _plausible(matrix: NDArray[np.float64]) -> bool:
    large, small = np.linalg.svd(matrix[:, :2], compute_uv=False)
    upright = np.linalg.det(matrix[:, :2]) > 0
    return bool(upright and small >= _SCALES[0] and large <= _SCALES[1] and large <= _STRETCH * small)


def _overlap(first: FieldFeatures, second: FieldFeatures, matrix: NDArray[np.float64]) -> tuple[float, float]:
    height, width = first.thumbnail.shape
    into = _on_thumbnails(matrix, width / first.width, second.thumbnail.shape[1] / second.width)
    laid = np.asarray(cv2.warpAffine(second.thumbnail, into, (width, height), flags=cv2.INTER_LINEAR), np.uint8)
    whole = np.ones(second.thumbnail.shape, np.uint8)
    covered = cv2.erode(cv2.warpAffine(whole, into, (width, height)), np.ones((3, 3), np.uint8), borderValue=0) > 0
    if covered.sum() < _LEAST_PIXELS:
        return float(covered.mean()), 0.0
    one, other = (_local(picture, covered, _LOCAL * height) for picture in (first.thumbnail, laid))
    spread = float(one.std() * other.std())
    return float(covered.mean()), float(np.mean(one * other)) / spread if spread > 0 else 0.0


def _on_thumbnails(matrix: NDArray[np.float64], first: float, second: float) -> NDArray[np.float64]:
    # Pixel centres lie at whole numbers: half a pixel is added before scaling and taken off after it.
    linear = matrix[:, :2] * (first / second)
    centre = np.array([0.5, 0.5])
    shift = first * (matrix[:, 2] + centre) - centre + first * matrix[:, :2] @ (centre / second - centre)
    return np.column_stack([linear, shift])


def _local(picture: NDArray[np.uint8], covered: NDArray[np.bool_], sigma: float) -> NDArray[np.float32]:
    weight = covered.astype(np.float32)
    values = picture.astype(np.float32) * weight
    blurred = cv2.GaussianBlur(values, (0, 0), sigma) / np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma), 1e-3)
    found = np.asarray((values - blurred)[covered], np.float32)
    return np.asarray(found - found.mean(), np.float32)
