"""``leukolens doctor``: whether everything is here that screening needs, and whether it works."""

# No `from __future__ import annotations` here: Typer makes the options of the annotations at run time.
import json
import sys
from typing import Annotated

import typer

from leukolens.cli.console import new_app, output_console
from leukolens.finding import RESEARCH_USE

app = new_app()


@app.command(epilog=RESEARCH_USE)
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the checks as JSON.")] = False,
    bundle: Annotated[
        str | None, typer.Option(help="Name of a shipped model, or a bundle's folder.", metavar="NAME|DIR")
    ] = None,
) -> int:
    """Tell what is installed and which model ships, verify it, and screen rendered fields on every engine.

    Exit code 4 when a check fails.
    """
    from leukolens.cli.doctor_checks import examine

    checks = examine(bundle)
    failed = [check for check in checks if check.state == "failed"]
    if as_json:
        told = {"ok": not failed, "checks": [check._asdict() for check in checks], "note": RESEARCH_USE}
        sys.stdout.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    else:
        from leukolens.cli.doctor_tell import checks_table

        console = output_console()
        console.print(checks_table(checks))
        console.print(f"{len(failed)} of {len(checks)} checks failed." if failed else "All is well.", style="bold")
        console.print(RESEARCH_USE)
    return 4 if failed else 0
