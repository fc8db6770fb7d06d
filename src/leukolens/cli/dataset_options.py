"""The options that name a data set, the same for every verb that takes one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[Path, typer.Argument(help="Folder with class folders or in a published layout, or a CSV file.")]
Labels = Annotated[Path | None, typer.Option(help="CSV file with the labels; its paths are relative to DATA.")]
LabelColumn = Annotated[str, typer.Option(help="Its column with the class.")]
PathColumn = Annotated[str, typer.Option(help="Its column with the path.")]
PatientColumn = Annotated[str | None, typer.Option(help="Its column with the patient.")]
LaboratoryColumn = Annotated[str | None, typer.Option(help="Its column with the laboratory.")]
GroupsFile = Annotated[
    Path | None, typer.Option("--groups", help="groups.csv of `leukolens audit`: which images belong together.")
]
Layout = Annotated[
    str | None, typer.Option(help="The folder's layout, such as cnmc or class-folders; recognised if not given.")
]
UmPerPx = Annotated[
    str | None,
    typer.Option(help="Bring images to the scale of the training: auto, or micrometres a pixel of theirs."),
]
BundleUmPerPx = Annotated[
    float | None, typer.Option(help="Micrometres of a prepared pixel in training, where the bundle does not say.")
]
Negative = Annotated[list[str] | None, typer.Option(help="A class that means no leukaemia; may be repeated.")]
