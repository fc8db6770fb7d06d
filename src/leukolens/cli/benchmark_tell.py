"""What ``leukolens benchmark`` tells people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from leukolens.assess.benchmark_tables import (
    PAIR_COLUMNS,
    cautions,
    columns,
    fold_rows,
    lead,
    leukaemia_rows,
    overall_rows,
    pair_rows,
    recall_rows,
)
from leukolens.assess.comparison_cells import Cell, write_count, write_time
from leukolens.cli.compare_tell import cell_table
from leukolens.cli.console import output_console
from leukolens.finding import CLASS_NOTE, RESEARCH_USE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from leukolens.assess.benchmark import Benchmark
    from leukolens.assess.benchmark_plan import ProtocolCost
    from leukolens.train.recipe import Recipe

_COST_COLUMNS = ("protocol", "split", "networks", "finished", "pictures an epoch, all folds", "MACs at most", "time")


def tell_costs(costs: Sequence[ProtocolCost], recipe: Recipe) -> None:
    """Print what would be trained, and what that costs."""
    rows = [
        [
            Cell(one.protocol),
            Cell(one.kind),
            Cell(str(one.networks)),
            Cell(str(one.done)),
            Cell(str(one.pictures)),
            Cell("" if one.macs is None else write_count(one.macs)),
            Cell("not measured" if one.seconds is None else write_time(one.seconds)),
        ]
        for one in costs
    ]
    console = output_console()
    console.print(cell_table(_COST_COLUMNS, rows))
    left = sum(one.networks - one.done for one in costs)
    how = (
        f"{recipe.epochs} epochs each at most. MACs: forwards and backwards. "
        if recipe.probe is None
        else "their heads fitted at once. MACs: forwards, as if no features were kept for other folds. "
    )
    told = (
        f"{left} networks would be trained, {how}"
        "Time: from the networks that are finished in --out. Nothing was trained."
    )
    console.print(Text(told), soft_wrap=True)


def tell(benchmark: Benchmark, groups: str | None, out: Path, files: Sequence[str]) -> None:
    """Print the tables side by side, what stands behind them, and where the files are."""
    console = output_console()
    heads = columns(benchmark)
    tables = [
        cell_table(heads, [[Cell(row.name), *row.cells, *row.drops] for row in rows])
        for rows in (overall_rows(benchmark), leukaemia_rows(benchmark), recall_rows(benchmark))
        if rows
    ]
    if pairs := pair_rows(benchmark):
        tables.append(cell_table(PAIR_COLUMNS, pairs))
    if not console.is_terminal:  # a pipe has no width: nothing is cut or broken there
        natural = [console.measure(one, options=console.options.update(max_width=10_000)).maximum for one in tables]
        console.width = max(console.width, *natural)
    for table in tables:
        console.print(table)
    for name, text in fold_rows(benchmark):
        console.print(Text(f"{name}, right fold by fold: {text}"), soft_wrap=True)
    console.print(Text(lead(benchmark), style="bold"), soft_wrap=True)
    for sentence in cautions(benchmark, groups):
        loud = "LEAKY" in sentence or "NOT COMMITTED" in sentence
        console.print(Text(sentence, style="red" if loud else ""), soft_wrap=True)
    console.print(Text(CLASS_NOTE, style="dim"), soft_wrap=True)
    console.print(Text(RESEARCH_USE, style="bold"))
    console.print(Text(f"In {out}: {', '.join(files)}"), soft_wrap=True)
