"""``leukolens compare``: training runs in, one table out of what each gains and costs."""

# No `from __future__ import annotations` here: Typer makes the options of the annotations at run time.
from pathlib import Path
from typing import Annotated

import typer

from leukolens.cli.console import new_app
from leukolens.finding import RESEARCH_USE

app = new_app()


@app.command(epilog=RESEARCH_USE)
def compare(
    out: Annotated[Path, typer.Option(help="Folder for compare.html, .md, .csv, .json and the picture.")],
    runs: Annotated[
        list[Path] | None,
        typer.Argument(help="Folders of finished runs, or of all folds of one; see `leukolens train`."),
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(help="LABEL=RUN: what to call a run, instead of its folder's name; may be repeated."),
    ] = None,
    networks: Annotated[
        str | None,
        typer.Option(help="Also rows for networks that no run trained: all, or names separated by commas."),
    ] = None,
    waiting: Annotated[
        str, typer.Option(help="What stands in the rows of --networks, such as 'waits for a GPU'.")
    ] = "waits for a run",
    split: Annotated[
        list[Path] | None,
        typer.Option(help="Split file of the runs, where it has moved since training; may be repeated."),
    ] = None,
    speed: Annotated[bool, typer.Option(help="Export each network and time it on this machine's CPU.")] = True,
    threads: Annotated[
        int | None, typer.Option(help="Cores to use in timing; those there are, at most 16.", min=1)
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.", min=0)] = 88,
    reason: Annotated[
        str | None, typer.Option(help="Why the test sides are looked at; kept in the logs of decisions.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over a comparison in --out.")] = False,
) -> None:
    """Compare trained networks: figures with 95 % intervals, what they cost, and a paired test between any two."""
    from leukolens.cli.compare_run import Request, run

    run(
        Request(
            runs=tuple(runs or ()),
            out=out,
            names=tuple(name or ()),
            networks=networks,
            waiting=waiting,
            splits=tuple(split or ()),
            speed=speed,
            threads=threads,
            seed=seed,
            overwrite=overwrite,
            reason=reason,
        )
    )
