"""The runs that wait for a GPU, in pieces of a few minutes that go on where the last one ended.

    python benchmarks/gpu_queue.py pack DATA CELLS --out gpu-data      # once, where the images are: files below 48 MiB each
    python benchmarks/gpu_queue.py run gpu-data --runs gpu-runs --minutes 9 --out RESULTS   # again and again, on the GPU

DATA holds the class folders of the Taleqani images, CELLS those of the single cells to pre-train on. `run` unpacks, makes the
split, trains what is next in `tasks`, stops before the time is over, and leaves one archive in RESULTS: configuration, curves,
predictions, and the hash of each network's weights, which are too large to travel. A second call resumes the run that was cut.
Bring each archive back and unpack it into one folder; `leukolens compare` reads it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from leukolens.networks.table import REGISTRY

PART = 48 * 2**20
COLLECTED = (
    "training.json",
    "summary.json",
    "curves.csv",
    "predictions-test.csv",
    "predictions-validation.csv",
    "weights.sha256",
)
THESIS = {
    "resnet101": "thesis-resnet101",
    "densenet201": "thesis-densenet201",
    "inceptionv3": "thesis-inceptionv3",
    "inceptionresnetv2": "thesis-inceptionresnetv2",
    "efficientnetb7": "thesis-efficientnetb7",
    "mobilenetv2": "thesis-mobilenetv2",
    "nasnetlarge": "thesis-nasnetlarge",
}
SPLITS = {
    "random": ("random-image",),
    "blocks": ("blocks", "--embargo", "20", "--validation", "0.15"),
    "cells": ("random-image", "--validation", "0.1"),
}
GENTLE = ("convnext-t", "vit-s", "dinov2-s")
"""Networks that a rate of 1e-3 throws off."""


@dataclass(frozen=True)
class Task:
    """One call of `leukolens train`."""

    name: str
    recipe: str
    data: str = "fields"
    fold: str = "0"
    split: str = "random"
    changes: dict[str, str] = field(default_factory=dict)


def tasks(runs: Path) -> list[Task]:
    """Return what is to be done, the most important first."""
    listed = [
        *_with_cells("resnet152v2", "thesis-resnet152v2all", runs, "all"),
        *_with_cells("vgg19", "thesis-vgg19", runs, "all"),
    ]
    for name, entry in REGISTRY.items():
        if name in THESIS:
            listed += _with_cells(name, THESIS[name], runs, "0")
        elif name not in {"resnet152v2", "vgg19"} and entry.packaged_weights is None:
            width, height = entry.size
            size = {"preparation.width": str(width), "preparation.height": str(height)}
            if name in GENTLE:
                size["optimiser.learning_rate"] = "3e-4"
            listed += _with_cells(name, "field-plain", runs, "0", {"network.name": name, **size})
    for order in ("after-split", "before-validation", "before-test", "thesis"):
        changes = {"network.weights": str(runs / "cells-resnet152v2"), "samples.order": order}
        if order != "after-split":
            changes |= {"samples.validation": "0.2", "samples.per_class": "1000"}
        listed.append(Task(f"order-{order}", "thesis-resnet152v2all", split="blocks", changes=changes))
    listed.append(Task("scratch-resnet152v2all", "thesis-resnet152v2all"))
    return listed


def _with_cells(name: str, recipe: str, runs: Path, fold: str, changes: dict[str, str] | None = None) -> list[Task]:
    """Pre-train on single cells, then train from there: no ImageNet weights are at hand where the GPU is."""
    cells = f"cells-{name}"
    # A transformer's position embedding belongs to its size of picture.
    size = {
        key: value
        for key, value in (changes or {}).items()
        if key.startswith("preparation.") and name in {"vit-s", "dinov2-s"}
    }
    start = {"network.weights": str(runs / cells)}
    return [
        Task(
            cells,
            "pretrain-cells",
            data="cells",
            split="cells",
            changes={"network.name": name, "epochs": "8", **size},
        ),
        Task(
            f"{recipe}-{name}" if recipe == "field-plain" else recipe,
            recipe,
            fold=fold,
            changes=(changes or {}) | start,
        ),
    ]


def pack(data: Path, cells: Path, out: Path) -> None:
    """Write the pictures into archives small enough to travel one by one."""
    out.mkdir(parents=True, exist_ok=True)
    for kind, root in (("fields", data), ("cells", cells)):
        pictures = sorted(
            path for path in root.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png", ".tif", ".bmp"}
        )
        for number, part in enumerate(_parts(pictures)):
            with tarfile.open(out / f"{kind}-{number}.tar", "w") as archive:
                for path in part:
                    archive.add(path, arcname=f"{kind}/{path.relative_to(root)}")
        print(f"{kind}: {len(pictures)} pictures")


def _parts(pictures: list[Path]) -> Iterator[list[Path]]:
    part: list[Path] = []
    size = 0
    for path in pictures:
        # An archive pads each file to 512 bytes after a header of as much.
        takes = path.stat().st_size + 1024
        if part and size + takes > PART:
            yield part
            part, size = [], 0
        part.append(path)
        size += takes
    if part:
        yield part


def run(packed: Path, runs: Path, minutes: float, out: Path) -> None:
    """Train what is next until the time is over, then collect what there is."""
    end = time.monotonic() + 60 * minutes
    data = packed / "unpacked"
    for archive in sorted(packed.glob("*.tar")):
        done = archive.with_suffix(".unpacked")
        if not done.exists():
            with tarfile.open(archive) as content:
                content.extractall(data, filter="data")
            done.touch()
    for task in tasks(runs):
        if not _train(task, data, runs, end):
            print(f"stopped in {task.name}: call again to go on")
            break
    else:
        print("everything is done")
    collect(runs, out)


def _leukolens(*arguments: str, seconds: float | None = None) -> int:
    command = [sys.executable, "-c", "import sys; from leukolens.cli.main import main; sys.exit(main())", *arguments]
    try:
        return subprocess.run(command, timeout=seconds, check=False).returncode
    except subprocess.TimeoutExpired:
        return -1


def _split(name: str, data: Path, runs: Path) -> Path:
    path = runs / f"{name}.json"
    runs.mkdir(parents=True, exist_ok=True)
    options = ["--method", *SPLITS[name], "--folds", "5", "--seed", "88"]
    if not path.exists() and _leukolens("data", "split", str(data), *options, "--out", str(path)):
        raise SystemExit(f"no split of {data}")
    return path


def _train(task: Task, data: Path, runs: Path, end: float) -> bool:
    """Train one task to its end; False where the time was over first."""
    folder = runs / task.name
    done = folder / "done"
    if done.exists():
        return True
    left = end - time.monotonic()
    if left < 20:
        return False
    changes = [part for key, value in task.changes.items() for part in ("--set", f"{key}={value}")]
    split = _split(task.split, data / task.data, runs)
    places = ["--split", str(split), "--out", str(folder), "--cache", str(runs / "cache")]
    begun = ["--resume"] if folder.exists() else []
    arguments = ["train", str(data / task.data), *places, "--recipe", task.recipe, "--fold", task.fold, "--no-progress"]
    code = _leukolens(*arguments, *changes, *begun, seconds=left)
    if code == -1:
        return False
    if code:
        print(f"{task.name} failed with exit code {code}: going on with the next")
    folder.mkdir(parents=True, exist_ok=True)
    done.write_text(f"{code}\n", "utf-8")
    return True


def collect(runs: Path, out: Path) -> None:
    """Write one archive of everything small, with the hash of the weights."""
    out.mkdir(parents=True, exist_ok=True)
    for weights in runs.rglob("weights.safetensors"):
        (weights.parent / "weights.sha256").write_text(hashlib.sha256(weights.read_bytes()).hexdigest() + "\n", "utf-8")
    with tarfile.open(out / "gpu-results.tar.gz", "w:gz") as archive:
        for path in sorted(runs.rglob("*")):
            if path.name in COLLECTED or (path.parent == runs and path.suffix == ".json"):
                archive.add(path, arcname=str(path.relative_to(runs)))
    finished = {
        path.parent.name: json.loads(path.read_text("utf-8")).get("test") for path in sorted(runs.rglob("summary.json"))
    }
    print(json.dumps(finished, indent=1))


def main() -> None:
    """Read the arguments and do the one or the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    packing = verbs.add_parser("pack")
    packing.add_argument("data", type=Path)
    packing.add_argument("cells", type=Path)
    packing.add_argument("--out", type=Path, required=True)
    running = verbs.add_parser("run")
    running.add_argument("packed", type=Path)
    running.add_argument("--runs", type=Path, required=True)
    running.add_argument("--minutes", type=float, default=9.0)
    running.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    if chosen.verb == "pack":
        pack(chosen.data, chosen.cells, chosen.out)
    else:
        run(chosen.packed, chosen.runs, chosen.minutes, chosen.out)


if __name__ == "__main__":
    main()
