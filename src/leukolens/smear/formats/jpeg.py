"""JPEG (ISO/IEC 10918-1), with the EXIF, ICC and multi-picture segments that cameras add."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from PIL import JpegImagePlugin

from leukolens.finding import ImageError
from leukolens.smear.formats.decoders import check_scans, load
from leukolens.smear.formats.header import MAX_ICC_BYTES, Decoded, Header
from leukolens.smear.orientation import exif_orientation

if TYPE_CHECKING:
    from collections.abc import Iterator

_SOI: Final = b"\xff\xd8"
_SOS: Final = 0xDA
_ALONE: Final = frozenset((0x01, *range(0xD0, 0xD8)))  # markers without a length
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_APP1, _APP2, _COMMENT = 0xE1, 0xE2, 0xFE
_APPS: Final = range(0xE0, 0xF0)
_NEEDED_APPS: Final = (0xE0, 0xEE)  # JFIF and Adobe: they tell the decoder how colours are coded


@dataclass
class _Parts:
    """What the walk over the segments collects; `scan` is where the first scan's marker lies."""

    size: tuple[int, int] | None = None
    scan: int = 0
    kept: list[bytes] = field(default_factory=list)
    exif: bytes | None = None
    profile: list[bytes] = field(default_factory=list)
    several: bool = False


def inspect(data: bytes) -> Header:
    """Read a JPEG's segments up to its first scan.

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
        There is no frame or no scan: the file is damaged or cut off within its header.
    """
    parts = _Parts()
    for marker, start, end in _segments(data):
        if marker == _SOS:
            parts.scan = start - 4
            break
        _collect(parts, marker, data[start:end])
    if parts.size is None or not parts.scan:
        raise ImageError(
            "it is damaged or cut off within its header",
            expected="a frame and a scan",
            found="no frame" if parts.size is None else "no scan",
        )
    orientation, notes = (1, []) if parts.exif is None else exif_orientation(parts.exif)
    icc, icc_notes = _join_profile(parts.profile)
    if parts.several:
        notes.append("several pictures in the file: the first was read")
    return Header(
        "JPEG",
        *parts.size,
        partial(_decode, data, parts, parts.size),
        orientation=orientation,
        icc=icc,
        notes=(*notes, *icc_notes),
    )


def _collect(parts: _Parts, marker: int, body: bytes) -> None:
    if marker in _FRAMES and parts.size is None and len(body) >= 6:
        height, width = struct.unpack_from(">HH", body, 1)
        parts.size = width, height
    elif marker == _APP1 and body[:6] == b"Exif\0\0" and parts.exif is None:
        parts.exif = body[6:]
    elif marker == _APP2 and body[:12] == b"ICC_PROFILE\0":
        parts.profile.append(body[12:])
    elif marker == _APP2 and body[:4] == b"MPF\0":
        parts.several = True
    if marker in _NEEDED_APPS or (marker not in _APPS and marker != _COMMENT):
        parts.kept.append(struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body)


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, start, end of its body) up to the first scan; stray bytes between segments are skipped."""
    position = 2
    while True:
        position = data.find(b"\xff", position)
        if position < 0:
            return
        while data[position : position + 1] == b"\xff":
            position += 1
        marker = data[position : position + 1]
        position += 1
        if not marker or marker == b"\xd9":
            return
        if marker == b"\0" or marker[0] in _ALONE:
            continue
        length = int.from_bytes(data[position : position + 2], "big")
        if length < 2 or position + length > len(data):
            return
        yield marker[0], position + 2, position + length
        position += length


def _join_profile(parts: list[bytes]) -> tuple[bytes | None, list[str]]:
    """Put the parts of an ICC profile in order (ICC.1, annex B.4: number, count, data)."""
    if not parts:
        return None, []
    parts.sort(key=lambda part: part[:1])
    numbers = [part[0] for part in parts if len(part) > 2]
    if numbers != list(range(1, len(parts) + 1)) or parts[0][1] != len(parts):
        return None, ["ICC profile ignored: parts of it are missing"]
    profile = b"".join(part[2:] for part in parts)
    if len(profile) > MAX_ICC_BYTES:
        return None, ["ICC profile ignored: it is too large"]
    return profile, []


def _decode(data: bytes, parts: _Parts, size: tuple[int, int]) -> Decoded:
    check_scans(data, parts.scan, len(data))
    clean = b"".join((_SOI, *parts.kept, memoryview(data)[parts.scan :]))
    return Decoded(load(JpegImagePlugin.JpegImageFile, clean, size))
