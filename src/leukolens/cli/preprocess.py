"""``leukolens preprocess``: what preparing does to pictures, each step as a picture."""

# No `from __future__ import annotations` here: Typer makes the options of the annotations at run time.
import sys
from pathlib import Path
from typing import Annotated

import typer

from leukolens.cli.console import new_app
from leukolens.finding import RESEARCH_USE, UsageError

app = new_app()

_STEPS = (
    "Steps in order, with commas: flatten-illumination, reinhard, macenko, vahadane, segment-kmeans, segment-hsv; "
    "segment-kmeans unless said. Their constants can be set in a recipe."
)
_RECIPE = "Take the preparation of a recipe instead, a packaged one or a YAML file. Needs leukolens[train]."
_FIT = "Fit steps that need it on the pictures of this folder; else on the inputs themselves."
_STRETCH = "Stretch to 224 x 224 px whatever the shape, as the thesis does, instead of 224 x 168 px in true shapes."


@app.command(epilog=RESEARCH_USE)
def preprocess(
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Pictures, folders (searched to any depth), or - for a list on standard input.", metavar="INPUT"
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for preprocess.html, the pictures and preprocess.json.")],
    steps: Annotated[str | None, typer.Option(help=_STEPS, metavar="A,B,...")] = None,
    recipe: Annotated[str | None, typer.Option(help=_RECIPE, metavar="NAME|FILE")] = None,
    fit_on: Annotated[Path | None, typer.Option(help=_FIT, metavar="FOLDER")] = None,
    masks: Annotated[bool, typer.Option("--masks", help="Write masks only, in the size of each picture.")] = False,
    stretch: Annotated[bool, typer.Option("--stretch", help=_STRETCH)] = False,
    keep_marks: Annotated[bool, typer.Option("--keep-marks", help="Do not paint scale bars and marks out.")] = False,
    aspect: Annotated[
        str | None, typer.Option(help="True width / true height of squeezed pictures.", metavar="W:H|NUMBER")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write into a folder that holds something.")] = False,
    pictures: Annotated[
        int, typer.Option(help="Pictures shown in preprocess.html at most; files are written of all.", min=0)
    ] = 50,
) -> int:
    """Show what preparing, normalising and segmenting do to pictures of smears, step by step.

    Exit code 1 when some inputs could not be read; the rest is done.
    """
    from leukolens.cli import preprocess_run as work
    from leukolens.cli.preprocess_fit import fit
    from leukolens.cli.preprocess_folder import check_folder
    from leukolens.cli.screen_run import parse_aspect

    if recipe is not None and (steps is not None or stretch or keep_marks):
        raise UsageError("--recipe says all of the preparation", todo="leave --steps, --stretch and --keep-marks out")
    preparation, second = (
        (work.preparation_of(steps, stretch=stretch, keep_marks=keep_marks), None)
        if recipe is None
        else work.preparation_of_recipe(recipe)
    )
    if masks:
        work.check_masks(preparation, second)
    shape = None if aspect is None else parse_aspect(aspect)
    found = work.inputs_of(inputs, sys.stdin.buffer, out)
    check_folder(out, len(found), overwrite=overwrite)
    plan = work.Plan(found, fit(preparation, found, shape, fit_on, out), second, shape)
    return work.write_masks(plan, out) if masks else work.write_walkthrough(plan, out, pictures)
