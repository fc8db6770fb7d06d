"""How the tests of whole runs call `leukolens train`, kill it, and compare what it leaves."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

COMMAND = [sys.executable, "-m", "leukolens.cli.main"]


def train_arguments(data: Path, split: Path, recipe: Path, out: Path, *more: str) -> list[str]:
    given = ["--split", str(split), "--recipe", str(recipe), "--out", str(out), "--no-progress"]
    return ["train", str(data), *given, *more]


def changes(*assignments: str) -> list[str]:
    return [part for assignment in assignments for part in ("--set", assignment)]


def kill_after_an_epoch(arguments: list[str], out: Path) -> None:
    """Start a run in a process of its own and kill it as soon as it has kept an epoch."""
    process = subprocess.Popen([*COMMAND, *arguments], stderr=subprocess.DEVNULL, env=os.environ)
    deadline = time.monotonic() + 240
    while not (out / "last.ckpt").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "the run ended before it could be killed"
    assert not (out / "summary.json").exists()


def untimed_curves(run: Path) -> list[dict[str, str]]:
    rows = list(csv.DictReader((run / "curves.csv").open()))
    assert all(float(row.pop("seconds")) > 0 and float(row.pop("processor_seconds")) > 0 for row in rows)
    return rows


def same_run(one: Path, two: Path) -> None:
    """Assert that two runs ended with the same weights, bit for bit, and said the same."""
    from safetensors.torch import load_file

    weights, others = load_file(one / "weights.safetensors"), load_file(two / "weights.safetensors")
    assert weights.keys() == others.keys()
    different = [name for name, tensor in weights.items() if not tensor.equal(others[name])]
    assert not different
    assert untimed_curves(one) == untimed_curves(two)
    assert (one / "predictions-test.csv").read_text() == (two / "predictions-test.csv").read_text()
