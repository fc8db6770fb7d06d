"""TIFF: every layout of samples against the pixels that went in, and the scale that microscopes state."""

from __future__ import annotations

import io
import itertools
import struct

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image
from reading_samples import field, grey, patched, save, tiff

from leukolens.finding import ImageError
from leukolens.smear.formats.directory import count_pages, read_directory, read_head
from leukolens.smear.reading import read_image

LAYOUTS = list(
    itertools.product(
        (np.uint8, np.uint16),
        ("grey", "colour", "planes"),
        (None, (16, 16), (64, 48)),
        ((None, False), ("zlib", False), ("zlib", True)),
        ("<", ">"),
    )
)


@pytest.mark.parametrize(("dtype", "channels", "tile", "packing", "order"), LAYOUTS)
def test_every_layout_gives_the_pixels_that_went_in(dtype, channels, tile, packing, order):
    picture = field().astype(dtype) * (257 if dtype is np.uint16 else 1)
    compression, predictor = packing
    stored = {"grey": picture[..., 1], "colour": picture, "planes": picture.transpose(2, 0, 1)}[channels]
    options = {"tile": tile} if tile else {"rowsperstrip": 7}
    if channels == "planes":
        options["planarconfig"] = "separate"
    data = tiff(np.ascontiguousarray(stored), compression=compression, predictor=predictor, byteorder=order, **options)
    expected = np.repeat(field()[..., 1:2], 3, axis=2) if channels == "grey" else field()
    np.testing.assert_array_equal(read_image(data).pixels, expected)


@pytest.mark.parametrize("compression", [5, 8, 32946])
@pytest.mark.parametrize("predictor", [1, 2])
def test_deep_colour_keeps_all_its_bits_under_lzw_and_deflate(compression, predictor):
    twelve = (field().astype(np.uint32) * 4095 // 255).astype(np.uint16)[..., ::-1]
    written, data = cv2.imencode(
        ".tiff", twelve, [cv2.IMWRITE_TIFF_COMPRESSION, compression, cv2.IMWRITE_TIFF_PREDICTOR, predictor]
    )
    assert written
    image = read_image(data.tobytes())
    # The upper 8 of 16 bits alone would leave 16 levels, up to 8 of 255 away.
    assert np.abs(image.pixels.astype(int) - field()).max() <= 1
    assert any(note.endswith("taken as 12 bit") for note in image.notes)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "zstd"])
@pytest.mark.parametrize("mode", ["L", "RGB", "P", "1"])
def test_pillows_own_compressions(compression, mode):
    picture = Image.fromarray(field())
    picture = picture.quantize(64) if mode == "P" else picture.convert(mode)
    try:
        data = save(picture, "TIFF", compression=compression)
    except OSError:
        assert compression == "zstd"
        pytest.skip("this Pillow was built without ZSTD")
    image = read_image(data)
    np.testing.assert_array_equal(image.pixels, np.asarray(picture.convert("RGB")))


def test_jpeg_inside_a_tiff():
    image = read_image(save(field(), "TIFF", compression="jpeg", quality=95))
    assert np.abs(image.pixels.astype(int) - field()).mean() < 5


def test_white_at_zero_is_turned_round():
    for dtype in (np.uint8, np.uint16):
        inverted = (255 - grey()).astype(dtype) * (257 if dtype is np.uint16 else 1)
        image = read_image(tiff(inverted, photometric="miniswhite"))
        np.testing.assert_array_equal(image.pixels[..., 0], grey())


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_big_tiff(dtype):
    stored = field().astype(dtype) * (257 if dtype is np.uint16 else 1)
    np.testing.assert_array_equal(read_image(tiff(stored, bigtiff=True, tile=(32, 32))).pixels, field())


def test_a_palette_whose_colours_end_at_255():
    indexed = Image.fromarray(field()).quantize(64)
    colours = np.zeros((3, 256), np.uint16)
    listed = np.asarray(indexed.getpalette()).reshape(-1, 3).T
    colours[:, : listed.shape[1]] = listed
    data = tiff(np.asarray(indexed), photometric="palette", colormap=colours)
    np.testing.assert_array_equal(read_image(data).pixels, np.asarray(indexed.convert("RGB")))


@pytest.mark.parametrize(
    ("stored", "options", "reason"),
    [
        (field().astype(np.float32), {}, "signed or floating-point"),
        (field().astype(np.int16), {}, "signed or floating-point"),
        (field().astype(np.uint32), {}, "32"),
        (grey(), {"photometric": "cfa"}, "raw sensor data"),
        (field(), {"photometric": "cielab"}, "photometric interpretation 8"),
        (field(), {"photometric": "ycbcr", "subsampling": (1, 1)}, "YCbCr"),
        (field(), {"compression": "lzma"}, "LZMA"),
    ],
)
def test_what_is_not_read_is_named(stored, options, reason):
    with pytest.raises(ImageError, match=reason):
        read_image(tiff(stored, **options))


def test_the_preview_of_a_raw_file_is_not_taken_for_the_picture():
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(field(), photometric="rgb", subfiletype=1, subifds=1)
        writer.write(np.tile(field(), (2, 2, 1)), photometric="rgb")
    with pytest.raises(ImageError, match="only a preview"):
        read_image(file.getvalue())


def test_deep_samples_under_packbits():
    packed = b"".join(b"\x37" + row.tobytes() for row in (field()[:, :28].astype("<u2") * 257).reshape(-1, 28))
    data = tiff(field()[:, :28].astype(np.uint16) * 257, rowsperstrip=40)
    start = len(data) + len(data) % 2
    data = patched(patched(patched(data, 259, 32773), 273, start), 279, len(packed))
    np.testing.assert_array_equal(read_image(data.ljust(start, b"\0") + packed).pixels, field()[:, :28])


@pytest.mark.parametrize(
    ("tag", "value", "reason"),
    [
        (273, 1_000_000, "beyond its end"),
        (279, 1_000_000, "beyond its end"),
        (279, 0, "impossible lengths"),
        (256, 0, "a width and a height"),
        (278, 1, "40 tiles or strips"),
        (317, 3, "predictor 3"),
        (258, 12, r"\[12\] bit"),
        (259, 34712, "JPEG 2000"),
    ],
)
def test_directories_that_lie_are_refused(tag, value, reason):
    data = tiff(grey().astype(np.uint16) * 257, compression="zlib", predictor=True, rowsperstrip=40)
    assert read_image(data).pixels.shape == (40, 56, 3)
    with pytest.raises(ImageError, match=reason):
        read_image(patched(data, tag, value))


def test_tiles_larger_than_a_small_picture_are_usual_but_not_without_end():
    data = tiff(field(), tile=(512, 512), compression="zlib")
    np.testing.assert_array_equal(read_image(data).pixels, field())
    with pytest.raises(ImageError, match="impossible size"):
        read_image(patched(data, 322, 60_000))


def test_a_chain_of_pages_that_bites_its_tail_ends():
    data = bytearray(tiff(grey()))
    start = int.from_bytes(data[4:8], "little")
    end = start + 2 + 12 * int.from_bytes(data[start : start + 2], "little")
    data[end : end + 4] = start.to_bytes(4, "little")
    head = read_head(bytes(data))
    assert head is not None
    assert count_pages(bytes(data), head) == 1
    assert read_image(bytes(data)).notes == ("grey: the same in all three channels",)


def test_a_directory_leaves_out_what_lies_outside():
    data = struct.pack("<2sHIH", b"II", 42, 8, 3)
    data += struct.pack("<HHII", 256, 3, 1, 77) + struct.pack("<HHII", 270, 2, 9, 4000)
    data += struct.pack("<HHII", 282, 5, 1, 50) + struct.pack("<III", 0, 3, 0)
    head = read_head(data)
    assert head is not None
    directory = read_directory(data, head)
    assert directory.integer(256, 0) == 77
    assert directory.text(270, 100) == ""
    assert directory.rational(282) is None  # a fraction over zero
    assert directory.integer(999, 5) == 5
    with pytest.raises(ValueError, match="tag 282"):
        directory.integers(282)


def ome(**attributes: str) -> bytes:
    listed = " ".join(f'{name}="{value}"' for name, value in attributes.items())
    text = f'<?xml version="1.0"?><OME xmlns="x"><Image><Pixels ID="P:0" {listed}><Channel/></Pixels></Image></OME>'
    return tiff(field(), description=text.encode())


def imagej(unit: str, per_unit: float, resolutionunit: int = 1) -> bytes:
    text = f"ImageJ=1.53k\nunit={unit}\nmin=0.0\n".encode()
    return tiff(field(), description=text, resolution=(per_unit, per_unit / 2), resolutionunit=resolutionunit)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (ome(PhysicalSizeX="0.11", PhysicalSizeY="0.15"), (0.11, 0.15)),
        (
            ome(PhysicalSizeX="110", PhysicalSizeXUnit="nm", PhysicalSizeY="1.5E-4", PhysicalSizeYUnit="mm"),
            (0.11, 0.15),
        ),
        (
            ome(PhysicalSizeX="0.11", PhysicalSizeXUnit="&#181;m", PhysicalSizeY="0.15", PhysicalSizeYUnit="µm"),
            (0.11, 0.15),
        ),
        (ome(PhysicalSizeX="0.11"), None),
        (ome(PhysicalSizeX="1", PhysicalSizeY="1", PhysicalSizeXUnit="pixel", PhysicalSizeYUnit="pixel"), None),
        (ome(PhysicalSizeX="0", PhysicalSizeY="0"), None),
        (ome(PhysicalSizeX="nan", PhysicalSizeY="inf"), None),
        (ome(PhysicalSizeX="a", PhysicalSizeY="b"), None),
        (ome(), None),
        (imagej("micron", 8), (0.125, 0.25)),
        (imagej("\\u00B5m", 8), (0.125, 0.25)),
        (imagej("µm", 8), (0.125, 0.25)),
        (imagej("nm", 0.008), (0.125, 0.25)),
        (imagej("cm", 80_000, 3), (0.125, 0.25)),
        (imagej("inch", 300), None),
        (imagej("pixel", 1), None),
        (tiff(field(), resolution=(80_000, 40_000), resolutionunit=3), (0.125, 0.25)),
        (tiff(field(), resolution=(118, 118), resolutionunit=3), None),
        (tiff(field(), resolution=(80_000, 40), resolutionunit=3), None),
        (tiff(field(), resolution=(72, 72), resolutionunit=2), None),
        (tiff(field(), resolution=(96, 96), resolutionunit=2), None),
        (tiff(field(), resolution=(300, 300), resolutionunit=2), None),
        (tiff(field(), resolution=(80_000, 80_000), resolutionunit=1), None),
        (save(field(), "JPEG", dpi=(300, 300)), None),
        (save(field(), "PNG", dpi=(300, 300)), None),
        (tiff(field()), None),
    ],
)
def test_a_microscopes_scale_is_taken_and_a_printers_is_not(data, expected):
    image = read_image(data)
    assert image.um_per_px == (None if expected is None else pytest.approx(expected, rel=1e-4))
    assert any("µm per px" in note for note in image.notes) == (expected is not None)


def test_files_as_ome_and_imagej_are_written_by_tifffile():
    file = io.BytesIO()
    metadata = {"axes": "YXS", "PhysicalSizeX": 0.2, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.3}
    tifffile.imwrite(file, field(), ome=True, metadata={**metadata, "PhysicalSizeYUnit": "µm"})
    assert read_image(file.getvalue()).um_per_px == pytest.approx((0.2, 0.3))
    file = io.BytesIO()
    tifffile.imwrite(file, field(), imagej=True, resolution=(5, 4), metadata={"unit": "um"})
    image = read_image(file.getvalue())
    assert image.um_per_px == pytest.approx((0.2, 0.25))
    np.testing.assert_array_equal(image.pixels, field())


def test_the_scale_turns_with_the_picture():
    data = tiff(field(), resolution=(80_000, 40_000), resolutionunit=3, extratags=[(274, 3, 1, 6, True)])
    assert read_image(data).um_per_px == pytest.approx((0.25, 0.125))
