"""Pictures of other magnifications at the scale of the training: windows, sizes and grounds worked out by hand."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from leukolens.finding import ImageError, UsageError
from leukolens.smear.ground import Placing
from leukolens.smear.prepare import Preparation, prepare
from leukolens.smear.scale import MOST_WINDOWS, choose_scale, windows_at_scale

SPEC = Preparation(width=224, height=168, paint_out_marks=False)


def disc(size: tuple[int, int], diameter: float, ground: tuple[int, int, int] = (230, 225, 235)) -> np.ndarray:
    """A dark disc in the middle of a plain picture (width, height)."""
    width, height = size
    rgb = np.full((height, width, 3), ground, np.uint8)
    y, x = np.mgrid[:height, :width]
    inside = (x - (width - 1) / 2) ** 2 + (y - (height - 1) / 2) ** 2 <= (diameter / 2) ** 2
    rgb[inside] = (90, 40, 120)
    return rgb


def prepared(
    rgb: np.ndarray, um_per_px: tuple[float, float], target: float, content: str = "field"
) -> list[np.ndarray]:
    height, width = rgb.shape[:2]
    return [
        prepare(
            rgb[w.top : w.top + w.height, w.left : w.left + w.width], SPEC, aspect=w.aspect, placing=w.placing
        ).pixels
        for w in windows_at_scale(width, height, um_per_px, target, SPEC, content)
    ]


def extent(pixels: np.ndarray) -> tuple[int, int]:
    """Width and height of what is dark."""
    dark = pixels[..., 1] < 130
    return int(dark.any(axis=0).sum()), int(dark.any(axis=1).sum())


@pytest.mark.parametrize("um_per_px", [0.05, 0.1, 0.2, 0.4])
def test_a_cell_is_as_large_whatever_the_camera(um_per_px: float) -> None:
    # 12 um are 30 prepared pixels of 0.4 um.
    side = round(28 / um_per_px)
    rgb = disc((side, side), 12 / um_per_px)
    (pixels,) = prepared(rgb, (um_per_px, um_per_px), 0.4)
    assert pixels.shape == (168, 224, 3)
    assert extent(pixels) == pytest.approx((30, 30), abs=1)


def test_without_a_scale_the_picture_fills_the_prepared_one() -> None:
    assert extent(prepare(disc((200, 200), 120), SPEC, aspect=1.0).pixels) == pytest.approx((101, 101), abs=1)


def test_a_squeezed_picture_has_two_sizes_of_a_pixel() -> None:
    rgb = cv2.resize(disc((320, 240), 120), (240, 240), interpolation=cv2.INTER_AREA)
    (pixels,) = prepared(rgb, (0.1 * 320 / 240, 0.1), 0.4)
    assert extent(pixels) == pytest.approx((30, 30), abs=1)


def test_the_ground_is_the_background_of_a_field_and_the_border_of_a_cell() -> None:
    field = disc((200, 200), 100)
    assert prepared(field, (0.1, 0.1), 0.4)[0][0, 0].tolist() == [230, 225, 235]
    # Cut out on black: the brightest third is the cell itself, the border is not.
    cell = disc((200, 200), 170, ground=(0, 0, 0))
    assert prepared(cell, (0.1, 0.1), 0.4, "cell")[0][0, 0].tolist() == [0, 0, 0]
    assert prepared(cell, (0.1, 0.1), 0.4, "field")[0][0, 0].tolist() == [90, 40, 120]


def test_what_shows_more_is_cut_into_windows_of_a_prepared_picture() -> None:
    windows = windows_at_scale(1792, 1344, (0.1, 0.1), 0.4, SPEC)  # exactly 2 x 2
    assert [(w.left, w.top, w.width, w.height) for w in windows] == [
        (0, 0, 896, 672),
        (896, 0, 896, 672),
        (0, 672, 896, 672),
        (896, 672, 896, 672),
    ]
    assert {round(w.aspect, 6) for w in windows} == {round(4 / 3, 6)}


def test_windows_overlap_rather_than_leave_something_out() -> None:
    windows = windows_at_scale(1300, 672, (0.1, 0.1), 0.4, SPEC)
    assert [(w.left, w.width) for w in windows] == [(0, 896), (404, 896)]
    # A little more than one window is one window.
    assert [(w.left, w.width) for w in windows_at_scale(940, 672, (0.1, 0.1), 0.4, SPEC)] == [(22, 896)]


def test_at_most_so_many_windows_evenly_spread() -> None:
    windows = windows_at_scale(8960, 672, (0.1, 0.1), 0.4, SPEC)
    assert len(windows) == MOST_WINDOWS
    gaps = np.diff([w.left for w in windows])
    assert gaps.tolist() == [2240] * 3
    assert windows[0].left == 8960 - (windows[-1].left + windows[-1].width)


def test_portrait_pictures_are_cut_upright_and_turned() -> None:
    windows = windows_at_scale(672, 1792, (0.1, 0.1), 0.4, SPEC)
    assert [(w.width, w.height) for w in windows] == [(672, 896)] * 2
    rgb = disc((672, 896), 120)
    (pixels,) = prepared(rgb, (0.1, 0.1), 0.4)
    assert pixels.shape == (168, 224, 3)
    assert extent(pixels) == pytest.approx((30, 30), abs=1)


def test_a_cell_is_never_cut() -> None:
    (window,) = windows_at_scale(2000, 2000, (0.1, 0.1), 0.4, SPEC, "cell")
    assert (window.left, window.top, window.width, window.height) == (0, 0, 2000, 2000)


def test_pixels_that_are_too_coarse_are_refused() -> None:
    with pytest.raises(ImageError, match="too coarse") as error:
        windows_at_scale(640, 480, (1.3, 1.3), 0.4, SPEC)
    assert "1.3 µm per px" in str(error.value)
    assert windows_at_scale(640, 480, (1.1, 1.1), 0.4, SPEC)


def test_a_bundle_that_stretches_has_no_scale() -> None:
    spec = Preparation(width=224, height=224, shape="stretch")
    with pytest.raises(UsageError, match="no one scale"):
        prepare(disc((200, 200), 50), spec, placing=Placing(0.3))


def test_who_says_the_scale() -> None:
    assert choose_scale(said=0.1, stated=(0.2, 0.3), published=0.4).source == "said"
    assert choose_scale(stated=(0.2, 0.3), published=0.4).um_per_px == (0.2, 0.3)
    assert choose_scale(published=0.4) == choose_scale(published=0.4, stated=None)
    assert choose_scale(published=0.4).um_per_px == (0.4, 0.4)
    assert (choose_scale().um_per_px, choose_scale().source) == (None, "not known")


def test_the_way_back_leads_through_the_ground() -> None:
    rgb = disc((200, 200), 120)
    (window,) = windows_at_scale(200, 200, (0.1, 0.1), 0.4, SPEC)
    one = prepare(rgb, SPEC, aspect=window.aspect, placing=window.placing)
    assert one.window == (87, 59, 50, 50)
    centre = one.matrix @ np.array([111.5, 83.5, 1.0])
    assert centre == pytest.approx([99.5, 99.5], abs=1e-6)
