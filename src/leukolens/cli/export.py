"""``leukolens export``: a finished run in, a bundle out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
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
    labels: Annotated[Path | None, typer.Option(help="CSV with the labels, as in training.")] = None,
    label_column: Annotated[str, typer.Option(help="Its column with the class.")] = "label",
    path_column: Annotated[str, typer.Option(help="Its column with the path below DATA.")] = "path",
    patient_column: Annotated[str | None, typer.Option(help="Its column with the patient.")] = None,
    negative: Annotated[list[str] | None, typer.Option(help="A class that means no leukaemia, as in training.")] = None,
) -> None:
    """Write a trained run as a bundle (ONNX, statistics, card, sums). For research use only, not a diagnosis."""
    from rich.console import Console

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
    Console(stderr=True).print(f"wrote {spec.name} {spec.version} to {out}")
