"""Burned-in marks: found whole, nothing else found, painted out without a trace."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from drawn_fields import DATA, GROUND, draw_field, draw_mark, needs_data, read

from leukolens.smear.marks import find_marks, paint_out

CORNERS = ("bottom right", "bottom left", "top right", "top left")


@pytest.mark.parametrize("corner", CORNERS)
@pytest.mark.parametrize("style", ["box", "bar", "red"])
@pytest.mark.parametrize("size", [(224, 224), (640, 480), (1024, 768)])
def test_a_mark_is_found_whole_and_little_more(style, corner, size):
    picture, _, _ = draw_field(*size, seed=3)
    marked, truth = draw_mark(picture, style, corner)
    found = find_marks(marked)
    assert found.shape == truth.shape
    assert found.dtype == np.bool_
    assert found[truth].mean() > 0.97
    assert found.sum() < 4.5 * truth.sum() + 0.01 * truth.size
    ys, xs = np.nonzero(truth)
    near = np.zeros_like(found)
    reach = round(0.1 * size[0])
    near[max(0, ys.min() - reach) : ys.max() + reach, max(0, xs.min() - reach) : xs.max() + reach] = True
    assert not found[~near].any()


def test_a_large_picture_is_searched_reduced_but_masked_in_full():
    picture, _, _ = draw_field(2560, 1920, seed=1)
    marked, truth = draw_mark(picture, "box")
    found = find_marks(marked)
    assert found.shape == (1920, 2560)
    assert found[truth].mean() > 0.97
    assert found.sum() < 2.5 * truth.sum()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("red_cell", [(200, 168, 176), (150, 60, 70), (140, 20, 95), (165, 170, 220), (60, 45, 45)])
def test_nothing_is_found_where_nothing_was_burned_in(seed, red_cell):
    picture, _, _ = draw_field(320, 240, seed=seed, red_cell=red_cell)
    assert not find_marks(picture).any()


@pytest.mark.parametrize("level", [0, 128, 250, 255])
def test_nothing_is_found_on_a_plain_picture(level):
    assert not find_marks(np.full((224, 224, 3), level, np.uint8)).any()


def test_nothing_is_found_in_noise():
    noise = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    assert find_marks(noise).mean() < 0.05


@pytest.mark.parametrize("shape", [(1, 1, 3), (7, 300, 3), (300, 20, 3), (33, 33, 3)])
def test_very_small_pictures_have_no_marks(shape):
    mask = find_marks(np.full(shape, 255, np.uint8))
    assert mask.shape == shape[:2]
    assert not mask.any()


def test_a_box_is_found_in_grey_too():
    marked, truth = draw_mark(draw_field(seed=2)[0], "box")
    grey = cv2.cvtColor(cv2.cvtColor(marked, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    assert find_marks(grey)[truth].mean() > 0.97


@pytest.mark.parametrize("style", ["box", "bar", "red"])
def test_a_mirrored_picture_has_the_mirrored_mark(style):
    marked, _ = draw_mark(draw_field(seed=4)[0], style)
    found, mirrored = find_marks(marked), find_marks(np.ascontiguousarray(marked[:, ::-1]))[:, ::-1]
    assert (found & mirrored).sum() / (found | mirrored).sum() > 0.9


@pytest.mark.parametrize("style", ["box", "bar", "red"])
def test_painting_out_leaves_neither_mark_nor_patch(style):
    picture, _, _ = draw_field(seed=5)
    marked, truth = draw_mark(picture, style)
    mask = find_marks(marked)
    clean = paint_out(marked, mask)
    assert clean.dtype == np.uint8
    assert np.array_equal(clean[~mask], marked[~mask])
    inside = clean[mask].astype(int)
    assert inside.min() > 50  # no ink
    assert (inside[:, 0] - inside[:, 1:].max(axis=1)).max() < 45  # no red
    assert not (inside.min(axis=1) == 255).any()  # no paper
    assert abs(np.median(inside, axis=0) - GROUND).max() < 40
    assert not find_marks(clean)[truth].any()
    assert np.array_equal(clean, paint_out(marked, mask))


def test_a_nucleus_under_red_text_stays_a_nucleus():
    picture, _, _ = draw_field(red=0, white=0)
    cv2.circle(picture, (200, 205), 17, (96, 62, 168), -1, cv2.LINE_AA)
    mask = np.zeros(picture.shape[:2], bool)
    mask[201:209, 190:212] = True
    clean = paint_out(picture, mask)
    assert np.abs(clean[205, 200].astype(int) - (96, 62, 168)).max() < 40


def test_painting_out_nothing_gives_an_equal_new_picture():
    picture, _, _ = draw_field()
    clean = paint_out(picture, np.zeros(picture.shape[:2], bool))
    assert clean is not picture
    assert np.array_equal(clean, picture)


def test_painting_out_everything_gives_plain_grey():
    picture, _, _ = draw_field()
    assert (paint_out(picture, np.ones(picture.shape[:2], bool)) == 128).all()


@pytest.mark.real
@needs_data
def test_the_marks_of_the_data_set_are_found_and_nothing_outside_their_corner():
    paths = sorted(DATA.glob("taleqani/Original/*/*"))[::4]
    masks = [find_marks(read(path)) for path in paths]
    missed = [path.name for path, mask in zip(paths, masks, strict=True) if mask[205:219, 194:218].mean() < 0.6]
    outside = [path.name for path, mask in zip(paths, masks, strict=True) if mask[:180].any() or mask[:, :150].any()]
    assert len(missed) <= 0.002 * len(paths), missed
    assert not outside


@pytest.mark.real
@needs_data
@pytest.mark.parametrize("longest", [2560, 640])
@pytest.mark.parametrize("pattern", ["taleqani_native/*.jpg", "normal_fields/iml_malaria/*"])
def test_the_marks_of_camera_pictures_are_found(pattern, longest):
    for path in sorted(DATA.glob(pattern)):
        picture = read(path)
        shrink = min(1.0, longest / max(picture.shape[:2]))
        picture = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        mask = find_marks(picture)
        height, width = mask.shape
        assert 0.004 < mask.mean() < 0.012, path.name
        assert not mask[: int(0.85 * height)].any(), path.name
        assert not mask[:, : int(0.8 * width)].any(), path.name


@pytest.mark.real
@needs_data
@pytest.mark.parametrize(
    "pattern",
    [
        "bccd/images/*",
        "normal_fields/bionet/*",
        "normal_fields/chula_wbc/*.jpg",
        "other_all/fields/*",
        "other_leukaemia/apml_fields/*",
        "not_smear/*/*",
        "cnmc/*/*",
    ],
)
def test_nothing_is_found_in_other_laboratories(pattern):
    paths = sorted(DATA.glob(pattern))
    assert paths
    assert not [path.name for path in paths if find_marks(read(path)).any()]
