"""What ``leukolens audit`` tells people at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from leukolens.cli.console import output_console
from leukolens.finding import RESEARCH_USE
from leukolens.smear.sources import printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from leukolens.audit.findings import AuditResult

_STYLES: Final = {"failed": "bold red", "warning": "yellow", "note": "", "good": "green"}
_SHOWN: Final = 10


def tell(result: AuditResult, out: Path, files: Sequence[str]) -> None:
    """Print the verdict, the counts, and where the files are.

    Parameters
    ----------
    result
        What was found.
    out, files
        The folder and the names in it.
    """
    console = output_console()
    console.print(Text(f"Audit of {printable(result.data)}: {result.headline}", style="bold"))
    for one in result.verdict:
        line = Text(f"  {one.level}: ", style=_STYLES[one.level])
        console.print(line + Text(printable(one.text)), soft_wrap=True)
    console.print(counts_table(result))
    _list("Shortcuts", result.probes.sentences)
    _list("Contradictions", [one.what for one in result.contradictions])
    _list("Not readable", [f"{one.path}: {one.reason}" for one in result.check.unreadable])
    labels = [f"{one.picture.path}: {one.picture.label}, looks like {one.suggested}" for one in result.labels.flagged]
    _list("Labels in doubt, the surest first", labels)
    seconds = sum(result.seconds.values())
    memory = "" if result.peak_memory_mib is None else f", at most {result.peak_memory_mib:.0f} MiB of memory"
    console.print(Text(f"{seconds:.0f} s with {result.jobs} processes{memory}.", style="dim"))
    console.print(Text(RESEARCH_USE, style="bold"))
    console.print(Text(f"In {out}: {', '.join(files)}"), soft_wrap=True)


def counts_table(result: AuditResult) -> Table:
    """Return how many pictures, groups and findings there are."""
    groups, near = result.groups, result.near_duplicates
    rows = [
        ("pictures", f"{result.check.images}, {len(result.check.unreadable)} not readable"),
        ("classes", ", ".join(f"{name} {n}" for name, n in result.check.classes.items())),
        (
            "different pictures",
            f"{groups.duplicate} ({len(near.pairs)} near pairs, <= {near.threshold_bits} of {near.of_bits} bits)",
        ),
        ("different fields", _known(groups.field)),
        ("sessions", _known(groups.session)),
        ("labels in doubt", _known(len(result.labels.flagged) if result.labels.status == "done" else None)),
        ("unlike all others", _known(len(result.outliers.flagged) if result.outliers.status == "done" else None)),
        ("blurred, dark, bright", str(len(result.lighting.flagged))),
    ]
    table = Table(box=SIMPLE, show_header=False)
    for name, value in rows:
        table.add_row(name, Text(printable(value)))
    return table


def _known(count: int | None) -> str:
    return "not known" if count is None else str(count)


def _list(title: str, lines: Sequence[str]) -> None:
    if not lines:
        return
    console = output_console()
    console.print(f"\n{title}:", markup=False)
    for line in lines[:_SHOWN]:
        console.print(f"  {printable(line)}", markup=False, soft_wrap=True)
    if len(lines) > _SHOWN:
        console.print(f"  ... and {len(lines) - _SHOWN} more in audit.json", markup=False)
