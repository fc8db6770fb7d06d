"""Every fold of a split trained and told together; and what a leaky order may not be told as."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs leukolens[train]")
pytest.importorskip("lightning", reason="needs leukolens[train]")

from train_calls import changes  # noqa: E402
from train_calls import train_arguments as _train  # noqa: E402

from leukolens.cli.main import main  # noqa: E402

pytestmark = pytest.mark.slow


def test_all_folds_predict_every_picture_once(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    out = tmp_path / "folds"
    assert main(_train(class_folders, split, tiny_recipe, out, "--fold", "all", "--set", "epochs=1")) == 0
    paths = [row["path"] for k in range(3) for row in csv.DictReader((out / f"fold-{k}/predictions-test.csv").open())]
    assert len(paths) == len(set(paths)) == 48


def test_all_folds_are_told_together(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Also with two samples a picture: what is counted is pictures."""
    out = tmp_path / "folds"
    views = ["--set", "epochs=1", "--set", "samples.views=[original, segmented]"]
    assert main(_train(class_folders, split, tiny_recipe, out, "--fold", "all", *views)) == 0
    last = capfd.readouterr().err.splitlines()[-1]
    folds = json.loads((out / "folds.json").read_text())
    pooled = list(csv.DictReader((out / "predictions-test.csv").open()))
    assert len({row["path"] for row in pooled}) == len(pooled) == 48
    right = sum(row["label"] == row["predicted"] for row in pooled)
    assert f"{right} of 48" in last
    assert "missing" not in last
    assert "predicted by no fold" not in last
    assert "48" in json.dumps(folds)


@pytest.mark.parametrize("fold", ["1", "all"])
@pytest.mark.parametrize("more", [[], ["--resume"]])
def test_a_single_fold_and_all_folds_do_not_share_a_folder(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str],
    fold: str, more: list[str],
) -> None:  # fmt: skip
    """Each would write its predictions over the other's."""
    out = tmp_path / "mix"
    folder = out if fold == "all" else out / "fold-0"
    arguments = _train(class_folders, split, tiny_recipe, out, "--set", "epochs=1")
    folder.mkdir(parents=True)
    (folder / "training.json").write_text("{}")
    assert main([*arguments, "--fold", fold, *more]) == 2
    assert ("holds a single run" if fold == "all" else "holds folds") in capfd.readouterr().err
    assert [path for path in out.rglob("*") if path.is_file()] == [folder / "training.json"]


def test_a_run_that_tested_samples_is_not_compared_by_image(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "leaky"
    options = changes("epochs=1", "samples.views=[original, segmented]", "samples.order=before-test")
    assert main(_train(class_folders, split, tiny_recipe, out, *options)) == 0
    assert main(["compare", str(out), "--out", str(tmp_path / "table"), "--no-speed"]) == 2
    assert "before-test" in capfd.readouterr().err


def test_folds_that_tested_samples_are_not_pooled_and_it_is_said_why(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "leaky"
    options = changes("epochs=1", "samples.views=[original, segmented]", "samples.order=before-test")
    assert main(_train(class_folders, split, tiny_recipe, out, "--fold", "all", *options)) == 0
    assert "The folds are not pooled: this order of samples tests samples" in capfd.readouterr().err
    assert not (out / "folds.json").exists()


def test_a_leaky_order_is_told_in_the_table(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    out = tmp_path / "leaky"
    options = changes("epochs=1", "samples.views=[original, segmented]", "samples.order=before-validation")
    assert main(_train(class_folders, split, tiny_recipe, out, *options)) == 0
    assert main(["compare", str(out), "--out", str(tmp_path / "table"), "--no-speed"]) == 0
    assert "LEAKY ORDER 'before-validation'" in (tmp_path / "table" / "compare.md").read_text()
