"""WebP (RFC 9649): the size from the first chunk, since the decoder takes memory for it as soon as it is made."""

from __future__ import annotations

import struct
from functools import partial
from typing import Final

from PIL import WebPImagePlugin

from leukolens.finding import ImageError
from leukolens.smear.formats.decoders import load
from leukolens.smear.formats.header import MAX_ICC_BYTES, Decoded, Header
from leukolens.smear.orientation import exif_orientation

_MAX_CHUNKS: Final = 100_000


def inspect(data: bytes) -> Header:
    """Read a WebP file's chunks.

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
        The file is cut off or states no size.
    """
    stated = 8 + int.from_bytes(data[4:8], "little")
    if stated > len(data):
        raise ImageError("it is cut off", expected=f"{stated:,} bytes by its header", found=f"{len(data):,}")
    width, height = _size(data)
    extras, frames = _extras(data, stated)
    orientation = 1
    notes: list[str] = []
    if b"EXIF" in extras:
        orientation, notes = exif_orientation(extras[b"EXIF"].removeprefix(b"Exif\0\0"))
    icc = extras.get(b"ICCP")
    if icc is not None and len(icc) > MAX_ICC_BYTES:
        icc = None
        notes.append("ICC profile ignored: it is too large")
    if frames > 1:
        notes.append(f"animated: the first of {frames} pictures was read")
    return Header(
        "WEBP", width, height, partial(_decode, data, (width, height)), orientation, icc=icc, notes=tuple(notes)
    )


def _size(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X" and len(data) >= 30:
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a" and len(data) >= 30:
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L" and data[20:21] == b"\x2f" and len(data) >= 25:
        packed = int.from_bytes(data[21:25], "little")
        return 1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF)
    raise ImageError("it is damaged", expected="a WebP header that states a size", found=f"chunk {kind!r}")


def _extras(data: bytes, end: int) -> tuple[dict[bytes, bytes], int]:
    """Return the first EXIF and ICCP chunks, and the number of an animation's pictures."""
    found: dict[bytes, bytes] = {}
    frames, position = 0, 12
    for _ in range(_MAX_CHUNKS):
        if position + 8 > end:
            break
        kind, length = struct.unpack_from("<4sI", data, position)
        frames += kind == b"ANMF"
        if kind in (b"EXIF", b"ICCP"):
            found.setdefault(kind, data[position + 8 : min(position + 8 + length, end)])
        position += 8 + length + length % 2
    return found, frames


def _decode(data: bytes, size: tuple[int, int]) -> Decoded:
    return Decoded(load(WebPImagePlugin.WebPImageFile, data, size))
