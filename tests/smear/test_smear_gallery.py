"""A gallery of white cells: which are shown, what is left out, and the way back onto the picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from pydantic import ValidationError
from white_cell_truth import overlap, white_field

from leukolens.smear.backgrounds import FLAT_GROUND, on_flat_ground, remove_cells
from leukolens.smear.gallery import Gallery, Tiles, find_middles, lay_out, to_field
from leukolens.smear.ground import Placing
from leukolens.smear.prepare import Preparation, map_back, prepare
from leukolens.smear.segmentation import white_cells

RGB, CELLS, NUCLEI = white_field()
SPEC = Preparation(width=192, height=96, gallery=Gallery(rows=2, columns=4, field=224))


def _discs(*circles: tuple[int, int, int]) -> np.ndarray:
    mask = np.zeros((120, 160), np.uint8)
    for x, y, radius in circles:
        cv2.circle(mask, (x, y), radius, 1, -1)
    return mask.astype(bool)


def test_every_cell_has_one_middle_and_the_largest_comes_first():
    found = find_middles(_discs((30, 30, 9), (100, 40, 14), (60, 90, 11)))
    assert np.abs(found - [(100, 40), (60, 90), (30, 30)]).max() <= 1


def test_touching_cells_are_shown_apart_and_specks_are_not():
    found = find_middles(_discs((50, 60, 14), (77, 60, 14), (130, 20, 2)))
    assert len(found) == 2
    assert np.abs(np.sort(found[:, 0]) - [50, 77]).max() <= 3


def test_nothing_but_white_cells_is_shown():
    prepared = prepare(RGB, SPEC)
    pixels, tiles = prepared.pixels, prepared.tiles
    assert pixels.shape == (96, 192, 3)
    assert len(tiles.corners) == 8
    flat = (pixels == FLAT_GROUND).all(axis=2)
    field = prepare(RGB, SPEC.of_field).pixels
    again, _ = lay_out(field, SPEC.gallery, (192, 96))
    assert np.array_equal(again, pixels)
    for number, (left, top) in enumerate(tiles.corners):
        row, column = divmod(number, 4)
        y, x = np.mgrid[top : top + 48, left : left + 48]
        inside = (y >= 0) & (y < 168) & (x >= 0) & (x < 224)
        cell = np.zeros((48, 48), bool)
        cell[inside] = tiles.cells[y[inside], x[inside]]
        shown = flat[row * 48 : row * 48 + 48, column * 48 : column * 48 + 48]
        assert shown[~cell].all()
        assert cell[24, 24]
        assert not shown[24, 24]


def test_few_cells_are_shown_again_and_many_are_thinned_out():
    few = np.full((120, 160, 3), 235, np.uint8)
    few[_discs((80, 60, 12))] = (110, 50, 150)
    for x in range(10, 160, 18):  # red cells, for a picture without them has no scale
        cv2.circle(few, (x, 15), 7, (225, 170, 165), -1)
        cv2.circle(few, (x, 105), 7, (225, 170, 165), -1)
    few = np.clip(few + np.random.default_rng(1).normal(0, 2, few.shape), 0, 255).astype(np.uint8)
    picture, tiles = lay_out(few, Gallery(rows=1, columns=3, field=160), (90, 30))
    assert np.array_equal(tiles.corners, np.repeat(tiles.corners[:1], 3, axis=0))
    assert np.array_equal(picture[:, :30], picture[:, 30:60])
    one, chosen = lay_out(RGB, Gallery(rows=1, columns=1, field=224), (48, 48))
    assert one.shape == (48, 48, 3)
    assert len(chosen.corners) == 1


@pytest.mark.parametrize("shape", [(360, 360), (200, 480), (480, 300)], ids=["square", "wide", "portrait"])
@pytest.mark.parametrize("scale", [None, 0.3])
def test_what_is_filled_around_a_picture_makes_nothing_a_cell(shape, scale):
    rgb, cells, _ = white_field(width=480, height=480)
    rgb, cells = rgb[: shape[0], : shape[1]], cells[: shape[0], : shape[1]]
    placing = None if scale is None else Placing(scale)
    prepared = prepare(rgb, SPEC, aspect=shape[1] / shape[0], placing=placing)
    found = np.zeros(shape, np.float32)
    y, x = np.mgrid[: shape[0], : shape[1]]
    inverse = cv2.invertAffineTransform(prepared.matrix)
    places = np.rint(np.tensordot(inverse, np.stack([x, y, np.ones_like(x)]), 1)).astype(int)
    inside = (places >= 0).all(0) & (places[0] < 224) & (places[1] < 168)
    found[inside] = prepared.tiles.cells[places[1][inside], places[0][inside]]
    assert overlap(found > 0, cells) > 0.6
    left, top, width, height = prepared.window
    within = np.zeros_like(prepared.tiles.cells)
    within[top : top + height, left : left + width] = True
    assert not (prepared.tiles.cells & ~within).any()


def test_a_map_does_not_spill_into_the_next_tile():
    one = Tiles(np.array([[0, 0], [100, 60]]), np.ones((168, 224), bool), 1, 2)
    values = np.zeros((4, 8), np.float32)
    values[:, 4:] = 1.0
    field = to_field(values, one, (96, 48))
    assert field[60:108, 100:148].min() == 1.0
    assert not field[:48, :48].any()


def test_without_white_cells_there_is_flat_ground_alone():
    bare = np.full((120, 160, 3), 240, np.uint8)
    prepared = prepare(bare, SPEC)
    assert (prepared.pixels == FLAT_GROUND).all()
    assert prepared.tiles.corners.shape == (0, 2)
    assert not map_back(np.ones((3, 6), np.float32), prepared, 160, 120).any()


def test_a_field_whose_cells_are_removed_shows_hardly_any():
    prepared = prepare(remove_cells(RGB, white_cells(RGB)), SPEC)
    whole = prepare(RGB, SPEC)
    assert prepared.tiles.cells.mean() < 0.2 * whole.tiles.cells.mean()


def test_cells_that_lie_on_flat_ground_already_are_shown_at_the_same_places():
    field = prepare(RGB, SPEC.of_field).pixels
    every = Gallery(rows=4, columns=8, field=224)
    _, one = lay_out(field, every, (384, 192))
    _, two = lay_out(on_flat_ground(field, one.cells), every, (384, 192))
    nearest = [np.abs(two.corners - corner).max(axis=1).min() for corner in one.corners]
    assert np.mean(np.array(nearest) <= 3) >= 0.75


def test_a_map_over_the_gallery_lies_on_the_cells_that_made_it():
    prepared = prepare(RGB, SPEC)
    number = 2
    values = np.zeros((2, 4), np.float32)
    values[divmod(number, 4)] = 1.0
    height, width = RGB.shape[:2]
    mapped = map_back(np.kron(values, np.ones((4, 4), np.float32)), prepared, width, height)
    y, x = np.unravel_index(int(mapped.argmax()), mapped.shape)
    left, top = prepared.tiles.corners[number]
    inverse = cv2.invertAffineTransform(prepared.matrix)
    in_field = inverse @ (x, y, 1)
    assert left <= in_field[0] <= left + 48
    assert top <= in_field[1] <= top + 48
    assert mapped[white_cells(RGB)].sum() > 0.9 * mapped.sum()


def test_tiles_that_do_not_fill_the_picture_are_refused():
    with pytest.raises(ValidationError, match=r"4 x 2 tiles of equal size do not fill 190 x 96 px"):
        Preparation(width=190, height=96, gallery=Gallery())
