"""Perceptual hashes of a picture in its eight positions: unturned, quarter-turned, and their mirror images.

Two hashes of 64 bits each, which see different things. pHash [1]_ [2]_: the picture is reduced to 32 x 32, and its
discrete cosine transform's coefficients 1 to 8 either way (which leave out brightness and gradients of the lamp) are
compared with their median. dHash [3]_: it is reduced to 9 x 8, and each pixel is compared with its right neighbour.

References
----------
.. [1] Zauner 2010, Implementation and benchmarking of perceptual image hash functions, thesis, Hagenberg.
.. [2] Klinger & Starkweather 2010, pHash: the open source perceptual hash library.
.. [3] Krawetz 2013, Kind of like that, The Hacker Factor Blog.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bits = NDArray[np.bool_]

BITS: Final = 128
POSITIONS: Final = (
    "as it is",
    "mirrored left to right",
    "turned by 90 degrees",
    "turned by 90 degrees and mirrored",
    "turned by 180 degrees",
    "mirrored top to bottom",
    "turned by 270 degrees",
    "turned by 270 degrees and mirrored",
)
"""What is done to the second picture of a pair so that it looks like the first; turns are anticlockwise."""

_DCT_SIDE: Final = 32
_GRID: Final = 72  # px; divides into 9 columns and into 8 rows, however the picture is turned
_SHRINK: Final = 0.8
_JPEG_QUALITY: Final = 75


class Hashes(NamedTuple):
    """The hashes of one picture.

    Attributes
    ----------
    bits
        (8, 128) bool: for each of `POSITIONS` 64 bits of pHash and 64 of dHash.
    again
        Bits that change when the picture is reduced to 80 % of its sides and stored as JPEG of quality 75.
    """

    bits: Bits
    again: int


def hash_picture(rgb: NDArray[np.uint8]) -> Hashes:
    """Hash a picture in its eight positions.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB, marks painted out.
    """
    bits = hash_positions(rgb)
    again = _hash(*_planes(_stored_again(rgb)))
    return Hashes(bits, int(np.count_nonzero(again != bits[0])))


def hash_positions(rgb: NDArray[np.uint8]) -> Bits:
    """Return the bits of a picture (H, W, 3) uint8 in its eight positions, (8, 128) bool."""
    coarse, grid = _planes(rgb)
    # Reducing to a square and turning can change places, so that the picture is reduced once only.
    return np.stack([_hash(a, b) for a, b in zip(_positions(coarse), _positions(grid), strict=True)])


def _planes(rgb: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    coarse, grid = (cv2.resize(grey, (s, s), interpolation=cv2.INTER_AREA) for s in (_DCT_SIDE, _GRID))
    return np.asarray(coarse, np.float32), np.asarray(grid, np.float32)


def _positions(plane: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    turned = [np.rot90(plane, quarter) for quarter in range(4)]
    return [position for one in turned for position in (one, one[:, ::-1])]


def _hash(coarse: NDArray[np.float32], grid: NDArray[np.float32]) -> Bits:
    low = np.asarray(cv2.dct(np.ascontiguousarray(coarse)))[1:9, 1:9]
    blocks = grid.reshape(8, _GRID // 8, 9, _GRID // 9).mean(axis=(1, 3))
    return np.concatenate([(low > np.median(low)).ravel(), (blocks[:, 1:] > blocks[:, :-1]).ravel()])


def _stored_again(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    small = cv2.resize(rgb, None, fx=_SHRINK, fy=_SHRINK, interpolation=cv2.INTER_AREA)
    # The order of the channels does not matter for the loss, so that none is changed.
    _, coded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
