"""Even light: the surface of the background is estimated and divided out.

The logarithm of the background is taken as a polynomial of second degree of the place, as vignetting and a lamp that
is not centred make it, one for each channel, fitted by least squares to what is brightest in its own surroundings;
pixels far below or above it are left out, round by round, until cells no longer pull it down. Retrospective shading
correction of this kind is described in [1]_; here a single picture is enough.

References
----------
.. [1] Likar et al. 2000, Retrospective shading correction based on entropy minimization, J Microsc 197:285-295,
   doi 10.1046/j.1365-2818.2000.00669.x.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from pydantic import Field

from leukolens.finding import ImageError
from leukolens.smear.normalisation.settings import Frozen, Ground, not_fitted
from leukolens.smear.pixels import check_pixels
from leukolens.smear.resampling import reduce_to

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]
    Floats = NDArray[np.float64]

_SIDE: Final = 96  # px of the reduced picture on which the surface is fitted
_TILES: Final = 4  # each way; in each of them the brighter pixels are taken for background first:
_BRIGHT: Final = 0.75  # those above this quantile, so that cells may cover three quarters
_ROUNDS: Final = 12
_NEAR: Final = 2.5  # standard deviations (from the median deviation) beyond which a pixel is no background
_FEWEST: Final = 30  # px of background, five for each number of the polynomial


class GroundReference(Frozen):
    """Brightness of the background in red, green, blue that all pictures are brought to, 1 to 255."""

    ground: Ground


class FlattenIllumination(Frozen):
    """Settings of the flattening.

    Attributes
    ----------
    level
        "own": a picture keeps the median brightness of its own background, and nothing needs to be fitted. "reference":
        all are brought to that of the reference, which takes the lamp's tint away too.
    strongest
        Largest factor by which a pixel is made brighter or darker.
    reference
        What was fitted; None: not fitted yet.
    """

    kind: Literal["flatten-illumination"] = "flatten-illumination"
    level: Literal["own", "reference"] = "own"
    strongest: float = Field(default=4.0, ge=1.0, le=50.0)
    reference: GroundReference | None = None


def fit(pictures: Iterable[Picture], step: FlattenIllumination) -> GroundReference:  # noqa: ARG001 - as the others
    """Return the median over pictures (H, W, 3) uint8 of the median brightness of their backgrounds.

    Raises
    ------
    ImageError
        There is no picture, or one that is no array of that form.
    """
    grounds = [np.median(background_surface(rgb).reshape(-1, 3), axis=0) for rgb in pictures]
    if not grounds:
        raise ImageError("There is no picture to fit 'flatten-illumination' on", expected="one at least", found="none")
    red, green, blue = np.clip(np.median(grounds, axis=0), 1.0, 255.0).tolist()
    return GroundReference(ground=(red, green, blue))


def transform(rgb: Picture, step: FlattenIllumination) -> Picture:
    """Divide the surface of the background out of a picture (H, W, 3) uint8.

    Raises
    ------
    ImageError
        `rgb` is not a picture of that form.
    UsageError
        `level` is "reference" and there is none.
    """
    surface = background_surface(rgb)
    if step.level == "reference":
        if step.reference is None:
            raise not_fitted(step.kind)
        level = np.asarray(step.reference.ground)
    else:
        level = np.median(surface.reshape(-1, 3), axis=0)
    factor = np.clip(level / np.maximum(surface, 1.0), 1.0 / step.strongest, step.strongest)
    return np.asarray(np.clip(rgb * factor + 0.5, 0.0, 255.0), np.uint8)


def background_surface(rgb: Picture) -> Floats:
    """Estimate the brightness of the empty background at every pixel.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB.

    Returns
    -------
    ndarray
        (H, W, 3) float64, above 0. Flat where too little background is found for more, as in a picture of few pixels.

    Raises
    ------
    ImageError
        `rgb` is not a picture of that form.
    """
    check_pixels(rgb, "normalised")
    height, width = rgb.shape[:2]
    small = reduce_to(rgb, _SIDE).astype(np.float64)
    light = np.log(np.maximum(small, 1.0))
    terms = _terms(*small.shape[:2])
    ground = _ground(light.mean(axis=2), terms)
    if ground.sum() < _FEWEST or min(small.shape[:2]) < 3:
        flat = np.exp(np.median(light[ground] if ground.any() else light.reshape(-1, 3), axis=0))
        return np.full(rgb.shape, flat, np.float64)
    numbers = _fit_surface(terms[ground.ravel()], light[ground])
    # Beyond what was seen a polynomial may run away: it stays within the background's own range.
    low, high = light[ground].min(axis=0), light[ground].max(axis=0)
    margin = 0.25 * (high - low)
    surface = np.clip(_terms(height, width) @ numbers, low - margin, high + margin)
    return np.asarray(np.exp(surface), np.float64).reshape(rgb.shape)


def _ground(light: Floats, terms: Floats) -> NDArray[np.bool_]:
    """Return which pixels (h, w) of the logarithm of brightness are background."""
    ground = light >= _tile_levels(light)
    for _ in range(_ROUNDS):
        if ground.sum() < _FEWEST:
            break
        numbers = _fit_surface(terms[ground.ravel()], light[ground])
        away = light - (terms @ numbers).reshape(light.shape)
        # A level of 255 is the least that a camera tells apart.
        spread = max(1.4826 * float(np.median(np.abs(away[ground]))), 1.0 / 255.0)
        kept = np.abs(away) <= _NEAR * spread
        if np.array_equal(kept, ground):
            break
        ground = kept
    return ground


def _fit_surface(terms: Floats, light: Floats) -> Floats:
    """Return the numbers of the polynomial by least squares: six equations, whatever the number of pixels."""
    return np.asarray(np.linalg.lstsq(terms.T @ terms, terms.T @ light, rcond=1e-10)[0], np.float64)


def _tile_levels(light: Floats) -> Floats:
    """Return for each pixel (h, w) the upper quartile of its tile, so that a dark corner has background of its own."""
    levels = np.empty_like(light)
    for rows in np.array_split(np.arange(light.shape[0]), _TILES):
        for columns in np.array_split(np.arange(light.shape[1]), _TILES):
            if rows.size and columns.size:
                tile = np.ix_(rows, columns)
                levels[tile] = np.quantile(light[tile], _BRIGHT)
    return levels


def _terms(height: int, width: int) -> Floats:
    """Return 1, x, y, x^2, x y, y^2 of every pixel (height width, 6), both from -1 to 1 over the picture."""
    y, x = np.meshgrid(
        (2.0 * np.arange(height) + 1.0) / height - 1.0, (2.0 * np.arange(width) + 1.0) / width - 1.0, indexing="ij"
    )
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)
