"""Damage at random: a picture or an ImageError, nothing else, and nothing printed."""

from __future__ import annotations

import warnings

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reading_samples import samples

from leukolens.finding import ImageError
from leukolens.smear.reading import Limits, read_image

SAMPLES = samples()
LIMITS = Limits(max_pixels=1_000_000)

edits = st.lists(
    st.one_of(
        st.tuples(st.just("flip"), st.floats(0, 1), st.integers(0, 7)),
        st.tuples(st.just("set"), st.floats(0, 1), st.sampled_from((0, 1, 0x7F, 0x80, 0xFF))),
        st.tuples(st.just("cut"), st.floats(0, 1), st.integers(1, 400)),
        st.tuples(st.just("double"), st.floats(0, 1), st.integers(1, 400)),
        st.tuples(st.just("end"), st.floats(0, 1), st.just(0)),
    ),
    min_size=1,
    max_size=6,
)


def damage(data: bytes, changes: list[tuple[str, float, int]]) -> bytes:
    changed = bytearray(data)
    for kind, place, value in changes:
        # Squared, so that headers are hit as often as pixels.
        at = int(place**2 * max(len(changed) - 1, 0))
        if kind == "flip" and changed:
            changed[at] ^= 1 << value
        elif kind == "set" and changed:
            changed[at] = value
        elif kind == "cut":
            del changed[at : at + value]
        elif kind == "double":
            changed[at:at] = changed[at : at + value]
        elif kind == "end":
            del changed[at:]
    return bytes(changed)


def check(data: bytes) -> None:
    message, notes = "", ()
    with warnings.catch_warnings(record=True) as leaked:
        warnings.simplefilter("always")
        try:
            image = read_image(data, LIMITS)
        except ImageError as error:
            message = str(error)
        else:
            notes = image.notes
            assert image.pixels.dtype == np.uint8
            assert image.pixels.shape[2] == 3
            assert min(image.pixels.shape[:2]) >= 16
            assert image.pixels.size <= 3 * LIMITS.max_pixels
    assert message.isprintable()
    assert all(note.isprintable() for note in notes)
    assert not leaked, leaked[0]


@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
@given(name=st.sampled_from(sorted(SAMPLES)), changes=edits)
def test_a_damaged_file_is_a_picture_or_an_image_error(name, changes, capfd):
    check(damage(SAMPLES[name], changes))
    printed = capfd.readouterr()
    assert printed.out == ""
    # libtiff writes a line of its own to standard error, which Pillow offers no way to stop.
    assert printed.err == "" or name.startswith("tiff")


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    start=st.sampled_from(
        (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0+\0\x08\0\0", b"RIFF\xff\0\0\0WEBPVP8X", b"BM")
    ),
    rest=st.binary(max_size=300),
)
def test_noise_behind_a_true_beginning(start, rest):
    check(start + rest)
