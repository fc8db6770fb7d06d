"""Recognising from the cells themselves that a 4:3 picture was squeezed to a square.

Cells lie on a smear at all angles, so in true shapes the edges of a field show no preferred direction. A picture whose
width was divided by `k` has `k` squared times more horizontal than vertical gradient energy. The energy is measured
twice at the scale of a cell's boundary, once as if the picture were true and once as if it were squeezed; the
hypothesis that leaves the edges without direction wins. The structure tensor behind it: J. Bigün, G. H. Granlund,
"Optimal orientation detection of linear symmetry", ICCV 1987.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import cv2
import numpy as np

from leukolens.finding import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

SQUEEZED: Final = 4 / 3
"""The one squeeze that is looked for: a camera's 4:3 picture made square."""

_SIDE: Final = 224
_SIGMA: Final = 1.2
_SLOPE: Final = 60.0
_NEARLY_SQUARE: Final = 1.1
_OVERWHELMING: Final = 8.0
_MIN_SIDE: Final = 32


@dataclass(frozen=True)
class Squeeze:
    """How much wider a picture's true shapes are than what is seen.

    Attributes
    ----------
    factor
        What the width must be multiplied by to get true shapes: 1 or 4/3, or what was declared.
    measured
        The same as read from the cells' edges, a continuous number in 0.5 to 2; None where there was nothing
        to measure.
    confidence
        Probability that `factor` is right, 0.5 to 1.
    source
        "picture": read from the cells; "declared": given by the user; "shape": from the picture's own width and height.
    """

    factor: float
    measured: float | None
    confidence: float
    source: Literal["picture", "declared", "shape"]


def recognise_squeeze(rgb: NDArray[np.uint8], declared: float | None = None) -> Squeeze:
    """Tell whether a picture shows true shapes or was squeezed from 4:3 to a square.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8, sRGB; marks painted out where there are any.
    declared
        The factor, where it is known: it wins. Positive.

    Returns
    -------
    Squeeze

    Raises
    ------
    UsageError
        `declared` is not a number in 0.2 to 5.
    """
    if declared is not None:
        if not 0.2 <= declared <= 5.0:
            raise UsageError(
                "The declared squeeze cannot be used", expected="a factor in 0.2 to 5", found=str(declared)
            )
        return Squeeze(float(declared), None, 1.0, "declared")
    evidence = _evidence(rgb)
    height, width = rgb.shape[:2]
    square = max(width / height, height / width) <= _NEARLY_SQUARE
    if evidence is None:
        return Squeeze(1.0, None, 0.5 if square else 0.95, "shape")
    log_odds, measured = evidence
    if not square and log_odds < _OVERWHELMING:
        return Squeeze(1.0, measured, 0.95, "shape")
    factor = SQUEEZED if log_odds > 0 else 1.0
    return Squeeze(factor, measured, 1.0 / (1.0 + math.exp(-min(abs(log_odds), 50.0))), "picture")


def _evidence(rgb: NDArray[np.uint8]) -> tuple[float, float] | None:
    """Return (log odds of squeezed against true, measured factor), or None where there is nothing to measure."""
    if min(rgb.shape[:2]) < _MIN_SIDE:
        return None
    green = rgb[..., 1]
    scale = _SIDE / min(green.shape)
    if scale < 1.0:
        green = np.asarray(cv2.resize(green, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    signal = green.astype(np.float32)
    if float(signal.std()) < 1.0:
        return None
    as_true = _direction(signal, 1.0)
    as_squeezed = _direction(signal, SQUEEZED)
    apart = as_true - as_squeezed
    if apart < 0.02:
        return None
    measured = math.exp(math.log(SQUEEZED) * max(-2.4, min(2.4, as_true / apart)))
    return _SLOPE * (as_true + as_squeezed) / 2, measured


def _direction(signal: NDArray[np.float32], factor: float) -> float:
    """Return half the log ratio of horizontal to vertical gradient energy, in the true shapes that `factor` implies.

    Smoothing and gradient are those of an isotropic derivative of a Gaussian after the squeeze is undone. Strong edges
    count less than their energy, so that one nucleus or one long edge does not decide.
    """
    root = math.sqrt(factor)
    smooth = cv2.GaussianBlur(signal, (0, 0), _SIGMA / root, sigmaY=_SIGMA * root)
    across = np.square(cv2.filter2D(smooth, -1, np.array([[-1.0, 0.0, 1.0]], np.float32) / root))
    down = np.square(cv2.filter2D(smooth, -1, np.array([[-1.0], [0.0], [1.0]], np.float32) * root))
    energy = across + down
    mean = float(energy.mean())
    if mean <= 0.0:
        return 0.0
    weight = mean / (energy + mean)
    return 0.5 * math.log((float((across * weight).mean()) + 1e-9) / (float((down * weight).mean()) + 1e-9))
