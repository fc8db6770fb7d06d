"""Reinhard's colour transfer: each channel of L*a*b* gets the mean and the spread of the reference.

After Reinhard et al. [1]_. Departure: CIE L*a*b* (D65) instead of Ruderman's, as is usual for stains. It knows nothing
of dyes: a field with more cells than the reference is made paler, and the grain of an empty one is enlarged.

References
----------
.. [1] Reinhard et al. 2001, Color transfer between images, IEEE Comput Graph Appl 21(5):34-41, doi 10.1109/38.946629.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

import cv2
import numpy as np
from pydantic import Field

from leukolens.finding import ImageError
from leukolens.smear.colour import lab_to_bytes
from leukolens.smear.normalisation.settings import Frozen, Triple, not_fitted
from leukolens.smear.pixels import check_pixels

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]
    Floats = NDArray[np.float64]

_NO_SPREAD: Final = 0.05  # L*a*b* units, below which a channel has one value and its noise is not enlarged
Spread = Annotated[float, Field(ge=0.0)]


class ReinhardReference(Frozen):
    """Mean and standard deviation of L* (0 to 100), a* and b*."""

    mean: Triple
    spread: tuple[Spread, Spread, Spread]


class Reinhard(Frozen):
    """Settings of Reinhard's colour transfer: what was fitted, or None."""

    kind: Literal["reinhard"] = "reinhard"
    reference: ReinhardReference | None = None


def fit(pictures: Iterable[Picture], step: Reinhard) -> ReinhardReference:  # noqa: ARG001 - as the others have it
    """Return the average of the means and of the standard deviations of pictures (H, W, 3) uint8.

    Raises
    ------
    ImageError
        There is no picture, or one that is no array of that form.
    """
    statistics = [_statistics(_lab(rgb)) for rgb in pictures]
    if not statistics:
        raise ImageError("There is no picture to fit the step 'reinhard' on", expected="one at least", found="none")
    mean, spread = np.mean(statistics, axis=0).tolist()
    return ReinhardReference(mean=mean, spread=spread)


def transform(rgb: Picture, step: Reinhard) -> Picture:
    """Give a picture (H, W, 3) uint8 the means and spreads of the reference.

    A channel of one value gets the reference's mean.

    Raises
    ------
    ImageError
        `rgb` is not a picture of that form.
    UsageError
        The step has no reference.
    """
    if step.reference is None:
        raise not_fitted(step.kind)
    lab = _lab(rgb)
    mean, spread = _statistics(lab)
    factor = np.where(spread < _NO_SPREAD, 1.0, np.divide(step.reference.spread, np.maximum(spread, _NO_SPREAD)))
    return lab_to_bytes((lab - mean) * factor + np.asarray(step.reference.mean))


def _lab(rgb: Picture) -> NDArray[np.float32]:
    check_pixels(rgb, "normalised")
    return np.asarray(cv2.cvtColor(rgb.astype(np.float32) / np.float32(255.0), cv2.COLOR_RGB2LAB), np.float32)


def _statistics(lab: NDArray[np.float32]) -> tuple[Floats, Floats]:
    mean, spread = cv2.meanStdDev(lab)
    return np.asarray(mean.ravel(), np.float64), np.asarray(spread.ravel(), np.float64)
