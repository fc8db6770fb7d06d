from __future__ import annotations

import cv2
import numpy as np
import pytest
from audit_sets import render

from leukolens.audit.hashes import BITS, POSITIONS, hash_picture, hash_positions

TURNS = {
    "as it is": lambda rgb: rgb,
    "mirrored left to right": lambda rgb: rgb[:, ::-1],
    "turned by 90 degrees": lambda rgb: np.rot90(rgb),
    "turned by 90 degrees and mirrored": lambda rgb: np.rot90(rgb)[:, ::-1],
    "turned by 180 degrees": lambda rgb: np.rot90(rgb, 2),
    "mirrored top to bottom": lambda rgb: rgb[::-1],
    "turned by 270 degrees": lambda rgb: np.rot90(rgb, 3),
    "turned by 270 degrees and mirrored": lambda rgb: np.rot90(rgb, 3)[:, ::-1],
}


def test_every_position_has_a_turn() -> None:
    assert tuple(TURNS) == POSITIONS


@pytest.mark.parametrize("position", POSITIONS)
def test_a_position_is_the_hash_of_the_turned_picture(position: str) -> None:
    rgb = render(7)
    turned = np.ascontiguousarray(TURNS[position](rgb))
    known = hash_positions(rgb)[POSITIONS.index(position)]
    assert np.count_nonzero(hash_positions(turned)[0] != known) <= 2  # rounding at the median


def test_oblong_pictures_turn_too() -> None:
    rgb = np.ascontiguousarray(render(7)[:100])
    turned = np.ascontiguousarray(np.rot90(rgb))
    assert np.count_nonzero(hash_positions(turned)[0] != hash_positions(rgb)[2]) <= 3


def test_brightness_contrast_and_a_gradient_of_the_lamp_hardly_matter() -> None:
    rgb = render(8)
    lamp = np.linspace(0.75, 1.0, rgb.shape[1])[None, :, None]
    changed = (rgb * 0.9 * lamp).astype(np.uint8)
    assert np.count_nonzero(hash_positions(changed)[0] != hash_positions(rgb)[0]) <= 0.15 * BITS


def test_other_fields_differ_in_many_bits() -> None:
    bits = [hash_positions(render(seed)) for seed in range(20, 32)]
    distances = [
        min(np.count_nonzero(one[0] != other[place]) for place in range(8))
        for number, one in enumerate(bits)
        for other in bits[:number]
    ]
    assert min(distances) > 0.25 * BITS


def test_storing_again_changes_few_bits_and_is_measured() -> None:
    rgb = render(9)
    small = cv2.resize(rgb, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
    _, coded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 75])
    again = hash_positions(np.ascontiguousarray(cv2.imdecode(coded, cv2.IMREAD_COLOR)))[0]
    found = hash_picture(rgb)
    assert found.again == np.count_nonzero(again != found.bits[0])
    assert found.again <= 8


def test_a_flat_picture_is_hashed() -> None:
    assert hash_picture(np.full((64, 64, 3), 200, np.uint8)).bits.shape == (8, BITS)
