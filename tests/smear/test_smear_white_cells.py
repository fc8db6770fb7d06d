"""White cells by colour, against the truth of rendered fields, and what must not change them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from drawn_fields import DATA, draw_field, needs_data, read
from white_cell_truth import RED_ONLY, overlap, white_field

from leukolens.finding import ImageError
from leukolens.smear.backgrounds import on_flat_ground
from leukolens.smear.perturb import shift_lamp
from leukolens.smear.segmentation import white_cell_parts, white_cells
from leukolens.smear.segmentation.cut_outs import plain_ground
from leukolens.smear.synth import STYLES

FIELD = white_field()


@pytest.mark.parametrize("style", STYLES)
def test_cells_and_nuclei_of_every_laboratory_are_found(style):
    rgb, cells, nuclei = white_field(style)
    found = white_cell_parts(rgb)
    assert overlap(found.cells, cells) >= 0.74
    assert overlap(found.nuclei, nuclei) >= 0.8
    assert not (found.nuclei & ~found.cells).any()


def test_the_mean_over_all_laboratories_is_good():
    found = [(white_cell_parts(rgb), cells, nuclei) for rgb, cells, nuclei in map(white_field, STYLES)]
    assert np.mean([overlap(parts.cells, cells) for parts, cells, _ in found]) >= 0.86
    assert np.mean([overlap(parts.nuclei, nuclei) for parts, _, nuclei in found]) >= 0.9


@pytest.mark.parametrize(("side", "least"), [(160, 0.8), (224, 0.88), (640, 0.9)])
def test_size_and_squeeze_hardly_matter(side, least):
    rgb, cells, _ = FIELD
    resized = cv2.resize(rgb, (side, side), interpolation=cv2.INTER_AREA)
    truth = cv2.resize(cells.astype(np.uint8), (side, side), interpolation=cv2.INTER_NEAREST) > 0
    assert overlap(white_cells(resized), truth) >= least


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_field_has_the_turned_mask(turns):
    rgb = FIELD[0]
    assert overlap(white_cells(np.rot90(rgb, turns).copy()), np.rot90(white_cells(rgb), turns)) >= 0.95


@pytest.mark.parametrize("axis", [0, 1])
def test_a_flipped_field_has_the_flipped_mask(axis):
    rgb = FIELD[0]
    assert overlap(white_cells(np.flip(rgb, axis).copy()), np.flip(white_cells(rgb), axis)) >= 0.95


@pytest.mark.parametrize("gains", [(0.7, 0.7, 0.7), (1.0, 0.9, 0.7), (0.75, 0.85, 1.0)])
def test_brightness_and_tint_of_the_lamp_do_not_matter(gains):
    rgb = FIELD[0]
    lit = np.clip(rgb * np.array(gains) + 0.5, 0, 255).astype(np.uint8)
    assert overlap(white_cells(lit), white_cells(rgb)) >= 0.9


@pytest.mark.parametrize("lost", [0.3, 0.6])
def test_light_that_falls_off_towards_the_corners_does_not_matter(lost):
    rgb = FIELD[0]
    assert overlap(white_cells(shift_lamp(rgb, vignette=lost)), white_cells(rgb)) >= 0.9


def test_a_field_of_red_cells_has_no_white_ones():
    for style in STYLES:
        rgb, _, _ = white_field(style, content=RED_ONLY)
        assert white_cells(rgb).mean() < 0.005, style


def test_nuclei_are_found_without_colour():
    rgb, _, nuclei = FIELD
    grey = cv2.cvtColor(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    found = white_cell_parts(grey).nuclei
    assert (found & nuclei).sum() >= 0.6 * nuclei.sum()


def test_a_drawn_field_is_parted():
    rgb, red, nuclei = draw_field(seed=3)
    cells = white_cells(rgb)
    assert (cells & nuclei).sum() >= 0.97 * nuclei.sum()
    assert (cells & red).sum() <= 0.03 * red.sum()


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (8, 8), (224, 224)])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_picture_of_one_colour_has_none(shape, value):
    cells = white_cells(np.full((*shape, 3), value, np.uint8))
    assert cells.shape == shape
    assert not cells.any()


def test_what_is_no_picture_is_refused():
    with pytest.raises(ImageError):
        white_cells(np.zeros((4, 4), np.uint8))
    with pytest.raises(ImageError):
        white_cells(np.zeros((4, 4, 3), np.float32))


@pytest.mark.real
@needs_data
def test_masks_that_experts_drew_are_met():
    cells, nuclei = [], []
    for path in sorted((DATA / "wbc_masks" / "bccd" / "masks").glob("*.png"))[::12]:
        name = Path(path.name.replace("_Mask", "")).with_suffix(".jpg")
        found, truth = white_cell_parts(read(DATA / "bccd" / "images" / name)), cv2.imread(str(path), 0)
        cells.append(overlap(found.cells, truth > 64))
        nuclei.append(overlap(found.nuclei, truth > 205))
    assert np.median(cells) >= 0.8
    assert np.median(nuclei) >= 0.8


@pytest.mark.real
@needs_data
@pytest.mark.parametrize("label", ["Benign", "Early", "Pre", "Pro"])
def test_every_class_has_cells_of_a_usual_share(label):
    shares = [white_cells(read(path)).mean() for path in sorted((DATA / "taleqani/Original" / label).iterdir())[::40]]
    assert min(shares) > 0.005
    assert max(shares) < 0.6


def test_cells_on_plain_ground_are_all_there_is():
    rgb, cells, nuclei = white_field()
    laid = on_flat_ground(rgb, cells)
    found = white_cell_parts(laid)
    assert overlap(found.cells, cells) > 0.9
    assert (found.nuclei & nuclei).sum() > 0.75 * nuclei.sum()
    assert found.nuclei.mean() < found.cells.mean()


@pytest.mark.parametrize("level", [0, 255])
def test_a_clipped_ground_does_not_make_red_cells_white(level):
    rgb, _, _ = white_field()
    clipped = rgb.copy()
    ground = rgb.min(axis=2) > 215
    clipped[ground] = level or rgb[ground]
    clipped[:90] = level  # a bar of one colour, as beyond a round field of view
    assert plain_ground(clipped) is None
    assert plain_ground(np.full((40, 50, 3), 200, np.uint8)) is not None
    assert not white_cells(np.full((40, 50, 3), 200, np.uint8)).any()
