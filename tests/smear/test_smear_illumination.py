"""Even light: vignetting and slopes are measured and taken away, whatever cells there are."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_fields import draw_field

from leukolens.smear.normalisation.illumination import FlattenIllumination, background_surface
from leukolens.smear.perturb import shift_lamp
from leukolens.smear.steps import apply_step, needs_fit


def difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(float) - other).mean())


@pytest.mark.parametrize("vignette", [0.15, 0.3, 0.45])
@pytest.mark.parametrize("size", [(224, 224), (640, 480)])
def test_vignetting_is_taken_away(vignette: float, size: tuple[int, int]) -> None:
    plain = draw_field(*size, red=40, seed=5, ground=(225, 225, 228))[0]
    dark = shift_lamp(plain, vignette=vignette)
    flat = apply_step(dark, FlattenIllumination())
    ratio = flat.reshape(-1, 3).astype(float).mean(axis=0) / plain.reshape(-1, 3).mean(axis=0)
    assert difference(np.clip(flat / ratio, 0, 255), plain) < 0.25 * difference(
        np.clip(dark / (dark.mean((0, 1)) / plain.mean((0, 1))), 0, 255), plain
    )


def test_a_slope_of_the_lamp_is_measured() -> None:
    slope = np.linspace(0.7, 1.0, 320)[None, :, None]
    plain = draw_field(320, 240, seed=6)[0]
    surface = background_surface(np.round(plain * slope).astype(np.uint8))
    np.testing.assert_allclose(
        surface[..., 1] / np.median(surface[..., 1]), slope[..., 0] / 0.85 + np.zeros((240, 1)), atol=0.04
    )


@pytest.mark.parametrize("level", [90, 170, 205])
def test_cells_that_crowd_one_side_do_not_darken_its_background(level: int) -> None:
    """Two thirds of the left half are covered: the median there is a cell's."""
    rgb = np.full((240, 320, 3), 230, np.uint8)
    for row in range(0, 240, 12):
        rgb[row : row + 8, :160] = level
    noisy = np.clip(rgb + np.random.default_rng(0).normal(0, 1.5, rgb.shape), 0, 255).astype(np.uint8)
    np.testing.assert_allclose(background_surface(noisy), 230, atol=8)


def test_even_light_is_left_alone() -> None:
    rgb = draw_field(seed=7)[0]
    assert difference(apply_step(rgb, FlattenIllumination()), rgb) < 1.5


def test_own_level_needs_no_fit_and_keeps_the_tint() -> None:
    warm = shift_lamp(draw_field(seed=8)[0], gains=(1.0, 0.9, 0.75))
    assert not needs_fit(FlattenIllumination())
    out = apply_step(warm, FlattenIllumination())
    np.testing.assert_allclose(np.median(out, axis=(0, 1)), np.median(warm, axis=(0, 1)), atol=3)
    white = FlattenIllumination(level="reference", reference={"ground": (235, 235, 235)})
    assert np.ptp(np.percentile(apply_step(warm, white), 80, axis=(0, 1))) < 6


def test_no_pixel_is_changed_by_more_than_the_strongest_factor() -> None:
    rgb = np.full((100, 120, 3), 200, np.uint8)
    rgb[:, :40] = 20
    out = apply_step(rgb, FlattenIllumination(strongest=1.5))
    assert (out <= np.round(rgb * 1.5) + 1).all()
    assert (out >= np.floor(rgb / 1.5) - 1).all()
