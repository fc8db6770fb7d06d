"""``leukolens preprocess --recipe``: the preparation of a recipe, and its second training sample."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from leukolens.smear.prepare import prepare
from leukolens.smear.segmentation import apply_mask, segment

if TYPE_CHECKING:
    from cli_calls import Call


def names(folder: Path) -> list[str]:
    return [path.stem.split("-", 1)[1] for path in sorted(folder.iterdir())]


def read(path: Path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def test_a_recipe_says_all_of_the_preparation(call: Call, slides: Path, tmp_path: Path) -> None:
    pytest.importorskip("yaml", reason="needs leukolens[train]")
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(
        "preparation: {width: 112, height: 112, shape: stretch, paint_out_marks: false, steps: [{kind: segment-hsv}]}\n"
    )
    assert call("preprocess", slides / "b", "--out", tmp_path / "out", "--recipe", recipe).code == 0
    folder = tmp_path / "out" / "pictures" / "0001-1"
    assert names(folder) == ["original", "prepared", "hsv-mask", "segment-hsv"]
    assert read(folder / "02-prepared.png").shape == (112, 112, 3)
    recipe.write_text("preparation: {steps: [{kind: macenk}]}\n")
    code, _, err = call("preprocess", slides, "--out", tmp_path / "other", "--recipe", recipe)
    assert (code, "Did you mean 'macenko'" in err) == (2, True)


def test_a_recipe_without_the_extra_says_what_to_install(
    call: Call, slides: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "leukolens.train.recipe", raising=False)
    monkeypatch.setitem(sys.modules, "yaml", None)
    code, _, err = call("preprocess", slides, "--out", tmp_path / "out", "--recipe", "field-plain")
    assert code == 2
    assert "pip install 'leukolens[train]', or in a clone: pip install '.[train]'" in err
    assert "--steps" in err


def test_the_second_training_sample_of_the_thesis_is_shown(call: Call, slides: Path, tmp_path: Path) -> None:
    pytest.importorskip("yaml", reason="needs leukolens[train]")
    from leukolens.train.recipe import load_recipe

    out, given = tmp_path / "out", slides / "a" / "1.png"
    assert call("preprocess", given, "--out", out, "--recipe", "thesis-vgg19").code == 0
    folder = out / "pictures" / "0001-1"
    assert names(folder) == ["original", "prepared", "a-channel", "clusters", "threshold", "filled", "cleaned", "mask",
                             "second-sample"]  # fmt: skip
    recipe = load_recipe("thesis-vgg19")
    pixels = prepare(read(given)[..., ::-1].copy(), recipe.preparation).pixels
    sample = apply_mask(pixels, segment(pixels, recipe.samples.segmentation))
    np.testing.assert_array_equal(read(folder / "09-second-sample.png")[..., ::-1], sample)
    page = (out / "preprocess.html").read_text("utf-8")
    assert "The second training sample, by segment-kmeans" in page
    assert "Second training sample: segment-kmeans." in page
    record = json.loads((out / "preprocess.json").read_text("utf-8"))
    assert record["second_sample"] == recipe.samples.segmentation.model_dump(mode="json")
    # What screening sees has no segmentation.
    assert record["preparation"]["steps"] == []


def test_masks_are_those_of_the_second_training_sample(call: Call, tmp_path: Path) -> None:
    pytest.importorskip("yaml", reason="needs leukolens[train]")
    rgb = np.full((300, 400, 3), (238, 232, 236), np.uint8)
    disc = np.zeros((300, 400), np.uint8)
    cv2.circle(disc, (100, 100), 40, 1, -1)
    rgb[disc > 0] = (105, 60, 200)
    cv2.imwrite(str(tmp_path / "cell.png"), rgb[..., ::-1])
    # One with the picture stretched, one with a background filled in.
    for recipe, more in (("thesis-vgg19", ""), ("field-plain", "samples: {views: [original, segmented]}\n")):
        path = tmp_path / f"{recipe}-2.yaml"
        path.write_text(f"extends: {recipe}\n{more}", "utf-8")
        out = tmp_path / recipe
        code, _, err = call("preprocess", tmp_path / "cell.png", "--out", out, "--masks", "--recipe", path)
        assert (code, err) == (0, "")
        mask = read(out / "0001-cell.png") > 0
        assert (mask & (disc > 0)).sum() / (mask | (disc > 0)).sum() > 0.93
    assert (
        call("preprocess", tmp_path / "cell.png", "--out", tmp_path / "x", "--masks", "--recipe", "field-plain").code
        == 2
    )
