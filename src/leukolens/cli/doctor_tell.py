"""The checks of ``leukolens doctor`` as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich import box
from rich.table import Table
from rich.text import Text

from leukolens.report.words import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leukolens.cli.doctor_checks import Check

_STYLES: Final = {"ok": "green", "failed": "bold red", "missing": "yellow"}


def checks_table(checks: Iterable[Check]) -> Table:
    """Lay checks out: what, how it stands, what was found and what to do."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for header in ("Check", "State", "Found"):
        table.add_column(header)
    for check in checks:
        found = check.found if not check.todo else f"{check.found}\n{check.todo}"
        table.add_row(
            Text(visible(check.name)),
            Text(check.state, style=_STYLES[check.state]),
            Text("\n".join(map(visible, found.splitlines()))),
        )
    return table
