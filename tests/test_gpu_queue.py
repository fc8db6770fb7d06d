"""The pieces for a GPU: packed, trained one after the other, cut short and gone on with, brought back."""

from __future__ import annotations

import json
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


def test_every_task_names_a_recipe_that_takes_its_changes(tmp_path: Path) -> None:
    listed = tasks(tmp_path)
    assert len({task.name for task in listed}) == len(listed)
    trained = set()
    for task in listed:
        recipe = load_recipe(task.recipe, [f"{key}={value}" for key, value in task.changes.items()])
        if task.data == "fields":
            trained.add(recipe.network.name)
    packaged = {name for name, entry in REGISTRY.items() if entry.packaged_weights is not None}
    assert trained == set(REGISTRY) - packaged
    assert [task.name for task in listed[:4]] == [
        "cells-resnet152v2",
        "thesis-resnet152v2all",
        "cells-vgg19",
        "thesis-vgg19",
    ]


def test_pieces_are_packed_trained_cut_and_brought_back(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed, runs, results = tmp_path / "packed", tmp_path / "runs", tmp_path / "results"
    monkeypatch.setattr(gpu_queue, "PART", 100_000)
    call("pack", pictures, pictures, "--out", packed)
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
        Task("fields", "field-plain", changes=changes | {"network.weights": str(runs / "cells")}),
    ]
    monkeypatch.setattr(gpu_queue, "tasks", lambda _: small)
    call("run", packed, "--runs", runs, "--minutes", 0.01, "--out", results)
    assert not (runs / "fields").exists(), "the time was over before"
    call("run", packed, "--runs", runs, "--minutes", 5, "--out", results)
    with tarfile.open(results / "gpu-results.tar.gz") as archive:
        names = archive.getnames()
        summary = json.load(archive.extractfile("fields/summary.json"))  # type: ignore[arg-type]
    assert {"fields/predictions-test.csv", "fields/training.json", "fields/weights.sha256", "random.json"} <= set(names)
    assert not any(name.endswith((".safetensors", ".ckpt")) for name in names)
    assert summary["test"]["n"] == 6
    assert (runs / "wrong" / "done").read_text().strip() == "2", "what fails is told and does not stop the rest"
