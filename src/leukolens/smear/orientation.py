"""Which way up a picture is, after the tag that EXIF and TIFF share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leukolens.smear.formats.directory import Directory, read_directory, read_head

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ORIENTATION = 0x0112
_UPRIGHT = 1


def exif_orientation(exif: bytes) -> tuple[int, list[str]]:
    """Read the orientation from a block of EXIF data.

    Parameters
    ----------
    exif
        The block from its byte-order mark on.

    Returns
    -------
    orientation : int
        1 to 8; 1 where nothing valid is stated.
    notes : list of str
        Why a statement was not followed.
    """
    head = read_head(exif)
    if head is None:
        return _UPRIGHT, ["EXIF data are damaged: taken as upright"]
    try:
        return stated_orientation(read_directory(exif, head))
    except ValueError:
        return _UPRIGHT, ["EXIF data are damaged: taken as upright"]


def stated_orientation(directory: Directory) -> tuple[int, list[str]]:
    """Read the orientation from a directory of tags.

    Parameters
    ----------
    directory
        The first directory of a TIFF file or an EXIF block.

    Returns
    -------
    orientation : int
        1 to 8; 1 where nothing valid is stated.
    notes : list of str
        Why a statement was not followed.
    """
    try:
        value = directory.integer(_ORIENTATION, _UPRIGHT)
    except ValueError:
        value = 0
    if 1 <= value <= 8:
        return value, []
    # Cameras without a position sensor write 0, "unknown"; that needs no note.
    return _UPRIGHT, [] if value == 0 else [f"orientation {value} does not exist: taken as upright"]


def turn_upright(rgb: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Turn and mirror stored pixels the way they are to be seen.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8, as stored.
    orientation
        1 to 8: 1 as stored, 2 mirrored left to right, 3 turned by 180 degrees, 4 mirrored top to bottom, 5 mirrored
        along the main diagonal, 6 to be turned 90 degrees clockwise, 7 mirrored along the other diagonal, 8 to be
        turned 90 degrees anticlockwise.

    Returns
    -------
    NDArray[np.uint8]
        (H, W, 3) for 1 to 4, (W, H, 3) for 5 to 8; contiguous, and `rgb` itself for 1.
    """
    turned = rgb.swapaxes(0, 1) if swaps_sides(orientation) else rgb
    if orientation in (3, 4, 7, 8):
        turned = turned[::-1]
    if orientation in (2, 3, 6, 7):
        turned = turned[:, ::-1]
    return np.ascontiguousarray(turned)


def swaps_sides(orientation: int) -> bool:
    """Say whether an orientation (1 to 8) makes width of height and the other way round."""
    return orientation >= 5
