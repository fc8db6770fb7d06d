"""Whole runs: train, kill, resume, export, screen with what came out."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs leukolens[train]")
pytest.importorskip("lightning", reason="needs leukolens[train]")

from safetensors.torch import load_file  # noqa: E402
from train_calls import changes, kill_after_an_epoch  # noqa: E402
from train_calls import train_arguments as _train  # noqa: E402
from train_calls import untimed_curves as _untimed  # noqa: E402

from leukolens.cli.main import main  # noqa: E402
from leukolens.engine.bundle import open_bundle  # noqa: E402
from leukolens.finding import DataError  # noqa: E402
from leukolens.train.fit import Sides, fit  # noqa: E402
from leukolens.train.recipe import Recipe  # noqa: E402

pytestmark = pytest.mark.slow


def test_a_run_leaves_all_that_was_promised(run: Path) -> None:
    names = {path.name for path in run.iterdir()}
    assert names >= {
        "training.json",
        "summary.json",
        "weights.safetensors",
        "last.ckpt",
        "best.ckpt",
        "curves.csv",
        "curves.png",
    }
    rows = list(csv.DictReader((run / "curves.csv").open()))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert all(0 <= float(row["val_accuracy"]) <= 1 and float(row["train_loss"]) > 0 for row in rows)
    assert float(rows[-1]["train_loss"]) < float(rows[0]["train_loss"])
    manifest = json.loads((run / "training.json").read_text())["manifest"]
    assert manifest["seed"] == 88
    assert manifest["packages"]["torch"] == torch.__version__.split("+")[0]


def test_a_run_that_is_refused_leaves_no_folder_behind(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = changes(f"network.weights={tmp_path / 'none.safetensors'}")
    assert main(_train(class_folders, split, tiny_recipe, tmp_path / "run", *wrong)) == 2
    assert "none.safetensors" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_predictions_are_of_the_held_out_side(run: Path, split: Path) -> None:
    parts = json.loads(split.read_text())
    expected = {parts["items"][index]["path"] for index in parts["folds"][0]["test"]}
    rows = list(csv.DictReader((run / "predictions-test.csv").open(encoding="utf-8")))
    assert {row["path"] for row in rows} == expected
    for row in rows:
        numbers = [float(row["p large cells"]), float(row["p small cells"])]
        assert sum(numbers) == pytest.approx(1, abs=1e-5)
        assert row["predicted"] == ["large cells", "small cells"][int(np.argmax(numbers))]


def test_the_weights_are_those_of_the_best_epoch(run: Path) -> None:
    best = torch.load(run / "best.ckpt", weights_only=True)["state_dict"]
    weights = load_file(run / "weights.safetensors")
    assert weights
    for name, tensor in weights.items():
        assert torch.equal(best[f"network.{name}"], tensor), name
    rows = list(csv.DictReader((run / "curves.csv").open()))
    losses = [float(row["val_loss"]) for row in rows]
    assert torch.load(run / "best.ckpt", weights_only=True)["epoch"] == int(np.argmin(losses))


def test_killed_and_resumed_ends_where_an_unbroken_run_ends(
    run: Path, class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    out = tmp_path / "killed"
    arguments = _train(class_folders, split, tiny_recipe, out)
    kill_after_an_epoch(arguments, out)

    assert main(arguments) == 2, "without --resume a folder with a run is refused"
    assert main([*arguments, "--resume"]) == 0
    for name, tensor in load_file(run / "weights.safetensors").items():
        assert torch.equal(tensor, load_file(out / "weights.safetensors")[name]), name
    assert _untimed(out) == _untimed(run)
    assert (out / "predictions-test.csv").read_text() == (run / "predictions-test.csv").read_text()


def test_a_finished_run_is_left_as_it_is(run: Path, class_folders: Path, split: Path, tiny_recipe: Path) -> None:
    before = (run / "weights.safetensors").stat().st_mtime_ns
    assert main([*_train(class_folders, split, tiny_recipe, run), "--resume"]) == 0
    assert (run / "weights.safetensors").stat().st_mtime_ns == before


def test_another_run_is_not_resumed(
    run: Path, class_folders: Path, split: Path, tiny_recipe: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([*_train(class_folders, split, tiny_recipe, run), "--resume", "--set", "epochs=5"]) == 2
    assert "recipe.epochs: 4 there, 5 now" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--fold", "9"], "0 to 2"),
        (["--set", "epochs=none"], "epochs"),
        (["--recipe", "field-robus"], "field-robust"),
    ],
)
def test_wrong_options_are_named(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path, more: list[str], words: str,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert main(_train(class_folders, split, tiny_recipe, tmp_path / "x", *more)) == 2
    assert words in capfd.readouterr().err
    assert not (tmp_path / "x" / "summary.json").exists()


def test_selection_by_validation_needs_a_validation_side(
    class_folders: Path, tiny_recipe: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    split = tmp_path / "bare.json"
    assert main(["data", "split", str(class_folders), "--method", "random-image", "--out", str(split)]) == 0
    assert main(_train(class_folders, split, tiny_recipe, tmp_path / "x")) == 2
    assert "--validation" in capfd.readouterr().err


def test_a_class_without_training_pictures_is_named(tmp_path: Path) -> None:
    images = np.zeros((4, 8, 8, 3), np.uint8)
    sides = Sides(images, np.array([0, 0, 1, 2]), ("blasts", "small", "large"), [0, 1, 3], [2])
    with pytest.raises(DataError, match="no training picture of class 'small'"):
        fit(Recipe(name="x"), sides, tmp_path)


def test_own_classes_and_patient_column(class_folders: Path, tiny_recipe: Path, tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["file", "diagnosis", "who"])
        for folder, diagnosis in (("small cells", "gesund"), ("large cells", "ALL")):
            for number in range(24):
                writer.writerow([f"{folder}/{number:03d}.png", diagnosis, f"{diagnosis} {number // 4}"])
    columns = [
        "--labels",
        str(table),
        "--label-column",
        "diagnosis",
        "--path-column",
        "file",
        "--patient-column",
        "who",
    ]
    split = tmp_path / "split.json"
    method = ["--method", "patient", "--folds", "3", "--validation", "0.3"]
    assert main(["data", "split", str(class_folders), *columns, *method, "--out", str(split)]) == 0
    out = tmp_path / "run"
    more = ["--set", "epochs=1", "--negative", "gesund"]
    assert main([*_train(class_folders, split, tiny_recipe, out, *columns), *more]) == 0
    run = json.loads((out / "training.json").read_text())["run"]
    assert run["negative"] == ["gesund"]
    assert sorted(run["classes"]) == ["ALL", "gesund"]
    bundle = tmp_path / "bundle"
    assert main(["export", str(out), "--out", str(bundle)]) == 0, "the run knows its data, columns and classes"
    assert open_bundle(bundle).field.negative_labels == ("gesund",)
    assert open_bundle(bundle).spec.provenance.figures["test"]["leukaemia"]["sensitivity"]["low"] >= 0


def test_an_unreadable_training_picture_stops_before_training(
    class_folders: Path, tiny_recipe: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    import shutil

    data = tmp_path / "data"
    shutil.copytree(class_folders, data)
    broken = data / "small cells" / "003.png"
    broken.write_bytes(broken.read_bytes()[:200])
    split = tmp_path / "split.json"
    options = ["--method", "random-image", "--validation", "0.2", "--out", str(split)]
    assert main(["data", "split", str(data), *options]) == 0
    assert main(_train(data, split, tiny_recipe, tmp_path / "x")) == 2
    assert "003.png" in capfd.readouterr().err


def test_a_start_that_failed_does_not_block_the_folder(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("no folder")
    out = tmp_path / "run"
    arguments = _train(class_folders, split, tiny_recipe, out, "--set", "epochs=1")
    assert main([*arguments, "--set", "network.name=efficientnet-lite9"]) == 2
    assert "efficientnet-lite" in capfd.readouterr().err
    assert main([*arguments, "--cache", str(tmp_path / "file" / "cache")]) == 2
    assert "cannot be written" in capfd.readouterr().err
    assert main(arguments) == 0


def test_too_little_space_is_found_before_the_work(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path,
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    import shutil

    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=2**20))
    monkeypatch.setattr("leukolens.train.run.sample_pictures", lambda *_: pytest.fail("worked"))
    assert main(_train(class_folders, split, tiny_recipe, tmp_path / "run")) == 2
    assert "too little space" in capfd.readouterr().err


def test_a_disk_that_fills_while_preparing_is_told(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path,
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    import errno

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("leukolens.train.images._write_all", full)
    assert main(_train(class_folders, split, tiny_recipe, tmp_path / "run")) == 2
    assert "No space left" in capfd.readouterr().err
    assert not list((tmp_path / "run" / "cache").glob("*.npy"))


def test_early_stopping_survives_a_kill(class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path) -> None:
    """With a learning rate of nearly nothing hardly an epoch is better than the one before: both runs stop early."""
    options = changes("patience=2", "epochs=12", "optimiser.learning_rate=1e-9", "average=null")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert main([*_train(class_folders, split, tiny_recipe, whole), *options]) == 0
    epochs = [row["epoch"] for row in csv.DictReader((whole / "curves.csv").open())]
    assert 3 <= len(epochs) < 12
    arguments = [*_train(class_folders, split, tiny_recipe, killed), *options]
    kill_after_an_epoch(arguments, killed)
    assert main([*arguments, "--resume"]) == 0
    assert _untimed(killed) == _untimed(whole)


def test_a_run_that_stopped_early_and_was_killed_while_judging_trains_no_further(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    options = changes("patience=2", "epochs=12", "optimiser.learning_rate=1e-9", "average=null", "select=last")
    arguments = [*_train(class_folders, split, tiny_recipe, tmp_path / "run"), *options]
    assert main(arguments) == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir() if path.suffix in {".csv", ".json"}}
    weights = (tmp_path / "run" / "weights.safetensors").read_bytes()
    (tmp_path / "run" / "summary.json").unlink()
    assert main([*arguments, "--resume"]) == 0
    again = {name: (tmp_path / "run" / name).read_bytes() for name in before}
    summaries = [json.loads(files.pop("summary.json")) for files in (before, again)]
    looks = [summary.pop("test_openings") for summary in summaries]
    assert looks[1]["number"] == looks[0]["number"] + 1  # looked at twice, and said so
    assert looks[1]["models"] == looks[0]["models"]
    assert summaries[0] == summaries[1]
    assert again == before
    assert (tmp_path / "run" / "weights.safetensors").read_bytes() == weights


def test_nothing_is_said_of_what_is_meant_to_be(
    class_folders: Path, tiny_recipe: Path, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    """Frozen stages, and no validation side: Lightning warns of both."""
    split = tmp_path / "bare.json"
    assert main(["data", "split", str(class_folders), "--method", "random-image", "--out", str(split)]) == 0
    bare = changes("select=last", "epochs=1", "network.frozen=2")
    assert main([*_train(class_folders, split, tiny_recipe, tmp_path / "run"), *bare]) == 0
    words = [str(warning.message) for warning in recwarn]
    assert not [said for said in words if "eval mode" in said or "Total length" in said]
