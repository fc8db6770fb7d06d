"""What each format's module hands over: the facts of a header, and a way to decode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL import Image

FormatName = Literal["JPEG", "PNG", "TIFF", "BMP", "WEBP"]

MAX_ICC_BYTES: Final = 8 * 2**20
"""Colour profiles of presses weigh up to about 3 MB; larger ones are ignored with a note."""


@dataclass(frozen=True)
class Decoded:
    """Pixels as the file holds them, at most 8 bit a sample.

    Parameters
    ----------
    image
        A Pillow image, loaded; modes 1, L, LA, La, P, PA, RGB, RGBA, RGBa or CMYK.
    notes
        What was done to get there, such as ``16 bit reduced to 8``.
    """

    image: Image.Image
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Header:
    """What a file says of its picture, read without decoding a pixel.

    Parameters
    ----------
    format
        Name of the format.
    width, height
        Pixels, as stored: before the orientation is applied.
    decode
        Decodes the first picture of the file. Call it only after the size was checked.
    orientation
        1 to 8, as EXIF and TIFF number them.
    icc
        The embedded colour profile, not yet verified.
    um_per_px
        (x, y) as stored, where the file plainly states a microscope's scale.
    notes
        What was noticed in the header.
    """

    format: FormatName
    width: int
    height: int
    decode: Callable[[], Decoded]
    orientation: int = 1
    icc: bytes | None = None
    um_per_px: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()
