"""A class map over the picture: a light tint and contour lines, so that the stain stays to be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from leukolens.finding import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

FULL_SCALE: Final = 20.0
"""Evidence, in logits, at which the tint is strongest. Fixed, so that pictures can be compared.

The strongest place of a picture of the data set has 11 to 23 with the shipped network (33 pictures, median 18).
"""

CONTOUR_LEVELS: Final = (0.25, 0.5, 0.75)
"""Shares of the full scale at which a contour line is drawn."""

STRONGEST_TINT: Final = 0.36

MAP_NOTE: Final = (
    "The map shows where the picture speaks for the class, against the mean of the others, in logits. It is no "
    "estimate: the last layer is linear, so these values, averaged over the picture, are the network's lead for the "
    "class, up to a constant. Only evidence in favour is drawn, on one fixed scale for all pictures. It is coarser "
    "than a cell: it points at regions, and it tells what the network used, not whether that is right."
)

# Lightness rises and hue turns evenly from teal to yellow: neither hue occurs in a Romanowsky stain (pink to purple).
_RAMP_LAB: Final = np.array([[50.0, -28.0, -12.0], [66.0, -46.0, 18.0], [80.0, -40.0, 55.0], [93.0, -10.0, 82.0]])


def scale_colours(steps: int = 256) -> NDArray[np.uint8]:
    """Return the colours of the scale, weakest evidence first.

    Parameters
    ----------
    steps
        How many, at least 2.

    Returns
    -------
    NDArray
        (steps, 3) uint8, sRGB. Neighbours are about equally far apart in CIE L*a*b*.
    """
    at = np.linspace(0.0, len(_RAMP_LAB) - 1.0, steps)
    lab = np.stack([np.interp(at, np.arange(len(_RAMP_LAB)), channel) for channel in _RAMP_LAB.T], axis=-1)
    rgb = cv2.cvtColor(lab[None].astype(np.float32), cv2.COLOR_LAB2RGB)[0]
    return np.asarray(np.clip(np.rint(rgb * 255.0), 0, 255), np.uint8)


def overlay(
    rgb: NDArray[np.uint8], evidence: NDArray[np.float32], *, full_scale: float = FULL_SCALE
) -> NDArray[np.uint8]:
    """Draw positive evidence over a picture.

    Where the evidence is zero or negative, the picture is left as it is, to the byte.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8, sRGB.
    evidence
        (H, W) float32, in logits, as of `class_evidence` brought to the picture's size.
    full_scale
        Evidence at which the tint is strongest; more looks the same.

    Returns
    -------
    NDArray
        (H, W, 3) uint8, a new picture.

    Raises
    ------
    UsageError
        The shapes differ, or `full_scale` is not positive.
    """
    _check(rgb, evidence, full_scale)
    share = np.clip(np.nan_to_num(evidence.astype(np.float32)) / np.float32(full_scale), 0.0, 1.0)
    ramp = scale_colours().astype(np.float32)
    # The tint comes on with a square root, so that weak evidence is not lost; contours carry the exact levels.
    alpha = (np.float32(STRONGEST_TINT) * np.sqrt(share))[..., None]
    drawn = rgb + alpha * (ramp[(share * 255.0 + 0.5).astype(np.uint8)] - rgb)
    rise = np.hypot(cv2.Sobel(share, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(share, cv2.CV_32F, 0, 1, scale=1 / 8))
    width = max(1.0, min(rgb.shape[:2]) / 240.0)
    for level in CONTOUR_LEVELS:
        colour = ramp[round(level * 255)]
        _draw_line(drawn, share - np.float32(level), rise, width * 2.2, np.float32(0.35) * colour, 0.55)
        _draw_line(drawn, share - np.float32(level), rise, width, colour, 1.0)
    drawn[share <= 0.0] = rgb[share <= 0.0]
    return np.asarray(np.clip(np.rint(drawn), 0, 255), np.uint8)


def _draw_line(
    picture: NDArray[np.float32],
    height: NDArray[np.float32],
    rise: NDArray[np.float32],
    width: float,
    colour: NDArray[np.float32],
    opacity: float,
) -> None:
    """Blend the line where `height` is 0 into a picture, about `width` px wide, its edge soft over a pixel."""
    # To first order the line is |height| / rise px away; a plateau at the level itself has no line.
    reach = np.float32((width + 1.0) / 2.0)
    near = (np.abs(height) < reach * rise) & (rise > 1e-5)
    cover = np.minimum(reach - np.abs(height[near]) / rise[near], 1.0)[:, None] * np.float32(opacity)
    picture[near] += cover * (colour - picture[near])


def _check(rgb: NDArray[np.uint8], evidence: NDArray[np.float32], full_scale: float) -> None:
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or rgb.shape[:2] != evidence.shape:
        raise UsageError(
            "The evidence cannot be drawn over the picture",
            expected="a picture (H, W, 3) of uint8 and evidence (H, W)",
            found=f"{rgb.shape} of {rgb.dtype} and {evidence.shape}",
            todo="bring the map to the picture's size with leukolens.smear.prepare.map_back",
        )
    if not full_scale > 0.0:
        raise UsageError("The scale of the evidence is not usable", expected="a number over 0", found=str(full_scale))
