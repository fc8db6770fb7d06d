"""How a picture was taken: lamp, stain, camera. What pictures of one slide and one sitting share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

NAMES: Final = (
    *(f"background {channel}" for channel in ("red", "green", "blue")),
    "lamp left to right",
    "lamp top to bottom",
    "lamp centre to corner",
    *(f"nuclei {channel}" for channel in ("red", "green", "blue")),
    "grain",
    *(f"mean {channel}" for channel in ("red", "green", "blue")),
    *(f"spread {channel}" for channel in ("red", "green", "blue")),
    "mark size",
)
"""What the numbers of `SessionFeatures.look` are, in order."""

_BACKGROUND: Final = 25.0  # percentile of optical density below which a pixel is taken for background
_NUCLEI: Final = 95.0  # and above which for nuclei
_MARGIN: Final = 9  # px around burned-in marks that count as part of them
_LONGER_SIDE: Final = 320


@dataclass(frozen=True, eq=False, slots=True)
class SessionFeatures:
    """How one picture was taken.

    Attributes
    ----------
    look
        (17,) float32, see `NAMES`: colours in 8-bit sRGB, the lamp's gradients in natural log units of the channels'
        mean over half the picture, the grain as the log of the background's mean Laplacian, the size of burned-in marks
        in thousandths of the picture.
    """

    look: NDArray[np.float32]


def describe_session(rgb: Picture, marks: NDArray[np.bool_]) -> SessionFeatures:
    """Measure how a picture was taken: background, illumination field, stain, grain, scale-bar style.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB.
    marks
        (H, W) bool, burned-in marks (`smear.marks.find_marks`).

    Returns
    -------
    SessionFeatures
    """
    size = marks.mean() * 1000
    reduction = min(1.0, _LONGER_SIDE / max(marks.shape))
    if reduction < 1:
        shape = (max(1, round(marks.shape[1] * reduction)), max(1, round(marks.shape[0] * reduction)))
        rgb = np.asarray(cv2.resize(rgb, shape, interpolation=cv2.INTER_AREA), np.uint8)
        marks = cv2.resize(marks.astype(np.uint8), shape, interpolation=cv2.INTER_NEAREST) > 0
    seen = cv2.dilate(marks.astype(np.uint8), np.ones((_MARGIN, _MARGIN), np.uint8)) == 0
    if not seen.any():
        seen = np.ones_like(seen)
    density = -np.log(np.maximum(rgb, 1).astype(np.float32) / 255)
    total = density.sum(axis=2)
    dark, light = np.percentile(total[seen], (_NUCLEI, _BACKGROUND))
    background = seen & (total <= light)
    nuclei = seen & (total >= dark)
    grain = np.abs(cv2.Laplacian(np.ascontiguousarray(rgb[..., 1]).astype(np.float32), cv2.CV_32F))[background].mean()
    return SessionFeatures(
        np.array(
            [
                *np.median(rgb[background], axis=0),
                *_lamp(density.mean(axis=2), background),
                *np.median(rgb[nuclei], axis=0),
                np.log(grain + 0.5),
                *rgb[seen].mean(axis=0),
                *rgb[seen].std(axis=0),
                size,
            ],
            np.float32,
        )
    )


def _lamp(density: NDArray[np.float32], background: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Fit the background's brightness by a plane and a bowl; return their three coefficients."""
    height, width = background.shape
    y, x = np.nonzero(background)
    u, v = 2 * x / max(width - 1, 1) - 1, 2 * y / max(height - 1, 1) - 1
    terms = np.column_stack([np.ones(len(u)), u, v, u**2 + v**2])
    return np.asarray(np.linalg.lstsq(terms, -density[background], rcond=None)[0][1:], np.float64)
