"""Perturbations: physically what they say, the same each time, and none when asked for none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from drawn_fields import DATA, draw_field, needs_data, read

from leukolens.finding import UsageError
from leukolens.smear import perturb
from leukolens.smear.perturb import ColourShift
from leukolens.smear.staining import background_colour, change_density


@pytest.fixture(scope="module")
def picture():
    return draw_field(224, 168, red=30, seed=7)[0]


def _lab(rgb):
    """L*a*b* (D65) of (..., 3) sRGB bytes, written out after IEC 61966-2-1 and CIE 15."""
    share = np.asarray(rgb, float) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    )
    xyz = linear @ to_xyz.T / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def _flat(*colour, ground=(255, 255, 255)):
    """A patch of one colour on a background that fills most of the picture."""
    flat = np.full((64, 64, 3), ground, np.uint8)
    flat[:16, :16] = colour
    return flat


# --- common to all ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", perturb.STRESSES)
def test_a_stress_gives_a_new_picture_of_the_same_form_and_always_the_same(name, picture):
    before = picture.copy()
    stressed = perturb.STRESSES[name](picture)
    assert stressed.shape == picture.shape
    assert stressed.dtype == np.uint8
    assert np.array_equal(picture, before)
    assert np.array_equal(stressed, perturb.STRESSES[name](picture))
    assert (stressed != picture).mean() > 0.01


def test_the_stresses_are_the_ones_agreed():
    assert list(perturb.STRESSES) == [
        "grey", "stain-shift-1", "stain-shift-2", "stain-shift-3", "stain-shift-4",
        "lamp-warm", "lamp-cold", "bar-masked", "jpeg-50", "blur",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "tolerance"),
    [
        (perturb.shift_lab, 1),
        (perturb.shift_stain, 1),
        (perturb.shift_lamp, 0),
        (lambda rgb: perturb.blur(rgb, 0), 0),
        (lambda rgb: perturb.noise(rgb, 0), 0),
        (lambda rgb: perturb.apply_colour(rgb, ColourShift()), 4),
    ],
)
def test_no_change_asked_is_no_change_made(change, tolerance, picture):
    assert np.abs(change(picture).astype(int) - picture).max() <= tolerance


@pytest.mark.parametrize("name", perturb.STRESSES)
@pytest.mark.parametrize("level", [0, 255])
def test_plain_black_and_white_pictures_are_taken(name, level):
    assert perturb.STRESSES[name](np.full((50, 61, 3), level, np.uint8)).shape == (50, 61, 3)


# --- one by one -------------------------------------------------------------------------------------------------


def test_grey_is_luma(picture):
    grey = perturb.to_grey(picture)
    assert np.array_equal(grey[..., 0], grey[..., 1])
    assert np.array_equal(grey[..., 0], grey[..., 2])
    assert np.abs(grey[..., 0] - picture @ (0.2126, 0.7152, 0.0722)).max() <= 0.51


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"lightness": -8.0}, lambda lab: np.add(lab, (-8, 0, 0))),
        ({"a": 7.0, "b": -5.0}, lambda lab: np.add(lab, (0, 7, -5))),
        ({"chroma": 0.5}, lambda lab: lab * (1, 0.5, 0.5)),
        ({"hue_deg": 90.0, "chroma": 0.6}, lambda lab: np.array([lab[0], -0.6 * lab[2], 0.6 * lab[1]])),
        ({"contrast": 0.5}, lambda lab: np.array([100 - 0.5 * (100 - lab[0]), lab[1], lab[2]])),
    ],
)
@pytest.mark.parametrize("colour", [(150, 120, 170), (190, 140, 150), (120, 128, 140)])
def test_lab_moves_as_it_says(change, expected, colour):
    moved = perturb.shift_lab(_flat(*colour), **change)[5, 5]
    assert np.abs(_lab(moved) - expected(_lab(colour))).max() < 0.8


@pytest.mark.parametrize("ground", [(255, 255, 255), (225, 235, 240)])
@pytest.mark.parametrize(("dye", "name"), [(perturb.AZURE, "azure"), (perturb.EOSIN, "eosin")])
def test_stain_follows_beer_and_lambert(dye, name, ground):
    unit = np.asarray(dye) / np.linalg.norm(dye)

    def stained(amount):
        return tuple(np.round(np.asarray(ground) * np.exp(-amount * unit)).astype(int))

    more = perturb.shift_stain(_flat(*stained(0.6), ground=ground), **{name: 1.5})
    assert np.abs(more[5, 5].astype(int) - stained(0.9)).max() <= 3
    assert np.abs(more[60, 60].astype(int) - ground).max() <= 1
    other = "eosin" if name == "azure" else "azure"
    same = perturb.shift_stain(_flat(*stained(0.6), ground=ground), **{other: 0.5})
    assert np.abs(same[5, 5].astype(int) - stained(0.6)).max() <= 3


def test_what_is_no_dye_is_not_multiplied():
    bluish_grey = (165, 172, 221)  # absorbs red more than green: a negative amount of eosin
    changed = perturb.shift_stain(_flat(*bluish_grey), eosin=2.5)
    assert np.abs(changed[5, 5].astype(int) - bluish_grey).max() <= 2


def test_turning_azure_redder_takes_less_red_light():
    nucleus = (96, 62, 168)
    redder, bluer = (perturb.shift_stain(_flat(*nucleus), hue_deg=turn)[5, 5].astype(int) for turn in (15, -15))
    assert redder[0] > nucleus[0] + 5 > bluer[0] + 10


@pytest.mark.parametrize(
    "wrong", [{"azure": 0.0}, {"eosin": -1.0}, {"residual": 0.0}], ids=lambda wrong: next(iter(wrong))
)
def test_stain_factors_must_be_positive(wrong, picture):
    with pytest.raises(UsageError, match="above 0"):
        perturb.shift_stain(picture, **wrong)


def test_gains_must_be_positive(picture):
    with pytest.raises(UsageError, match="above 0"):
        change_density(picture, gains=(1.0, 0.0, 1.0))


def test_the_background_is_found_though_cells_cover_half():
    picture, _, _ = draw_field(ground=(210, 220, 230), red=60, white=6)
    assert np.abs(background_colour(picture) - (210, 220, 230)).max() < 6


def test_a_lamp_tints_the_background_and_a_warm_one_yellow():
    white = np.full((40, 60, 3), 255, np.uint8)
    assert np.array_equal(
        np.unique(perturb.shift_lamp(white, gains=(1.0, 0.9, 0.8)).reshape(-1, 3), axis=0), [[255, 230, 204]]
    )
    red, green, blue = perturb.lamp_gains(1.0)
    assert red > green == 1.0 > blue
    cold = perturb.lamp_gains(-1.0)
    assert cold[0] < 1.0 < cold[2]


def test_gamma_leaves_black_and_white(picture):
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    darker = perturb.shift_lamp(ramp, gamma=1.5)[0, :, 0]
    assert darker[0] == 0
    assert darker[255] == 255
    assert darker[128] == round(255 * (128 / 255) ** 1.5)
    assert (np.diff(darker.astype(int)) >= 0).all()


def test_a_vignette_darkens_the_corners_by_its_share():
    light = perturb.shift_lamp(np.full((101, 151, 3), 200, np.uint8), vignette=0.4)
    assert (light[50, 75] == 200).all()
    assert (np.abs(light[0, 0].astype(int) - 120) <= 1).all()
    assert (np.abs(light[0, 75].astype(int) - 160) <= 1).all()


def test_blur_spreads_a_point_by_its_sigma():
    point = np.zeros((61, 61, 3), np.uint8)
    point[30, 30] = 255
    wide = cv2.blur(point, (5, 5)).astype(float)[..., 0]
    blurred = perturb.blur((point > 0).astype(np.uint8) * 255, 2.0).astype(float)[..., 0]
    axis = np.arange(61) - 30
    spread = np.sqrt((blurred.sum(axis=0) * axis**2).sum() / blurred.sum())
    assert wide.sum() > 0
    assert spread == pytest.approx(2.0, abs=0.35)


def test_jpeg_loses_more_at_lower_quality(picture):
    losses = [np.abs(perturb.jpeg(picture, quality).astype(int) - picture).mean() for quality in (95, 50, 10)]
    assert losses == sorted(losses)


@pytest.mark.parametrize("quality", [0, 101, -3])
def test_jpeg_quality_has_limits(quality, picture):
    with pytest.raises(UsageError, match="1 to 100"):
        perturb.jpeg(picture, quality)


def test_noise_has_the_spread_asked_for():
    grey = np.full((300, 300, 3), 128, np.uint8)
    noisy = perturb.noise(grey, 6.0, 3).astype(float) - 128
    assert noisy.mean() == pytest.approx(0.0, abs=0.05)
    assert noisy.std() == pytest.approx(6.0, rel=0.03)
    assert abs(np.corrcoef(noisy[..., 0].ravel(), noisy[..., 1].ravel())[0, 1]) < 0.02
    assert np.array_equal(perturb.noise(grey, 6.0, 3), perturb.noise(grey, 6.0, np.random.default_rng(3)))
    assert not np.array_equal(perturb.noise(grey, 6.0, 3), perturb.noise(grey, 6.0, 4))


def test_the_bar_corner_and_nothing_else_is_masked(picture):
    masked = perturb.mask_bar(picture)
    changed = (masked != picture).any(axis=2)
    assert not changed[: 168 - 22].any()
    assert not changed[:, : 224 - 44].any()
    assert len(np.unique(masked[168 - 22 :, 224 - 44 :].reshape(-1, 3), axis=0)) == 1


# --- draws for training -----------------------------------------------------------------------------------------


def test_a_draw_follows_from_the_seed_and_takes_the_same_number_of_draws():
    first, second = np.random.default_rng(5), np.random.default_rng(5)
    assert perturb.sample_colour(first, 1.0) == perturb.sample_colour(second, 1.0)
    perturb.sample_colour(first, 0.2)
    perturb.sample_colour(second, 1.5)
    assert first.random() == second.random()


def test_no_strength_draws_no_change():
    assert perturb.sample_colour(np.random.default_rng(0), 0.0, grey=0.0) == ColourShift()


def test_grey_comes_as_often_as_asked():
    rng = np.random.default_rng(1)
    share = np.mean([perturb.sample_colour(rng).grey for _ in range(2000)])
    assert share == pytest.approx(0.3, abs=0.035)


def test_a_grey_draw_has_no_colour(picture):
    grey = perturb.apply_colour(picture, ColourShift(azure=1.3, a=8.0, lightness=-5.0, grey=True))
    assert np.array_equal(grey[..., 0], grey[..., 2])


def test_the_fast_path_is_the_steps_in_turn(picture):
    shift = ColourShift(
        azure=1.2, eosin=0.8, residual=1.1, stain_hue_deg=6, gains=(0.95, 0.9, 0.92), vignette=0.2,
        lightness=-4, contrast=0.95, a=4, b=-3, chroma=0.9, hue_deg=8,
    )  # fmt: skip
    steps = perturb.shift_stain(picture, 1.2, 0.8, 1.1, 6)
    steps = perturb.shift_lamp(steps, gains=(0.95, 0.9, 0.92))
    steps = perturb.shift_lamp(steps, vignette=0.2)
    steps = perturb.shift_lab(steps, lightness=-4, contrast=0.95, a=4, b=-3, chroma=0.9, hue_deg=8)
    apart = np.abs(perturb.apply_colour(picture, shift).astype(int) - steps)
    assert apart.mean() < 2.0
    assert np.percentile(apart, 99) <= 6


@pytest.mark.parametrize("seed", range(20))
def test_a_draw_of_full_strength_keeps_nuclei_apart_from_the_ground(seed):
    picture, _, nuclei = draw_field(224, 168, red=30, seed=1)
    inner = cv2.erode(nuclei.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    changed = perturb.apply_colour(picture, perturb.sample_colour(np.random.default_rng(seed), 1.0))
    lab = cv2.cvtColor(changed, cv2.COLOR_RGB2LAB)[..., 0] / 2.55
    assert np.median(lab[~nuclei]) - np.median(lab[inner]) > 12


@pytest.mark.real
@needs_data
def test_real_nuclei_survive_every_stress_of_stain_and_lamp():
    masks = sorted(DATA.glob("wbc_masks/bccd/masks/*"))[::12]
    assert masks
    for path in masks:
        field = DATA / "bccd/images" / path.name.replace("BloodImage_Mask_", "BloodImage_").replace(".png", ".jpg")
        nucleus = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) > 205
        rgb = read(field)
        for name in (
            "grey",
            "stain-shift-1",
            "stain-shift-2",
            "stain-shift-3",
            "stain-shift-4",
            "lamp-warm",
            "lamp-cold",
        ):
            light = cv2.cvtColor(perturb.STRESSES[name](rgb), cv2.COLOR_RGB2LAB)[..., 0] / 2.55
            assert np.percentile(light[~nucleus], 75) - np.median(light[nucleus]) > 8, (name, path.name)
