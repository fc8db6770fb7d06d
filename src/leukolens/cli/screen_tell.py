"""What ``leukolens screen`` tells people at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from leukolens.cli.console import output_console
from leukolens.finding import CLASS_NOTE, RESEARCH_USE
from leukolens.report import cases_table, finding_details, findings_table, summarise

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from leukolens.finding import Case, Finding

OUTPUTS: Final = ("report.html", "findings.jsonl", "cases.json", "run.json")


def tell(findings: Sequence[Finding], cases: Sequence[Case], out: Path | None = None) -> None:
    """Print findings and cases: one picture in full, several as tables.

    Parameters
    ----------
    findings, cases
        Of one run.
    out
        The folder that holds them, if any.
    """
    console = output_console()
    if len(findings) == 1:
        console.print(finding_details(findings[0]))
    else:
        console.print(findings_table(findings))
        if len(cases) > 1:
            console.print(cases_table(cases))
        console.print(summarise(findings).sentence())
    if any(finding.label for finding in findings):
        console.print(CLASS_NOTE, style="dim")
    console.print(RESEARCH_USE, style="bold")
    if out is not None:
        names = ", ".join(name for name in OUTPUTS if (out / name).exists())
        console.print(Text(f"In {out}: {names}"), soft_wrap=True)
