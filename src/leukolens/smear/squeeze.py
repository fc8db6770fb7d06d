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
"""Shorter side, in px, at which the edges are measured; larger pictures are reduced to it."""
_MIN_SIDE: Final = 32
_NEARLY_SQUARE: Final = 1.1
_SIGMA: Final = 1.1
"""Scale of a cell's boundary, px: coarse enough that noise, JPEG blocks and resampling say little."""
_COMPRESSION: Final = 1.0
"""Gradient energy, in units of its mean over the picture, from which on stronger edges hardly count for more."""
_BACKGROUND: Final = 41
"""Window, px, of the illumination that is taken away: about three red cells."""
_TILES: Final = 8
_ABOVE_NOISE: Final = 0.5
"""Least ratio of gradient energy to what smoothing takes away. White noise alone has 0.2, a faint smear 0.8."""

# Log odds = _GAIN * d / (se^2 + _SPREAD^2), d the mean direction under the two hypotheses, se its standard error.
# Fitted by logistic likelihood on the even file numbers of Taleqani and on BCCD, IML malaria and APML fields, each
# laboratory and truth with equal weight. There is no intercept: the decision itself is not fitted.
_GAIN: Final = 0.1225
_SPREAD: Final = 0.020

_PLAUSIBLE: Final = (0.7, 1.9)
"""Measured factors of fields of cells, squeezed or not. Beyond it are stripes, scratches and gradients, not cells."""

_PRIOR_NOT_SQUARE: Final = -10.0
"""Log odds, before looking, that a picture which is not square was squeezed by 4/3 none the less."""


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
    height, width = rgb.shape[:2]
    prior = 0.0 if max(width / height, height / width) <= _NEARLY_SQUARE else _PRIOR_NOT_SQUARE
    evidence = _measure(rgb)
    if evidence is None:
        return Squeeze(1.0, None, _probability(-prior), "shape")
    log_odds, measured = evidence
    if not _PLAUSIBLE[0] <= measured <= _PLAUSIBLE[1]:
        return Squeeze(1.0, measured, _probability(-prior), "shape")
    log_odds += prior
    if prior < 0.0 and log_odds <= 0.0:
        return Squeeze(1.0, measured, _probability(-log_odds), "shape")
    return Squeeze(SQUEEZED if log_odds > 0.0 else 1.0, measured, _probability(abs(log_odds)), "picture")


def _probability(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-min(log_odds, 50.0)))


def _measure(rgb: NDArray[np.uint8]) -> tuple[float, float] | None:
    """Return (log odds of squeezed against true, measured factor), or None where there is nothing to measure."""
    if min(rgb.shape[:2]) < _MIN_SIDE:
        return None
    # Both red cells and nuclei are dark in green.
    green = np.asarray(rgb[..., 1])
    scale = _SIDE / min(green.shape)
    if scale < 1.0:
        green = np.asarray(cv2.resize(green, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    signal = np.asarray(green, np.float32)
    signal = signal - cv2.blur(signal, (_BACKGROUND, _BACKGROUND))
    as_true = _direction(signal, 1.0)
    as_squeezed = _direction(signal, SQUEEZED)
    if as_true is None or as_squeezed is None:
        return None
    (true, true_error), (squeezed, squeezed_error) = as_true, as_squeezed
    mean, error = (true + squeezed) / 2, (true_error + squeezed_error) / 2
    # The direction changes nearly linearly with the logarithm of the factor; it is zero where the factor is right.
    position = true / max(true - squeezed, 0.02)
    measured = SQUEEZED ** max(-2.4, min(2.4, position))
    return _GAIN * mean / (error**2 + _SPREAD**2), measured


def _direction(signal: NDArray[np.float32], factor: float) -> tuple[float, float] | None:
    """Measure whether edges run more often one way, in the true shapes that `factor` implies.

    Smoothing and gradient are those of an isotropic derivative of a Gaussian after the squeeze is undone. Energies are
    compressed, so that neither one nucleus nor one long edge decides.

    Returns
    -------
    tuple or None
        Half the log ratio of horizontal to vertical gradient energy, and its standard error from tiles of the picture;
        None where there are no edges above the noise.
    """
    root = math.sqrt(factor)
    smooth = cv2.GaussianBlur(signal, (0, 0), _SIGMA / root, sigmaY=_SIGMA * root)
    along_x = np.square(cv2.filter2D(smooth, -1, np.array([[-1.0, 0.0, 1.0]], np.float32) / root))
    along_y = np.square(cv2.filter2D(smooth, -1, np.array([[-1.0], [0.0], [1.0]], np.float32) * root))
    energy = along_x + along_y
    mean = float(energy.mean())
    if mean <= _ABOVE_NOISE * float(np.square(signal - smooth).mean()) or mean < 0.05:
        return None
    weight = 1.0 / (energy + _COMPRESSION * mean)
    across, down = _tiles(along_x * weight), _tiles(along_y * weight)
    total_across, total_down = float(across.sum()), float(down.sum())
    error = 0.5 * float(np.linalg.norm(across / total_across - down / total_down))
    return 0.5 * math.log(total_across / total_down), error


def _tiles(values: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(cv2.resize(values, (_TILES, _TILES), interpolation=cv2.INTER_AREA), np.float64) + 1e-12
