"""Where a TIFF keeps its samples, taken from its directory and checked against the bytes that are there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.finding import ImageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukolens.smear.formats.directory import Directory

NONE, FAX_RLE, FAX_3, FAX_4, LZW, JPEG, DEFLATE, PACKBITS, DEFLATE_OLD, ZSTD = 1, 2, 3, 4, 5, 7, 8, 32773, 32946, 50000
WHITE_IS_ZERO, GREY, RGB, PALETTE, CMYK, YCBCR = 0, 1, 2, 3, 5, 6
DIFFERENCES: Final = 2

_COLOURS: Final = {WHITE_IS_ZERO: 1, GREY: 1, RGB: 3, PALETTE: 1, CMYK: 4, YCBCR: 3}
_COMPRESSIONS: Final = (NONE, FAX_RLE, FAX_3, FAX_4, LZW, JPEG, DEFLATE, PACKBITS, DEFLATE_OLD, ZSTD)
_UNREAD: Final = {
    6: "JPEG of the old style",
    32803: "raw sensor data",
    34712: "JPEG 2000",
    33003: "JPEG 2000",
    33005: "JPEG 2000",
    34892: "raw camera data",
    34925: "LZMA",
    50001: "WebP",
}
_MAX_SEGMENTS: Final = 100_000
_MAX_TILE_PIXELS: Final = 2**24
_MAX_CHANNELS: Final = 16


@dataclass(frozen=True)
class Layout:
    """How the samples of one picture lie in the file.

    Parameters
    ----------
    width, height
        Pixels.
    bits
        Bits of a sample; the same for all.
    samples
        Channels, with those beyond the colours.
    photometric, compression, predictor, fill_order
        The numbers of TIFF 6.0.
    planar
        Channels lie one after the other, each in segments of its own.
    tiled
        Segments are tiles rather than strips.
    segment_width, segment_height
        Pixels of a tile, or of a strip but the last.
    extra
        What each channel beyond the colours means: 0 unstated, 1 premultiplied alpha, 2 alpha.
    offsets, lengths
        (segments,) int64: bytes in the file, all inside it.
    """

    width: int
    height: int
    bits: int
    samples: int
    photometric: int
    compression: int
    predictor: int
    fill_order: int
    planar: bool
    tiled: bool
    segment_width: int
    segment_height: int
    extra: tuple[int, ...]
    offsets: NDArray[np.int64]
    lengths: NDArray[np.int64]

    @property
    def colours(self) -> int:
        """Channels that are colour."""
        return self.samples - len(self.extra)


def read_size(directory: Directory) -> tuple[int, int]:
    """Return (width, height); ImageError where a picture states none."""
    width, height = directory.integer(256, 0), directory.integer(257, 0)
    if width < 1 or height < 1:
        raise ImageError("it is damaged", expected="a width and a height", found=f"{width} x {height}")
    return width, height


def read_layout(directory: Directory) -> Layout:
    """Read and verify how a picture lies in its file.

    Parameters
    ----------
    directory
        The picture's tags.

    Returns
    -------
    Layout
        Verified: samples are unsigned, every segment lies inside the file.

    Raises
    ------
    ImageError
        The layout is impossible, cut off, or of a kind that is not read.
    """
    width, height = read_size(directory)
    photometric, bits, samples = _read_samples(directory)
    compression = _read_compression(directory)
    planar = directory.integer(284, 1) == 2 and samples > 1
    tiled = 324 in directory.entries or 322 in directory.entries
    across, down = _read_segment_size(directory, tiled, width, height)
    count = -(-height // down) * (-(-width // across)) * (samples if planar else 1)
    channels = 1 if planar else samples
    full = -(-across * bits * channels // 8) * down
    last = full if tiled else -(-across * bits * channels // 8) * (height - (-(-height // down) - 1) * down)
    offsets, lengths = _read_segments(directory, tiled, count)
    if compression == NONE:
        per_plane = count // (samples if planar else 1)
        lengths = np.full(count, full, np.int64)
        lengths[per_plane - 1 :: per_plane] = last
    _check_inside(offsets, lengths, len(directory.data))
    extra = tuple(directory.integers(338, _MAX_CHANNELS).tolist())
    beyond = max(samples - _COLOURS[photometric], 0)
    return Layout(
        width,
        height,
        bits,
        samples,
        photometric,
        compression,
        directory.integer(317, 1),
        directory.integer(266, 1),
        planar,
        tiled,
        across,
        down,
        (extra + (0,) * beyond)[:beyond],
        offsets,
        lengths,
    )


def _read_samples(directory: Directory) -> tuple[int, int, int]:
    """Return the meaning of the channels, the bits of a sample, and the number of channels."""
    stated = directory.integers(258, _MAX_CHANNELS).tolist() or [1]
    samples = directory.integer(277, len(stated))
    photometric = directory.integer(262, RGB if samples >= 3 else GREY)
    if photometric not in _COLOURS:
        raise ImageError(
            "its colours are of a kind that is not read",
            expected="grey, RGB, palette, CMYK or YCbCr",
            found="raw sensor data" if photometric in (32803, 34892) else f"photometric interpretation {photometric}",
            todo="save it as an RGB TIFF or PNG",
        )
    if not _COLOURS[photometric] <= samples <= _MAX_CHANNELS:
        raise ImageError("its channels do not fit its colours", found=f"{samples} channels")
    kinds = set(directory.integers(339, _MAX_CHANNELS).tolist()) - {1, 4}
    if kinds or len(set(stated)) > 1 or stated[0] not in (1, 2, 4, 8, 16):
        raise ImageError(
            "its samples are of a kind that is not read",
            expected="unsigned whole numbers of 1, 2, 4, 8 or 16 bit",
            found="signed or floating-point numbers" if kinds else f"{stated} bit",
            todo="save it with 8 or 16 bit a channel",
        )
    return photometric, stated[0], samples


def _read_compression(directory: Directory) -> int:
    compression = directory.integer(259, NONE)
    if compression not in _COMPRESSIONS:
        raise ImageError(
            "its compression is not read",
            expected="none, LZW, Deflate, PackBits, JPEG, ZSTD or fax",
            found=_UNREAD.get(compression, f"compression {compression}"),
            todo="save it without compression or with LZW",
        )
    return compression


def _read_segment_size(directory: Directory, tiled: bool, width: int, height: int) -> tuple[int, int]:
    if tiled:
        across, down = directory.integer(322, 0), directory.integer(323, 0)
    else:
        across, down = width, min(directory.integer(278, height), height)
    # A tile may reach beyond a small picture, but decoders take memory for a whole one.
    if across < 1 or down < 1 or across * down > max(_MAX_TILE_PIXELS, width * height):
        raise ImageError("its tiles or strips have an impossible size", found=f"{across} x {down} px")
    return across, down


def _read_segments(directory: Directory, tiled: bool, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if count > _MAX_SEGMENTS:
        raise ImageError(
            "it is cut into too many pieces", expected=f"at most {_MAX_SEGMENTS:,} tiles or strips", found=f"{count:,}"
        )
    # Some writers state more segments than there are; the first ones count.
    offsets = directory.integers(324 if tiled else 273, 2 * _MAX_SEGMENTS)[:count]
    lengths = directory.integers(325 if tiled else 279, 2 * _MAX_SEGMENTS)[:count]
    if directory.integer(259, NONE) == NONE:
        lengths = np.zeros(count, np.int64)  # follow from the layout; what the file states is often wrong or missing
    if offsets.size != count or lengths.size != count:
        raise ImageError(
            "it is damaged", expected=f"{count} tiles or strips", found=f"{min(offsets.size, lengths.size)}"
        )
    return offsets, lengths


def _check_inside(offsets: NDArray[np.int64], lengths: NDArray[np.int64], end: int) -> None:
    # Compared so that no sum can overflow: values come from 64-bit fields.
    if (offsets < 0).any() or (lengths < 1).any() or (lengths > end).any() or (offsets > end - lengths).any():
        missing = int((offsets > end - lengths).sum())
        raise ImageError(
            "it is cut off or damaged",
            expected=f"{offsets.size} tiles or strips inside the file",
            found=f"{missing} of them beyond its end" if missing else "impossible lengths",
        )
