"""PNG (W3C, third edition). Every chunk's checksum is verified; text and other extras never reach the decoder."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from PIL import Image, PngImagePlugin

from leukolens.finding import ImageError
from leukolens.smear.depth import reduce_to_8_bit
from leukolens.smear.formats.decoders import load
from leukolens.smear.formats.header import MAX_ICC_BYTES, Decoded, Header
from leukolens.smear.orientation import exif_orientation
from leukolens.smear.rows import bands_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_MAX_CHUNKS: Final = 1_000_000
_CRITICAL: Final = frozenset((b"IHDR", b"PLTE", b"IDAT", b"IEND"))
_GREY, _COLOUR, _GREY_ALPHA, _COLOUR_ALPHA = 0, 2, 4, 6


class _Shape(NamedTuple):
    """The fields of the chunk IHDR."""

    width: int
    height: int
    bits: int
    colour: int
    compression: int
    filtering: int
    interlace: int


@dataclass
class _Parts:
    """What the walk over the chunks collects."""

    palette: memoryview | None = None
    pixels: list[memoryview] = field(default_factory=list)
    transparent: bytes = b""
    icc: bytes | None = None
    orientation: int = 1
    notes: list[str] = field(default_factory=list)


def inspect(data: bytes) -> Header:
    """Walk over a PNG's chunks.

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
        The file is cut off, a checksum does not match, or it does not begin with its header.
    """
    shape: _Shape | None = None
    parts = _Parts()
    for kind, chunk in _chunks(data):
        if shape is None:
            shape = _read_shape(kind, chunk)
        else:
            _collect(parts, kind, chunk)
    if shape is None:
        raise ImageError("it is cut off", expected="a PNG header", found="the end of the file")
    return Header(
        "PNG",
        shape.width,
        shape.height,
        partial(_decode, shape, parts),
        orientation=parts.orientation,
        icc=parts.icc,
        notes=tuple(parts.notes),
    )


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Yield (kind, whole chunk) up to IEND; chunks that matter must match their checksum, others are dropped."""
    view, position = memoryview(data), len(_SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        if position + 12 > len(data):
            raise ImageError("it is cut off", expected="the chunk IEND", found="the end of the file")
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if end > len(data):
            raise ImageError(
                "it is cut off", expected=f"{end:,} bytes or more by the length of a chunk", found=f"{len(data):,}"
            )
        sound = zlib.crc32(view[position + 4 : end - 4]) == int.from_bytes(view[end - 4 : end], "big")
        if kind in _CRITICAL and not sound:
            raise ImageError(f"it is damaged: the checksum of its chunk {kind.decode()} does not match")
        if kind == b"IEND":
            return
        if sound:
            yield kind, view[position:end]
        position = end
    raise ImageError("it is built to keep a decoder busy", expected=f"at most {_MAX_CHUNKS:,} chunks", found="more")


def _read_shape(kind: bytes, chunk: memoryview) -> _Shape:
    if kind != b"IHDR" or len(chunk) != 25:
        raise ImageError("it is damaged", expected="a PNG header first", found=f"chunk {kind!r} of {len(chunk)} bytes")
    return _Shape(*struct.unpack_from(">IIBBBBB", chunk, 8))


def _collect(parts: _Parts, kind: bytes, chunk: memoryview) -> None:
    body = chunk[8:-4]
    if kind == b"IDAT":
        parts.pixels.append(chunk)
    elif kind == b"PLTE":
        parts.palette = chunk
    elif kind == b"tRNS":
        parts.transparent = bytes(body)
    elif kind == b"iCCP":
        parts.icc, note = _unpack_profile(bytes(body))
        parts.notes += note
    elif kind == b"eXIf":
        parts.orientation, note = exif_orientation(bytes(body).removeprefix(b"Exif\0\0"))
        parts.notes += note
    elif kind == b"acTL":
        parts.notes.append("animated: the first picture was read")


def _unpack_profile(body: bytes) -> tuple[bytes | None, list[str]]:
    """Unpack the chunk iCCP: name, a null byte, method 0, a zlib stream of bounded length."""
    _, _, packed = body.partition(b"\0")
    stream = zlib.decompressobj()
    try:
        profile = stream.decompress(packed[1:], MAX_ICC_BYTES)
    except zlib.error:
        return None, ["ICC profile ignored: it is damaged"]
    if not stream.eof:
        return None, ["ICC profile ignored: it is too large or cut off"]
    return profile, []


def _decode(shape: _Shape, parts: _Parts) -> Decoded:
    if shape.bits == 16:
        return _decode_16_bit(shape, parts)
    transparent = parts.transparent
    if shape.colour == _GREY and len(transparent) == 2:
        # Pillow spreads 1, 2 and 4 bit over 0 to 255, but would compare with the value as stored.
        level = int.from_bytes(transparent, "big") * 255 // (2**shape.bits - 1)
        transparent = level.to_bytes(2, "big") if level <= 255 else b""
    return Decoded(load(PngImagePlugin.PngImageFile, _rebuild(shape, parts, transparent), shape[:2]))


def _decode_16_bit(shape: _Shape, parts: _Parts) -> Decoded:
    samples = _read_16_bit(shape, parts)
    reduced, notes = reduce_to_8_bit(samples, colours=3 if shape.colour in (_COLOUR, _COLOUR_ALPHA) else 1)
    wanted = np.frombuffer(parts.transparent[: len(parts.transparent) // 2 * 2], ">u2")
    if shape.colour in (_GREY, _COLOUR) and wanted.size == samples.shape[2]:
        opaque = (samples != wanted).any(axis=2, keepdims=True)
        reduced = np.concatenate((reduced, opaque.astype(np.uint8) * 255), axis=2)
    return Decoded(Image.fromarray(reduced[..., 0] if reduced.shape[2] == 1 else reduced), notes)


def _read_16_bit(shape: _Shape, parts: _Parts) -> NDArray[np.uint16]:
    """Read all 16 bits of (H, W, C) samples, of which Pillow keeps the upper 8 in pictures of more than one channel.

    The filters of PNG work on bytes, so that 16-bit grey is 8-bit grey with alpha to them, and 16-bit grey with alpha
    is 8-bit RGBA; the decoded channels are then the upper and lower bytes. Colour is decoded twice: big-endian samples
    unpacked as if they were little-endian give the lower bytes.
    """
    size = shape[:2]
    if shape.colour in (_GREY, _GREY_ALPHA):
        twin = shape._replace(bits=8, colour=_GREY_ALPHA if shape.colour == _GREY else _COLOUR_ALPHA)
        image = load(PngImagePlugin.PngImageFile, _rebuild(twin, parts), size)
        return np.asarray(image).view(">u2")
    if shape.colour not in (_COLOUR, _COLOUR_ALPHA):
        raise ImageError("its header contradicts itself", found=f"16 bit with PNG colour type {shape.colour}")
    mode, clean = ("RGB" if shape.colour == _COLOUR else "RGBA"), _rebuild(shape, parts)
    samples = np.empty((shape.height, shape.width, len(mode)), ">u2")
    planes = samples.view(np.uint8).reshape(*samples.shape, 2)
    for byte, order in enumerate("BL"):
        image = load(PngImagePlugin.PngImageFile, clean, size, rawmode=f"{mode};16{order}")
        for rows, part in bands_of(image):
            planes[rows, ..., byte] = part
    return samples


def _rebuild(shape: _Shape, parts: _Parts, transparent: bytes = b"") -> bytes:
    """Put together a PNG of the chunks alone that make its pixels."""
    chunks: list[bytes | memoryview] = [_SIGNATURE, _chunk(b"IHDR", struct.pack(">IIBBBBB", *shape))]
    if parts.palette is not None:
        chunks.append(parts.palette)
    if transparent:
        chunks.append(_chunk(b"tRNS", transparent))
    return b"".join((*chunks, *parts.pixels, _chunk(b"IEND", b"")))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
