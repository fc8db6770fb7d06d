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
    "predictions-honest.csv",
    "leaky-order.json",
    "leaky-order.md",
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
    "cells": ("random-image", "--validation", "0.1"),
}
RATES = {"vgg19": "1e-4", "convnext-t": "3e-4", "vit-s": "3e-4", "dinov2-s": "3e-4"}
"""Learning rates of networks that those of the recipes throw off: they have no batch norm to hold them."""
LEARNED = 0.5
"""Least accuracy on held-out cells, of 8 kinds, of a start worth going on from."""
TRIES = 2


@dataclass(frozen=True)
class Task:
    """One call of `leukolens train`, or of the study of the leaky order."""

    name: str
    recipe: str
    data: str = "fields"
    fold: str = "0"
    split: str = "random"
    changes: dict[str, str] = field(default_factory=dict)
    start: str | None = None
    """Task on single cells whose backbone this one starts from."""
    study: bool = False


def tasks() -> list[Task]:
    """Return what is to be done, the most important first."""
    listed = [*_with_cells("resnet152v2", "thesis-resnet152v2all", "all"), *_with_cells("vgg19", "thesis-vgg19", "all")]
    for name, entry in REGISTRY.items():
        if name in THESIS:
            listed += _with_cells(name, THESIS[name], "0")
        elif name not in {"resnet152v2", "vgg19"} and entry.packaged_weights is None:
            listed += _with_cells(name, "field-plain", "0")
    listed.append(Task("thesis-attention", "thesis-attention", start="cells-resnet152v2"))
    listed.append(Task("leaky-order", "thesis-resnet152v2all", start="cells-resnet152v2", study=True))
    listed.append(Task("scratch-resnet152v2all", "thesis-resnet152v2all"))
    return listed


def _with_cells(name: str, recipe: str, fold: str) -> list[Task]:
    """Pre-train on single cells, then train from there: no ImageNet weights are at hand where the GPU is."""
    cells = {"network.name": name, "network.weights": "none", "epochs": "8"}
    fields: dict[str, str] = {}
    if recipe == "field-plain":
        width, height = REGISTRY[name].size
        fields = {"network.name": name, "preparation.width": str(width), "preparation.height": str(height)}
        if name in {"vit-s", "dinov2-s"}:  # a transformer's position embedding belongs to its size of picture
            cells |= {"preparation.width": str(width), "preparation.height": str(height)}
    else:
        cells["network.scaling"] = "unit"
    if name in RATES:
        cells["optimiser.learning_rate"] = RATES[name]
        if recipe == "field-plain":
            fields["optimiser.learning_rate"] = RATES[name]
    title = f"{recipe}-{name}" if recipe == "field-plain" else recipe
    return [
        Task(f"cells-{name}", "pretrain-cells", data="cells", split="cells", changes=cells),
        Task(title, recipe, fold=fold, changes=fields, start=f"cells-{name}"),
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


def run(packed: Path, runs: Path, minutes: float, out: Path) -> int:
    """Train what is next until the time is over, then collect what there is; 1 where something failed."""
    end = time.monotonic() + 60 * minutes
    data = packed / "unpacked"
    for archive in sorted(packed.glob("*.tar")):
        done = archive.with_suffix(".unpacked")
        if not done.exists():
            with tarfile.open(archive) as content:
                content.extractall(data, filter="data")
            done.touch()
    finished = all(_train(task, data, runs, end) for task in tasks())
    failed = sorted(path.parent.name for path in runs.glob("*/failed"))
    collect(runs, out)
    print("everything is done" if finished else "the time is over: call again to go on")
    if failed:
        print(f"failed, see the output above: {', '.join(failed)}")
    return 1 if failed else 0


def _leukolens(*arguments: str, seconds: float | None = None) -> int:
    return _process(["-m", "leukolens.cli.main", *arguments], seconds)


def _process(arguments: list[str], seconds: float | None) -> int:
    try:
        return subprocess.run([sys.executable, *arguments], timeout=seconds, check=False).returncode
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
    """Train one task to its end; False where the time was over first. What fails is tried again in the next call."""
    folder = runs / task.name
    tries = int((folder / "failed").read_text("utf-8")) if (folder / "failed").exists() else 0
    if (folder / "done").exists() or tries >= TRIES:
        return True
    if end - time.monotonic() < 20:
        return False
    reason = None if task.start is None else _unfit(runs / task.start)
    code = None if reason else _call(task, data, runs, end)
    if code == -1:
        return False
    folder.mkdir(parents=True, exist_ok=True)
    if code == 0:
        (folder / "failed").unlink(missing_ok=True)
        (folder / "done").touch()
    else:
        print(f"{task.name} failed: {reason or f'exit code {code}'}", flush=True)
        (folder / "failed").write_text(f"{tries + 1}\n", "utf-8")
    return True


def _unfit(start: Path) -> str | None:
    """Say why nothing should start from a run on cells; None where all is well."""
    try:
        accuracy = json.loads((start / "summary.json").read_text("utf-8"))["validation"]["accuracy"]
    except (OSError, ValueError, KeyError):
        return f"{start.name} is not finished"
    return None if accuracy >= LEARNED else f"{start.name} learned nothing, {accuracy:.0%} of the held-out cells right"


def _call(task: Task, data: Path, runs: Path, end: float) -> int:
    folder = runs / task.name
    changes = task.changes | ({"network.weights": str(runs / task.start)} if task.start else {})
    options = [part for key, value in changes.items() for part in ("--set", f"{key}={value}")]
    left = end - time.monotonic()
    if task.study:
        places = ["--out", str(folder), "--results", str(folder / "results")]
        study = [*places, "--recipe", task.recipe, "--few", "60", "--set", "epochs=10", *options, "--quiet", "--resume"]
        return _process([str(Path(__file__).parent / "leaky_order.py"), str(data / task.data), *study], left)
    split = _split(task.split, data / task.data, runs)
    places = ["--split", str(split), "--out", str(folder), "--cache", str(runs / "cache")]
    begun = ["--resume"] if folder.exists() else []
    arguments = ["train", str(data / task.data), *places, "--recipe", task.recipe, "--fold", task.fold, "--no-progress"]
    return _leukolens(*arguments, *options, *begun, seconds=left)


def collect(runs: Path, out: Path) -> None:
    """Write one archive of everything small, with the hash of the weights."""
    out.mkdir(parents=True, exist_ok=True)
    for weights in runs.rglob("weights.safetensors"):
        (weights.parent / "weights.sha256").write_text(hashlib.sha256(weights.read_bytes()).hexdigest() + "\n", "utf-8")
    with tarfile.open(out / "gpu-results.tar.gz", "w:gz") as archive:
        for path in sorted(runs.rglob("*")):
            if path.name in COLLECTED or (path.parent == runs and path.suffix == ".json"):
                archive.add(path, arcname=str(path.relative_to(runs)))
    for path in sorted(runs.rglob("summary.json")):
        test = json.loads(path.read_text("utf-8")).get("test")
        if test is not None:
            print(f"{path.parent.relative_to(runs)}: {test['right']} of {test['n']} right", flush=True)


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
        sys.exit(run(chosen.packed, chosen.runs, chosen.minutes, chosen.out))


if __name__ == "__main__":
    main()
