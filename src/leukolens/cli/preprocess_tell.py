"""What ``leukolens preprocess`` tells people at the end."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Final

from rich import box
from rich.table import Table
from rich.text import Text

from leukolens.cli.console import error_console, output_console
from leukolens.finding import RESEARCH_USE
from leukolens.report.walkthrough import milliseconds
from leukolens.report.words import visible

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from leukolens.cli.preprocess_fit import Fitted
    from leukolens.cli.preprocess_run import Outcome

_MOST: Final = 20


def tell(done: Outcome, fitted: Fitted, notes: Sequence[str], out: Path, wrote: Sequence[str]) -> None:
    """Print how many pictures were done, the median time of each stage, and what could not be read.

    Parameters
    ----------
    done
        The run.
    fitted
        On what steps were fitted, and what could not be read for it.
    notes
        What else has to be known, in sentences.
    out
        The folder that holds the files.
    wrote
        What it holds now.
    """
    console = output_console()
    if done.times:
        table = Table("Stage", "Median time a picture", box=box.SIMPLE_HEAD)
        for name, times in done.times.items():
            table.add_row(name, Text(milliseconds(statistics.median(times)), justify="right"))
        console.print(table)
    count = len(done.rows) - len(done.errors)
    console.print(f"{count} {'picture' if count == 1 else 'pictures'} done.")
    if fitted.on:
        console.print(Text(f"Steps fitted on {visible(fitted.on)}."), soft_wrap=True)
    for note in notes:
        console.print(Text(visible(note)), soft_wrap=True)
    errors = [*done.errors, *fitted.left_out]
    for source, reason in errors[:_MOST]:
        error_console().print(Text(f"{visible(source)}: {visible(reason)}"), soft_wrap=True)
    if len(errors) > _MOST:
        error_console().print(f"and {len(errors) - _MOST} more that could not be read")
    console.print(RESEARCH_USE, style="bold")
    console.print(Text(f"In {out}: {', '.join(wrote)}"), soft_wrap=True)
