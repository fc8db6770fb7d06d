"""Stain in optical density: which dye a pixel carries, and what it would look like with more or less of it.

Colour deconvolution after Ruifrok & Johnston [1]_, with two things adapted for Romanowsky stains: the haematoxylin
vector is replaced by that of azure B bound to chromatin, the median density of nuclei over the fields of six
laboratories, and the third, orthogonal vector absorbs blue, as haemoglobin does. Densities are counted from the
picture's own background, so that a change of stain leaves the empty background alone.

References
----------
.. [1] Ruifrok & Johnston 2001, Quantification of histochemical staining by color deconvolution, Anal Quant Cytol
   Histol 23:291-299.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from leukolens.finding import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

AZURE: Final = (0.60, 0.79, 0.12)
"""Optical density of azure B on chromatin in red, green, blue; measured, see the module's description."""
EOSIN: Final = (0.07, 0.99, 0.11)
"""Optical density of eosin Y (Ruifrok & Johnston 2001)."""

_PERCENTILE: Final = 90.0
_EVERY: Final = 8  # px


def background_colour(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Give the brightness of the background in red, green, blue (3,), 32 to 255.

    It is the 90th percentile of each channel over every eighth pixel each way.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB.
    """
    sample = rgb[::_EVERY, ::_EVERY].reshape(-1, 3)
    return np.maximum(np.percentile(sample, _PERCENTILE, axis=0), 32.0).astype(np.float32)


def change_density(
    rgb: NDArray[np.uint8],
    dyes: tuple[float, float, float] = (1.0, 1.0, 1.0),
    hue_deg: float = 0.0,
    gains: tuple[float, float, float] = (1.0, 1.0, 1.0),
    gamma: float = 1.0,
    ground: NDArray[np.float32] | None = None,
) -> NDArray[np.uint8]:
    """Change stain, lamp and response together: in optical density each is a linear map or an offset.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB.
    dyes
        Factors (> 0) on the amounts of azure B, eosin and what absorbs blue. Negative amounts, which the vectors of
        another staining leave, are no dye and stay as they are.
    hue_deg
        Turn of azure's own colour about the grey axis of optical density: positive is redder, negative is bluer.
    gains
        Factors (> 0) on red, green and blue.
    gamma
        Factor (> 0) on optical density, that is exponent of brightness.
    ground
        What `background_colour` gives, where it is known already.

    Returns
    -------
    ndarray
        (H, W, 3) uint8, a new picture.

    Raises
    ------
    UsageError
        A factor, gain or exponent is not above 0.
    """
    _check_positive(dyes, gains, gamma)
    base = -np.log((background_colour(rgb) if ground is None else ground) / 255.0)
    unmix, mix = _unmixing(), _stain_vectors(hue_deg)
    own = np.column_stack([-gamma * mix, np.log(gains) - gamma * base])
    more = -gamma * mix @ np.diag(np.subtract(dyes, 1.0))
    # Three buffers in turn: fresh pages for each step would cost more than the arithmetic.
    first = np.asarray(cv2.LUT(rgb, _density_table()), np.float32)
    amounts = cv2.transform(first, np.column_stack([unmix, -unmix @ base]))
    dye = np.maximum(amounts, 0.0, out=first)
    light = cv2.transform(amounts, own)
    extra = cv2.transform(dye, more, dst=amounts)
    light = cv2.exp(cv2.add(light, extra, dst=light), dst=light)
    return np.asarray(cv2.convertScaleAbs(light, alpha=255.0), np.uint8)


def _check_positive(dyes: tuple[float, ...], gains: tuple[float, ...], gamma: float) -> None:
    if min(*dyes, *gains, gamma) <= 0:
        raise UsageError(
            "change of stain or lamp out of range",
            expected="factors, gains and gamma above 0",
            found=f"dyes {dyes}, gains {gains}, gamma {gamma}",
            todo="use 0.5 for half of it",
        )


def _stain_vectors(hue_deg: float) -> NDArray[np.float64]:
    """Give unit vectors of azure, eosin and the rest as columns (3, 3); azure turned about the grey axis."""
    azure, eosin, rest = _base_vectors()
    angle = np.deg2rad(hue_deg)
    # Rodrigues' formula about (1, 1, 1) / sqrt(3).
    across = np.array([azure[2] - azure[1], azure[0] - azure[2], azure[1] - azure[0]]) / np.sqrt(3.0)
    turned = azure * np.cos(angle) + across * np.sin(angle) + azure.mean() * (1.0 - np.cos(angle))
    return np.column_stack([turned, eosin, rest])


@lru_cache(maxsize=1)
def _base_vectors() -> NDArray[np.float64]:
    """Give unit vectors of azure, eosin and, upright on both, of the rest as rows (3, 3)."""
    azure = np.asarray(AZURE) / np.linalg.norm(AZURE)
    eosin = np.asarray(EOSIN) / np.linalg.norm(EOSIN)
    rest = np.cross(azure, eosin)
    return np.stack([azure, eosin, rest / np.linalg.norm(rest)])


@lru_cache(maxsize=1)
def _unmixing() -> NDArray[np.float64]:
    """Give the matrix (3, 3) from optical density to amounts of azure, eosin and the rest."""
    return np.asarray(np.linalg.inv(_base_vectors().T), np.float64)


@lru_cache(maxsize=1)
def _density_table() -> NDArray[np.float32]:
    """Give the natural optical density of each grey level (1, 256, 3), white 0; black counts as half a level."""
    levels = np.maximum(np.arange(256, dtype=np.float32), 0.5)
    return np.repeat(-np.log(levels / 255.0)[None, :, None], 3, axis=2).astype(np.float32)
