"""Small pictures in every format and mode, made by other programs' encoders or byte by byte, with known pixels."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

HEIGHT, WIDTH = 40, 56


def field(height: int = HEIGHT, width: int = WIDTH) -> NDArray[np.uint8]:
    """Return an asymmetric (H, W, 3) picture: bright ground, a violet disc off the middle, a little texture."""
    rows, columns = np.mgrid[:height, :width]
    picture = np.empty((height, width, 3), np.uint8)
    picture[:] = np.stack((235 - rows // 4, 215 - columns // 4, 225 - (rows + columns) // 8), axis=-1)
    disc = (rows - 0.4 * height) ** 2 + (columns - 0.6 * width) ** 2 < (0.25 * height) ** 2
    picture[disc] = (96, 40, 130)
    picture[2:6, 3:15] = (200, 30, 40)
    return picture


def grey() -> NDArray[np.uint8]:
    return np.ascontiguousarray(field()[..., 1])


def save(image: Image.Image | NDArray[Any], kind: str, **options: Any) -> bytes:
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def tiff(pixels: NDArray[Any], **options: Any) -> bytes:
    options.setdefault("photometric", "rgb" if pixels.ndim == 3 and 3 in (pixels.shape[-1], pixels.shape[0]) else None)
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, metadata=options.pop("metadata", None), **options)
    return file.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(
    samples: NDArray[Any], colour: int, bits: int, *, before: bytes = b"", interlaced: bool = False, packed: bytes = b""
) -> bytes:
    """Write a PNG byte by byte: (H, W, C) samples, chunks `before` the pixels; `packed` replaces the pixels."""
    height, width = samples.shape[:2]
    passes = [(0, 0, 1, 1)]
    if interlaced:  # Adam7: first column, first row, step across, step down
        passes = [
            (0, 0, 8, 8),
            (4, 0, 8, 8),
            (0, 4, 4, 8),
            (2, 0, 4, 4),
            (0, 2, 2, 4),
            (1, 0, 2, 2),
            (0, 1, 1, 2),
        ]
    raw = b"".join(_scanlines(samples[y::down, x::across], bits) for x, y, across, down in passes)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced)),
            before,
            chunk(b"IDAT", packed or zlib.compress(raw)),
            chunk(b"IEND", b""),
        )
    )


def _scanlines(samples: NDArray[Any], bits: int) -> bytes:
    """Filter rows in turn with none, difference to the left, and difference to above."""
    height, width = samples.shape[:2]
    if not height or not width:
        return b""
    if bits == 16:
        rows = samples.astype(">u2").view(np.uint8).reshape(height, -1)
    elif bits == 8:
        rows = samples.astype(np.uint8).reshape(height, -1)
    else:
        parts = np.unpackbits(samples.astype(np.uint8).reshape(height, -1, 1), axis=2)[:, :, 8 - bits :]
        return b"".join(b"\0" + row.tobytes() for row in np.packbits(parts.reshape(height, -1), axis=1))
    step = max(1, samples.shape[2] * bits // 8)
    filtered = []
    for number, row in enumerate(rows):
        kind = number % 3
        left = np.concatenate((np.zeros(step, np.uint8), row[:-step]))
        above = rows[number - 1] if number else np.zeros_like(row)
        filtered.append(bytes([kind]) + (row - (0, left, above)[kind]).astype(np.uint8).tobytes())
    return b"".join(filtered)


def exif(orientation: int, order: str = "<") -> bytes:
    """Return an EXIF block, from its byte-order mark on, that states an orientation."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def with_segment(jpeg: bytes, marker: int, body: bytes) -> bytes:
    """Put a segment at the start of a JPEG."""
    return jpeg[:2] + struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body + jpeg[2:]


def icc(space: bytes, kind: bytes, tags: dict[bytes, bytes], connection: bytes = b"XYZ ") -> bytes:
    """Write an ICC profile of version 2."""
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(78),
        b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"cprt": b"text" + bytes(4) + b"none\0",
        **tags,
    }
    start, table, data = 132 + 12 * len(tags), b"", b""
    for name, body in tags.items():
        table += name + struct.pack(">II", start + len(data), len(body))
        data += body + bytes(-len(body) % 4)
    head = struct.pack(">I4sI4s4s4s", start + len(data), bytes(4), 0x02400000, kind, space, connection)
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">iii", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + data


def xyz(*values: float) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">iii", *(round(65536 * value) for value in values))


def curve(gamma: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(256 * gamma)) + bytes(2)


# Primaries of sRGB under illuminant D50 (ICC.1, after chromatic adaptation by Bradford).
RED, GREEN, BLUE = (0.4360, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)


def rgb_profile(red: Any = RED, green: Any = GREEN, blue: Any = BLUE, gamma: float = 2.2) -> bytes:
    curves = {name: curve(gamma) for name in (b"rTRC", b"gTRC", b"bTRC")}
    return icc(b"RGB ", b"mntr", {b"rXYZ": xyz(*red), b"gXYZ": xyz(*green), b"bXYZ": xyz(*blue), **curves})


def grey_profile(gamma: float) -> bytes:
    return icc(b"GRAY", b"mntr", {b"kTRC": curve(gamma)})


def black_only_profile() -> bytes:
    """Return a CMYK profile by which only black ink is seen: L* = 100 (1 - K), whatever C, M and Y."""
    identity = bytes(range(256))
    grid = b"".join(bytes((0 if point & 1 else 255, 128, 128)) for point in range(16))  # K varies fastest
    head = b"mft1" + bytes(4) + bytes((4, 3, 2, 0)) + struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    return icc(b"CMYK", b"prtr", {b"A2B0": head + 4 * identity + grid + 3 * identity}, b"Lab ")


def patched(data: bytes, tag: int, value: int, count: int | None = None) -> bytes:
    """Overwrite a tag of the first directory of a little-endian classic TIFF."""
    entry = _entry(data, tag)
    changed = bytearray(data)
    if count is not None:
        changed[entry + 4 : entry + 8] = count.to_bytes(4, "little")
    changed[entry + 8 : entry + 12] = value.to_bytes(4, "little")
    return bytes(changed)


def _entry(data: bytes, tag: int) -> int:
    start = int.from_bytes(data[4:8], "little")
    for entry in range(start + 2, start + 2 + 12 * int.from_bytes(data[start : start + 2], "little"), 12):
        if int.from_bytes(data[entry : entry + 2], "little") == tag:
            return entry
    raise AssertionError(f"tag {tag} is missing")


def samples() -> dict[str, bytes]:
    """Return one small valid file of each kind, for tests that damage them."""
    picture, plain = field(), grey()
    deep = picture.astype(np.uint16) * 257
    translucent = np.dstack((picture, plain))
    return {
        "jpeg": save(picture, "JPEG", quality=90, exif=b"Exif\0\0" + exif(6), icc_profile=rgb_profile()),
        "jpeg progressive": save(picture, "JPEG", progressive=True),
        "jpeg cmyk": save(Image.fromarray(picture).convert("CMYK"), "JPEG"),
        "png": save(picture, "PNG", icc_profile=rgb_profile(), exif=exif(8)),
        "png palette": save(Image.fromarray(picture).quantize(12), "PNG", transparency=2),
        "png 16": png(deep, 2, 16),
        "png interlaced": png(translucent.astype(np.uint16) * 257, 6, 16, interlaced=True),
        "bmp": save(picture, "BMP"),
        "bmp palette": save(Image.fromarray(picture).quantize(16), "BMP"),
        "webp": save(picture, "WEBP", exif=b"Exif\0\0" + exif(3), icc_profile=rgb_profile()),
        "webp lossless": save(translucent, "WEBP", lossless=True),
        "tiff": tiff(picture, compression="zlib", predictor=True),
        "tiff lzw": save(picture, "TIFF", compression="tiff_lzw"),
        "tiff jpeg": save(picture, "TIFF", compression="jpeg"),
        "tiff fax": save(Image.fromarray(plain > 128), "TIFF", compression="group4"),
        "tiff tiles": tiff(picture, tile=(16, 16), resolution=(1e5, 1e5), resolutionunit="CENTIMETER"),
        "tiff 16": tiff(deep, compression="zlib", predictor=True, byteorder=">"),
        "tiff 16 planes": tiff(deep.transpose(2, 0, 1).copy(), planarconfig="separate", tile=(32, 16)),
        "tiff big": tiff(picture, bigtiff=True),
        "tiff ome": tiff(deep, ome=True, metadata={"axes": "YXS", "PhysicalSizeX": 0.1, "PhysicalSizeY": 0.2}),
    }
