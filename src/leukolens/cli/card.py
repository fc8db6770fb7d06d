"""``leukolens card``: a bundle or a data set in; a model card, a datasheet, checklists out."""

# No `from __future__ import annotations` here: Typer makes the options of the annotations at run time.
from pathlib import Path
from typing import Annotated

import typer

from leukolens.cli.console import new_app
from leukolens.cli.dataset_options import (
    LabelColumn,
    Labels,
    LaboratoryColumn,
    Layout,
    Negative,
    PathColumn,
    PatientColumn,
)
from leukolens.finding import RESEARCH_USE

app = new_app()


@app.command(epilog=RESEARCH_USE)
def card(
    subject: Annotated[
        str, typer.Argument(metavar="BUNDLE|DATA", help="A shipped model's name, a bundle's folder, or a data set.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the card as .md, .html and .json; else Markdown is printed.")
    ] = None,
    evaluation: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of an evaluation, stress test or other report of this bundle; may be repeated."),
    ] = None,
    audit: Annotated[Path | None, typer.Option(help="Folder of an audit of the data, see `leukolens audit`.")] = None,
    run: Annotated[Path | None, typer.Option(help="Folder of the run that the bundle was exported from.")] = None,
    checklist: Annotated[
        str | None, typer.Option(help="Also fill a reporting checklist for a bundle: tripod-ai, claim or all.")
    ] = None,
    answers: Annotated[
        Path | None, typer.Option(help="YAML or JSON file with what people say, see --answers-template.")
    ] = None,
    answers_template: Annotated[
        Path | None,
        typer.Option(help="Write an empty file of answers to all that is open (.yaml or .json), and nothing else."),
    ] = None,
    labels: Labels = None,
    label_column: LabelColumn = "label",
    path_column: PathColumn = "path",
    patient_column: PatientColumn = None,
    laboratory_column: LaboratoryColumn = None,
    layout: Layout = None,
    negative: Negative = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over cards in --out.")] = False,
) -> None:
    """Write the model card of a bundle or the datasheet of a data set, from what its manifests know.

    Every statement has its source; what no manifest knows is listed as open, with what a person must supply.
    """
    from leukolens.cli.card_run import Request, run_card

    run_card(
        Request(
            subject=subject,
            out=out,
            evaluations=tuple(evaluation or ()),
            audit=audit,
            run=run,
            checklist=checklist,
            answers=answers,
            template=answers_template,
            labels=labels,
            label_column=label_column,
            path_column=path_column,
            patient_column=patient_column,
            laboratory_column=laboratory_column,
            layout=layout,
            negative=tuple(negative or ()),
            overwrite=overwrite,
        )
    )
