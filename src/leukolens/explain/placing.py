"""Bring evidence from the network's coarse grid onto the picture, at the size at which it is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from leukolens.smear.prepare import map_back

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukolens.smear.prepare import Prepared


def place_evidence(
    evidence: NDArray[np.float32], prepared: Prepared, given: tuple[int, int], shown: tuple[int, int]
) -> NDArray[np.float32]:
    """Place a coarse map over a reduced picture, without making one of the full size, which may be large.

    Parameters
    ----------
    evidence
        (h, w) float32, cells of equal size that cover the prepared picture.
    prepared
        The prepared picture.
    given
        Width and height of the picture as given, px.
    shown
        Width and height at which it is shown, px. The two sides may shrink differently.

    Returns
    -------
    NDArray
        (shown height, shown width) float32; 0 where the map says nothing.
    """
    ratio_x, ratio_y = shown[0] / given[0], shown[1] / given[1]
    # Whole numbers are the centres of pixels, hence the halves.
    reduce = np.array([[ratio_x, 0.0, (ratio_x - 1.0) / 2.0], [0.0, ratio_y, (ratio_y - 1.0) / 2.0]])
    matrix = reduce[:, :2] @ prepared.matrix
    matrix[:, 2] += reduce[:, 2]
    return map_back(evidence, replace(prepared, matrix=matrix), *shown)
