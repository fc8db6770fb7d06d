"""Figures of the study of orders: what each order reports, what its network does on the honest side, and by how much."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from leukolens.assess.differences import paired_difference
from leukolens.statistics.intervals import Estimate, proportion

Rows = list[dict[str, str]]
RIGHT = "after-split"
_VARIANTS = {
    "all": "The whole pool, the recipe's augmentation",
    "few": "Few pictures, flips alone",
    "shuffled": "Few pictures, flips alone, all labels drawn at random, the honest side's too: nothing can be learned, chance is the truth",
}
_ORDERS = {
    RIGHT: "right: divided by picture, then samples of the training side",
    "before-validation": "leaky: test by picture, then samples, then validation",
    "before-test": "leaky: samples, then test and validation",
    "thesis": "leaky: the thesis' (copies, test, views, validation)",
}


def collect(folders: Sequence[Path]) -> dict[str, Any]:
    """Score every finished piece and compare each leaky order with the right one.

    Parameters
    ----------
    folders
        ``.../VARIANT/ORDER``, each a finished run with ``predictions-honest.csv``.

    Returns
    -------
    dict
        ``pieces``: list of what `score_piece` returns; ``paired``: differences on the same pictures.
    """
    pieces = [score_piece(folder) for folder in folders]
    paired = []
    for folder in folders:
        right = folder.parent / RIGHT
        if folder != right and right in folders:
            paired.append({"variant": folder.parent.name, "order": folder.name} | compare(folder, right))
    return {"pieces": pieces, "paired": paired}


def score_piece(folder: Path) -> dict[str, Any]:
    """Return what one order reports of itself, and what its network does on the honest side.

    The samples of one picture are one group in every interval. ``optimism`` is reported minus honest, with the
    square-and-add interval of two independent proportions (Newcombe 1998).
    """
    run = json.loads((folder / "training.json").read_text("utf-8"))
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    piece: dict[str, Any] = {
        "variant": folder.parent.name,
        "order": folder.name,
        "train_samples": summary["train"],
        "leaky_order": summary.get("leaky_order"),
        "epochs": run["run"]["recipe"]["epochs"],
        "network": run["run"]["recipe"]["network"],
        "recipe": run["run"]["recipe"]["name"],
        "seconds": round(sum(float(row["seconds"]) for row in _rows(folder / "curves.csv"))),
        "manifest": {key: value for key, value in run["manifest"].items() if key != "configuration"},
    }
    honest = _share(_rows(folder / "predictions-honest.csv"))
    for side in ("validation", "test"):
        rows = _rows(folder / f"predictions-{side}.csv")
        share = _share(rows)
        piece[side] = _plain(share) | {"optimism": _plain(difference(share, honest))}
        if "twin" in rows[0]:
            for name, said in (("with_twin", "yes"), ("without_twin", "no")):
                piece[side][name] = _plain(_share([row for row in rows if row["twin"] == said]))
    return piece | {"honest": _plain(honest)}


def compare(folder: Path, right: Path) -> dict[str, Any]:
    """Return the leaky order's accuracy minus the right order's, on pictures that both meet.

    ``honest``: the honest side. ``held_out``: originals that both orders hold out for validation or test, where the
    right order has not learned from the picture at all.
    """
    found: dict[str, Any] = {}
    both = {"honest": [_rows(place / "predictions-honest.csv") for place in (folder, right)]}
    both["held_out"] = [_held_out(place) for place in (folder, right)]
    for name, (leaky_rows, right_rows) in both.items():
        ours, theirs = ({row["path"]: _hit(row) for row in rows} for rows in (leaky_rows, right_rows))
        same = sorted(ours.keys() & theirs.keys())
        gained = np.array([float(ours[path]) - float(theirs[path]) for path in same])
        found[name] = _plain(paired_difference(gained))
    return found


def difference(one: Estimate, other: Estimate) -> Estimate:
    """Return one share minus another, of other pictures, with Newcombe's square-and-add interval."""
    if one.value is None or other.value is None:
        return Estimate(None, -1.0, 1.0, "mover", one.n)
    value = one.value - other.value
    low = value - math.hypot(one.value - one.low, other.high - other.value)
    high = value + math.hypot(one.high - one.value, other.value - other.low)
    return Estimate(value, max(-1.0, low), min(1.0, high), "mover", one.n)


def _held_out(folder: Path) -> Rows:
    rows = _rows(folder / "predictions-validation.csv") + _rows(folder / "predictions-test.csv")
    return [row for row in rows if row.get("view", "original") == "original" and row.get("copy", "0") == "0"]


def _rows(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _hit(row: dict[str, str]) -> bool:
    return row["label"] == row["predicted"]


def _share(rows: Rows) -> Estimate:
    hits = np.array([_hit(row) for row in rows], bool)
    paths = [row["path"] for row in rows]
    groups = np.unique(paths, return_inverse=True)[1] if len(set(paths)) < len(paths) else None
    return proportion(hits, groups)


def _plain(estimate: Estimate) -> dict[str, Any]:
    value = None if estimate.value is None else round(estimate.value, 6)
    return {"value": value, "low": round(estimate.low, 6), "high": round(estimate.high, 6), "n": estimate.n}


def to_markdown(result: dict[str, Any]) -> str:
    """Return the study as a page."""
    blocks = result["blocks"]
    lines = [
        "# The leaky order against the right one, same network",
        "",
        *_findings(result),
        "",
        f"Honest side: block {blocks['fold']} of {blocks['parameters']['folds']} of each class, {blocks['honest']} pictures "
        f"({', '.join(f'{name} {n}' for name, n in blocks['honest_classes'].items())}), {blocks['left_out']} pictures "
        f"beside it used for nothing; pool: {blocks['pool']} pictures. Each order makes samples of the pool (original and segmented "
        "view, classes filled up with flipped and turned copies), divides it, trains on equally many and reports its own validation and test; then its network meets the honest side. Intervals are 95 %; samples of one picture count as "
        "one group, pictures as independent, which neighbours are not: they are too narrow.",
    ]
    for variant, words in _VARIANTS.items():
        pieces = [piece for piece in result["pieces"] if piece["variant"] == variant]
        if pieces:
            lines += ["", f"## {words}", "", *_table(pieces)]
            lines += ["", *_twins(pieces), "", *_paired(result["paired"], variant)]
    lines += ["", "```", result["command"], "```", ""]
    return "\n".join(lines)


def _table(pieces: list[dict[str, Any]]) -> list[str]:
    return [
        "| order | trained on | its validation | its test | honest | validation minus honest | test minus honest |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *(
            f"| {_ORDERS[p['order']]} | {p['train_samples']} samples, {p['epochs']} epochs, {p['seconds']} s | {_cell(p['validation'])} | "
            f"{_cell(p['test'])} | {_cell(p['honest'])} | {_points(p['validation']['optimism'])} | {_points(p['test']['optimism'])} |"
            for p in pieces
        ),
    ]


def _twins(pieces: list[dict[str, Any]]) -> list[str]:
    lines = []
    for piece in pieces:
        for side in ("validation", "test"):
            if "with_twin" in piece[side]:
                have, lack = piece[side]["with_twin"], piece[side]["without_twin"]
                lines.append(
                    f"- `{piece['order']}`, {side}: {have['n']} of {have['n'] + lack['n']} samples have a twin in training. "
                    f"Right with a twin: {_cell(have)}; without: {_cell(lack)}."
                )
    return lines


def _paired(paired: list[dict[str, Any]], variant: str) -> list[str]:
    return [
        f"- `{pair['order']}` minus `{RIGHT}`, same pictures: honest side {_points(pair['honest'])} "
        f"({pair['honest']['n']} pictures); originals held out by both {_points(pair['held_out'])} ({pair['held_out']['n']})."
        for pair in paired
        if pair["variant"] == variant
    ]


def _findings(result: dict[str, Any]) -> list[str]:
    lines = []
    for variant in _VARIANTS:
        pieces = {piece["order"]: piece for piece in result["pieces"] if piece["variant"] == variant}
        if RIGHT in pieces and len(pieces) > 1:
            right = pieces.pop(RIGHT)
            worst = max(pieces.values(), key=lambda piece: piece["validation"]["value"])
            lines.append(
                f"- {_VARIANTS[variant]}: the right order reports {right['validation']['value']:.1%} on its validation side, the leaky "
                f"order `{worst['order']}` {worst['validation']['value']:.1%}; on the honest side their networks reach "
                f"{right['honest']['value']:.1%} and {worst['honest']['value']:.1%}."
            )
    return lines


def _cell(share: dict[str, Any]) -> str:
    if share["value"] is None:
        return "none"
    return f"{share['value']:.1%} ({share['low']:.1%} to {share['high']:.1%}) of {share['n']}"


def _points(gap: dict[str, Any]) -> str:
    if gap["value"] is None:
        return "none"
    return f"{100 * gap['value']:+.1f} points ({100 * gap['low']:+.1f} to {100 * gap['high']:+.1f})"
