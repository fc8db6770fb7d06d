"""What ``leukolens external`` tells people at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from leukolens.assess.external_files import TITLES, AboutBundle, lead, row_cells, row_counts, row_name, shown_figures
from leukolens.cli.console import output_console
from leukolens.finding import CLASS_NOTE, RESEARCH_USE
from leukolens.smear.sources import printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from leukolens.assess.external import Laboratory, Report

_UNREAD_SHOWN: Final = 5


def tell(report: Report, about: AboutBundle, out: Path | None, files: Sequence[str]) -> None:
    """Print the figures of each laboratory, what the bundle has seen of it, and where the files are.

    Parameters
    ----------
    report, about
        What was found.
    out, files
        The folder and the names in it; None where nothing was written.
    """
    console = output_console()
    console.print(Text(f"{about.bundle} {about.version}: {lead(report)}", style="bold"))
    console.print(figures_table(report))
    for row in (*report.laboratories, *report.pooled):
        told = [f"{row_name(row)}: {row.seen.status}. {row.seen.sentence}", *row.notes]
        console.print(Text(" ".join(told)), soft_wrap=True)
    for name, sentence in about.scales.items():
        if sentence:
            console.print(Text(f"{printable(name)}: {sentence}"), soft_wrap=True)
    for name, look in about.looks.items():
        console.print(Text(f"{printable(name)}: {look.sentence}"), soft_wrap=True)
    for one in report.unread[:_UNREAD_SHOWN]:
        console.print(Text(f"Not read: {printable(one.site)}: {printable(one.path)}: {printable(one.reason)}"))
    if len(report.unread) > _UNREAD_SHOWN:
        console.print(Text(f"... and {len(report.unread) - _UNREAD_SHOWN} more that could not be read."))
    cut = f"from {report.threshold:g} on, set before looking"
    console.print(Text(f"An image counts as leukaemia {cut}. Leukaemia means ALL."))
    console.print(Text(CLASS_NOTE, style="dim"))
    console.print(Text(RESEARCH_USE, style="bold"))
    place = (
        "Nothing was written: --out FOLDER writes page and files." if out is None else f"In {out}: {', '.join(files)}"
    )
    console.print(Text(place), soft_wrap=True)


def figures_table(report: Report) -> Table:
    """Return a row a laboratory, then those of several together; columns that no row fills are left out."""
    rows = [*report.laboratories, *report.pooled]
    shown = shown_figures(report)
    table = Table(box=SIMPLE)
    table.add_column("laboratory", overflow="fold")
    table.add_column("seen?", overflow="fold")
    for name in shown:
        table.add_column(TITLES[name], justify="right", overflow="fold")
    for row in rows:
        _add(table, row, shown)
    return table


def _add(table: Table, row: Laboratory, shown: Sequence[str]) -> None:
    name = Text(f"{row_name(row)}\n").append(row_counts(row), style="dim")
    style = {"never seen": "", "seen in training": "red", "cannot be told": "yellow"}[row.seen.status]
    written = row_cells(row, shown)
    texts = ["-" if one is None else f"{one.value}\n[dim]{one.range}[/dim]" for one in written]
    table.add_row(name, Text(row.seen.status, style=style), *texts)
