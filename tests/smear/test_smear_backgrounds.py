"""Fields parted into cells and background: on rendered fields, by the truth and by the masks that are found."""

from __future__ import annotations

import numpy as np
import pytest
from white_cell_truth import white_field

from leukolens.finding import UsageError
from leukolens.smear.backgrounds import FLAT_GROUND, on_flat_ground, remove_cells, swap_background
from leukolens.smear.segmentation import white_cells
from leukolens.smear.segmentation.nuclear_dye import measure_dye
from leukolens.smear.synth import STYLES

RGB, CELLS, NUCLEI = white_field()


def _nucleus_like(before, after, within):
    """Return the share of pixels with at least 0.6 of a nucleus' dye, by the stain of the picture as it was."""
    dye = measure_dye(np.hstack([before, after]))
    return float((dye.amount[:, before.shape[1] :] > 0.6 * dye.typical)[within].mean())


@pytest.mark.parametrize("style", STYLES)
def test_removed_cells_leave_no_nucleus(style):
    rgb, _, nuclei = white_field(style)
    assert _nucleus_like(rgb, rgb, nuclei) > 0.7
    assert _nucleus_like(rgb, remove_cells(rgb, white_cells(rgb)), nuclei) < 0.03


def test_removed_cells_leave_no_hole():
    filled = remove_cells(RGB, CELLS)
    rest = RGB[~CELLS]
    assert np.abs(filled[CELLS].mean(0) - rest.mean(0)).max() < 15 < np.abs(RGB[CELLS].mean(0) - rest.mean(0)).max()
    assert filled[CELLS].std() > 0.5 * rest.std()


def test_the_background_stays_where_no_cell_was():
    filled = remove_cells(RGB, CELLS)
    changed = (filled != RGB).any(axis=2)
    assert changed[CELLS].mean() > 0.95
    assert changed.mean() < 1.8 * CELLS.mean()


def test_a_picture_without_cells_is_given_back():
    assert np.array_equal(remove_cells(RGB, np.zeros_like(CELLS)), RGB)


def test_a_picture_that_is_all_cell_gives_flat_ground():
    assert (remove_cells(RGB, np.ones_like(CELLS)) == FLAT_GROUND).all()


def test_a_picture_nearly_all_cell_is_filled():
    mask = np.ones_like(CELLS)
    mask[:40, :60] = CELLS[:40, :60]
    filled = remove_cells(RGB, mask)
    assert _nucleus_like(RGB, filled, NUCLEI) < 0.05


def test_flat_ground_is_flat_beyond_the_cells_and_keeps_them():
    flat = on_flat_ground(RGB, CELLS)
    assert (flat[~CELLS] == FLAT_GROUND).all()
    inner = NUCLEI & (flat == RGB).all(axis=2)
    assert inner.sum() > 0.7 * NUCLEI.sum()
    assert (on_flat_ground(RGB, np.zeros_like(CELLS), (1, 2, 3)) == (1, 2, 3)).all()


def test_swapping_shows_these_cells_on_that_ground():
    other, other_cells, other_nuclei = white_field("salmon", seed=52)
    swapped = swap_background(RGB, CELLS, other, other_cells)
    ground = remove_cells(other, other_cells)
    assert np.array_equal(swapped[~CELLS], ground[~CELLS])
    assert (swapped == RGB).all(axis=2)[NUCLEI].mean() > 0.7
    free = other_nuclei & ~CELLS
    assert _nucleus_like(other, swapped, free) < 0.03


@pytest.mark.parametrize("size", [(200, 300), (800, 500), (360, 480), (37, 900)])
def test_the_other_background_may_have_any_size(size):
    other, other_cells, _ = white_field("salmon", seed=52, width=size[1], height=size[0])
    swapped = swap_background(RGB, CELLS, other, other_cells)
    assert swapped.shape == RGB.shape
    # Nothing is left black or empty by the tiling.
    assert abs(float(swapped[~CELLS].mean()) - float(other[~other_cells].mean())) < 12


def test_relighting_brings_cells_to_the_other_lamp():
    other, other_cells, _ = white_field("yellow lamp", seed=52)
    as_is, relit = (swap_background(RGB, CELLS, other, other_cells, relight=relight) for relight in (False, True))
    blue_before, blue_after = as_is[NUCLEI][:, 2].mean(), relit[NUCLEI][:, 2].mean()
    assert blue_after < 0.9 * blue_before


def test_the_same_seed_gives_the_same_picture_and_inputs_stay():
    before = RGB.copy()
    assert np.array_equal(remove_cells(RGB, CELLS, seed=4), remove_cells(RGB, CELLS, seed=4))
    assert not np.array_equal(remove_cells(RGB, CELLS, seed=4), remove_cells(RGB, CELLS, seed=5))
    assert np.array_equal(RGB, before)


@pytest.mark.parametrize("mask", [np.zeros((3, 3), bool), CELLS.astype(np.uint8)])
def test_a_mask_of_another_picture_is_refused(mask):
    with pytest.raises(UsageError, match="mask"):
        remove_cells(RGB, mask)


@pytest.mark.parametrize("shape", [(1, 1), (2, 9), (16, 16)])
def test_tiny_pictures_are_filled(shape):
    rgb = np.full((*shape, 3), 200, np.uint8)
    mask = np.zeros(shape, bool)
    mask[0, 0] = True
    assert remove_cells(rgb, mask).shape == rgb.shape
    assert swap_background(rgb, mask, RGB, CELLS).shape == rgb.shape
