"""What cannot be read: every kind gets an ImageError with its reason, at once, and without memory to speak of."""

from __future__ import annotations

import json
import os
import socket
import stat
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile
from reading_samples import HEIGHT, WIDTH, field, samples, save

from leukolens.finding import ImageError, ImageTooLargeError
from leukolens.smear import sources
from leukolens.smear.reading import Limits, read_image


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"\0" * 5000, "nothing but zero bytes"),
        (b"Dear colleague, the smear is attached.", "found text"),
        (b"BM and some more text that is no bitmap", "found text"),
        (b"GIF89a" + bytes(100), "found a GIF picture"),
        (bytes(128) + b"DICM" + bytes(100), "found a DICOM file"),
        (b"%PDF-1.7\n" + bytes(100), "found a PDF document"),
        (b"\n<?xml version='1.0'?><svg/>", "an XML or SVG text"),
        (b"\0\0\0\x20ftypheic" + bytes(100), "found a HEIC picture"),
        (b"PK\x03\x04" + bytes(100), "found a ZIP archive"),
        (bytes(range(256)), "found unknown data"),
        (b"\xff\xd8\xff", "cut off within its header"),
        (b"\xff\xd8\xff\xd9", "cut off within its header"),
        (b"\x89PNG\r\n\x1a\n", "cut off"),
        (b"II*\0", "cut off"),
        (b"II*\0\xff\xff\xff\xff", "outside the file"),
        (b"RIFF\x10\0\0\0WEBP", "cut off"),
        (b"RIFF\x04\0\0\0WEBP", "states a size"),
        (b"BM" + bytes(12) + b"\x28\0\0\0", "cut off within its header"),
    ],
)
def test_what_is_no_picture_is_named(tmp_path, data, reason):
    path = tmp_path / "smear.png"
    path.write_bytes(data)
    for source in (path, data):
        with pytest.raises(ImageError, match=reason) as caught:
            read_image(source)
        assert type(caught.value) is ImageError
    with pytest.raises(ImageError, match=r"smear\.png cannot be read"):
        read_image(path)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.mkdir(), "found a folder"),
        (lambda path: path.symlink_to(path.parent / "nowhere"), "no such file"),
        (lambda path: path.symlink_to(path), "could not read it"),
        pytest.param(
            lambda path: os.mkfifo(path),
            "named pipe",
            marks=pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes"),
        ),
        pytest.param(
            lambda path: path.symlink_to("/dev/zero"),
            "character device",
            marks=pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no /dev/zero"),
        ),
    ],
)
@pytest.mark.timeout(20)
def test_what_is_no_ordinary_file_is_refused_at_once(tmp_path, make, reason):
    path = tmp_path / "smear.jpg"
    make(path)
    with pytest.raises(ImageError, match=reason):
        read_image(path)


@pytest.mark.timeout(20)
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_put_in_the_files_place_does_not_block(tmp_path, monkeypatch):
    (tmp_path / "true.jpg").write_bytes(save(field(), "JPEG"))
    os.mkfifo(tmp_path / "smear.jpg")
    before = (tmp_path / "true.jpg").stat()
    monkeypatch.setattr(sources.os, "stat", lambda *_, **__: before)
    with pytest.raises(ImageError, match="named pipe"):
        read_image(tmp_path / "smear.jpg")


@pytest.mark.timeout(20)
@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this system has no sockets in its file system")
def test_a_socket_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("smear.jpg")
        with pytest.raises(ImageError, match="a socket"):
            read_image(Path("smear.jpg"))


def test_a_file_without_permission(tmp_path, monkeypatch):
    path = tmp_path / "smear.png"
    path.write_bytes(save(field(), "PNG"))

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(sources.os, "open", refuse)  # whoever runs the tests may be allowed to read everything
    with pytest.raises(ImageError, match="permission to read it is missing") as caught:
        read_image(path)
    assert isinstance(caught.value.__cause__, PermissionError)


def test_a_name_with_a_null_character():
    with pytest.raises(ImageError, match="the name is not possible"):
        read_image(Path("a\0b.png"))


def test_a_device_that_fails_while_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "smear.png"
    path.write_bytes(save(field(), "PNG"))

    def fail(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(sources.os, "read", fail)
    with pytest.raises(ImageError, match="Input/output error"):
        read_image(path)


@pytest.mark.parametrize("name", [b"\xff\xfe\xe2\x80.png", "\n\x1b[2J\u202e.png".encode(), "涂片🩸.png".encode()])
def test_messages_hold_any_name_and_can_be_written_as_json(tmp_path, name):
    with pytest.raises(ImageError) as caught:
        read_image(tmp_path / os.fsdecode(name))
    message = str(caught.value)
    assert json.loads(json.dumps(message)) == message
    message.encode("utf-8")
    assert "\n" not in message
    assert "\x1b" not in message


def test_bytes_that_arrive_in_small_pieces_are_all_read(tmp_path, monkeypatch):
    path = tmp_path / "smear.png"
    path.write_bytes(save(field(), "PNG"))
    read = os.read
    monkeypatch.setattr(sources.os, "read", lambda number, most: read(number, min(most, 7)))
    np.testing.assert_array_equal(read_image(path).pixels, field())


def test_a_file_that_grows_is_read_no_further_than_the_limit(tmp_path, monkeypatch):
    path = tmp_path / "smear.bmp"
    path.write_bytes(save(field(), "BMP"))
    read, asked = os.read, []
    monkeypatch.setattr(sources.os, "read", lambda number, most: (asked.append(most), read(number, most))[1])
    small = os.stat_result((stat.S_IFREG, *[0] * 5, 10, 0, 0, 0))
    monkeypatch.setattr(sources.os, "fstat", lambda *_: small)
    monkeypatch.setattr(sources.os, "stat", lambda *_, **__: small)
    with pytest.raises(ImageTooLargeError, match="too large"):
        read_image(path, Limits(max_bytes=1000))
    assert sum(asked) < 2000


def test_too_many_bytes(tmp_path):
    data = save(field(), "BMP")
    path = tmp_path / "smear.bmp"
    path.write_bytes(data)
    for source in (path, data):
        assert read_image(source, Limits(max_bytes=len(data))).format == "BMP"
        with pytest.raises(ImageTooLargeError, match=f"at most {len(data) - 1:,} bytes"):
            read_image(source, Limits(max_bytes=len(data) - 1))


@pytest.mark.parametrize("name", samples())
def test_too_many_pixels(name):
    data = samples()[name]
    assert read_image(data, Limits(max_pixels=HEIGHT * WIDTH)).pixels.size == 3 * HEIGHT * WIDTH
    with pytest.raises(ImageTooLargeError, match=f"at most {HEIGHT * WIDTH - 1:,} pixels"):
        read_image(data, Limits(max_pixels=HEIGHT * WIDTH - 1))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "BMP", "WEBP"])
@pytest.mark.parametrize("shape", [(15, 40), (40, 15), (1, 1)])
def test_too_few_pixels(kind, shape):
    with pytest.raises(ImageError, match="at least 16 px on each side"):
        read_image(save(field()[: shape[0], : shape[1]], kind))


@pytest.mark.parametrize("name", samples())
def test_a_cut_off_file_never_gives_half_a_picture(name):
    data = samples()[name]
    whole = read_image(data).pixels
    refused = 0
    for end in sorted({*range(0, len(data), max(1, len(data) // 60)), *range(len(data) - 20, len(data))}):
        try:
            pixels = read_image(data[:end]).pixels
        except ImageError:
            refused += 1
        else:  # nothing was missing but what the picture does not need
            np.testing.assert_array_equal(pixels, whole)
    assert refused > 40


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "bmp"])
def test_a_caller_who_lets_pillow_read_cut_off_files_changes_nothing(name, monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    data = samples()[name]
    with pytest.raises(ImageError):
        read_image(data[: len(data) * 3 // 4])


def test_zeros_in_place_of_the_rest_of_a_jpeg():
    data = save(field(), "JPEG")
    with pytest.raises(ImageError):
        read_image(data[: len(data) // 2] + bytes(len(data) // 2))


@pytest.mark.parametrize("kind", [b"IHDR", b"IDAT", b"IEND", b"PLTE"])
def test_a_flipped_bit_in_a_png_is_found_by_its_checksum(kind):
    data = bytearray(save(Image.fromarray(field()).quantize(20), "PNG"))
    data[data.index(kind) + 4] ^= 1
    with pytest.raises(ImageError, match=f"checksum of its chunk {kind.decode()}"):
        read_image(bytes(data))


def test_what_a_decoder_raises_is_the_cause():
    data = bytearray(save(field(), "TIFF", compression="tiff_lzw"))
    middle = len(data) // 2
    data[middle : middle + 40] = b"\xff" * 40
    with pytest.raises(ImageError, match="damaged or cut off") as caught:
        read_image(bytes(data))
    assert isinstance(caught.value.__cause__, OSError)
    assert not isinstance(caught.value.__cause__, ImageError)


@pytest.mark.parametrize("error", [RecursionError(), SyntaxError("x"), KeyError(3), UserWarning("\n")])
def test_whatever_a_decoder_raises_becomes_an_image_error(error, monkeypatch):
    def fail(self):
        raise error

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    with pytest.raises(ImageError, match=type(error).__name__) as caught:
        read_image(save(field(), "BMP"))
    assert caught.value.__cause__ is error


def test_too_little_memory_is_told_as_such(monkeypatch):
    def fail(self):
        raise MemoryError

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    with pytest.raises(ImageError, match="memory ran out"):
        read_image(save(field(), "BMP"))


def test_an_interruption_is_no_error_of_the_picture(monkeypatch):
    def interrupt(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(ImageFile.ImageFile, "load", interrupt)
    with pytest.raises(KeyboardInterrupt):
        read_image(save(field(), "BMP"))


def test_pillows_own_limit_neither_warns_nor_refuses(monkeypatch):
    for name, data in samples().items():
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert read_image(data).pixels.size == 3 * HEIGHT * WIDTH, name


def test_a_jpeg_of_endless_scans_is_refused():
    data = save(field(), "JPEG", progressive=True)
    start = data.rindex(b"\xff\xda")
    assert read_image(data).pixels.shape == (HEIGHT, WIDTH, 3)
    with pytest.raises(ImageError, match="at most 200 scans"):
        read_image(data[:start] + data[start:-2] * 300 + b"\xff\xd9")
