"""``leukolens audit``: a data set in, what it gives away out."""

# No `from __future__ import annotations` here: Typer makes the options of the annotations at run time.
from pathlib import Path
from typing import Annotated

import typer

from leukolens.cli.console import new_app
from leukolens.cli.dataset_options import (
    Data,
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
def audit(
    data: Data,
    out: Annotated[
        Path, typer.Option(help="Folder for report.html, audit.json, groups.csv, pictures.csv and manifest.json.")
    ],
    labels: Labels = None,
    label_column: LabelColumn = "label",
    path_column: PathColumn = "path",
    patient_column: PatientColumn = None,
    laboratory_column: LaboratoryColumn = None,
    layout: Layout = None,
    negative: Negative = None,
    skip: Annotated[
        list[str] | None,
        typer.Option(help="A part to leave out: fields, sessions, labels, outliers or probes; may be repeated."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(help="Processes that read pictures; as many as there are cores.", min=1)
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything random.", min=0)] = 88,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over an audit in --out.")] = False,
) -> int:
    """Find what makes figures on a data set too good: copies, repeated fields, sessions, wrong labels, shortcuts.

    Exit code 1 when some files cannot be read, 4 when the same picture has two labels or two patients.
    """
    from leukolens.cli.audit_run import Request, run

    return run(
        Request(
            data=data,
            out=out,
            labels=labels,
            label_column=label_column,
            path_column=path_column,
            patient_column=patient_column,
            laboratory_column=laboratory_column,
            layout=layout,
            negative=tuple(negative or ()),
            skip=tuple(skip or ()),
            jobs=jobs,
            seed=seed,
            overwrite=overwrite,
        )
    )
