"""From samples of more than 8 bits to 8 bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from leukolens.smear.rows import bands

if TYPE_CHECKING:
    from numpy.typing import NDArray

_USUAL_BITS: Final = (8, 10, 12, 14, 16)


def reduce_to_8_bit(samples: NDArray[Any], colours: int) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Reduce 16-bit samples to 8 bit over the range that the camera used.

    Cameras of 10, 12 and 14 bit store their values as they are in samples of 16 bit, and the file does not say so. The
    largest value tells: a bright-field picture is brightest where no cell is, near the upper end of its range.

    Parameters
    ----------
    samples
        (H, W, C), unsigned 16 bit, either byte order.
    colours
        How many of the C channels are colour; the rest is alpha, which uses the same range.

    Returns
    -------
    reduced : NDArray[np.uint8]
        (H, W, C): ``round(255 x value / largest of the range)``.
    notes : tuple of str
        What was done.
    """
    height, width = samples.shape[:2]
    parts = list(bands(height, width))
    used = max(int(samples[rows, :, :colours].max()) for rows in parts)
    bits = next(bits for bits in _USUAL_BITS if used < 2**bits)
    reduced = np.empty(samples.shape, np.uint8)
    # Alpha may be full at the end of the camera's range or of the container's: the table ends at 255 for both.
    table = _table(bits)
    for rows in parts:
        reduced[rows] = table[samples[rows]]
    if bits == 16:
        return reduced, ("16 bit reduced to 8",)
    return reduced, (f"16 bit reduced to 8: no value above {used}, taken as {bits} bit",)


def _table(bits: int) -> NDArray[np.uint8]:
    """Return the 8-bit value of each 16-bit value, 255 for those beyond `bits`."""
    values = np.arange(65536, dtype=np.uint32)
    top = np.uint32(2**bits - 1)
    table: NDArray[np.uint8] = np.minimum((values * 255 + top // 2) // top, 255).astype(np.uint8)
    return table
