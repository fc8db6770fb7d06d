"""A TIFF's samples. Pillow decodes up to 8 bit, from a file made of the verified layout alone; 16 bit are decoded here.

Pillow keeps the upper 8 of 16 bits in pictures of more than one channel, which leaves 16 grey levels of a 12-bit
camera's 4,096. tifffile would keep them all, but without imagecodecs it unpacks no LZW, and Deflate without a bound.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image, TiffImagePlugin

from leukolens.finding import ImageError
from leukolens.smear.formats.decoders import check_scans, load
from leukolens.smear.formats.tiff_layout import (
    DEFLATE,
    DEFLATE_OLD,
    DIFFERENCES,
    JPEG,
    LZW,
    NONE,
    PACKBITS,
    PALETTE,
    WHITE_IS_ZERO,
    YCBCR,
    ZSTD,
    Layout,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from leukolens.smear.formats.directory import Directory, Order

_SHORT, _LONG = 3, 4
_COPIED: Final = (292, 293, 347, 529, 530, 531, 532)  # options of fax, tables of JPEG, parameters of YCbCr
_MAX_COPIED: Final = 2**16

Tag = tuple[int, int, int, bytes]
"""Number, type, count and stored values of one tag."""


def decode_up_to_8_bit(directory: Directory, layout: Layout) -> Image.Image:
    """Let Pillow decode a picture of at most 8 bits a sample.

    What Pillow gets is the file's bytes under a new directory: one page, structure only, verified. So it meets no
    metadata that could be damaged, endless or out of order, and turns nothing by itself.

    Parameters
    ----------
    directory
        The picture's tags.
    layout
        Verified.

    Returns
    -------
    PIL.Image.Image
        Loaded; mode 1, L, LA, P, PA, RGB, RGBA, RGBa or CMYK.

    Raises
    ------
    ImageError
        The layout is of a kind that Pillow decodes wrongly.
    Exception
        Whatever Pillow raises for damaged data.
    """
    if layout.photometric == YCBCR and layout.compression == NONE:
        raise ImageError("uncompressed YCbCr is not read", todo="save it as an RGB TIFF or PNG")
    if layout.compression == JPEG:
        for offset, length in zip(layout.offsets.tolist(), layout.lengths.tolist(), strict=True):
            check_scans(directory.data, offset, offset + length)
    tags = [*_structure(directory.order, layout), *_copies(directory)]
    if layout.photometric == PALETTE:
        tags.append(_palette(directory, layout.bits))
    clean = _assemble(directory.data, directory.order, tags)
    return load(TiffImagePlugin.TiffImageFile, clean, (layout.width, layout.height))


def decode_16_bit(directory: Directory, layout: Layout) -> NDArray[np.uint16]:
    """Decode a picture of 16 bits a sample.

    Parameters
    ----------
    directory
        The picture's tags.
    layout
        Verified; strips or tiles, channels interleaved or one after the other.

    Returns
    -------
    NDArray[np.uint16]
        (H, W, samples), inverted where the file has white at zero.

    Raises
    ------
    ImageError
        A segment holds fewer samples than it should, or the compression is none for 16 bit.
    """
    if layout.compression not in (NONE, LZW, DEFLATE, DEFLATE_OLD, PACKBITS, ZSTD) or layout.photometric in (
        PALETTE,
        YCBCR,
    ):
        raise ImageError("16 bit in this colour model or compression are not read", todo="save it as an RGB TIFF")
    channels = 1 if layout.planar else layout.samples
    pixels = np.empty((layout.height, layout.width, layout.samples), np.uint16)
    across = -(-layout.width // layout.segment_width)
    per_plane = across * -(-layout.height // layout.segment_height)
    for number in range(layout.offsets.size):
        plane, place = divmod(number, per_plane)
        top, left = place // across * layout.segment_height, place % across * layout.segment_width
        rows = layout.segment_height if layout.tiled else min(layout.segment_height, layout.height - top)
        part = _segment(directory, layout, number, rows, channels)
        target = pixels[top : top + rows, left : left + layout.segment_width, plane : plane + channels]
        target[...] = part[: target.shape[0], : target.shape[1]]
    return np.invert(pixels, out=pixels) if layout.photometric == WHITE_IS_ZERO else pixels


def _segment(directory: Directory, layout: Layout, number: int, rows: int, channels: int) -> NDArray[Any]:
    """Return one strip or tile: (rows, segment width, channels) in the file's byte order."""
    shape = (rows, layout.segment_width, channels)
    expected = 2 * rows * layout.segment_width * channels
    start, length = int(layout.offsets[number]), int(layout.lengths[number])
    packed = memoryview(directory.data)[start : start + length]
    if layout.compression == NONE:
        stored: bytes | memoryview = packed
    elif layout.compression in (DEFLATE, DEFLATE_OLD):
        stored = zlib.decompressobj().decompress(packed, expected)
    else:
        stored = _unpack(packed, layout.compression, (expected // rows, rows), layout.fill_order)
    if len(stored) < expected:
        raise ImageError(
            "it is cut off or damaged", expected=f"{expected:,} bytes in a segment", found=str(len(stored))
        )
    part = np.frombuffer(stored, directory.order + "u2", expected // 2).reshape(shape)
    if layout.predictor == DIFFERENCES:
        return np.cumsum(part, axis=1, dtype=np.uint16)
    if layout.predictor != 1:
        raise ImageError("its predictor is not read", found=f"predictor {layout.predictor}")
    return part


def _unpack(packed: memoryview, compression: int, size: tuple[int, int], fill_order: int) -> bytes:
    """Unpack bytes by dressing them up as a grey 8-bit picture of one strip."""
    width, height = size
    dressed = _assemble(
        b"\0" * 8 + packed,
        "<",
        _tags(
            "<",
            {256: [width], 257: [height], 258: [8], 259: [compression], 262: [1], 266: [fill_order]}
            | {273: [8], 277: [1], 278: [height], 279: [len(packed)]},
        ),
    )
    return load(TiffImagePlugin.TiffImageFile, dressed, size).tobytes()


def _structure(order: Order, layout: Layout) -> Iterable[Tag]:
    values: dict[int, Sequence[int]] = {
        256: [layout.width],
        257: [layout.height],
        258: [layout.bits] * layout.samples,
        259: [layout.compression],
        262: [layout.photometric],
        266: [layout.fill_order],
        277: [layout.samples],
        284: [2 if layout.planar else 1],
        317: [layout.predictor],
    }
    if layout.extra:
        values[338] = layout.extra
    offsets, lengths = layout.offsets.tolist(), layout.lengths.tolist()
    if layout.tiled:
        values |= {322: [layout.segment_width], 323: [layout.segment_height], 324: offsets, 325: lengths}
    else:
        values |= {273: offsets, 278: [layout.segment_height], 279: lengths}
    return _tags(order, values)


def _tags(order: Order, values: Mapping[int, Sequence[int]]) -> list[Tag]:
    shorts = (258, 259, 262, 266, 277, 284, 317, 338)
    return [
        (tag, _SHORT, len(numbers), struct.pack(f"{order}{len(numbers)}H", *numbers))
        if tag in shorts
        else (tag, _LONG, len(numbers), struct.pack(f"{order}{len(numbers)}I", *numbers))
        for tag, numbers in values.items()
    ]


def _copies(directory: Directory) -> Iterable[Tag]:
    for tag in _COPIED:
        stored = directory.raw(tag, _MAX_COPIED)
        if stored is not None:
            entry = directory.entries[tag]
            yield tag, entry.kind, entry.number, stored


def _palette(directory: Directory, bits: int) -> Tag:
    """Return the colour map; values that only reach 255 were written by programs that took them for 8 bit."""
    colours = directory.integers(320, 3 * 256)
    if colours.size != 3 * 2**bits:
        raise ImageError("its palette is damaged", expected=f"{3 * 2**bits} values", found=str(colours.size))
    if colours.max() < 256:
        colours = colours * 257
    return 320, _SHORT, colours.size, colours.astype(directory.order + "u2").tobytes()


def _assemble(data: bytes, order: Order, tags: Iterable[Tag]) -> bytes:
    """Return `data` with its first 8 bytes and its directory replaced: offsets into it keep their meaning."""
    listed = sorted(tags)
    start = len(data) + len(data) % 2
    values_at = start + 2 + 12 * len(listed) + 4
    entries, values = bytearray(), bytearray()
    for tag, kind, count, stored in listed:
        entries += struct.pack(order + "HHI", tag, kind, count)
        if len(stored) <= 4:
            entries += stored.ljust(4, b"\0")
        else:
            entries += struct.pack(order + "I", values_at + len(values))
            values += stored + b"\0" * (len(stored) % 2)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", start)
    directory = struct.pack(order + "H", len(listed)) + entries + bytes(4)
    return b"".join((head, memoryview(data)[8:], bytes(len(data) % 2), directory, values))
