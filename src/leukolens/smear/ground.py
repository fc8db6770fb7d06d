"""What a picture lies on in the prepared one: how large it lies there, and the colour around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Placing:
    """How large a picture is to lie in the prepared one, where it is not to be as large as fits.

    Attributes
    ----------
    scale
        Prepared pixels that a pixel of the picture's height takes; at most what fits is taken.
    ground
        What fills the rest: "background", the colour of the picture's empty background, or "border", that of the
        empty part of its border, for pictures cut out around one cell, which may have no background within.
    """

    scale: float
    ground: Literal["background", "border"] = "background"


def ground_colour(inner: NDArray[np.uint8], done: NDArray[np.uint8], placing: Placing | None) -> NDArray[np.uint8]:
    """Return the colour (3,) uint8 that fills the rest of a prepared picture.

    Parameters
    ----------
    inner
        (h, w, 3), the picture at the size that it takes there.
    done
        What the steps of the preparation made of it.
    placing
        Which ground; None: the picture's background.
    """
    if placing is not None and placing.ground == "border":
        return _background(_border(inner), _border(done))
    return _background(inner, done)


def _background(rgb: NDArray[np.uint8], done: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the colour (3,) of the empty background, the median of the brightest third of `rgb`, as `done` has it."""
    every = max(1, rgb.size // 3 // 4_000)
    brightness = rgb.reshape(-1, 3)[::every].sum(axis=1, dtype=np.int32)
    bright = done.reshape(-1, 3)[::every][brightness >= np.quantile(brightness, 2 / 3)]
    return np.asarray(np.median(bright, axis=0), np.uint8)


def _border(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the pixels (N, 1, 3) of the outermost twentieth of a picture on each side."""
    thick = max(1, min(rgb.shape[:2]) // 20)
    sides = (rgb[:thick], rgb[-thick:], rgb[:, :thick], rgb[:, -thick:])
    return np.concatenate([side.reshape(-1, 1, 3) for side in sides])
