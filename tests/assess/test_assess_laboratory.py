"""What the shifts of stain and lamp are calibrated on."""

from __future__ import annotations

import json
import math
from importlib.resources import files

import numpy as np
import pytest

from leukolens.assess.laboratory import LOOK, differences, hue_of_density, measure_look, typical_differences
from leukolens.smear.perturb import shift_lamp, shift_stain
from leukolens.smear.synth import Content, Style, render_field

RGB = render_field(
    11, width=480, height=360, um_per_px=0.25, style=Style.named("violet"), content=Content.named("all")
).pixels


def test_a_warmer_lamp_is_measured_as_such():
    before, after = measure_look(RGB), measure_look(shift_lamp(RGB, gains=(0.95, 0.85, 0.7)))
    assert after["warmth"] - before["warmth"] == pytest.approx(math.log(0.95 / 0.7), abs=0.03)
    assert after["tint"] - before["tint"] == pytest.approx(math.log(0.85 / math.sqrt(0.95 * 0.7)), abs=0.03)


def test_fall_off_is_measured_as_such():
    before, after = measure_look(RGB), measure_look(shift_lamp(RGB, vignette=0.3))
    assert 0.1 < after["fall_off"] - before["fall_off"] < 0.3


def test_stronger_and_redder_nuclei_are_measured_as_such():
    before = measure_look(RGB)
    strong = measure_look(shift_stain(RGB, azure=1.5))
    assert strong["nucleus_density"] - before["nucleus_density"] == pytest.approx(math.log(1.5), abs=0.12)
    redder = measure_look(shift_stain(RGB, hue_deg=15.0))
    assert redder["nucleus_hue"] - before["nucleus_hue"] == pytest.approx(15.0, abs=5.0)


def test_hue_is_an_angle_about_the_grey_axis():
    assert hue_of_density(np.array([0.0, 1.0, 0.0])) == pytest.approx(0.0)
    assert hue_of_density(np.array([0.0, 1.0, 1.0])) == pytest.approx(60.0)
    assert hue_of_density(np.array([1.0, 1.0, 0.0])) == pytest.approx(-60.0)


@pytest.mark.parametrize("value", [0, 255])
def test_an_empty_picture_shows_no_cells(value):
    look = measure_look(np.full((40, 50, 3), value, np.uint8))
    assert set(look) == set(LOOK)
    assert math.isnan(look["nucleus_density"])


def test_differences_go_round_the_circle_and_pass_over_what_is_missing():
    looks = {name: dict.fromkeys(LOOK, 0.0) for name in "abc"}
    looks["a"]["red_cell_hue"], looks["b"]["red_cell_hue"], looks["c"]["red_cell_hue"] = 170.0, -170.0, math.nan
    looks["a"]["warmth"], looks["b"]["warmth"], looks["c"]["warmth"] = 0.0, 1.0, 3.0
    found = differences(looks)
    assert found["red_cell_hue"] == {"median": 20.0, "least": 20.0, "greatest": 20.0, "pairs": 1.0}
    assert found["warmth"]["median"] == 2.0


def test_the_measured_differences_are_those_of_the_file():
    content = json.loads(files("leukolens.assess").joinpath("laboratories.json").read_text("utf-8"))
    looks = {
        name: {key: math.nan if own["median"] is None else own["median"] for key, own in look.items()}
        for name, look in content["laboratories"].items()
    }
    assert len(looks) == 6
    for name, own in differences(looks).items():
        assert typical_differences()[name] == pytest.approx(own["median"], abs=1e-4)
        assert own["median"] > 0
