"""Windows bitmap, with the headers of OS/2 and of Windows up to version 5."""

from __future__ import annotations

import struct
from functools import partial

from PIL import BmpImagePlugin

from leukolens.finding import ImageError
from leukolens.smear.formats.decoders import load
from leukolens.smear.formats.header import MAX_ICC_BYTES, Decoded, Header

_DIB = 14  # where the second header starts
_CORE, _V5 = 12, 124


def inspect(data: bytes) -> Header:
    """Read a bitmap's headers.

    Parameters
    ----------
    data
        The whole file.

    Returns
    -------
    Header
        Its facts.

    Raises
    ------
    ImageError
        The file is cut off within its headers.
    """
    length = int.from_bytes(data[_DIB : _DIB + 4], "little")
    if len(data) < _DIB + length:
        raise ImageError("it is cut off within its header", expected=f"{_DIB + length} bytes", found=str(len(data)))
    # A negative height says that the rows run from top to bottom.
    width, height = struct.unpack_from("<HH" if length == _CORE else "<ii", data, _DIB + 4)
    size = (max(width, 0), abs(height))
    return Header("BMP", *size, partial(_decode, data, size), icc=_profile(data) if length == _V5 else None)


def _profile(data: bytes) -> bytes | None:
    """Return the profile that a header of version 5 embeds."""
    kind = data[_DIB + 56 : _DIB + 60]
    offset, length = struct.unpack_from("<II", data, _DIB + 112)
    if kind != b"DEBM" or not 0 < length <= MAX_ICC_BYTES:  # "MBED" as a little-endian number
        return None
    return data[_DIB + offset : _DIB + offset + length]


def _decode(data: bytes, size: tuple[int, int]) -> Decoded:
    return Decoded(load(BmpImagePlugin.BmpImageFile, data, size))
