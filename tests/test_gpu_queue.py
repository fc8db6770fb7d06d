"""The pieces for a GPU: packed, trained one after the other, cut short and gone on with, brought back."""

from __future__ import annotations

import json
import shutil
import sys
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="needs leukolens[train]")

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import gpu_queue
from gpu_queue import Task, main, tasks

from leukolens.networks.table import REGISTRY
from leukolens.train.recipe import load_recipe

pytestmark = pytest.mark.slow


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    for label, tone in (("dark", 60), ("pale", 200)):
        (tmp_path / "data" / label).mkdir(parents=True)
        for number in range(15):
            picture = np.clip(rng.normal(tone, 10, (48, 64, 3)), 0, 255).astype(np.uint8)
            cv2.imwrite(str(tmp_path / "data" / label / f"{number}.png"), picture)
    return tmp_path / "data"


def call(*arguments: object) -> None:
    sys.argv = ["gpu_queue.py", *map(str, arguments)]
    main()


def test_every_task_names_a_recipe_that_takes_its_changes() -> None:
    listed = tasks()
    names = [task.name for task in listed]
    assert len(set(names)) == len(names)
    assert names[:4] == ["cells-resnet152v2", "thesis-resnet152v2all", "cells-vgg19", "thesis-vgg19"]
    recipes = {task.name: load_recipe(task.recipe, [f"{k}={v}" for k, v in task.changes.items()]) for task in listed}
    packaged = {name for name, entry in REGISTRY.items() if entry.packaged_weights is not None}
    trained = {recipes[task.name].network.name for task in listed if task.data == "fields"}
    assert trained == set(REGISTRY) - packaged
    for task in listed:
        if task.start is not None:
            start, recipe = recipes[task.start], recipes[task.name]
            assert names.index(task.start) < names.index(task.name)
            assert (start.network.name, start.network.scaling) == (recipe.network.name, recipe.network.scaling)
    for name in ("vgg19", "vit-s", "dinov2-s", "convnext-t"):
        assert recipes[f"cells-{name}"].optimiser.learning_rate <= 3e-4, "2e-3 kills a network without batch norm"


def test_pieces_are_packed_trained_cut_and_brought_back(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    packed, runs, results = tmp_path / "packed", tmp_path / "runs", tmp_path / "results"
    monkeypatch.setattr(gpu_queue, "PART", 100_000)
    cells = shutil.copytree(pictures, tmp_path / "single")
    (cells / "dark" / "0.png").rename(cells / "dark" / "other.png")  # a start on the very same data would be refused
    call("pack", pictures, cells, "--out", packed)
    assert len(list(packed.glob("fields-*.tar"))) > 1, "more than one part travels"
    assert all(path.stat().st_size < 130_000 for path in packed.glob("*.tar"))
    changes = {
        "network.name": "timm:test_resnet",
        "network.weights": "none",
        "preparation.width": "64",
        "preparation.height": "48",
        "epochs": "1",
    }
    small = [
        Task("cells", "pretrain-cells", data="cells", split="cells", changes=changes),
        Task("wrong", "field-plain", changes={"network.name": "no-such-network"}),
        Task("fields", "field-plain", changes={**changes, "network.weights": "none"}, start="cells"),
        Task("orphan", "field-plain", changes=changes, start="wrong"),
    ]
    monkeypatch.setattr(gpu_queue, "tasks", lambda: small)
    assert run("run", packed, "--runs", runs, "--minutes", 0.01, "--out", results) == 0
    assert "the time is over" in capfd.readouterr().out
    assert not (runs / "fields").exists()
    monkeypatch.setattr(gpu_queue, "LEARNED", 0.0)
    assert run("run", packed, "--runs", runs, "--minutes", 5, "--out", results) == 1
    told = capfd.readouterr().out
    assert "wrong failed: exit code 2" in told
    assert "orphan failed: wrong is not finished" in told
    assert "failed, see the output above: orphan, wrong" in told
    with tarfile.open(results / "gpu-results.tar.gz") as archive:
        names = archive.getnames()
        summary = json.load(archive.extractfile("fields/summary.json"))  # type: ignore[arg-type]
    assert {"fields/predictions-test.csv", "fields/training.json", "fields/weights.sha256", "random.json"} <= set(names)
    assert not any(name.endswith((".safetensors", ".ckpt")) for name in names)
    assert summary["test"]["n"] == 6
    assert not (runs / "wrong" / "done").exists(), "what failed is not done"


def test_nothing_starts_from_cells_that_taught_nothing(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text('{"validation": {"accuracy": 0.2}}', "utf-8")
    assert "learned nothing, 20%" in str(gpu_queue._unfit(tmp_path))
    (tmp_path / "summary.json").write_text('{"validation": {"accuracy": 0.9}}', "utf-8")
    assert gpu_queue._unfit(tmp_path) is None


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as end:
        call(*arguments)
    return int(end.value.code or 0)
