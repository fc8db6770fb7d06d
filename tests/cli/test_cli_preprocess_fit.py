"""Fitting in ``leukolens preprocess``: on what, what is left out, and what is told of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from cli_calls import draw

from leukolens.cli.preprocess_fit import UNLIKE, unlike_by
from leukolens.smear.prepare import Preparation

if TYPE_CHECKING:
    from cli_calls import Call


def test_steps_are_fitted_on_the_inputs_or_on_a_folder(call: Call, slides: Path, tmp_path: Path) -> None:
    _, printed, _ = call("preprocess", slides, "--out", tmp_path / "one", "--steps", "reinhard")
    assert "the inputs themselves, 4 pictures" in printed
    assert "the inputs themselves, 4 pictures" in (tmp_path / "one" / "preprocess.html").read_text("utf-8")
    bright = tmp_path / "bright"
    bright.mkdir()
    cv2.imwrite(str(bright / "1.png"), np.minimum(draw(5), 200)[..., ::-1])
    call("preprocess", slides, "--out", tmp_path / "two", "--steps", "reinhard", "--fit-on", bright)
    records = [json.loads((tmp_path / name / "preprocess.json").read_text("utf-8")) for name in ("one", "two")]
    assert records[1]["fitted_on"] == "the folder bright, 1 picture"
    means = [record["preparation"]["steps"][0]["reference"]["mean"][0] for record in records]
    assert means[0] - means[1] > 5
    # What was fitted can go into a recipe as it is.
    assert Preparation.model_validate(records[1]["preparation"]).steps[0].kind == "reinhard"


def test_pictures_without_stain_cannot_be_fitted_on(call: Call, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "blank.png"), np.full((100, 120, 3), 230, np.uint8))
    code, _, err = call("preprocess", tmp_path / "blank.png", "--out", tmp_path / "out", "--steps", "macenko")
    assert code == 2
    assert "No stain can be measured" in err
    assert "--fit-on" in err


def record_of(out: Path) -> dict[str, object]:
    record: dict[str, object] = json.loads((out / "preprocess.json").read_text("utf-8"))
    return record


def test_pictures_to_fit_on_that_cannot_be_read_are_named(call: Call, slides: Path, tmp_path: Path) -> None:
    (slides / "b" / "10.png").write_bytes(b"no picture")
    out, picture = tmp_path / "out", slides / "a" / "1.png"
    code, printed, err = call("preprocess", picture, "--out", out, "--steps", "reinhard", "--fit-on", slides)
    assert code == 1
    assert err.splitlines()[0].startswith("slides/b/10.png: ")
    assert "1 of the pictures to fit on could not be read and was left out." in printed
    assert "the folder slides, 3 pictures" in printed
    assert [entry["source"] for entry in record_of(out)["fit_left_out"]] == ["slides/b/10.png"]
    page = (out / "preprocess.html").read_text("utf-8")
    assert "slides/b/10.png" in page
    assert "was left out" in page
    # Inputs that are fitted on are told of as inputs, once.
    _, printed, err = call("preprocess", slides, "--out", tmp_path / "own", "--steps", "reinhard")
    assert err.count("10.png") == 1
    assert "left out" not in printed


def test_a_folder_that_no_step_needs_is_told_to_be_unused(call: Call, slides: Path, tmp_path: Path) -> None:
    _, printed, _ = call("preprocess", slides / "a", "--out", tmp_path / "out", "--fit-on", slides / "b")
    assert "The folder b of --fit-on was not used" in printed
    assert "The folder b of --fit-on was not used" in (tmp_path / "out" / "preprocess.html").read_text("utf-8")
    (tmp_path / "empty").mkdir()
    code, _, err = call("preprocess", slides, "--out", tmp_path / "two", "--fit-on", tmp_path / "empty")
    assert code == 2
    assert "nothing to fit on in" in err


def test_unlike_backgrounds_are_told(call: Call, slides: Path, tmp_path: Path) -> None:
    _, printed, _ = call("preprocess", slides, "--out", tmp_path / "alike", "--steps", "macenko")
    assert "are unlike" not in printed
    cv2.imwrite(str(slides / "dim.png"), (0.7 * draw(9)).astype(np.uint8)[..., ::-1])
    _, printed, _ = call("preprocess", slides, "--out", tmp_path / "unlike", "--steps", "macenko")
    assert "are unlike: the empty background of one is 1.4" in printed
    assert "are unlike" in (tmp_path / "unlike" / "preprocess.html").read_text("utf-8")
    assert "are unlike" in str(record_of(tmp_path / "unlike")["notes"])


def test_grounds_are_compared_channel_by_channel() -> None:
    one = np.array([200.0, 210.0, 240.0], np.float32)
    assert unlike_by([one]) == unlike_by([one, one]) == 1.0
    assert unlike_by([one, one * np.array([1, 1, 0.5], np.float32), one]) == pytest.approx(2.0)
    assert UNLIKE > 1


def test_a_picture_without_two_dyes_is_told(call: Call, slides: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(slides / "blank.png"), np.full((120, 160, 3), 235, np.uint8))
    _, printed, _ = call("preprocess", slides, "--out", tmp_path / "out", "--steps", "macenko")
    assert "In 1 of 5 pictures two dyes could not be told apart" in printed
    page = (tmp_path / "out" / "preprocess.html").read_text("utf-8")
    assert "In 1 of 5 pictures two dyes could not be told apart" in page
    assert page.count("<figcaption>") > page.count("Two dyes cannot be told apart: only the background") > 0


@pytest.mark.parametrize("options", [[], ["--masks"]])
def test_the_folder_of_the_output_is_not_fitted_on(
    call: Call, slides: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    monkeypatch.chdir(slides)
    for _ in range(2):
        call(
            "preprocess",
            "a",
            "--out",
            "look",
            "--overwrite",
            "--steps",
            "reinhard,segment-kmeans",
            "--fit-on",
            ".",
            *options,
        )
        assert record_of(slides / "look")["fitted_on"] == "the folder slides, 4 pictures"


def test_the_files_hold_no_path_but_those_of_the_inputs_as_given(
    call: Call, slides: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (slides / "b" / "10.png").write_bytes(b"no picture")
    monkeypatch.chdir(slides)
    call("preprocess", "a", "b", "--out", tmp_path / "out", "--steps", "reinhard", "--fit-on", slides.resolve())
    for name in ("preprocess.html", "preprocess.json"):
        assert str(tmp_path) not in (tmp_path / "out" / name).read_text("utf-8")
