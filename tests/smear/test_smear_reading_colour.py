"""Colours of every kind to sRGB on white: profiles, printing inks, palettes, grey, transparency, deep samples."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms
from reading_samples import (
    BLUE,
    GREEN,
    RED,
    black_only_profile,
    chunk,
    field,
    grey,
    grey_profile,
    png,
    rgb_profile,
    save,
    tiff,
    with_segment,
)

from leukolens.smear.reading import read_image

SWAPPED = rgb_profile(red=BLUE, blue=RED, gamma=2.2)


def encode(light):
    """Encode linear light as sRGB levels (IEC 61966-2-1)."""
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)


PROFILED = {
    "JPEG": lambda picture, icc: save(picture, "JPEG", quality=100, subsampling=0, icc_profile=icc),
    "PNG": lambda picture, icc: save(picture, "PNG", icc_profile=icc),
    "TIFF": lambda picture, icc: save(picture, "TIFF", icc_profile=icc),
    "TIFF 16": lambda picture, icc: tiff(picture.astype(np.uint16) * 257, iccprofile=icc),
    "WEBP": lambda picture, icc: save(picture, "WEBP", lossless=True, icc_profile=icc),
}


@pytest.mark.parametrize("kind", PROFILED)
def test_a_profile_with_red_and_blue_swapped_swaps_them_back(kind):
    image = read_image(PROFILED[kind](field(), SWAPPED))
    light = (field() / 255) ** 2.2
    # JPEG rounds once more; the rest is exact to the rounding of two tables.
    assert np.abs(image.pixels - encode(light)[..., ::-1]).max() <= (6 if kind == "JPEG" else 2)
    assert "ICC profile 'test' converted to sRGB" in image.notes


def test_a_wide_profile_makes_colours_stronger():
    # Primaries of Adobe RGB (1998) under D50; its green lies outside sRGB.
    wide = rgb_profile((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446), 2.2)
    picture = np.full((20, 20, 3), (150, 120, 160), np.uint8)
    to_xyz = np.array([[0.6097, 0.2053, 0.1492], [0.3111, 0.6257, 0.0632], [0.0195, 0.0609, 0.7446]])
    from_srgb = np.array([RED, GREEN, BLUE]).T
    expected = encode(np.linalg.solve(from_srgb, to_xyz @ (picture[0, 0] / 255) ** 2.2))
    pixels = read_image(save(picture, "PNG", icc_profile=wide)).pixels
    np.testing.assert_allclose(pixels[0, 0], expected, atol=1.5)
    assert np.ptp(pixels[0, 0].astype(int)) > np.ptp(picture[0, 0].astype(int))


def test_a_profile_that_is_srgb_changes_nothing():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = read_image(save(field(), "PNG", icc_profile=srgb))
    np.testing.assert_array_equal(image.pixels, field())
    assert image.notes == ()


def test_a_grey_profile_is_applied_to_grey():
    image = read_image(save(grey(), "PNG", icc_profile=grey_profile(1.0)))
    np.testing.assert_allclose(image.pixels, encode(grey() / 255)[..., None] * np.ones(3), atol=1.5)
    assert image.notes[-1] == "ICC profile 'test' converted to sRGB"


def test_grey_with_an_rgb_profile_follows_the_profile():
    image = read_image(save(grey(), "JPEG", quality=100, icc_profile=rgb_profile(gamma=1.0)))
    assert np.abs(image.pixels - encode(grey() / 255)[..., None]).max() <= 4


def test_the_profile_is_applied_before_transparency_is_laid_on_white():
    picture = np.dstack((field(), np.full(field().shape[:2], 128, np.uint8)))
    image = read_image(save(picture, "PNG", icc_profile=SWAPPED))
    opaque = read_image(save(field(), "PNG", icc_profile=SWAPPED)).pixels
    np.testing.assert_allclose(image.pixels, opaque * (128 / 255) + 127, atol=1)


def test_a_palette_with_a_profile():
    image = read_image(save(Image.fromarray(field()).quantize(40), "PNG", icc_profile=SWAPPED))
    assert np.abs(image.pixels - encode((field() / 255) ** 2.2)[..., ::-1]).mean() < 4
    assert image.notes == ("palette expanded", "ICC profile 'test' converted to sRGB")


@pytest.mark.parametrize(
    ("profile", "reason"),
    [
        (b"junk", "it is for another kind of picture, the picture is RGB"),
        (SWAPPED[:200], "it is damaged"),
        (SWAPPED[:36] + b"xxxx" + SWAPPED[40:], "it is damaged"),
        (SWAPPED[:12] + b"nmcl" + SWAPPED[16:], "it is damaged"),
        (grey_profile(2.2), "it is for grey, the picture is RGB"),
        (black_only_profile(), "it is for CMYK, the picture is RGB"),
    ],
)
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_a_profile_of_no_use_is_told_and_passed_over(kind, profile, reason):
    image = read_image(PROFILED[kind](field(), profile))
    np.testing.assert_array_equal(image.pixels, field())
    assert image.notes == (f"ICC profile ignored: {reason}",)


def test_parts_of_a_jpeg_profile_in_any_order_are_joined():
    plain = save(field(), "JPEG", quality=100, subsampling=0)
    cuts = [SWAPPED[:100], SWAPPED[100:300], SWAPPED[300:]]
    bodies = [b"ICC_PROFILE\0" + bytes((number, 3)) + cut for number, cut in enumerate(cuts, 1)]
    shuffled = plain
    for body in (bodies[1], bodies[0], bodies[2]):
        shuffled = with_segment(shuffled, 0xE2, body)
    whole = read_image(PROFILED["JPEG"](field(), SWAPPED))
    np.testing.assert_array_equal(read_image(shuffled).pixels, whole.pixels)
    incomplete = read_image(with_segment(with_segment(plain, 0xE2, bodies[0]), 0xE2, bodies[2]))
    assert incomplete.notes == ("ICC profile ignored: parts of it are missing",)
    np.testing.assert_array_equal(incomplete.pixels, read_image(plain).pixels)


@pytest.mark.parametrize("packed", [b"junk", zlib.compress(SWAPPED)[:-9]])
def test_a_png_profile_that_cannot_be_unpacked_is_passed_over(packed):
    image = read_image(png(field(), 2, 8, before=chunk(b"iCCP", b"name\0\0" + packed)))
    np.testing.assert_array_equal(image.pixels, field())
    assert image.notes[0].startswith("ICC profile ignored")


def test_a_bitmap_of_version_5_brings_its_profile():
    plain = save(field(), "BMP")
    pixels = plain[int.from_bytes(plain[10:14], "little") :]
    head = bytearray(14 + 124)
    head[:54] = plain[:54]
    head[10:14], head[14:18] = (14 + 124).to_bytes(4, "little"), (124).to_bytes(4, "little")
    head[70:74] = b"DEBM"  # profile embedded, as a little-endian number
    head[126:134] = (124 + len(pixels)).to_bytes(4, "little") + len(SWAPPED).to_bytes(4, "little")
    image = read_image(bytes(head) + pixels + SWAPPED)
    np.testing.assert_array_equal(image.pixels, read_image(PROFILED["PNG"](field(), SWAPPED)).pixels)


INKS = np.array([[0, 0, 0, 0], [255, 0, 0, 0], [0, 255, 0, 0], [0, 0, 255, 0], [0, 0, 0, 255], [40, 90, 10, 60]])


def inks() -> Image.Image:
    """Return six patches of 16 px of printing inks, 0 for no ink."""
    return Image.fromarray(np.repeat(np.repeat(INKS.astype(np.uint8)[None], 16, 1), 16, 0).copy(), "CMYK")


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_inks_without_a_profile_darken_white(kind):
    data = save(inks(), kind, **({"quality": 100, "subsampling": 0} if kind == "JPEG" else {}))
    assert kind == "TIFF" or b"Adobe" in data  # by Adobe's convention such a JPEG holds its inks inverted
    image = read_image(data)
    expected = (255 - INKS[:, :3]) * (255 - INKS[:, 3:]) / 255
    np.testing.assert_allclose(image.pixels[8, 8::16], expected, atol=2)
    assert image.notes == ("CMYK converted to RGB without a profile",)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_inks_follow_their_profile(kind):
    image = read_image(save(inks(), kind, icc_profile=black_only_profile()))
    lightness = 1 - INKS[:, 3] / 255
    luminance = np.where(lightness > 0.08, ((lightness * 100 + 16) / 116) ** 3, lightness * 100 / 903.3)
    np.testing.assert_allclose(image.pixels[8, 8::16], encode(luminance)[:, None] * np.ones(3), atol=3)
    assert image.notes == ("ICC profile 'test' converted to sRGB",)


def test_inks_of_16_bit():
    deep = np.asarray(inks()).astype(np.uint16) * 257
    image = read_image(tiff(deep, photometric="separated"))
    np.testing.assert_allclose(image.pixels[8, 8::16], (255 - INKS[:, :3]) * (255 - INKS[:, 3:]) / 255, atol=1)


def on_white(colour, alpha):
    alpha = alpha[..., None] / 255
    return colour * alpha + 255 * (1 - alpha)


@pytest.mark.parametrize(
    ("kind", "mode"), [("PNG", "RGBA"), ("TIFF", "RGBA"), ("WEBP", "RGBA"), ("PNG", "LA"), ("TIFF", "LA")]
)
def test_transparency_shows_white(kind, mode):
    alpha = np.tile(np.linspace(0, 255, field().shape[1]).astype(np.uint8), (field().shape[0], 1))
    colour = field() if mode == "RGBA" else np.repeat(grey()[..., None], 3, axis=2)
    parts = np.dstack((field() if mode == "RGBA" else grey(), alpha))
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    image = read_image(save(Image.fromarray(parts, mode), kind, **options))
    np.testing.assert_allclose(image.pixels, on_white(colour, alpha), atol=0.51)
    assert image.notes[-1] == "transparency laid on white"


def test_transparency_that_hides_nothing_is_not_worth_a_note():
    image = read_image(save(np.dstack((field(), np.full_like(grey(), 255))), "PNG"))
    np.testing.assert_array_equal(image.pixels, field())
    assert image.notes == ()


@pytest.mark.parametrize("premultiplied", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_tiff_may_hold_colours_already_multiplied_by_alpha(dtype, premultiplied):
    full = np.iinfo(dtype).max
    alpha = np.full(grey().shape, 0.5)
    alpha[:, :20] = 1.0
    colour = field() / 255
    stored = np.dstack((colour * alpha[..., None] if premultiplied else colour, alpha))
    data = tiff((stored * full).round().astype(dtype), extrasamples=["assocalpha" if premultiplied else "unassalpha"])
    np.testing.assert_allclose(read_image(data).pixels, on_white(field(), alpha * 255), atol=2)


def test_a_fourth_channel_without_a_meaning_is_left_out():
    for dtype in (np.uint8, np.uint16):
        stored = np.dstack((field(), np.zeros_like(grey()))).astype(dtype) * (257 if dtype is np.uint16 else 1)
        image = read_image(tiff(stored, extrasamples=["unspecified"]))
        np.testing.assert_array_equal(image.pixels, field())
        assert "1 channel(s) of unstated meaning left out" in image.notes


def test_a_transparent_entry_of_a_palette():
    indexed = Image.fromarray(field()).quantize(8)
    chosen = indexed.getpixel((6, 3))
    image = read_image(save(indexed, "PNG", transparency=chosen))
    hidden = np.asarray(indexed) == chosen
    assert (image.pixels[hidden] == 255).all()
    np.testing.assert_array_equal(image.pixels[~hidden], np.asarray(indexed.convert("RGB"))[~hidden])
    assert image.notes == ("palette expanded", "transparency laid on white")


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_a_palette_is_expanded(kind):
    indexed = Image.fromarray(field()).quantize(200)
    image = read_image(save(indexed, kind))
    np.testing.assert_array_equal(image.pixels, np.asarray(indexed.convert("RGB")))
    assert image.notes == ("palette expanded",)


@pytest.mark.parametrize("bits", [8, 16])
def test_one_colour_named_transparent(bits):
    scale = 257 if bits == 16 else 1
    named = tuple(int(value) * scale for value in field()[3, 6])
    body = b"".join(value.to_bytes(2, "big") for value in named)
    image = read_image(png(field().astype(np.uint16) * scale, 2, bits, before=chunk(b"tRNS", body)))
    hidden = (field() == field()[3, 6]).all(axis=2)
    assert 0 < hidden.sum() < hidden.size
    assert (image.pixels[hidden] == 255).all()
    np.testing.assert_array_equal(image.pixels[~hidden], field()[~hidden])


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_one_grey_named_transparent(bits):
    levels = np.round((grey() - 30.0) * (2**bits - 1) / 225).astype(np.uint16)
    body = int(levels[3, 6]).to_bytes(2, "big")
    image = read_image(png(levels[..., None], 0, bits, before=chunk(b"tRNS", body)))
    hidden = levels == levels[3, 6]
    assert 0 < hidden.sum() < hidden.size
    assert (image.pixels[hidden] == 255).all()
    expected = np.round(levels * 255.0 / (2**bits - 1))
    np.testing.assert_array_equal(image.pixels[~hidden][:, 0], expected[~hidden])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "BMP"])
def test_grey_is_the_same_in_all_channels(kind):
    image = read_image(save(grey(), kind, **({"quality": 100} if kind == "JPEG" else {})))
    assert np.abs(image.pixels[..., 0].astype(int) - grey()).max() <= (2 if kind == "JPEG" else 0)
    assert (image.pixels == image.pixels[..., :1]).all()
    assert image.notes == ("grey: the same in all three channels",)


@pytest.mark.parametrize("options", [{"format": "PNG"}, {"format": "BMP"}, {"format": "TIFF", "compression": "group4"}])
def test_one_bit_is_black_and_white(options):
    bilevel = grey() > 150
    image = read_image(save(Image.fromarray(bilevel), options.pop("format"), **options))
    np.testing.assert_array_equal(image.pixels, np.repeat(bilevel[..., None] * np.uint8(255), 3, axis=2))
    assert image.notes[0] == "1 bit read as black and white"


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("container", ["tiff", "png", "tiff grey", "png grey", "png grey alpha", "png alpha"])
def test_deep_samples_are_reduced_over_the_range_that_the_camera_used(container, bits):
    top = 2**bits - 1
    stored = np.round(np.linspace(0.02, 1.0, 40 * 50 * 3) * top).astype(np.uint16).reshape(40, 50, 3)
    expected = np.floor(stored.astype(float) * 255 / top + 0.5).astype(np.uint8)
    opaque = np.full((40, 50), 65535, np.uint16)
    data = {
        "tiff": lambda: tiff(stored),
        "png": lambda: png(stored, 2, 16),
        "tiff grey": lambda: tiff(stored[..., 2]),
        "png grey": lambda: png(stored[..., 2:], 0, 16),
        "png grey alpha": lambda: png(np.dstack((stored[..., 2], opaque)), 4, 16),
        "png alpha": lambda: png(np.dstack((stored, opaque)), 6, 16),
    }[container]()
    image = read_image(data)
    if "grey" in container:
        expected = np.repeat(expected[..., 2:], 3, axis=2)
    np.testing.assert_array_equal(image.pixels, expected)
    note = "16 bit reduced to 8" if bits == 16 else f"16 bit reduced to 8: no value above {top}, taken as {bits} bit"
    assert note in image.notes
