"""``leukolens external``: a bundle and data sets of other laboratories in; figures of each, and what was seen, out."""

# No `from __future__ import annotations` here: Typer makes the options of the annotations at run time.
from pathlib import Path
from typing import Annotated

import typer

from leukolens.cli.console import new_app
from leukolens.cli.dataset_options import BundleUmPerPx, Layout, Negative, UmPerPx
from leukolens.finding import RESEARCH_USE, UsageError

app = new_app()


@app.command(epilog=RESEARCH_USE)
def external(
    bundle: Annotated[str, typer.Argument(help="Name of a shipped model, or a bundle's folder.")],
    data: Annotated[
        list[Path] | None, typer.Argument(help="Folders or CSV files, one a site; the options below hold for all.")
    ] = None,
    sites: Annotated[
        Path | None, typer.Option(help="YAML or CSV file with the sites and the options of each; see docs/external.md.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for report.html, external.json and images.csv; else only printed.")
    ] = None,
    layout: Layout = None,
    label: Annotated[
        str | None, typer.Option(help="The one class of all images of DATA, whatever the folders.")
    ] = None,
    negative: Negative = None,
    other_leukaemia: Annotated[
        list[str] | None, typer.Option(help="A class that means a leukaemia other than ALL; may be repeated.")
    ] = None,
    laboratory: Annotated[
        str | None, typer.Option(help="Where all images of DATA come from, where their layout does not say.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="At most so many images of each class of each laboratory.", min=1)
    ] = None,
    um_per_px: UmPerPx = None,
    bundle_um_per_px: BundleUmPerPx = None,
    split: Annotated[
        Path | None, typer.Option(help="The split file that the bundle was trained by: says what it has seen.")
    ] = None,
    engine: Annotated[str, typer.Option(help="auto, openvino or onnxruntime; always in 32-bit floats.")] = "auto",
    threads: Annotated[int | None, typer.Option(help="Cores to use; those there are, at most 16.", min=1)] = None,
    reason: Annotated[
        str | None, typer.Option(help="Why these images are looked at; kept in the log of decisions.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over a report in --out.")] = False,
) -> int:
    """Measure a model bundle in other laboratories, and say which of them it has never seen.

    Exit code 1 when some images could not be read.
    """
    if overwrite and out is None:
        raise UsageError("--overwrite says nothing without --out", todo="name the folder with --out")
    from leukolens.cli.external_run import Request, run

    return run(
        Request(
            bundle=bundle,
            data=tuple(data or ()),
            sites=sites,
            out=out,
            layout=layout,
            label=label,
            negative=tuple(negative) if negative else None,
            other_leukaemia=tuple(other_leukaemia) if other_leukaemia else None,
            laboratory=laboratory,
            limit=limit,
            um_per_px=um_per_px,
            bundle_um_per_px=bundle_um_per_px,
            split=split,
            engine=engine,
            threads=threads,
            reason=reason,
            as_json=as_json,
            overwrite=overwrite,
        )
    )
