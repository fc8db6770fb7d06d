"""The study of orders: its arithmetic against published and hand-made figures, and one small run of it."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs leukolens[train]")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import leaky_order
from leaky_order_results import compare, difference, score_piece, to_markdown

from leukolens.statistics.intervals import proportion

Row = tuple[str, bool, str | None]


def write_rows(path: Path, rows: list[Row]) -> None:
    """Rows of (path, right, view); a view of None leaves the columns of samples out."""
    samples = rows[0][2] is not None
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "label", "predicted", *(["view", "copy", "twin"] if samples else [])])
        for name, right, view in rows:
            more = [view, 0, "yes" if name.startswith("twin") else "no"] if samples else []
            writer.writerow([name, "a", "a" if right else "b", *more])


def piece(folder: Path, validation: list[Row], honest: list[Row]) -> Path:
    folder.mkdir(parents=True)
    recipe = {"epochs": 2, "network": {"name": "tiny"}, "name": "tiny"}
    (folder / "training.json").write_text(json.dumps({"run": {"recipe": recipe}, "manifest": {"seed": 1}}))
    (folder / "summary.json").write_text(json.dumps({"train": 9}))
    (folder / "curves.csv").write_text("epoch,seconds\n1,2.6\n2,2.6\n")
    write_rows(folder / "predictions-validation.csv", validation)
    write_rows(folder / "predictions-test.csv", [("other", True, None)])
    write_rows(folder / "predictions-honest.csv", honest)
    return folder


def test_difference_agrees_with_newcombe() -> None:
    """56 of 70 against 48 of 80: 0.2000, 0.0524 to 0.3339 (Newcombe 1998, table II, method 10)."""
    one, other = (proportion(np.arange(n) < hits) for hits, n in ((56, 70), (48, 80)))
    found = difference(one, other)
    assert [found.value, found.low, found.high] == pytest.approx([0.2, 0.0524, 0.3339], abs=5e-5)


def test_samples_with_and_without_twins_are_counted_apart(tmp_path: Path) -> None:
    validation: list[Row] = [("twin 1", True, "original"), ("twin 1", True, "segmented"), ("twin 2", True, "original"),
                             ("lone", False, "original"), ("lone", True, "segmented")]  # fmt: skip
    found = score_piece(piece(tmp_path / "few" / "before-validation", validation, [("x", False, None)] * 4))
    side = found["validation"]
    assert side["value"] == 0.8
    assert (side["with_twin"]["value"], side["with_twin"]["n"]) == (1.0, 3)
    assert (side["without_twin"]["value"], side["without_twin"]["n"]) == (0.5, 2)
    assert side["optimism"]["value"] == pytest.approx(0.8 - 0.0)
    assert found["seconds"] == 5
    lone = proportion(np.array([True, True, True, False, True]))
    assert side["low"] < lone.low, "samples of one picture are not independent"


def test_orders_are_compared_on_originals_that_both_hold_out(tmp_path: Path) -> None:
    right: list[Row] = [(name, False, None) for name in ("a", "b", "c")]
    leaky: list[Row] = [("a", True, "original"), ("b", True, "segmented"), ("d", True, "original")]
    honest: list[list[Row]] = [[("x", k < 3, None), ("y", True, None)] for k in (1, 5)]
    folders = [piece(tmp_path / order, rows, own)
               for order, rows, own in (("leaky", leaky, honest[0]), ("right", right, honest[1]))]  # fmt: skip
    found = compare(*folders)
    assert (found["held_out"]["value"], found["held_out"]["n"]) == (0.5, 2)  # a gained; the test side's one did not
    assert (found["honest"]["value"], found["honest"]["n"]) == (0.5, 2)


@pytest.mark.slow
def test_the_study_runs_and_resumes(
    class_folders: Path, tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "runs"
    words = ["leaky_order.py", str(class_folders), "--out", str(out), "--results", str(tmp_path), "--quiet",
             "--recipe", str(tiny_recipe), "--embargo", "1", "--few", "10", "--few-epochs", "1",
             "--only", "few/after-split", "--only", "few/before-test", "--only", "shuffled/thesis",
             "--resume"]  # fmt: skip
    monkeypatch.setattr(sys, "argv", words)
    leaky_order.main()
    result = json.loads((tmp_path / "leaky-order.json").read_text("utf-8"))
    assert [(one["variant"], one["order"]) for one in result["pieces"]] == [
        ("few", "after-split"), ("few", "before-test"), ("shuffled", "thesis")]  # fmt: skip
    honest = {row["path"] for row in csv.DictReader((out / "few/after-split/predictions-honest.csv").open())}
    pool = {row["path"] for row in csv.DictReader((out / "few/pool.csv").open())}
    assert len(pool) == 20
    assert not honest & pool
    assert result["blocks"]["honest"] == len(honest)
    true, drawn = ([(row["path"], row["label"]) for row in csv.DictReader((out / piece / leaky_order.HONEST).open())]
                   for piece in ("few/before-test", "shuffled/thesis"))  # fmt: skip
    assert {path.split("/")[0] == label for path, label in true} == {True}
    assert drawn != true
    assert [sorted(column) for column in zip(*drawn, strict=True)] == [
        sorted(column) for column in zip(*true, strict=True)
    ]
    page = (tmp_path / "leaky-order.md").read_text("utf-8")
    assert page == to_markdown(result)
    assert "samples have a twin in training" in page
    assert str(tmp_path) not in page, "no path of this machine"
    monkeypatch.setattr("leukolens.train.run.fit", lambda *_, **__: pytest.fail("trained again"))
    leaky_order.main()
