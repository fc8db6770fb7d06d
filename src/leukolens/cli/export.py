"""``leukolens export``: a finished run in, a bundle out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leukolens.cli.console import error_console, new_app
from leukolens.cli.dataset_options import LabelColumn, Labels, Negative, PathColumn, PatientColumn
from leukolens.finding import RESEARCH_USE

app = new_app()


@app.command(epilog=RESEARCH_USE)
def export(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run, see `leukolens train`.")],
    data: Annotated[Path, typer.Option(help="The images that it was trained with.")],
    split: Annotated[Path, typer.Option(help="The split file that it was trained with.")],
    out: Annotated[Path, typer.Option(help="The bundle's folder; must not hold anything.")],
    name: Annotated[str, typer.Option(help="The bundle's name: lower case, digits, '.', '_', '-'.")],
    version: Annotated[str, typer.Option(help="The bundle's version.")] = "0.1.0",
    licence: Annotated[str, typer.Option(help="SPDX name of the licence of the weights.")] = "Apache-2.0",
    terms: Annotated[str, typer.Option(help="Terms of the data that it was trained on.")] = "",
    cache: Annotated[Path | None, typer.Option(help="Folder for prepared pictures, as in training.")] = None,
    labels: Labels = None,
    label_column: LabelColumn = "label",
    path_column: PathColumn = "path",
    patient_column: PatientColumn = None,
    negative: Negative = None,
) -> None:
    """Write a trained run as a bundle (ONNX, statistics, card, sums)."""
    from leukolens.data.catalogue import fingerprint
    from leukolens.data.layouts import open_catalogue
    from leukolens.data.verify import read_split
    from leukolens.train.export import export_run

    catalogue = fingerprint(
        open_catalogue(
            data,
            labels=labels,
            label_column=label_column,
            path_column=path_column,
            patient_column=patient_column,
            negative=negative,
        )
    )
    spec = export_run(
        run,
        catalogue,
        read_split(split, catalogue),
        out,
        name=name,
        version=version,
        licence=licence,
        terms=terms,
        cache=cache,
    )
    error_console().print(f"wrote {spec.name} {spec.version} to {out}")
