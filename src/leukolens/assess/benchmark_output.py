"""The files of a benchmark: ``benchmark.html``, ``benchmark.md``, ``benchmark.json``, ``manifest.json``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from leukolens.assess.benchmark_plan import groups_caution, groups_words
from leukolens.assess.benchmark_tables import (
    PAIR_COLUMNS,
    bootstrap_rows,
    cautions,
    columns,
    fold_rows,
    lead,
    leukaemia_rows,
    overall_rows,
    pair_rows,
    recall_rows,
)
from leukolens.assess.comparison_cells import Cell
from leukolens.assess.comparison_files import markdown_table, pair_content
from leukolens.assess.paired import TESTS
from leukolens.finding import CLASS_NOTE, RESEARCH_USE
from leukolens.finding.output import put_files
from leukolens.report.templating import page_environment, page_values
from leukolens.statistics.intervals import METHODS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from leukolens.assess.benchmark import Benchmark, Headline
    from leukolens.assess.benchmark_tables import Row
    from leukolens.statistics.intervals import Estimate

BENCHMARK_FILE: Final = "benchmark.json"
_PACKAGE: Final = "leukolens.assess"
_TODO: Final = "make room; nothing is trained again by --resume"


def write_benchmark(
    folder: Path, benchmark: Benchmark, plan: Mapping[str, Any], manifest: Mapping[str, Any], data: str
) -> list[str]:
    """Write page, table and numbers.

    Parameters
    ----------
    folder
        Of the benchmark.
    benchmark
        All that was found.
    plan
        The content of ``plan.json``.
    manifest
        From `run_manifest`, with `command_line` in its configuration.
    data
        Name of the data set's folder.

    Returns
    -------
    list of str
        Names of the files, benchmark.json last, which so tells that the others are whole.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    files = {
        "benchmark.html": benchmark_page(benchmark, plan, manifest, data),
        "benchmark.md": benchmark_markdown(benchmark, plan, data),
        "manifest.json": json.dumps(manifest, indent=2, ensure_ascii=False) + "\n",
        BENCHMARK_FILE: json.dumps(content_of(benchmark, plan), indent=2, ensure_ascii=False, allow_nan=False) + "\n",
    }
    return put_files(folder, files, todo=_TODO)


def content_of(benchmark: Benchmark, plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of ``benchmark.json``."""
    return {
        "schema": "1",
        "kind": "leukolens benchmark",
        "use": RESEARCH_USE,
        "class_note": CLASS_NOTE,
        "result": lead(benchmark),
        "cautions": cautions(benchmark, groups_caution(plan)),
        "groups": plan.get("groups"),
        "counted_together": benchmark.grouping.words,
        "level": 0.95,
        "seed": benchmark.seed,
        "threshold": benchmark.threshold,
        "negative_classes": list(benchmark.negative_classes),
        "protocols": [_headline(one) for one in benchmark.headlines],
        "drops": [
            {
                "first": drop.pair.first,
                "second": drop.pair.second,
                "differences": {name: asdict(one) for name, one in drop.differences.items()},
            }
            for drop in benchmark.drops
        ],
        "pairs": [pair_content(pair) for pair in benchmark.pairs],
        "methods": dict(_methods(benchmark)),
        "plan": plan["plan"],
    }


def _headline(headline: Headline) -> dict[str, Any]:
    scores, run = headline.scores, headline.run
    return {
        "protocol": headline.protocol.name,
        "split": run.stamp.content() | {"short": headline.stamp},
        "images": len(run.rows),
        "right": sum(fold.right for fold in run.folds),
        "overall": {name: asdict(one) for name, one in scores.overall.items()},
        "classes": {label: {name: asdict(one) for name, one in own.items()} for label, own in scores.by_class.items()},
        "leukaemia": None
        if scores.leukaemia is None
        else {name: asdict(one) for name, one in scores.leukaemia.figures.items()},
        "bootstrap": {name: {"low": low, "high": high} for name, (low, high) in headline.bootstrap.items()},
        "confusion": {"classes": list(scores.classes), "rows": "true class", "matrix": scores.matrix.tolist()},
        "folds": [
            {
                "fold": fold.number,
                "n": len(fold.rows),
                "right": fold.right,
                "epochs": fold.epochs,
                "device": fold.device,
            }
            for fold in run.folds
        ],
    }


def _methods(benchmark: Benchmark) -> list[tuple[str, str]]:
    estimates: list[Estimate] = [one for drop in benchmark.drops for one in drop.differences.values()]
    for headline in benchmark.headlines:
        estimates += headline.scores.flat().values()
    used = {one.method for one in estimates}
    tests = {pair.test.method for pair in benchmark.pairs if pair.test is not None}
    found = [(name, words) for name, words in TESTS.items() if name in tests]
    return found + [(name, words) for name, words in METHODS.items() if name in used]


def _caption(benchmark: Benchmark) -> str:
    stamps = "; ".join(f"{one.protocol.name}: {one.stamp}" for one in benchmark.headlines)
    return f"{stamps}. Under each figure its 95 % interval."


def benchmark_page(benchmark: Benchmark, plan: Mapping[str, Any], manifest: Mapping[str, Any], data: str) -> str:
    """Return ``benchmark.html``: one page that opens without a network."""
    recipe = plan["plan"]["recipe"]
    code = manifest["code"]
    values = page_values(_PACKAGE, "evaluation.css") | {
        "recipe": recipe.get("name", "unknown"),
        "data": data,
        "created": str(manifest["time"]).replace("T", " ").replace("+00:00", " UTC"),
        "class_note": CLASS_NOTE,
        "lead": lead(benchmark),
        "leaky": all(one.leaky for one in benchmark.headlines),
        "cautions": cautions(benchmark, groups_caution(plan)),
        "heads": columns(benchmark),
        "count": len(benchmark.headlines),
        "differences": len(benchmark.drops),
        "overall": overall_rows(benchmark),
        "leukaemia": leukaemia_rows(benchmark),
        "recalls": recall_rows(benchmark),
        "bootstrap": bootstrap_rows(benchmark),
        "caption": _caption(benchmark),
        "negative": ", ".join(benchmark.negative_classes),
        "threshold": f"{benchmark.threshold:g}",
        "pair_heads": PAIR_COLUMNS,
        "pairs": pair_rows(benchmark),
        "folds": fold_rows(benchmark),
        "command": manifest["configuration"]["command_line"],
        "methods": _methods(benchmark),
        "facts": [
            ("data", f"{data}, SHA-256 {plan['plan']['data_sha256']}"),
            ("groups", groups_words(plan)),
            ("started", str(plan["manifest"]["time"])),
            *(
                (one.protocol.name, f"{one.protocol.words}; split SHA-256 {one.run.stamp.sha256}")
                for one in benchmark.headlines
            ),
            ("bootstrap", f"over groups; seed {benchmark.seed}"),
            ("code", f"leukolens {manifest['leukolens']}" + (f", commit {code['commit'][:12]}" if code else "")),
        ],
    }
    return page_environment(_PACKAGE).get_template("benchmark.html.j2").render(values)


def benchmark_markdown(benchmark: Benchmark, plan: Mapping[str, Any], data: str) -> str:
    """Return ``benchmark.md``."""
    heads = columns(benchmark)
    leukaemia = leukaemia_rows(benchmark)
    lines = [
        f"# {plan['plan']['recipe'].get('name', 'unknown')} on {data}",
        "",
        lead(benchmark),
        "",
        *(f"- {sentence}" for sentence in cautions(benchmark, groups_caution(plan))),
        "",
        *_lines(heads, overall_rows(benchmark)),
        *(["Leukaemia or not:", "", *_lines(heads, leukaemia)] if leukaemia else []),
        *_lines(heads, recall_rows(benchmark)),
        *(markdown_table(PAIR_COLUMNS, pair_rows(benchmark)) if benchmark.drops else []),
        "",
        f"Groups: {groups_words(plan)}.",
        "",
        f"{RESEARCH_USE} {CLASS_NOTE}",
        "",
    ]
    return "\n".join(lines)


def _lines(heads: Sequence[str], rows: Sequence[Row]) -> list[str]:
    return [*markdown_table(heads, [[Cell(row.name), *row.cells, *row.drops] for row in rows]), ""]
