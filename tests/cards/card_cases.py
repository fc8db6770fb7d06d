"""A bundle, an evaluation of it, its run and reports, made up: enough to fill every fact that a form asks for."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from leukolens.cards.model_card import model_card
from leukolens.engine.bundle import write_bundle
from leukolens.engine.spec import BundleSpec, Calibration, Conformal, FieldNetworkSpec, Novelty, Provenance
from leukolens.finding import CLASSES

DATA, SPLIT = "d" * 64, "5" * 64
FIGURE = {"value": 0.9, "low": 0.8, "high": 0.95, "method": "wilson", "n": 10, "groups": None}


def make_spec(network: bytes = b"no network", **provenance: Any) -> BundleSpec:
    told: dict[str, Any] = {
        "data_sha256": DATA,
        "split_sha256": SPLIT,
        "split_method": "blocks",
        "grouping": "neighbouring files",
        "training_images_sha256": "7" * 64,
        "recipe": {
            "name": "made-up",
            "description": "To see what a card says.",
            "network": {"name": "tiny", "weights": "imagenet"},
            "optimiser": {"name": "adamw", "learning_rate": 0.001},
            "augmentation": {"flip": True, "scale": [0.85, 1.18]},
            "epochs": 3,
            "balance": "weights",
            "average": 0.99,
            "select": "last",
        },
        "code_version": "0.1.0",
        "packages": {"torch": "2.15.0"},
        "seed": 88,
        "figures": {"test": {"n": 10, "accuracy": {"value": 0.9, "low": 0.8, "high": 0.95}}},
        "test_openings": {"sentence": "The test side of fold 0 has been opened once, first on 2026-01-01."},
        "terms": "Made up; nobody's.",
        "citations": ("A and B 2026",),
    }
    field = FieldNetworkSpec(
        sha256=hashlib.sha256(network).hexdigest(),
        architecture="tiny",
        labels=CLASSES,
        negative_labels=("Benign",),
        calibration=Calibration(temperature=1.5, n=100, source="100 pictures"),
        conformal=Conformal(alpha=0.05, threshold=0.6, n=100, source="100 pictures"),
        novelty=Novelty(quantiles=tuple(i / 100 for i in range(101)), limit=0.95, source="100 pictures"),
    )
    return BundleSpec(
        name="made-up",
        version="1.0",
        created=datetime(2026, 1, 1, tzinfo=UTC),
        description="A made-up model",
        licence="Apache-2.0",
        networks={"field": field},
        provenance=Provenance.model_validate(told | provenance),
    )


def make_bundle(folder: Path, **provenance: Any) -> Path:
    """A bundle that opens, with the card that an export would write; its network is none."""
    spec = make_spec(**provenance)
    return write_bundle(folder, spec, {"field.onnx": b"no network", "LICENSE": b"made up"}, model_card(spec))


def bundle_sha256(bundle: Path) -> str:
    return hashlib.sha256((bundle / "bundle.json").read_bytes()).hexdigest()


def metrics(bundle: Path, **changes: Any) -> dict[str, Any]:
    return {  # every key that a card reads, and some that it does not know
        "schema": "1",
        "kind": "leukolens evaluation",
        "bundle": {"name": "made-up", "version": "1.0", "sha256": bundle_sha256(bundle)},
        "data": {"name": "fields", "sha256": DATA, "grouping": "patients"},
        "split": {"kind": "blocks", "short": "Split in blocks, fold 0, test", "sentence": "Neighbours apart."},
        "training": {"status": "held out", "sentence": "None of them was in training."},
        "test_openings": {"sentence": "The test side of fold 0 has been opened 2 times.", "line_sha256": "1" * 64},
        "warnings": ["Few images."],
        "images": 10,
        "unread": [],
        "outside_domain": 1,
        "level": 0.95,
        "methods": {"wilson": "Wilson score interval"},
        "support": {"Benign": 4, "Pro-B": 6},
        "overall": {"accuracy": FIGURE, "a figure of tomorrow": FIGURE},
        "classes": {"Benign": {"recall": FIGURE}, "Pro-B": {"recall": {**FIGURE, "value": None}}},
        "leukaemia": {"threshold": 0.5, "negative_classes": ["Benign"], "sensitivity": FIGURE},
        "confusion": {"classes": ["Benign", "Pro-B"], "matrix": [[3, 1], [0, 6]]},
        "confusions": [{"label": "Benign", "predicted": "Pro-B", "count": 1, "share": FIGURE}],
        "stress": {"grey": {"accuracy": FIGURE, "balanced_accuracy": FIGURE, "loss": {"balanced_accuracy": FIGURE}}},
        **changes,
    }


def make_result(folder: Path, content: dict[str, Any], name: str = "metrics.json") -> Path:
    folder.mkdir()
    (folder / name).write_text(json.dumps(content), "utf-8")
    manifest = {"command": "evaluate", "configuration": {"command_line": "leukolens evaluate made-up fields"}}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return folder


def make_run(folder: Path, **changes: Any) -> Path:
    folder.mkdir()
    identity = {"data_sha256": DATA, "split_sha256": SPLIT, "split_leaky": False, "recipe": {}, "fold": 0} | changes
    manifest = {"time": "2026-01-01T00:00:00+00:00", "python": "3.11.0", "cores": 2}
    (folder / "training.json").write_text(json.dumps({"run": identity, "manifest": manifest}))
    summary = {
        "pictures": {"train": 20, "validation": 5, "test": 10},
        "seconds": 90.0,
        "device": "cpu",
        "test_openings": {"sentence": "Opened once."},
    }
    (folder / "summary.json").write_text(json.dumps(summary))
    return folder


def make_audit(folder: Path, rows: list[tuple[str, str]], content: Any = None) -> Path:
    folder.mkdir()
    head = "path,sha256,label,duplicate_group,field_group,session_group"
    lines = [f"{path},{sha256},A,d{n},f{n // 2},s0" for n, (path, sha256) in enumerate(rows)]
    (folder / "groups.csv").write_text("\n".join([head, *lines]) + "\n")
    default = {"kind": "leukolens audit", "outliers": ["a", "b"], "blur": {"median": 3.5}, "probes": {"corner": 0.877}}
    (folder / "audit.json").write_text(json.dumps(default if content is None else content))
    return folder
