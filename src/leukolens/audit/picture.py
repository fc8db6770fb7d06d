"""One picture as the measurements of an audit see it: read once, burned-in marks painted out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leukolens.smear.marks import find_marks, paint_out
from leukolens.smear.resampling import WORKING_SIDE, reduce_to

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Picture:
    """What a measurement may look at.

    Attributes
    ----------
    file
        Where it lies, for what is measured on the file itself.
    rgb
        (H, W, 3) uint8 sRGB, as read.
    marks
        (H, W) bool, true where a scale bar or text was burned in.
    clean
        (H, W, 3) uint8, `rgb` with these painted out; `rgb` itself where there are none.
    small
        (h, w, 3) uint8, `clean` with its longer side reduced to at most 640 px by averaging over areas.
    """

    file: Path
    rgb: Pixels
    marks: NDArray[np.bool_]
    clean: Pixels
    small: Pixels


def look_at(file: Path, rgb: Pixels) -> Picture:
    """Paint out burned-in marks and reduce a picture.

    Parameters
    ----------
    file
        Where it was read from.
    rgb
        (H, W, 3) uint8 sRGB.
    """
    marks = find_marks(rgb)
    clean = paint_out(rgb, marks) if marks.any() else rgb
    return Picture(file, rgb, marks, clean, reduce_to(clean, WORKING_SIDE))
