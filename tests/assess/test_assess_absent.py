"""Data sets of one class, of one side and of two images: no figure that cannot be had, and what would be needed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy", reason="needs leukolens[train]")
pytest.importorskip("onnx", reason="needs leukolens[train]")
pytest.importorskip("matplotlib", reason="needs leukolens[train]")

from tiny_bundle import write_tiny_bundle

from leukolens.assess.absent import warn_of_absent
from leukolens.assess.predictions import Predictions, check_predictions
from leukolens.assess.scores import LEUKAEMIA, score
from leukolens.cli.main import main

CLASSES = ("Benign", "Early", "Pre")


def guesses(counts: tuple[int, ...]) -> Predictions:
    """So many images of each class, at random probabilities."""
    labels = [index for index, count in enumerate(counts) for _ in range(count)]
    shares = np.random.default_rng(5).dirichlet(np.ones(len(counts)), len(labels))
    return check_predictions(labels, shares, CLASSES)


def undefined(counts: tuple[int, ...]) -> set[str]:
    found = score(guesses(counts), ("Benign",), prevalences=(0.05,), replicates=50).flat()
    return {name for name, figure in found.items() if figure.value is None}


def told(counts: tuple[int, ...]) -> str:
    return " ".join(warn_of_absent(score(guesses(counts), ("Benign",), replicates=50)))


def test_of_one_class_nothing_is_told_that_sets_it_against_others() -> None:
    overall = {"auc", "average_precision", "precision", "specificity"}
    own = {f"{name}.Pre" for name in overall}
    two_sided = {f"leukaemia.{name}" for name in (*LEUKAEMIA, "ppv_at_5%", "npv_at_5%")} - {"leukaemia.sensitivity"}
    assert undefined((0, 0, 6)) >= overall | own | two_sided
    assert not undefined((0, 0, 6)) & {"accuracy", "balanced_accuracy", "recall.Pre", "leukaemia.sensitivity"}
    found = score(guesses((0, 0, 6)), ("Benign",), replicates=50).overall["average_precision"]
    assert (found.value, found.note) == (None, "one class: needs images of two")


def test_of_one_side_only_what_it_allows_is_told() -> None:
    missing = {f"leukaemia.{name}" for name in LEUKAEMIA} - {"leukaemia.sensitivity"}
    assert {name for name in undefined((0, 40, 40)) if "_at_" not in name and "Benign" not in name} == missing
    assert "leukaemia.sensitivity" in undefined((40, 0, 0))
    assert "leukaemia.specificity" not in undefined((40, 0, 0))
    assert undefined((40, 40, 40)) == set()


def test_what_is_absent_is_said_with_what_would_be_needed() -> None:
    assert told((40, 40, 40)) == ""
    assert "One class alone (Pre): what sets classes against each other" in told((0, 0, 40))
    assert "Needed: images of two classes at least" in told((0, 0, 40))
    assert told((0, 40, 40)).startswith("No image without leukaemia (Benign): specificity, AUC, PPV and NPV")
    assert "Needed: images of Benign." in told((0, 40, 40))
    assert "No image of leukaemia: sensitivity, AUC" in told((40, 0, 0))
    assert "other than Benign" in told((40, 0, 0))
    assert told((40, 40, 0)) == "There is no image of Pre: averages over classes leave it out."
    assert told((40, 29, 1)) == "Fewer than 30 images of Early (29), Pre (1): too few to show anything of the class."


@pytest.mark.parametrize("kept", [("Pre-B/0.png", "Pre-B/1.png"), ("Benign/0.png", "Pre-B/0.png")])
def test_the_command_warns_and_goes_on(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], kept: tuple[str, ...]
) -> None:
    for name in kept:
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(pictures / name, tmp_path / "data" / name)
    bundle = write_tiny_bundle(tmp_path / "bundle")
    out = tmp_path / "out"
    assert main(["evaluate", str(bundle), str(tmp_path / "data"), "--engine", "onnxruntime", "--out", str(out)]) == 0
    content, printed = json.loads((out / "metrics.json").read_text("utf-8")), capsys.readouterr().out
    warnings = " ".join(content["warnings"])
    assert "too few to show anything" in warnings
    assert "too few to show anything" in " ".join(printed.split())
    if len({name.partition("/")[0] for name in kept}) == 1:
        assert "One class alone (Pre-B)" in warnings
        assert "No image without leukaemia (Benign)" in warnings
        assert "one class: needs images of two" in " ".join(printed.split())
        assert content["overall"]["average_precision"]["value"] is None
        assert "average_precision" not in content["bootstrap"]["limits"]
        assert "not defined" in (out / "report.html").read_text("utf-8")
        assert content["curves"]["Pre-B"] == {"roc": [], "precision_recall": []}
