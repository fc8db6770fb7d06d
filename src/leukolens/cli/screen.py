"""``leukolens screen``: pictures in, findings, cases and a report out."""

# No `from __future__ import annotations` here: Typer makes the options of the annotations at run time.
import sys
from pathlib import Path
from typing import Annotated

import typer

from leukolens.cli.console import new_app
from leukolens.finding import RESEARCH_USE, UsageError

app = new_app()

_OUT = "Folder for findings.jsonl, cases.json, run.json and report.html. Without it, results are only printed."
_ASPECT = (
    "True width of the pictures divided by their true height, as a ratio such as 4:3 or a number such as 1.333, "
    "for pictures that were squeezed on the way, such as a 4:3 field saved as a square. It is the shape before the "
    "squeeze, not the factor. Without it, the squeeze is recognised from the picture."
)


@app.command(epilog=RESEARCH_USE)
def screen(
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Pictures, folders (searched to any depth), or - for a list on standard input.", metavar="INPUT"
        ),
    ],
    out: Annotated[Path | None, typer.Option(help=_OUT, metavar="DIR")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print findings as JSON, one a line.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the findings in --out.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write the findings in --out anew.")] = False,
    bundle: Annotated[
        str | None, typer.Option(help="Name of a shipped model, or a bundle's folder.", metavar="NAME|DIR")
    ] = None,
    engine: Annotated[
        str, typer.Option(help="auto, openvino or onnxruntime; always in 32-bit floats.", metavar="NAME")
    ] = "auto",
    threads: Annotated[
        int | None, typer.Option(help="Cores to use; all there are, up to 16, unless said.", min=1, metavar="N")
    ] = None,
    aspect: Annotated[str | None, typer.Option(help=_ASPECT, metavar="W:H|NUMBER")] = None,
    only: Annotated[str | None, typer.Option(help="Run one half of the model: field or cells.", metavar="HALF")] = None,
    case: Annotated[str | None, typer.Option(help="All pictures are this one case.", metavar="ID")] = None,
    cases: Annotated[
        Path | None, typer.Option(help="CSV with the columns path and case. Else a folder is a case.", metavar="FILE")
    ] = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Leave report.html out.")] = False,
    pictures: Annotated[
        int, typer.Option(help="Pictures shown in report.html at most; its table has all.", min=0, metavar="N")
    ] = 200,
) -> int:
    """Look for leukaemic lymphoblasts in pictures of stained blood or bone-marrow smears.

    Exit code 1 when some inputs could not be read; the rest is done.
    """
    from leukolens.cli import screen_run as steps

    if resume and overwrite:
        raise UsageError("--resume and --overwrite exclude each other", todo="take one of them")
    if out is None and (resume or overwrite or no_report):
        raise UsageError("--resume, --overwrite and --no-report need a folder", todo="name it with --out DIR")
    ratio = None if aspect is None else steps.parse_aspect(aspect)
    case_of = steps.case_rule(case, cases)
    plan = steps.make_plan(inputs, sys.stdin.buffer, bundle, engine, threads, only, ratio, case_of)
    if out is None:
        return steps.screen_here(plan, as_json=as_json)
    shown = None if no_report else pictures
    return steps.screen_into(plan, out, as_json=as_json, resume=resume, overwrite=overwrite, pictures=shown)
