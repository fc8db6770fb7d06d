"""What ``leukolens compare`` tells people at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from leukolens.assess.comparison_cells import (
    COST_COLUMNS,
    FIGURE_COLUMNS,
    cost_cells,
    figure_cells,
    pair_name,
    write_difference,
    write_p,
)
from leukolens.assess.comparison_words import cautions, fold_words, verdict
from leukolens.cli.console import output_console
from leukolens.finding import CLASS_NOTE, RESEARCH_USE
from leukolens.smear.sources import printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from leukolens.assess.comparison import Comparison
    from leukolens.assess.comparison_cells import Cell

_WIDEST: Final = 10_000
"""Columns that no table needs."""


def tell(comparison: Comparison, out: Path, files: Sequence[str]) -> None:
    """Print the tables, what the tests say, and where the files are."""
    console = output_console()
    tables = [
        cell_table(FIGURE_COLUMNS, [figure_cells(entry) for entry in comparison.entries]),
        cell_table(COST_COLUMNS, [cost_cells(entry) for entry in comparison.entries]),
    ]
    if any(pair.test is not None for pair in comparison.pairs):
        tables.append(pairs_table(comparison))
    if not console.is_terminal:  # a pipe has no width: nothing is cut or broken there
        console.width = max(console.width, *(_natural_width(console, table) for table in tables))
    for table in tables:
        console.print(table)
    for entry in comparison.trained:
        console.print(Text(f"{printable(entry.name)}, right fold by fold: {fold_words(entry)}"), soft_wrap=True)
    console.print(Text(verdict(comparison), style="bold"), soft_wrap=True)
    for sentence in cautions(comparison):
        console.print(Text(sentence, style="red" if "LEAKY" in sentence else ""), soft_wrap=True)
    console.print(Text(CLASS_NOTE, style="dim"), soft_wrap=True)
    console.print(Text(RESEARCH_USE, style="bold"))
    console.print(Text(f"In {out}: {', '.join(files)}"), soft_wrap=True)


def _natural_width(console: Console, table: Table) -> int:
    return console.measure(table, options=console.options.update(max_width=_WIDEST)).maximum


def cell_table(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Table:
    """Return cells with their intervals beneath."""
    table = _table(columns)
    for row in rows:
        table.add_row(*(_cell(cell) for cell in row))
    return table


def pairs_table(comparison: Comparison) -> Table:
    """Return the pairs that were tested: difference of accuracy and p values."""
    table = _table(("first - second", "images", "accuracy, points", "only first right", "only second", "p", "p (Holm)"))
    for pair in comparison.pairs:
        if pair.test is None:
            continue
        table.add_row(
            Text(pair_name(pair)),
            str(pair.images),
            _cell(write_difference("accuracy", pair.differences["accuracy"])),
            str(pair.test.first_only),
            str(pair.test.second_only),
            write_p(pair.test.p),
            write_p(pair.adjusted),
        )
    return table


def _cell(cell: Cell) -> Text:
    return Text.assemble(cell.value, (f"\n{cell.range}", "dim")) if cell.range else Text(cell.value)


def _table(columns: Sequence[str]) -> Table:
    table = Table(box=SIMPLE)
    for number, name in enumerate(columns):
        table.add_column(name, overflow="fold", justify="left" if number == 0 else "right")
    return table
