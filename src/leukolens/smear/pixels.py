"""The one check of what is handed over as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leukolens.finding import ImageError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def check_pixels(rgb: NDArray[np.uint8], done: str) -> None:
    """See that a picture is an array (H, W, 3) of uint8 that holds pixels.

    Parameters
    ----------
    rgb
        What the caller gave.
    done
        What was to be done with it, for the message: "prepared", "segmented".

    Raises
    ------
    ImageError
        It is none.
    """
    if not isinstance(rgb, np.ndarray):
        found = type(rgb).__name__
    elif rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or 0 in rgb.shape:
        found = f"{rgb.shape} of {rgb.dtype}"
    else:
        return
    raise ImageError(
        f"The picture cannot be {done}",
        expected="an array (H, W, 3) of uint8",
        found=found,
        todo="read it with leukolens.smear.reading.read_image",
    )
