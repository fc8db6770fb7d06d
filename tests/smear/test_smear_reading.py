"""Reading whole pictures: formats by content, exact pixels, orientation, facts told with them."""

from __future__ import annotations

import hashlib
import io
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reading_samples import HEIGHT, WIDTH, chunk, exif, field, grey, png, samples, save, tiff, with_segment

from leukolens.finding import UsageError
from leukolens.smear.reading import Limits, printable, read_image

LOSSLESS = {
    "PNG": lambda picture: save(picture, "PNG"),
    "TIFF": lambda picture: save(picture, "TIFF", compression="tiff_lzw"),
    "BMP": lambda picture: save(picture, "BMP"),
    "WEBP": lambda picture: save(picture, "WEBP", lossless=True),
}


@pytest.mark.parametrize("kind", LOSSLESS)
def test_a_lossless_picture_comes_back_as_it_was(kind):
    data = LOSSLESS[kind](field())
    image = read_image(data)
    np.testing.assert_array_equal(image.pixels, field())
    assert (image.format, image.um_per_px, image.notes) == (kind, None, ())
    assert image.sha256 == hashlib.sha256(data).hexdigest()
    assert image.pixels.dtype == np.uint8
    assert image.pixels.flags.c_contiguous
    assert image.pixels.flags.writeable


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"quality": 100, "subsampling": 0}, {"restart_marker_rows": 1}]
)
def test_a_jpeg_has_the_pixels_that_its_decoder_gives(options):
    data = save(field(), "JPEG", **options)
    image = read_image(data)
    np.testing.assert_array_equal(image.pixels, np.asarray(Image.open(io.BytesIO(data))))
    assert image.format == "JPEG"
    assert np.abs(image.pixels.astype(int) - field()).mean() < 6


def test_segments_that_are_no_part_of_the_picture_change_nothing():
    plain = save(field(), "JPEG")
    crowded = with_segment(with_segment(plain, 0xFE, b"a comment"), 0xED, b"Photoshop 3.0\0 8BIM junk")
    crowded = crowded[:2] + b"\xff\xff" + crowded[2:]  # fill bytes before a marker are allowed
    np.testing.assert_array_equal(read_image(crowded).pixels, read_image(plain).pixels)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(("colour", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
@pytest.mark.parametrize("bits", [8, 16])
def test_png_of_every_shape(bits, colour, channels, interlaced):
    stored = field().astype(np.uint16)
    expected = np.repeat(stored[..., :1], 3, axis=2) if channels < 3 else stored
    parts = stored[..., :1] if channels < 3 else stored
    if channels in (2, 4):
        parts = np.dstack((parts, np.full((HEIGHT, WIDTH), 255, np.uint16)))
    image = read_image(png(parts * 257 if bits == 16 else parts, colour, bits, interlaced=interlaced))
    np.testing.assert_array_equal(image.pixels, expected)
    assert ("16 bit reduced to 8" in image.notes) == (bits == 16)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_png_of_few_grey_levels_spreads_them_over_the_range(bits):
    levels = (grey().astype(int) * (2**bits - 1) // 255).astype(np.uint8)
    image = read_image(png(levels[..., None], 0, bits))
    np.testing.assert_array_equal(image.pixels, np.repeat((levels * (255 // (2**bits - 1)))[..., None], 3, axis=2))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".BMP"])
def test_a_jpeg_by_another_name_is_read_and_told(tmp_path, suffix):
    path = tmp_path / f"smear{suffix}"
    path.write_bytes(save(field(), "JPEG"))
    image = read_image(path)
    assert image.format == "JPEG"
    assert image.notes == (f"named {suffix.lower()}, but read as the JPEG picture that it is",)


@pytest.mark.parametrize("name", ["smear.jpg", "smear.JPEG", "smear", "smear.001", "smear.jpg.bak"])
def test_a_name_that_promises_nothing_else_needs_no_note(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(save(field(), "JPEG"))
    assert read_image(path).notes == ()


def test_a_path_and_its_bytes_give_the_same(tmp_path):
    for name, data in samples().items():
        path = tmp_path / "picture"
        path.write_bytes(data)
        by_path, by_bytes = read_image(path), read_image(data)
        assert read_image(str(path)).sha256 == by_bytes.sha256
        np.testing.assert_array_equal(by_path.pixels, by_bytes.pixels, err_msg=name)
        assert (by_path.sha256, by_path.format, by_path.notes) == (by_bytes.sha256, by_bytes.format, by_bytes.notes)


def test_a_link_is_followed(tmp_path):
    (tmp_path / "target.png").write_bytes(save(field(), "PNG"))
    (tmp_path / "link.png").symlink_to(tmp_path / "target.png")
    np.testing.assert_array_equal(read_image(tmp_path / "link.png").pixels, field())


CONTAINERS = {
    "jpeg": lambda picture, number: save(picture, "JPEG", quality=100, subsampling=0, exif=b"Exif\0\0" + exif(number)),
    "jpeg big-endian": lambda picture, number: save(
        picture, "JPEG", quality=100, subsampling=0, exif=b"Exif\0\0" + exif(number, ">")
    ),
    "png": lambda picture, number: save(picture, "PNG", exif=exif(number)),
    "webp": lambda picture, number: save(picture, "WEBP", lossless=True, exif=exif(number)),
    "tiff": lambda picture, number: tiff(picture, extratags=[(274, 3, 1, number, True)]),
    "tiff 16": lambda picture, number: tiff(picture.astype(np.uint16) * 257, extratags=[(274, 3, 1, number, True)]),
}
# EXIF 2.32, 4.6.4: where the stored row 0 and the stored column 0 are in the picture as it is to be seen.
ROW_0 = {1: "top", 2: "top", 3: "bottom", 4: "bottom", 5: "left", 6: "right", 7: "right", 8: "left"}
COLUMN_0 = {1: "left", 2: "right", 3: "right", 4: "left", 5: "top", 6: "top", 7: "bottom", 8: "bottom"}


def _edge(pixels, side):
    return {"top": pixels[:8], "bottom": pixels[-8:], "left": pixels[:, :8], "right": pixels[:, -8:]}[side]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("container", CONTAINERS)
def test_the_picture_is_turned_upright(container, orientation):
    stored = np.full((32, 48, 3), 120, np.uint8)
    stored[:8] += np.array((100, 0, 0), np.uint8)
    stored[:, :8] += np.array((0, 100, 0), np.uint8)
    image = read_image(CONTAINERS[container](stored, orientation))
    assert image.pixels.shape == ((48, 32, 3) if orientation > 4 else (32, 48, 3))
    assert _edge(image.pixels, ROW_0[orientation])[..., 0].min() > 200
    assert _edge(image.pixels, COLUMN_0[orientation])[..., 1].min() > 200
    assert (image.pixels[..., 0] > 200).mean() == pytest.approx(8 / 32)
    assert image.pixels.flags.c_contiguous
    assert any(f"orientation {orientation} applied" in note for note in image.notes) == (orientation > 1)


def test_an_orientation_that_does_not_exist_is_told_and_not_followed():
    image = read_image(save(field(), "PNG", exif=exif(9)))
    np.testing.assert_array_equal(image.pixels, field())
    assert image.notes == ("orientation 9 does not exist: taken as upright",)


@pytest.mark.parametrize("block", [b"", b"II*\0", b"II*\0\xff\xff\xff\x7f", b"II*\0\x08\0\0\0\xff\xff", b"\0" * 40])
def test_damaged_exif_data_do_not_keep_a_picture_from_being_read(block):
    image = read_image(with_segment(save(field(), "JPEG"), 0xE1, b"Exif\0\0" + block))
    assert image.notes == ("EXIF data are damaged: taken as upright",)


def test_the_first_picture_of_several_is_read_and_told():
    other = np.zeros_like(field())
    pages = [Image.fromarray(other)] * 3
    tif = read_image(save(Image.fromarray(field()), "TIFF", save_all=True, append_images=pages))
    apng = read_image(save(Image.fromarray(field()), "PNG", save_all=True, append_images=pages[:1]))
    webp = read_image(save(Image.fromarray(field()), "WEBP", save_all=True, append_images=pages[:1], lossless=True))
    for image in (tif, apng, webp):
        np.testing.assert_array_equal(image.pixels, field())
    assert tif.notes == ("the first of 4 pages was read",)
    assert apng.notes == ("animated: the first picture was read",)
    assert webp.notes == ("animated: the first of 2 pictures was read",)


def test_a_multi_picture_jpeg_gives_its_first():
    data = save(Image.fromarray(field()), "MPO", save_all=True, append_images=[Image.new("RGB", (WIDTH, HEIGHT))])
    image = read_image(data)
    assert image.notes == ("several pictures in the file: the first was read",)
    assert np.abs(image.pixels.astype(int) - field()).mean() < 6


def test_text_of_any_size_in_a_png_is_passed_over():
    image = read_image(png(field(), 2, 8, before=chunk(b"tEXt", b"Comment\0" + b"x" * 3_000_000)))
    np.testing.assert_array_equal(image.pixels, field())


@pytest.mark.parametrize("name", ["Мазок 涂片 فیلم‌ها 🩸.png", "a\nb\x1b[31m.png", "‮gnp.raems.png", "x" * 200 + ".png"])
def test_names_with_any_characters(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(save(field(), "PNG"))
    np.testing.assert_array_equal(read_image(path).pixels, field())


@pytest.mark.skipif(os.name == "nt", reason="names are text on Windows")
def test_a_name_that_is_no_text(tmp_path):
    path = tmp_path / os.fsdecode(b"smear-\xff\xfe.png")
    try:
        path.write_bytes(save(field(), "PNG"))
    except OSError:
        pytest.skip("this file system takes only names that are text")
    np.testing.assert_array_equal(read_image(path).pixels, field())


def test_printable_text_survives_every_encoding():
    assert printable(Path("Мазок 涂片.png")) == "Мазок 涂片.png"
    assert printable("a\udcffb\n\x1b‮c‌d") == "a\\udcffb\\n\\x1b\\u202ec‌d"
    json.dumps(printable(os.fsdecode(b"\xff"))).encode("utf-8")


def test_threads_get_what_one_thread_gets():
    files = list(samples().values()) * 4
    alone = [read_image(data).pixels for data in files]
    with ThreadPoolExecutor(8) as pool:
        together = [image.pixels for image in pool.map(read_image, files)]
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("limits", [{"max_bytes": 0}, {"max_pixels": -1}])
def test_a_limit_must_allow_something(limits):
    with pytest.raises(UsageError, match="positive"):
        Limits(**limits)


def test_the_smallest_side_that_is_read():
    assert read_image(save(field()[:16, :16], "PNG")).pixels.shape == (16, 16, 3)
