"""Pictures a band of rows at a time, so that no step holds a second whole copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from PIL import Image

PIXELS_PER_BAND: Final = 2_000_000


def bands(height: int, width: int) -> Iterator[slice]:
    """Yield slices of rows, each of about `PIXELS_PER_BAND` pixels, that cover a picture of `height` x `width`."""
    step = max(1, PIXELS_PER_BAND // max(width, 1))
    for top in range(0, height, step):
        yield slice(top, min(top + step, height))


def bands_of(image: Image.Image) -> Iterator[tuple[slice, NDArray[Any]]]:
    """Yield a Pillow image's rows as arrays.

    Parameters
    ----------
    image
        Loaded; H x W pixels.

    Yields
    ------
    rows : slice
        Which rows of the H.
    pixels : NDArray
        Those rows, (n, W) or (n, W, channels); read-only.
    """
    whole = slice(0, image.height)
    for rows in bands(image.height, image.width):
        part = image if rows == whole else image.crop((0, rows.start, image.width, rows.stop))
        yield rows, np.asarray(part)
