"""Pool the folds of a cross-validation into one table: every fold told, all images predicted once.

    leukolens data split DATA --method random-image --folds 5 --seed 88 --out split.json
    leukolens train DATA --split split.json --recipe field-plain --fold all --out RUN
    python benchmarks/thesis_protocol.py RUN --split split.json --out docs/results

Writes ``thesis-protocol.json``, ``thesis-protocol.md`` and ``thesis-protocol-predictions.csv``.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

from leukolens.finding import DataError
from leukolens.statistics.intervals import proportion

TARGET = 0.9969


def main() -> None:
    """Read the folds, write the three files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("docs/results"))
    arguments = parser.parse_args()
    folders = sorted(arguments.run.glob("fold-*"), key=lambda path: int(path.name.removeprefix("fold-")))
    if not folders:
        raise SystemExit(f"{arguments.run} holds no folders fold-0, fold-1, ...: train with --fold all")
    runs = [json.loads((folder / "training.json").read_text("utf-8")) for folder in folders]
    split = json.loads(arguments.split.read_text("utf-8"))
    check_whole(runs, split)
    folds = [_rows(folder / "predictions-test.csv") for folder in folders]
    result = pool(folds, runs[0], images=len(split["items"]))
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "thesis-protocol.json").write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    (arguments.out / "thesis-protocol.md").write_text(table(result), "utf-8")
    _write_rows(arguments.out / "thesis-protocol-predictions.csv", folds)
    print(table(result))


def check_whole(runs: list[dict[str, Any]], split: dict[str, Any]) -> None:
    """See that these are all folds of this split, of one recipe and one state of the code.

    Raises
    ------
    DataError
        They are not.
    """
    numbers = [run["run"]["fold"] for run in runs]
    if numbers != list(range(len(split["folds"]))):
        raise DataError("folds are missing", expected=f"folds 0 to {len(split['folds']) - 1}", found=str(numbers))
    for run in runs:
        same = {key: value for key, value in run["run"].items() if key != "fold"}
        if same != {key: value for key, value in runs[0]["run"].items() if key != "fold"}:
            raise DataError(f"fold {run['run']['fold']} is of another run", expected="one recipe, data set and split")
        if run["run"].get("leaky_order") is not None:
            raise DataError("the run made samples before the split", expected="samples.order=after-split")
        if run["run"]["split_sha256"] != split["sha256"]:
            raise DataError("the run was trained by another split", expected=split["sha256"])


def pool(folds: list[list[dict[str, str]]], run: dict[str, Any], *, images: int) -> dict[str, Any]:
    """Count the hits of each fold, each class and all together.

    Parameters
    ----------
    folds
        Rows of ``predictions-test.csv``, one list a fold.
    run
        ``training.json`` of one fold.
    images
        How many images the split has.

    Raises
    ------
    DataError
        If an image is predicted twice or not at all.
    """
    rows = [row for fold in folds for row in fold]
    paths = {row["path"] for row in rows}
    if not len(paths) == len(rows) == images:
        raise DataError(
            "not every image is predicted once",
            expected=f"{images} images",
            found=f"{len(rows)} predictions of {len(paths)} images",
        )
    labels = list(run["run"]["classes"])
    return {
        "protocol": "random folds by image, originals only, split first, exact duplicates together; leaky by nature",
        "images": len(rows),
        "errors": sum(row["label"] != row["predicted"] for row in rows),
        "accuracy": _share(rows),
        "folds": [{"fold": number, **_share(fold)} for number, fold in enumerate(folds)],
        "recall": {label: _share([row for row in rows if row["label"] == label]) for label in labels},
        "wrong": [
            {key: row[key] for key in ("path", "label", "predicted")}
            for row in rows
            if row["label"] != row["predicted"]
        ],
        "target": TARGET,
        "reached": bool(np.mean([row["label"] == row["predicted"] for row in rows]) >= TARGET),
        "run": {key: value for key, value in run["run"].items() if key != "fold"},
        "manifest": {key: value for key, value in run["manifest"].items() if key != "configuration"},
    }


def table(result: dict[str, Any]) -> str:
    """Return the figures as Markdown."""
    accuracy = result["accuracy"]
    lines = [
        "# The thesis' protocol, done right",
        "",
        f"{result['protocol']}. {result['images']} images, each predicted once; {result['errors']} errors.",
        "",
        "| what | right | of | accuracy | 95 % interval |",
        "| --- | --- | --- | --- | --- |",
        _line("all", accuracy),
        *(_line(f"fold {fold['fold']}", fold) for fold in result["folds"]),
        *(_line(f"recall {label}", share) for label, share in result["recall"].items()),
        "",
        f"Target {result['target']:.2%}: {'reached' if result['reached'] else 'missed'}. Recipe `{result['run']['recipe']['name']}`, "
        f"seed {result['run']['recipe']['seed']}, split SHA-256 `{result['run']['split_sha256'][:16]}...`. Interval: {accuracy['method']}, "
        "which takes images as independent; on this data set they are not.",
        "",
        "Wrong: " + ("; ".join(f"{row['path']} ({row['label']} called {row['predicted']})" for row in result["wrong"]) or "none"),
        "",
        "```",
        *(__doc__ or "").splitlines()[2:5],
        "```",
        "",
    ]  # fmt: skip
    return "\n".join(lines)


def _line(name: str, share: dict[str, Any]) -> str:
    return f"| {name} | {share['right']} | {share['n']} | {share['value']:.2%} | {share['low']:.2%} to {share['high']:.2%} |"


def _share(rows: list[dict[str, str]]) -> dict[str, Any]:
    hits = np.array([row["label"] == row["predicted"] for row in rows])
    found = proportion(hits)
    return {
        "right": int(hits.sum()),
        "n": len(hits),
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "method": found.method,
    }


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _write_rows(path: Path, folds: list[list[dict[str, str]]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, ["fold", *folds[0][0]])
        writer.writeheader()
        for number, fold in enumerate(folds):
            writer.writerows({"fold": number, **row} for row in fold)


if __name__ == "__main__":
    main()
