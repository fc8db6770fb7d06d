"""What ``leukolens stress`` tells people at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from leukolens.assess.stress_words import about_cells, by_group, fallen_sentence, find_cautions, lead, write_row
from leukolens.cli.console import output_console
from leukolens.finding import CLASS_NOTE, RESEARCH_USE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from leukolens.assess.about import About
    from leukolens.assess.stress_outcome import StressResult, StressTest

_SHOWN = (2, 3, 4, 5, 6)  # which of the columns fit a terminal; the page has all, with every interval
_POINTS = 3


def tell(test: StressTest, about: About, out: Path, files: Sequence[str]) -> None:
    """Print the summary, the table, where the figures come from, and where the files are.

    Parameters
    ----------
    test, about
        What was found.
    out, files
        The folder and the names in it.
    """
    console = output_console()
    stamp = test.selection.stamp
    console.print(Text(f"{about.bundle} {about.version} on {about.data}: {lead(test)}", style="bold"))
    if fallen_sentence(test):
        console.print(Text(fallen_sentence(test), style="" if test.fallen else "red"))
    console.print(Text(f"{stamp.short}. {stamp.sentence}", style="red" if stamp.leaky else ""))
    for sentence in (about.training.sentence, "No quality gates: every answer counts.", *find_cautions(test)):
        console.print(Text(sentence))
    if about_cells(test):
        console.print(cells_table(test))
    console.print(stress_table(test))
    console.print(Text(CLASS_NOTE, style="dim"))
    console.print(Text(RESEARCH_USE, style="bold"))
    console.print(Text(f"In {out}: {', '.join(files)}"), soft_wrap=True)


def cells_table(test: StressTest) -> Table:
    """Return what is known of cells and background."""
    table = _table("cells or background", "value", "95 % interval")
    for one in about_cells(test):
        table.add_row(Text(one.name), one.figure.value, one.figure.range)
    return table


def stress_table(test: StressTest) -> Table:
    """Return one row a stress."""
    names = ("balanced accuracy", "points lost", "95 % interval", "sensitivity", "specificity", "same answer")
    table = _table("stress", *names)
    _add(table, test.results[0])
    for name, _, results in by_group(test):
        table.add_section()
        table.add_row(Text(name, style="bold"))
        for one in results:
            _add(table, one)
    return table


def _add(table: Table, result: StressResult) -> None:
    written = write_row(result)
    cells = []
    for column in _SHOWN:
        cell = written[column]
        cells.append("" if cell is None else cell.value)
        if column == _POINTS:
            cells.append("" if cell is None or result.stress is None else cell.range)
    table.add_row(Text(result.name), *cells)


def _table(first: str, *rest: str) -> Table:
    table = Table(box=SIMPLE)
    table.add_column(first, overflow="fold")
    for name in rest:
        table.add_column(name, justify="right", no_wrap=True)
    return table
