"""Quality measures: what they say of drawn fields with known truth, and how often they flag real ones."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import cv2
import numpy as np
import pytest
from drawn_fields import DATA, draw_field, needs_data, read

from leukolens.smear import perturb
from leukolens.smear.marks import find_marks, paint_out
from leukolens.smear.quality import OUT_OF_FOCUS, measure_quality
from leukolens.smear.squeeze import Squeeze

TRUE_SHAPE = Squeeze(factor=1.0, measured=None, confidence=1.0, source="shape")
LABORATORIES = [
    {},
    {"ground": (210, 200, 170), "red_cell": (120, 90, 80), "nucleus": (70, 15, 60)},
    {"ground": (205, 225, 205), "red_cell": (150, 140, 140), "nucleus": (95, 40, 105)},
    {"ground": (252, 254, 255), "red_cell": (168, 175, 222), "nucleus": (95, 65, 200)},
]


def measure(rgb, burned_in=0.0, squeeze=TRUE_SHAPE):
    return measure_quality(rgb, burned_in=burned_in, squeeze=squeeze)


def working(path):
    """The picture as `prepare` hands it over: reduced, marks painted out."""
    rgb = read(path)
    shrink = min(1.0, 640 / max(rgb.shape[:2]))
    if shrink < 1:
        rgb = cv2.resize(rgb, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    return paint_out(rgb, find_marks(rgb))


# --- cells ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("laboratory", LABORATORIES)
@pytest.mark.parametrize("size", [(224, 224), (224, 168), (640, 480)])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_good_field_has_no_flags_and_true_shares(laboratory, size, seed):
    picture, red, nuclei = draw_field(*size, red=34, white=3, seed=seed, **laboratory)
    quality = measure(picture)
    assert quality.flags == []
    assert quality.white_cells == pytest.approx(nuclei.mean(), rel=0.35)
    assert quality.red_cells == pytest.approx(red.mean(), rel=0.35)
    assert quality.stain >= 0.7 * quality.white_cells
    assert 0.6 < quality.focus <= 1.0


@pytest.mark.parametrize("laboratory", LABORATORIES)
@pytest.mark.parametrize("seed", range(4))
def test_a_field_of_red_cells_alone_has_no_white_cells(laboratory, seed):
    quality = measure(draw_field(red=45, white=0, seed=seed, **laboratory)[0])
    assert "no white cells" in quality.flags
    assert quality.white_cells == 0.0
    assert "no cells" not in quality.flags


@pytest.mark.parametrize("laboratory", LABORATORIES)
def test_absence_is_not_claimed_in_grey(laboratory):
    grey = perturb.to_grey(draw_field(red=40, white=1, seed=3, **laboratory)[0])
    quality = measure(grey)
    assert quality.flags == ["no colour"]
    assert quality.white_cells > 0


@pytest.mark.parametrize("name", [name for name in perturb.STRESSES if name not in ("bar-masked", "grey")])
def test_absence_is_not_claimed_under_stress(name):
    for seed in range(3):
        stressed = perturb.STRESSES[name](draw_field(224, 168, red=25, white=1, seed=seed)[0])
        assert "no white cells" not in measure(stressed).flags


@pytest.mark.parametrize("gains", [(1.0, 0.8, 0.6), (0.6, 0.8, 1.0), (0.6, 0.6, 0.6)])
def test_lamp_and_vignette_do_not_change_what_is_seen(gains):
    picture, _, _ = draw_field(red=40, white=3, seed=5)
    plain = measure(picture)
    lit = measure(perturb.shift_lamp(picture, gains=gains, vignette=0.15))
    assert lit.white_cells == pytest.approx(plain.white_cells, rel=0.3)
    assert lit.red_cells == pytest.approx(plain.red_cells, rel=0.3)


def test_a_field_packed_with_nuclei_is_not_said_to_have_none():
    picture = np.full((168, 224, 3), (225, 228, 240), np.uint8)
    for row, y in enumerate(range(-5, 190, 26)):
        for x in range(-5 + 15 * (row % 2), 250, 30):
            cv2.circle(picture, (x, y), 14, (110, 70, 175), -1, cv2.LINE_AA)
    picture = perturb.noise(cv2.GaussianBlur(picture, (0, 0), 0.8), 3.0, 0)
    quality = measure(picture)
    assert "no white cells" not in quality.flags
    assert quality.white_cells > 0.4


@pytest.mark.parametrize("level", [0, 5, 128, 230, 255])
@pytest.mark.parametrize("grain", [0.0, 3.0])
def test_a_blank_picture_has_no_cells(level, grain):
    blank = perturb.noise(np.full((224, 224, 3), level, np.uint8), grain, 1)
    quality = measure(blank)
    if level >= 128:
        assert {"no cells", "no white cells"} <= set(quality.flags)
        assert quality.white_cells == 0.0
    else:
        assert "under-exposed" in quality.flags


# --- focus and light --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(224, 224), (640, 480)])
def test_focus_falls_with_every_blur_and_is_flagged_in_the_end(size):
    picture, _, _ = draw_field(*size, seed=2)
    focus = [measure(perturb.blur(picture, sigma)).focus for sigma in (0, 1, 2, 3, 5)]
    assert focus == sorted(focus, reverse=True)
    assert focus[0] - focus[2] > 0.15
    assert focus[3] < 0.65 * focus[0]
    assert focus[4] < OUT_OF_FOCUS
    assert "out of focus" in measure(perturb.blur(picture, 5)).flags


@pytest.mark.parametrize("gain", [0.5, 0.75])
def test_focus_does_not_depend_on_brightness(gain):
    picture, _, _ = draw_field(seed=6)
    darker = (picture * gain).astype(np.uint8)
    assert measure(darker).focus == pytest.approx(measure(picture).focus, abs=0.06)


def test_exposure_is_mean_lightness():
    assert measure(np.full((60, 80, 3), 119, np.uint8)).exposure == pytest.approx(50.0, abs=0.6)
    assert measure(np.full((60, 80, 3), 255, np.uint8)).exposure == pytest.approx(100.0, abs=0.1)


def test_light_out_of_range_is_flagged():
    picture, _, _ = draw_field(seed=1)
    assert "under-exposed" in measure((picture * 0.2).astype(np.uint8)).flags
    assert "over-exposed" in measure(np.clip(picture.astype(int) + 90, 0, 255).astype(np.uint8)).flags


def test_clipped_pixels_are_counted():
    picture = np.full((100, 100, 3), 120, np.uint8)
    picture[:10] = 255
    picture[10:30, :, 1] = 0
    picture[30:40, :, 0] = 255  # one channel full is not clipped white
    assert measure(picture).clipped_fraction == pytest.approx(0.30)


def test_what_was_found_before_is_handed_on():
    squeeze = Squeeze(factor=4 / 3, measured=1.31, confidence=0.99, source="picture")
    quality = measure(draw_field()[0], burned_in=0.0125, squeeze=squeeze)
    assert quality.burned_in == 0.0125
    assert quality.squeeze == pytest.approx(4 / 3)
    assert quality.squeeze_source == "picture"


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (200, 3), (16, 16)])
def test_very_small_pictures_are_measured_too(shape):
    quality = measure(np.full((*shape, 3), 200, np.uint8))
    assert "no white cells" in quality.flags


# --- real pictures ----------------------------------------------------------------------------------------------


def _flags(paths, change=lambda rgb: rgb):
    return [measure(change(working(path))).flags for path in paths]


def _share(flags, name):
    return np.mean([name in found for found in flags])


@pytest.mark.real
@needs_data
@pytest.mark.parametrize("change", [lambda rgb: rgb, perturb.to_grey], ids=["colour", "grey"])
@pytest.mark.parametrize(
    ("pattern", "every"),
    [
        ("taleqani/Original/*/*", 12),
        ("taleqani_native/*.jpg", 1),
        ("bccd/images/*", 4),
        ("normal_fields/bionet/*", 2),
        ("normal_fields/chula_wbc/*.jpg", 2),
        ("other_all/fields/*", 1),
        ("other_leukaemia/apml_fields/*", 2),
    ],
)
def test_white_cells_are_never_said_to_be_absent_where_they_are(pattern, every, change):
    paths = sorted(DATA.glob(pattern))[::every]
    assert paths
    absent = [path.name for path, found in zip(paths, _flags(paths, change), strict=True) if "no white cells" in found]
    assert not absent


@pytest.mark.real
@needs_data
def test_good_real_fields_are_seldom_flagged():
    flags = _flags(sorted(DATA.glob("taleqani/Original/*/*"))[::12])
    assert _share(flags, "out of focus") < 0.02
    assert _share(flags, "hardly any stain") < 0.01
    for name in ("under-exposed", "over-exposed", "clipped", "no colour", "no cells"):
        assert _share(flags, name) == 0, name


@pytest.mark.real
@needs_data
def test_absence_is_seen_where_there_are_red_cells_only():
    flags = _flags(sorted(DATA.glob("normal_fields/iml_malaria/*")))
    assert 0.3 <= _share(flags, "no white cells") <= 0.6  # 4 to 8 of the 20 do hold a white cell or what is left of one


@pytest.mark.real
@needs_data
def test_absence_is_seen_in_windows_without_a_white_cell():
    flags = []
    for path in sorted(DATA.glob("bccd/boxes/*.xml"))[::8]:
        boxes = [
            [int(node.findtext(f"bndbox/{side}")) for side in ("xmin", "ymin", "xmax", "ymax")]
            for node in ElementTree.parse(path).getroot().iter("object")
            if node.findtext("name") == "WBC"
        ]
        image = DATA / "bccd/images" / f"{path.stem}.jpg"
        for x, y in [(x, y) for x in (0, 160, 320) for y in (0, 240)]:
            apart = [x0 > x + 335 or x1 < x - 15 or y0 > y + 255 or y1 < y - 15 for x0, y0, x1, y1 in boxes]
            if boxes and all(apart) and image.exists():
                flags.append(measure(np.ascontiguousarray(read(image)[y : y + 240, x : x + 320])).flags)
    assert len(flags) > 40
    assert _share(flags, "no white cells") > 0.45


@pytest.mark.real
@needs_data
def test_the_area_of_nuclei_agrees_with_masks():
    found, truth = [], []
    for path in sorted(DATA.glob("wbc_masks/bccd/masks/*"))[::4]:
        field = DATA / "bccd/images" / path.name.replace("BloodImage_Mask_", "BloodImage_").replace(".png", ".jpg")
        truth.append((cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) > 205).mean())
        found.append(measure(working(field)).white_cells)
    assert np.corrcoef(found, truth)[0, 1] > 0.8
    assert 0.7 < np.median(np.divide(found, truth)) < 1.1


@pytest.mark.real
@needs_data
def test_real_blur_pushes_focus_down_clearly():
    for pattern, every in (("taleqani/Original/*/*", 60), ("bccd/images/*", 20), ("normal_fields/bionet/*", 4)):
        pictures = [working(path) for path in sorted(DATA.glob(pattern))[::every]]
        sharp, soft = (np.array([measure(perturb.blur(p, s)).focus for p in pictures]) for s in (0, 2.5))
        assert np.median(soft / sharp) < 0.62, pattern
        assert (soft < sharp).mean() > 0.98, pattern
