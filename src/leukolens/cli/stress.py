"""``leukolens stress``: what a bundle's answers rest on, with changed pictures, and without quality gates."""

# No `from __future__ import annotations` here: Typer makes the options of the annotations at run time.
from pathlib import Path
from typing import Annotated

import typer

from leukolens.cli.console import new_app
from leukolens.cli.dataset_options import Data, GroupsFile, LabelColumn, Labels, Layout, PathColumn
from leukolens.finding import RESEARCH_USE

app = new_app()


@app.command(epilog=RESEARCH_USE)
def stress(
    bundle: Annotated[str, typer.Argument(help="Name of a shipped model, or a bundle's folder.")],
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder for report.html, stress.json, stress.csv and pictures.")],
    stresses: Annotated[
        str,
        typer.Option("--stress", help="all, or groups, families or single stresses, such as cells,lamp,blur-1."),
    ] = "all",
    split: Annotated[Path | None, typer.Option(help="Split file; without it, all images are used.")] = None,
    fold: Annotated[int | None, typer.Option(help="Which fold of the split, from 0.", min=0)] = None,
    side: Annotated[str, typer.Option(help="Which side of the fold: test, validation or train.")] = "test",
    groups: GroupsFile = None,
    labels: Labels = None,
    label_column: LabelColumn = "label",
    path_column: PathColumn = "path",
    patient_column: Annotated[
        str | None, typer.Option(help="Its column with the patient; intervals are then over patients.")
    ] = None,
    layout: Layout = None,
    negative: Annotated[
        list[str] | None,
        typer.Option(help="A class that means no leukaemia, instead of the bundle's; may be repeated."),
    ] = None,
    engine: Annotated[str, typer.Option(help="auto, openvino or onnxruntime; always in 32-bit floats.")] = "auto",
    threads: Annotated[int | None, typer.Option(help="Cores to use; those there are, at most 16.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="Of the partners to swap with, and of the bootstrap.", min=0)] = 88,
    reason: Annotated[
        str | None, typer.Option(help="Why these images are looked at; kept in the log of decisions beside the split.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over a stress test in --out.")] = False,
) -> int:
    """Test a model under stress: stain, lamp, camera, turns, scale bar, swapped backgrounds, removed cells.

    Tells how much of the score comes from the cells. Exit code 1 when some images could not be read.
    """
    from leukolens.cli.stress_run import Request, run

    return run(
        Request(
            bundle=bundle,
            data=data,
            out=out,
            stresses=stresses,
            split=split,
            fold=fold,
            side=side,
            groups=groups,
            labels=labels,
            label_column=label_column,
            path_column=path_column,
            patient_column=patient_column,
            layout=layout,
            negative=tuple(negative or ()),
            engine=engine,
            threads=threads,
            seed=seed,
            reason=reason,
            overwrite=overwrite,
        )
    )
