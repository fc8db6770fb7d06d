"""The thesis' segmentation written out with scikit-learn on every pixel, scipy and scikit-image: to compare with only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage import morphology
from sklearn.cluster import KMeans

CLUSTERS = 7
THRESHOLD = 141
MIN_OBJECT = 200
MIN_HOLE = 250


def literal_mask(
    rgb: NDArray[np.uint8],
    *,
    start: Sequence[float] | NDArray[np.float64] | None = None,
    seed: int | None = 0,
    n_init: int | Literal["auto"] = "auto",
) -> NDArray[np.bool_]:
    """Segment as the thesis does, step by step.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8.
    start
        (7,) first centres on the scale of 8-bit a*; None: k-means++ from `seed`.
    seed
        Of k-means++.
    n_init
        How many starts the best is taken of: "auto" is scikit-learn's default since 1.4, one for k-means++; 10 was it
        before.

    Returns
    -------
    ndarray
        (H, W) bool.
    """
    a = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)[..., 1]
    pixels = a.reshape(-1, 1)
    if start is None:
        fitted = KMeans(n_clusters=CLUSTERS, random_state=seed, n_init=n_init).fit(pixels)
    else:
        fitted = KMeans(n_clusters=CLUSTERS, init=np.asarray(start, float).reshape(-1, 1), n_init=1).fit(pixels)
    clustered = fitted.cluster_centers_[fitted.labels_].reshape(a.shape).astype(np.uint8)
    _, above = cv2.threshold(clustered, THRESHOLD, 255, cv2.THRESH_BINARY)
    filled = ndimage.binary_fill_holes(above)
    # "Under 200" was min_size=200, which scikit-image 0.26 calls max_size=199.
    cleaned = morphology.remove_small_objects(filled, max_size=MIN_OBJECT - 1)
    return np.asarray(morphology.remove_small_holes(cleaned, max_size=MIN_HOLE - 1), bool)
