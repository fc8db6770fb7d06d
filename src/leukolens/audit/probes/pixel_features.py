"""What a probe sees of the pixels: colours of all, of the background, of each corner. Never the form of a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from leukolens.smear.perturb import BAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]
    Row = NDArray[np.float32]

BINS: Final = 32
"""Bins of the histogram of each channel."""
BRIGHTEST: Final = 0.3
"""Share of the pixels, the brightest ones, that is taken for the empty background."""
PATCH: Final = (6, 4)
"""Width and height to which a corner is reduced."""
_TILES: Final = 3  # each way, in which the background's light is compared
_WHITE, _BLACK = 245, 80  # brightness of the paper and of the ink of a scale bar


def mean_colour(rgb: Picture) -> Row:
    """Return mean, standard deviation and correlation of the three channels (9,)."""
    return _moments(rgb, None)


def colour_histogram(rgb: Picture) -> Row:
    """Return the shares (96,) of 32 bins of each channel: red, green, blue."""
    parts = [cv2.calcHist([rgb], [channel], None, [BINS], [0, 256]).ravel() for channel in range(3)]
    return np.asarray(np.concatenate(parts) / (rgb.shape[0] * rgb.shape[1]), np.float32)


def background(rgb: Picture) -> Row:
    """Return what the brightest 30 % of the pixels look like (21,).

    Mean, spread and correlation of the channels (9), its grain (3), and how bright it is in 3 x 3 tiles against the
    whole (9, 0 where a tile has none of it): the lamp's field, which is one session's.
    """
    light = np.asarray(cv2.transform(rgb, np.full((1, 3), 1.0 / 3.0, np.float32)), np.uint8)
    above = cv2.calcHist([light], [0], None, [256], [0, 256]).ravel()[::-1].cumsum()
    level = 255 - int(np.searchsorted(above, BRIGHTEST * light.size))
    ground = (light >= level).astype(np.uint8)
    grain = cv2.mean(cv2.absdiff(rgb, cv2.blur(rgb, (3, 3))), mask=ground)[:3]
    return np.concatenate([_moments(rgb, ground), grain, _lamp_field(light, ground)]).astype(np.float32)


def corners(rgb: Picture) -> list[Row]:
    """Return what each corner looks like: upper left, upper right, lower left, lower right, (87,) each.

    A corner is 13 % of the height and 20 % of the width, where scale bars sit. It is reduced to 6 x 4 pixels (72
    numbers); beside these stand the darkest, the brightest and the mean value and the spread of each channel (12), the
    shares of white and of black, and how sharp its edges are.
    """
    high = max(2, round(BAR[0] * rgb.shape[0]))
    wide = max(2, round(BAR[1] * rgb.shape[1]))
    rows, columns = (slice(None, high), slice(-high, None)), (slice(None, wide), slice(-wide, None))
    return [_corner(rgb[row, column]) for row in rows for column in columns]


def _corner(patch: Picture) -> Row:
    small = cv2.resize(np.ascontiguousarray(patch), PATCH, interpolation=cv2.INTER_AREA).ravel()
    pixels = patch.reshape(-1, 3)
    mean, spread = (value.ravel() for value in cv2.meanStdDev(np.ascontiguousarray(patch)))
    green = patch[..., 1].astype(np.int16)
    edges = np.abs(np.diff(green, axis=1)).mean() + np.abs(np.diff(green, axis=0)).mean()
    shares = [(pixels.min(axis=1) >= _WHITE).mean(), (pixels.max(axis=1) <= _BLACK).mean(), edges]
    return np.concatenate([small, pixels.min(axis=0), pixels.max(axis=0), mean, spread, shares]).astype(np.float32)


def _moments(rgb: Picture, mask: NDArray[np.uint8] | None) -> Row:
    """Return means (3), standard deviations (3) and correlations (3, from every other pixel each way) of the mask."""
    mean, spread = (value.ravel() for value in cv2.meanStdDev(rgb, mask=mask))
    some = rgb[::2, ::2]
    values = (some.reshape(-1, 3) if mask is None else some[mask[::2, ::2] > 0]).astype(np.float32)
    values -= values.mean(axis=0) if len(values) else 0.0
    product = values.T @ values
    own = np.sqrt(np.diag(product))
    related = product / np.maximum(np.outer(own, own), 1e-3)
    return np.concatenate([mean, spread, [related[0, 1], related[0, 2], related[1, 2]]]).astype(np.float32)


def _lamp_field(light: NDArray[np.uint8], ground: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the background's brightness in each tile less that of the whole (9,)."""
    size = (_TILES, _TILES)
    share = cv2.resize(ground.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    lit = cv2.resize((light * ground).astype(np.float32), size, interpolation=cv2.INTER_AREA)
    whole = cv2.mean(light, mask=ground)[0]
    return np.where(share > 0, lit / np.maximum(share, 1e-6) - whole, 0.0).astype(np.float64).ravel()
