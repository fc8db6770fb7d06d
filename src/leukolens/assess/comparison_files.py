"""A comparison as files that programs and people read: ``compare.csv``, ``compare.json``, ``compare.md``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from leukolens.assess.comparison_cells import (
    COST_COLUMNS,
    FIGURE_COLUMNS,
    PAIR_COLUMNS,
    cost_cells,
    figure_cells,
    pair_cells,
    pair_name,
)
from leukolens.assess.comparison_words import cautions, fold_words, methods_of, verdict
from leukolens.assess.run_figures import FIGURES
from leukolens.finding import CLASS_NOTE, RESEARCH_USE
from leukolens.finding.output import csv_text
from leukolens.smear.sources import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leukolens.assess.comparison import Comparison, Entry
    from leukolens.assess.comparison_cells import Cell
    from leukolens.assess.run_pairs import Pair


def comparison_csv(comparison: Comparison) -> str:
    """Return one row a run or network, numbers as they are; a cell without a value is empty."""
    rows = [_plain_row(entry) for entry in comparison.entries]
    header = list(rows[0])
    return csv_text([header, *([_text(row[name]) for name in header] for row in rows)])


def _plain_row(entry: Entry) -> dict[str, Any]:
    run, costs = entry.run, entry.costs
    row: dict[str, Any] = {
        "run": printable(entry.name),
        "network": entry.network,
        "head": entry.head,
        "recipe": entry.recipe,
        "split": entry.stamp,
        "leaky": entry.leaky,
        "note": entry.note,
        "images": None if run is None else len(run.rows),
        "right": None if run is None else sum(fold.right for fold in run.folds),
        "right_by_fold": fold_words(entry),
    }
    for name in FIGURES:
        figure = entry.figures.get(name)
        ends = (None, None, None) if figure is None else (figure.value, figure.low, figure.high)
        row |= dict(zip((name, f"{name}_low", f"{name}_high"), ends, strict=True))
    speed = costs.speed
    return row | {
        "picture_width": costs.picture and costs.picture[0],
        "picture_height": costs.picture and costs.picture[1],
        "parameters": costs.parameters,
        "macs": costs.macs,
        "weight_bytes": costs.weight_bytes,
        "onnx_bytes": costs.onnx_bytes,
        "pictures_per_second": speed and speed.value,
        "pictures_per_second_low": speed and speed.low,
        "pictures_per_second_high": speed and speed.high,
        "threads": speed and speed.threads,
        "engine": speed and speed.engine,
        "not_measured": costs.reason,
        "training_seconds": entry.seconds,
        "training_processor_seconds": entry.processor_seconds,
        "training_device": entry.device,
    }


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


def comparison_json(comparison: Comparison, manifest: dict[str, Any]) -> str:
    """Return ``compare.json``: rows, pairs, methods."""
    tests, methods = methods_of(comparison)
    content = {
        "schema": "1",
        "kind": "leukolens comparison",
        "use": RESEARCH_USE,
        "class_note": CLASS_NOTE,
        "time": manifest["time"],
        "verdict": verdict(comparison),
        "cautions": cautions(comparison),
        "level": 0.95,
        "seed": comparison.seed,
        "rows": [_row_content(entry) for entry in comparison.entries],
        "pairs": [pair_content(pair) for pair in comparison.pairs],
        "methods": methods,
        "tests": tests,
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _row_content(entry: Entry) -> dict[str, Any]:
    run = entry.run
    return {
        "run": printable(entry.name),
        "network": entry.network,
        "head": entry.head,
        "recipe": entry.recipe,
        "split": (run.stamp.content() if run else {"leaky": entry.leaky, "sha256": None}) | {"short": entry.stamp},
        "data_sha256": run.identity["data_sha256"] if run else None,
        "classes": list(run.classes) if run else None,
        "note": entry.note,
        "counted_together": entry.counted,
        "figures": {name: asdict(figure) for name, figure in entry.figures.items()},
        "folds": [
            {"fold": fold.number, "n": len(fold.rows), "right": fold.right, "epochs": fold.epochs}
            for fold in (run.folds if run else ())
        ],
        "costs": asdict(entry.costs),
        "training": {
            "seconds": entry.seconds,
            "processor_seconds": entry.processor_seconds,
            "device": entry.device,
        },
    }


def pair_content(pair: Pair) -> dict[str, Any]:
    """Return two runs on the same images as JSON."""
    return {
        "first": printable(pair.first),
        "second": printable(pair.second),
        "images": pair.images,
        "folds": list(pair.folds),
        "test": None if pair.test is None else asdict(pair.test),
        "p_holm": pair.adjusted,
        "differences": {name: asdict(one) for name, one in pair.differences.items()},
        "reason": pair.reason,
    }


def comparison_markdown(comparison: Comparison) -> str:
    """Return ``compare.md``."""
    entries, trained = comparison.entries, comparison.trained
    lines = [
        "# Networks compared",
        "",
        verdict(comparison),
        "",
        *(f"- {sentence}" for sentence in cautions(comparison)),
        "",
        "Under each figure its 95 % interval.",
        "",
        *markdown_table(FIGURE_COLUMNS, [figure_cells(entry) for entry in entries]),
        "",
        "| run | right of all images, fold by fold |",
        "| --- | --- |",
        *(f"| {_escaped(printable(entry.name))} | {fold_words(entry)} |" for entry in trained),
        "",
        *markdown_table(COST_COLUMNS, [cost_cells(entry) for entry in entries]),
        "",
        *_pairs(comparison),
        f"{RESEARCH_USE} {CLASS_NOTE}",
        "",
    ]
    return "\n".join(lines)


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> list[str]:
    """Return the lines of a table in Markdown, each interval under its value."""
    written = [
        [_escaped(cell.value) + (f"<br>{_escaped(cell.range)}" if cell.range else "") for cell in row] for row in rows
    ]
    return [_line(columns), _line(["---"] * len(columns)), *map(_line, written)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    """Keep a name from being read as Markdown or HTML."""
    for sign in "\\|`*_<>[]":
        text = text.replace(sign, f"\\{sign}")
    return text


def _pairs(comparison: Comparison) -> list[str]:
    if not comparison.pairs:
        return []
    tested = [pair for pair in comparison.pairs if pair.test is not None]
    lines = ["## Two by two", ""]
    if tested:
        lines += markdown_table(PAIR_COLUMNS, [pair_cells(pair) for pair in tested])
        tests = "; ".join(methods_of(comparison)[0].values())
        lines += ["", f"p: {tests}. The intervals of the differences are not adjusted.", ""]
    without = [f"{_escaped(pair_name(pair))} ({pair.reason})" for pair in comparison.pairs if pair.test is None]
    return [*lines, *([f"Not tested: {'; '.join(without)}.", ""] if without else [])]
