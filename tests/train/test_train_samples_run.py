"""Whole runs on samples: right and leaky orders, their stamps, and a kill."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs leukolens[train]")
pytest.importorskip("lightning", reason="needs leukolens[train]")

from safetensors.torch import load_file  # noqa: E402

from leukolens.assess.held_out import held_out_figures  # noqa: E402
from leukolens.cli.main import main  # noqa: E402
from leukolens.data.layouts import open_catalogue  # noqa: E402

pytestmark = pytest.mark.slow
BOTH = ["samples.views=[original, segmented]", "samples.segmentation.min_object=20", "epochs=3"]


@pytest.fixture(scope="session")
def patient_split(class_folders: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A split that is not leaky by itself, and the options that name its table."""
    folder = tmp_path_factory.mktemp("patients")
    table = folder / "labels.csv"
    rows = [f"{kind} cells/{n:03d}.png,{kind},{kind} {n // 2}" for kind in ("small", "large") for n in range(24)]
    table.write_text("\n".join(["path,label,patient", *rows]) + "\n", "utf-8")
    options = ["--labels", str(table), "--patient-column", "patient"]
    path = folder / "split.json"
    method = ["--method", "patient", "--folds", "3", "--validation", "0.25", "--out", str(path)]
    assert main(["data", "split", str(class_folders), *options, *method]) == 0
    return path, options


def arguments(data: Path, split: tuple[Path, list[str]], recipe: Path, out: Path, *changes: str) -> list[str]:
    plain = ["train", str(data), "--split", str(split[0]), *split[1], "--recipe", str(recipe), "--out", str(out)]
    return [*plain, "--no-progress", *(part for change in changes for part in ("--set", change))]


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.open(encoding="utf-8")))


def test_the_right_order_doubles_training_alone(
    class_folders: Path, patient_split: tuple[Path, list[str]], tiny_recipe: Path, tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    out = tmp_path / "run"
    assert main(arguments(class_folders, patient_split, tiny_recipe, out, *BOTH)) == 0
    fold = json.loads(patient_split[0].read_text())["folds"][0]
    summary = json.loads((out / "summary.json").read_text())
    assert summary["train"] == 2 * len(fold["train"])
    assert summary["validation"]["n"] == len(fold["validation"])
    assert summary["split_leaky"] is False
    assert "leaky_order" not in summary
    assert "LEAKY" not in capfd.readouterr().err
    assert "view" not in rows_of(out / "predictions-test.csv")[0]
    assert len(list((out / "cache").glob("segmented-*.npy"))) == 1
    assert main(["export", str(out)]) == 0, "a run of the right order becomes a bundle"


@pytest.mark.parametrize("order", ["before-validation", "before-test"])
def test_a_leaky_order_is_stamped_everywhere(
    order: str, class_folders: Path, patient_split: tuple[Path, list[str]], tiny_recipe: Path, tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    out = tmp_path / "run"
    changes = [*BOTH, f"samples.order={order}", "samples.per_class=30", "epochs=1"]
    assert main(arguments(class_folders, patient_split, tiny_recipe, out, *changes)) == 0
    told = capfd.readouterr().err
    assert f"LEAKY ORDER '{order}', for study only" in told
    assert f"[LEAKY ORDER '{order}': validation" in told, "the last line is stamped"
    run = json.loads((out / "training.json").read_text())["run"]
    assert run["split_leaky"] is True
    assert run["leaky_order"] == order
    summary = json.loads((out / "summary.json").read_text())
    assert summary["split_leaky"] is True
    leak = summary["leaky_order"]
    rows = rows_of(out / "predictions-validation.csv")
    assert len(rows) == leak["validation"]["n"]
    assert {row["view"] for row in rows} == {"original", "segmented"}
    assert "1" in {row["copy"] for row in rows}
    assert sum(row["twin"] == "yes" for row in rows) == leak["validation"]["with_twin"]
    assert f"{leak['validation']['with_twin']} of {len(rows)} validation samples have a twin" in told
    tested = rows_of(out / "predictions-test.csv")
    fold = json.loads(patient_split[0].read_text())["folds"][0]
    assert ("view" in tested[0]) == (order == "before-test")
    assert (len(tested) == len(fold["test"])) == (order == "before-validation")

    catalogue = open_catalogue(class_folders, labels=Path(patient_split[1][1]))
    figures = held_out_figures(out, catalogue, catalogue.classes)
    assert "twin" in figures["validation"]["leaky"]
    assert ("leaky" in figures["test"]) == (order == "before-test")
    assert main(["export", str(out)]) == 2
    assert f"the leaky order '{order}'" in capfd.readouterr().err
    assert not (out / "bundle").exists()


def test_a_leaky_split_is_stamped_in_the_last_line(
    class_folders: Path, tiny_recipe: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    split = tmp_path / "split.json"
    method = ["--method", "random-image", "--validation", "0.25", "--out", str(split)]
    assert main(["data", "split", str(class_folders), *method]) == 0
    assert main(arguments(class_folders, (split, []), tiny_recipe, tmp_path / "run", "epochs=1")) == 0
    assert "[this kind of split is leaky:" in capfd.readouterr().err


def test_killed_and_resumed_with_views_ends_where_an_unbroken_run_ends(
    class_folders: Path, patient_split: tuple[Path, list[str]], tiny_recipe: Path, tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    changes = [*BOTH, "samples.per_class=30"]
    assert main(arguments(class_folders, patient_split, tiny_recipe, whole, *changes)) == 0
    command = [sys.executable, "-c", "import sys; from leukolens.cli.main import main; sys.exit(main())"]
    asked = arguments(class_folders, patient_split, tiny_recipe, killed, *changes)
    process = subprocess.Popen([*command, *asked], stderr=subprocess.DEVNULL, env=os.environ)
    deadline = time.monotonic() + 240
    while not (killed / "last.ckpt").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "the run ended before it could be killed"
    assert not (killed / "summary.json").exists()
    assert main([*asked, "--resume"]) == 0
    for name, tensor in load_file(whole / "weights.safetensors").items():
        assert torch.equal(tensor, load_file(killed / "weights.safetensors")[name]), name
    assert (killed / "predictions-test.csv").read_text() == (whole / "predictions-test.csv").read_text()
    assert main([*asked, "--resume", "--set", "samples.per_class=29"]) == 2, "other samples are another run"
