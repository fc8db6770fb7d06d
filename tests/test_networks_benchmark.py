"""The benchmark of all networks: what its comparison sees, which page it writes, and what it does again."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="needs leukolens[train]")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))

from networks_page import page

import networks
from leukolens.networks.table import REGISTRY
from leukolens.train.layout import SUMMARY_FILE
from networks import AGAIN, PROOF, Said, compare, main

pytestmark = pytest.mark.slow
LITE = "efficientnet-lite0"


def said(scale: float = 1.0) -> Said:
    rng = np.random.default_rng(1)
    logits = scale * rng.normal(size=(6, 4)).astype(np.float32)
    return Said(logits, rng.normal(size=(6, 4, 3, 2)).astype(np.float32))


def test_logits_differ_where_saturated_probabilities_do_not() -> None:
    expected = said(1e4)
    found = compare(expected, Said(expected.logits * np.float32(1.2), expected.class_map))
    assert found["probability"] < 1e-12
    assert found["logit"] > 0.05
    assert found["class_map"] == 0.0


def test_a_logit_counts_on_the_scale_on_which_pictures_differ() -> None:
    """A class that is always 50 ahead must not widen the scale."""
    expected = said()
    ahead = expected.logits + np.float32([0, 0, 0, 50])
    wrong = np.float32([0.5, 0, 0, 0])
    near = compare(expected, Said(expected.logits + wrong, expected.class_map))
    far = compare(Said(ahead, expected.class_map), Said(ahead + wrong, expected.class_map))
    assert far["logit"] == pytest.approx(near["logit"], rel=1e-3)
    same = np.broadcast_to(expected.logits.mean(0), expected.logits.shape)
    assert compare(expected, Said(same, expected.class_map))["logit"] >= 0.3


def test_a_class_map_counts_by_the_pictures_largest_value() -> None:
    expected = said()
    changed = expected.class_map.copy()
    changed[2, 1, 0, 0] += 0.5 * np.abs(changed[2]).max()
    assert compare(expected, Said(expected.logits, changed))["class_map"] == pytest.approx(0.5, rel=1e-3)


def row(name: str, **changes: Any) -> dict[str, Any]:
    one = {engine: {"probability": 1e-16, "logit": 4e-5, "class_map": 6e-5} for engine in ("openvino", "onnxruntime")}
    agreement = one | {
        "second_probability": 1e-13,
        "logit_range": 72.0,
        "measured": "2026-11-23T18:00:00+00:00",
        "loss": [2.0, 1.0],
    }
    told = {"network": name, "recipe": "r", "head": "linear", "size": [224, 168], "parameters": 1, "steps": 4}
    measured = {"onnx_megabytes": 1.0, "loss": [2.0, 1.0], "processor_seconds_a_sample": 0.1}
    return told | measured | {"measured": "2026-11-23T15:00:00+00:00", "agreement": agreement} | changes


def test_the_page_says_what_is_saturated_and_what_was_not_compared() -> None:
    old = row("old", agreement=None, difference={"openvino": 1e-7, "onnxruntime": 2e-7})
    fine = row("fine", agreement=row("fine")["agreement"] | {"second_probability": 0.3})
    text = page([row("flat"), old, fine], 8)
    (flat,) = [line for line in text.splitlines() if line.startswith("| flat")]
    assert "1.0e-16 / 1.0e-16 (saturated) | 72 | 4.0e-05 / 4.0e-05 | 6.0e-05 / 6.0e-05 | 2026-11-23 18:00" in flat
    assert "| 1.0e-07 / 2.0e-07 | - | - | - |" in text
    assert text.count("(saturated)") == 1
    assert "--only old --agreement" in text
    assert "the losses were the same." in text
    other = row("other", loss=[2.0, 1.5])
    assert "but for other (2 -> 1)." in page([other], 8)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    for label, tone in (("dark", 60), ("pale", 200)):
        (tmp_path / "data" / label).mkdir(parents=True)
        for number in range(8):
            pixels = rng.normal(tone, 20, (60, 80, 3)).clip(0, 255).astype(np.uint8)
            cv2.imwrite(str(tmp_path / "data" / label / f"{number}.png"), pixels)
    return tmp_path / "data"


def test_one_network_leaves_the_page_of_all_and_is_compared_again(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    committed, runs = tmp_path / "docs", tmp_path / "runs"
    committed.mkdir()
    (committed / "networks.md").write_text("all networks")
    monkeypatch.setattr(networks, "RESULTS", committed)
    words = [str(pictures), "--out", str(runs), "--only", LITE]
    main(words)
    assert (committed / "networks.md").read_text() == "all networks"
    assert not (committed / "networks.json").exists()
    assert "not all networks are there" in capsys.readouterr().out
    (first,) = json.loads((runs / "networks.json").read_text())["results"]
    assert 0 < first["agreement"]["openvino"]["logit"] < 1e-2
    assert not (runs / LITE / "weights.safetensors").exists()

    main([*words, "--agreement", "--keep", "--results", str(tmp_path / "elsewhere")])
    (second,) = json.loads((tmp_path / "elsewhere" / "networks.json").read_text())["results"]
    assert second["agreement"]["loss"] == first["loss"], "trained again in the same way"
    assert {**second, "agreement": 0} == {**first, "agreement": 0}, "its times stay"

    again = (runs / LITE / AGAIN / SUMMARY_FILE).stat().st_mtime_ns
    main([*words, "--agreement", "--keep"])
    assert (runs / LITE / AGAIN / SUMMARY_FILE).stat().st_mtime_ns == again, "kept weights are not trained again"

    with pytest.raises(SystemExit, match="other pictures"):
        main([*words, "--a-class", "6"])


def test_the_page_of_all_is_written_when_all_are_there(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(networks, "RESULTS", tmp_path / "docs")
    monkeypatch.setattr(networks, "read_run", lambda folder: json.loads((folder / "told.json").read_text()))
    every = networks.open_catalogue(pictures)
    (tmp_path / "runs").mkdir()
    few = networks.fingerprint(networks._few(pictures, every, 4, tmp_path / "few.csv"))
    told = {"run": {"data_sha256": networks.catalogue_sha256(few)}, "manifest": {"time": "2026-11-23T15:00:00+00:00"}}
    for name in REGISTRY:
        (tmp_path / "runs" / name).mkdir()
        (tmp_path / "runs" / name / PROOF).write_text(json.dumps(row(name)))
        (tmp_path / "runs" / name / "told.json").write_text(json.dumps(told))
    main([str(pictures), "--out", str(tmp_path / "runs"), "--only", "vgg19", "--a-class", "4"])
    found = json.loads((tmp_path / "docs" / "networks.json").read_text())["results"]
    assert [one["network"] for one in found] == list(REGISTRY)
