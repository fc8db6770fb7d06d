"""The page of a comparison: one HTML file without script that opens without a network and prints well."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from leukolens.assess.comparison_cells import (
    COST_COLUMNS,
    FIGURE_COLUMNS,
    PAIR_COLUMNS,
    cost_cells,
    figure_cells,
    pair_cells,
    pair_name,
    write_p,
)
from leukolens.assess.comparison_words import ALPHA, cautions, differs, fold_words, methods_of, verdict
from leukolens.assess.speed import describe_machine
from leukolens.finding import CLASS_NOTE
from leukolens.report.templating import page_environment, page_values
from leukolens.smear.sources import printable

if TYPE_CHECKING:
    from leukolens.assess.comparison import Comparison
    from leukolens.assess.drawing import Drawing
    from leukolens.assess.run_pairs import Pair


_PACKAGE: Final = "leukolens.assess"
STYLES: Final = ("evaluation.css", "compare.css")


class MatrixCell(NamedTuple):
    """Difference and p value of a pair; bold where they differ."""

    value: str = ""
    range: str = ""
    bold: bool = False


def comparison_page(comparison: Comparison, drawing: Drawing | None, manifest: dict[str, Any]) -> str:
    """Return ``compare.html``.

    Parameters
    ----------
    comparison
        With costs.
    drawing
        The picture, which is put into the page; None where there is nothing to draw.
    manifest
        From `run_manifest`.
    """
    tested = [pair for pair in comparison.pairs if pair.test is not None]
    tests, methods = methods_of(comparison)
    values = page_values(_PACKAGE, *STYLES) | {
        "created": str(manifest["time"]).replace("T", " ").replace("+00:00", " UTC"),
        "class_note": CLASS_NOTE,
        "verdict": verdict(comparison),
        "cautions": cautions(comparison),
        "leaky": any(entry.leaky for entry in comparison.trained),
        "drawing": _inline(drawing),
        "figure_columns": FIGURE_COLUMNS,
        "rows": [figure_cells(entry) for entry in comparison.entries],
        "cost_columns": COST_COLUMNS,
        "costs": [cost_cells(entry) for entry in comparison.entries],
        "cost_caption": _cost_caption(comparison),
        "tested": len(tested),
        "alpha": f"{ALPHA:g}",
        "names": [printable(entry.name) for entry in comparison.trained],
        "matrix": _matrix(comparison) if tested else [],
        "pair_columns": PAIR_COLUMNS,
        "pairs": [pair_cells(pair) for pair in tested],
        "untested": [f"{pair_name(pair)} ({pair.reason})" for pair in comparison.pairs if pair.test is None],
        "folds": [(printable(entry.name), fold_words(entry)) for entry in comparison.trained],
        "facts": _facts(comparison, manifest),
        "command": manifest["configuration"]["command_line"],
        "methods": [*tests.items(), *methods.items()],
    }
    return page_environment(_PACKAGE).get_template("compare.html.j2").render(values)


def _inline(drawing: Drawing | None) -> dict[str, str] | None:
    if drawing is None:
        return None
    source = "data:image/svg+xml;base64," + base64.b64encode(drawing.svg).decode("ascii")
    return {"title": drawing.title, "description": drawing.description, "source": source}


def _cost_caption(comparison: Comparison) -> str:
    speeds = [entry.costs.speed for entry in comparison.entries if entry.costs.speed is not None]
    if not speeds:
        return "Pictures per second were not measured."
    engines = ", ".join(dict.fromkeys(f"{speed.engine}, {speed.threads} threads" for speed in speeds))
    return f"Pictures per second: {engines}, f32, median of {len(speeds[0].rounds)} rounds with a 95 % interval."


def _matrix(comparison: Comparison) -> list[dict[str, Any]]:
    found = {(pair.first, pair.second): pair for pair in comparison.pairs}
    names = [entry.name for entry in comparison.trained]
    return [{"name": printable(row), "cells": [_matrix_cell(found, row, column) for column in names]} for row in names]


def _matrix_cell(found: dict[tuple[str, str], Pair], row: str, column: str) -> MatrixCell:
    if row == column:
        return MatrixCell("-")
    pair, sign = (found[row, column], 1.0) if (row, column) in found else (found[column, row], -1.0)
    if pair.test is None:
        return MatrixCell("not tested", pair.reason)
    value = 100 * sign * (pair.differences["accuracy"].value or 0.0)
    return MatrixCell(f"{round(value, 2) + 0.0:+.2f}", f"p {write_p(pair.adjusted)}", differs(pair))


def _facts(comparison: Comparison, manifest: dict[str, Any]) -> list[tuple[str, str]]:
    runs = [entry.run for entry in comparison.trained if entry.run is not None]
    machine, code = describe_machine(), manifest["code"]
    facts = [
        ("machine", ", ".join(f"{machine[key]}" for key in ("processor", "system")) + f", {machine['cores']} cores"),
        ("classes", "; ".join(dict.fromkeys(", ".join(run.classes) for run in runs))),
        ("data", "; ".join(dict.fromkeys(f"SHA-256 {run.identity['data_sha256']}" for run in runs))),
        ("split", "; ".join(dict.fromkeys(f"SHA-256 {run.identity['split_sha256']}" for run in runs))),
        ("kept on one side", "; ".join(dict.fromkeys(str(run.identity.get("split_grouping", "")) for run in runs))),
        ("bootstrap", f"over groups; seed {comparison.seed}"),
        ("code", f"leukolens {manifest['leukolens']}" + (f", commit {code['commit'][:12]}" if code else "")),
        ("time", str(manifest["time"])),
    ]
    return [(name, value) for name, value in facts if value]
