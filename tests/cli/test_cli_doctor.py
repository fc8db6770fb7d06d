"""``leukolens doctor``: what it says of a sound, an incomplete and a damaged installation."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from leukolens.cli import doctor_checks
from leukolens.engine.bundle import open_bundle
from leukolens.finding import RESEARCH_USE, LeukolensError
from leukolens.screen import FieldOutputs

if TYPE_CHECKING:
    from pathlib import Path

    from cli_calls import Call


def states(text: str) -> dict[str, str]:
    return {check["name"]: check["state"] for check in json.loads(text)["checks"]}


def test_a_sound_installation(call: Call, bundle: Path) -> None:
    code, out, err = call("doctor", "--bundle", bundle, "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert told["ok"] is True
    assert told["note"] == RESEARCH_USE
    found = states(out)
    assert found["model"] == found["versions"] == found["preparation"] == "ok"
    assert "ok" in {found["engine openvino"], found["engine onnxruntime"]}


def test_as_a_table(call: Call, bundle: Path) -> None:
    code, out, _ = call("doctor", "--bundle", bundle)
    assert code == 0
    for needed in ("All is well.", RESEARCH_USE, "all sums right"):
        assert needed in out


def test_a_damaged_model_fails(call: Call, bundle: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(bundle, copy)
    (copy / "MODEL_CARD.md").write_text("another")
    code, out, _ = call("doctor", "--bundle", copy, "--json")
    assert code == 4
    assert states(out)["model"] == "failed"
    assert json.loads(out)["ok"] is False


def test_an_unknown_model_fails(call: Call) -> None:
    code, out, _ = call("doctor", "--bundle", "nowhere")
    assert code == 4
    assert "1 of" in out


def test_a_broken_engine_fails_and_the_other_is_still_tried(
    call: Call, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = doctor_checks._screen_on

    def screen(engine: str, *rest: object) -> doctor_checks.Check:
        if engine == "openvino":
            raise ImportError("libtbb.so.12: cannot open shared object file")
        return real(engine, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(doctor_checks, "_screen_on", screen)
    code, out, _ = call("doctor", "--bundle", bundle, "--json")
    found = states(out)
    assert code == (4 if found["engine openvino"] == "failed" else 0)
    assert found["engine onnxruntime"] == "ok"
    if found["engine openvino"] == "failed":
        assert "libtbb.so.12" in out


def test_engines_that_disagree_fail() -> None:
    near = doctor_checks._compare({"a": np.array([0.5, 0.5]), "b": np.array([0.50005, 0.49995])})
    far = doctor_checks._compare({"a": np.array([0.5, 0.5]), "b": np.array([0.51, 0.49])})
    assert (near.state, far.state) == ("ok", "failed")


def answer(seed: int, *, bias: float = 0.25, distance: float = 1.0) -> FieldOutputs:
    """What a sound network may give for one picture."""
    class_map = np.random.default_rng(seed).normal(0, 3, (4, 6, 8)).astype(np.float32)
    return FieldOutputs(class_map.mean((1, 2)) + np.float32(bias), class_map, np.ones(3, np.float32), distance)


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (answer(1), "the same answer whatever it is shown"),
        (answer(2, bias=0.5), "does not add up"),
        (answer(2, distance=float("nan")), "no number"),
    ],
)
def test_a_network_that_is_sound_by_its_sums_but_answers_wrongly_fails(second: FieldOutputs, words: str) -> None:
    doctor_checks._check_outputs(answer(1), answer(2))
    with pytest.raises(LeukolensError, match=words):
        doctor_checks._check_outputs(answer(1), second)


def test_the_head_of_the_thesis_has_a_bias_of_its_own_for_each_picture() -> None:
    doctor_checks._check_outputs(answer(1), answer(2, bias=0.5), fixed_bias=False)
    with pytest.raises(LeukolensError, match="no number"):
        doctor_checks._check_outputs(answer(1), answer(2, distance=float("nan")), fixed_bias=False)


def test_a_squeeze_that_is_not_undone_fails(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, rendered = open_bundle(bundle), doctor_checks._render("all")
    assert doctor_checks._check_preparation(opened, rendered).state == "ok"
    from leukolens.smear import prepare
    from leukolens.smear.squeeze import Squeeze

    monkeypatch.setattr(prepare, "recognise_squeeze", lambda *_: Squeeze(1.0, None, 1.0, "shape"))
    assert doctor_checks._check_preparation(opened, rendered).state == "failed"


def test_no_engine_at_all_fails(call: Call, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_checks, "_version", lambda name: None)
    code, out, _ = call("doctor", "--bundle", bundle, "--json")
    assert code == 4
    assert states(out)["self-test"] == "failed"


def test_packages_and_extras_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ["numpy>=1.26", "absent>=1 ; python_version > '3'", "torch>=2.11; extra == 'train'", "openvino"]
    monkeypatch.setattr(doctor_checks.metadata, "requires", lambda _: wanted)
    monkeypatch.setattr(doctor_checks, "_version", {"numpy": "2.1"}.get)
    parted = doctor_checks._requirements()
    assert parted == {"": ["numpy", "absent"], "train": ["torch"]}
    core, train = doctor_checks._check_packages(parted)
    assert (core.state, train.state) == ("failed", "missing")
    assert "absent" in core.found
    assert "pip install 'leukolens[train]'" in train.todo
    (whole,) = doctor_checks._check_packages({"": ["numpy"]})
    assert (whole.state, whole.found) == ("ok", "numpy 2.1")
