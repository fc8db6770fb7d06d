"""What a picture may weigh and measure; checked against its header, before anything of it is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from leukolens.finding import ImageError, ImageTooLargeError, UsageError

MIN_SIDE: Final = 16
"""Pixels: a picture with a shorter side shows no cell that could be judged."""


@dataclass(frozen=True)
class Limits:
    """The largest input that is read.

    Decoding takes up to about 16 bytes of memory a pixel (8 for an ordinary JPEG) beside the file itself, so the
    default of 64 megapixels keeps one picture under about 1.3 GiB whatever its file claims. How many are decoded at
    once is up to the caller, see `admit` of `leukolens.smear.reading.read_image`.

    Parameters
    ----------
    max_bytes
        Size of the file in bytes.
    max_pixels
        Width times height of the picture.

    Raises
    ------
    UsageError
        A limit is not positive.
    """

    max_bytes: int = 256 * 2**20
    max_pixels: int = 64_000_000

    def __post_init__(self) -> None:
        for name in ("max_bytes", "max_pixels"):
            value = getattr(self, name)
            if value < 1:
                raise UsageError(f"{name} is no limit", expected="a positive whole number", found=str(value))


def check_bytes(size: int, limits: Limits) -> None:
    """Refuse a file that weighs too much.

    Parameters
    ----------
    size
        Size in bytes; where reading stopped at the limit, any number above it.
    limits
        What is allowed.

    Raises
    ------
    ImageTooLargeError
        `size` is over ``limits.max_bytes``.
    """
    if size > limits.max_bytes:
        raise ImageTooLargeError(
            "the file is too large",
            expected=f"at most {limits.max_bytes:,} bytes",
            found=f"{size:,} or more",
            todo="cut the picture into fields, or raise max_bytes if the file is to be trusted",
        )


def check_size(width: int, height: int, limits: Limits) -> None:
    """Refuse a picture whose header states too many pixels, or too few.

    Parameters
    ----------
    width, height
        Pixels, from the header.
    limits
        What is allowed.

    Raises
    ------
    ImageTooLargeError
        More than ``limits.max_pixels`` pixels.
    ImageError
        A side shorter than `MIN_SIDE`.
    """
    if width * height > limits.max_pixels:
        raise ImageTooLargeError(
            f"the picture of {width} x {height} px is too large",
            expected=f"at most {limits.max_pixels:,} pixels",
            found=f"{width * height:,}",
            todo="cut it into fields, or raise max_pixels if the file is to be trusted",
        )
    if min(width, height) < MIN_SIDE:
        raise ImageError(
            "the picture is too small to show a cell",
            expected=f"at least {MIN_SIDE} px on each side",
            found=f"{width} x {height} px",
            todo="give the picture at the size in which the camera took it",
        )
