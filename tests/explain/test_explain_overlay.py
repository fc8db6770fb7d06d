"""The overlay: what it leaves untouched, what it marks, and that it does not hide the stain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from leukolens.explain import FULL_SCALE, overlay, scale_colours
from leukolens.finding import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@pytest.fixture
def picture() -> NDArray[np.uint8]:
    rgb = np.full((120, 160, 3), (236, 226, 232), np.uint8)
    cv2.circle(rgb, (60, 60), 20, (112, 60, 150), -1)
    return rgb


def hill(height: int = 120, width: int = 160, peak: float = FULL_SCALE) -> NDArray[np.float32]:
    y, x = np.mgrid[:height, :width]
    return (peak * (1.0 - np.hypot(x - width / 2, y - height / 2) / (height / 2))).astype(np.float32)


@pytest.mark.parametrize("value", [0.0, -5.0, -np.inf, np.nan])
def test_no_evidence_leaves_every_byte(picture: NDArray[np.uint8], value: float) -> None:
    got = overlay(picture, np.full((120, 160), value, np.float32))
    np.testing.assert_array_equal(got, picture)
    assert got is not picture


def test_only_positive_evidence_is_drawn(picture: NDArray[np.uint8]) -> None:
    evidence = hill()
    got = overlay(picture, evidence)
    np.testing.assert_array_equal(got[evidence <= 0], picture[evidence <= 0])
    assert (got[evidence > 1.0] != picture[evidence > 1.0]).any(axis=-1).all()


def test_scale_is_fixed_not_stretched_to_the_picture(picture: NDArray[np.uint8]) -> None:
    weak, strong = (np.abs(overlay(picture, hill(peak=peak)).astype(int) - picture).mean() for peak in (1.0, 12.0))
    assert strong > 2.0 * weak
    np.testing.assert_array_equal(
        overlay(picture, np.full((120, 160), FULL_SCALE, np.float32)),
        overlay(picture, np.full((120, 160), 100.0, np.float32)),
    )


def test_nucleus_stays_darker_than_its_surroundings_by_most_of_the_contrast(picture: NDArray[np.uint8]) -> None:
    got = overlay(picture, np.full((120, 160), FULL_SCALE, np.float32))
    lightness = [cv2.cvtColor(one, cv2.COLOR_RGB2LAB)[..., 0].astype(float) for one in (picture, got)]
    before, after = (one[10, 150] - one[60, 60] for one in lightness)
    assert after > 0.5 * before


def test_contour_lines_run_where_the_levels_are(picture: NDArray[np.uint8]) -> None:
    evidence = hill()
    plain = np.full_like(picture, 255)
    got = overlay(plain, evidence).astype(int)
    row = got[60, 80:]  # from the top outwards, share falls evenly from 1 to 0 over 60 px
    darker = row.sum(axis=-1) - cv2.GaussianBlur(row.astype(np.float32), (1, 31), 0).sum(axis=-1)
    lines = [int(np.argmin(darker[at - 6 : at + 7])) + at - 6 for at in (15, 30, 45)]
    assert all(abs(found - at) <= 2 for found, at in zip(lines, (15, 30, 45), strict=True))


def test_turning_picture_and_evidence_turns_the_overlay(picture: NDArray[np.uint8]) -> None:
    evidence = hill() + np.linspace(0, 3, 160, dtype=np.float32)
    turned = overlay(np.ascontiguousarray(np.rot90(picture)), np.ascontiguousarray(np.rot90(evidence)))
    difference = np.abs(np.rot90(overlay(picture, evidence)).astype(int) - turned)
    assert difference.max() <= 1


def test_colours_rise_evenly_in_lightness_and_stay_off_the_stain() -> None:
    colours = scale_colours(16)
    lab = cv2.cvtColor(colours[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]
    steps = np.linalg.norm(np.diff(lab, axis=0), axis=1)
    assert (np.diff(lab[:, 0]) > 0).all()
    assert steps.max() < 1.6 * steps.min()
    assert (lab[:, 1] < 5).all()  # no red or purple, which are the stain's


@pytest.mark.parametrize(
    ("shape", "dtype", "evidence"),
    [((4, 4), np.uint8, (4, 4)), ((4, 4, 3), np.float32, (4, 4)), ((4, 4, 3), np.uint8, (4, 5))],
)
def test_what_does_not_fit_is_refused(shape: tuple[int, ...], dtype: type, evidence: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="cannot be drawn"):
        overlay(np.zeros(shape, dtype), np.zeros(evidence, np.float32))


def test_scale_that_is_no_scale_is_refused() -> None:
    with pytest.raises(UsageError, match="scale"):
        overlay(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.float32), full_scale=0.0)
