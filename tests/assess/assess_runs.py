"""Made-up folders of training runs."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import numpy as np
from assess_samples import softmax

CLASSES = ("Benign", "Early Pre-B", "Pre-B", "Pro-B")
HEADER = ["path", "sha256", "label", "predicted", *(f"p {name}" for name in CLASSES)]


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def write_run(
    root: Path,
    *,
    folds: tuple[int, ...] = (0, 1, 2),
    of: int = 3,
    images: int = 120,
    wrong: int = 0,
    seed: int = 0,
    pooled: bool = True,
    times: bool = True,
    shift: int = 0,
    device: str | None = None,
    source: dict | None = None,
    **identity: object,
) -> Path:
    """A run of `of` folds, the first `wrong` images of each fold taken for the next class."""
    for number in folds:
        folder = root / f"fold-{number}" if pooled else root
        folder.mkdir(parents=True)
        indices = range((number + shift) % of, images, of)
        _predict(folder / "predictions-test.csv", indices, wrong, seed)
        right = len(indices) - wrong
        summary = {"fold": number, "train": images - len(indices), "test": {"n": len(indices), "right": right}}
        summary |= {"device": device} if device else {}
        (folder / "summary.json").write_text(json.dumps(summary))
        (folder / "training.json").write_text(json.dumps(_training(number, source, identity)))
        rows = ["epoch,learning_rate,seconds,processor_seconds", "1,0.1,40,60", "2,0.1,50,70"]
        (folder / "curves.csv").write_text("\n".join(rows if times else [row.rsplit(",", 2)[0] for row in rows]))
    return root


def _training(number: int, source: dict | None, identity: dict) -> dict:
    run = {
        "recipe": {
            "name": "tiny",
            "network": {"name": "timm:test_efficientnet", "weights": "none"},
            "preparation": {"width": 64, "height": 48},
        },
        "data_sha256": "d" * 64,
        "split_sha256": "5" * 64,
        "split_method": "random-image",
        "split_grouping": "nothing",
        "split_leaky": True,
        "fold": number,
        "classes": list(CLASSES),
        "negative": ["Benign"],
    }
    return {"run": run | identity, "source": source or {}, "manifest": {"time": "2026-01-01", "leukolens": "0"}}


def _predict(path: Path, indices: range, wrong: int, seed: int) -> None:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        for place, index in enumerate(indices):
            label = index // 3 % 4
            logits = np.random.default_rng((seed, index)).normal(size=4)
            winner = (label + 1) % 4 if place < wrong else label
            logits[winner] = logits.max() + 2
            numbers = [f"{value:.6f}" for value in softmax(logits[None])[0]]
            writer.writerow([f"{index}.png", sha(str(index)), CLASSES[label], CLASSES[winner], *numbers])
