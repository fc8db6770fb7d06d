"""``leukolens benchmark``: one recipe under several protocols, every image predicted once in each."""

# No `from __future__ import annotations` here: Typer makes the options of the annotations at run time.
from pathlib import Path
from typing import Annotated

import typer

from leukolens.cli.console import new_app
from leukolens.cli.dataset_options import (
    Data,
    GroupsFile,
    LabelColumn,
    Labels,
    LaboratoryColumn,
    Layout,
    Negative,
    PathColumn,
    PatientColumn,
)
from leukolens.cli.train_options import Accelerator, Reason
from leukolens.finding import RESEARCH_USE

app = new_app()


@app.command(epilog=RESEARCH_USE)
def benchmark(
    recipe: Annotated[str, typer.Argument(help="Name of a packaged recipe, or a YAML file.")],
    data: Data,
    out: Annotated[Path | None, typer.Option(help="Folder for networks, predictions, benchmark.html.")] = None,
    protocol: Annotated[
        list[str] | None,
        typer.Option(
            help="literature, grouped, embargo:N or leave-one-laboratory-out; may be repeated.",
            show_default="grouped and literature",
        ),
    ] = None,
    groups: GroupsFile = None,
    folds: Annotated[int, typer.Option(help="Folds of each protocol; laboratories make their own.", min=2)] = 5,
    validation: Annotated[str, typer.Option(help="Share of the rest that validates, such as 0.15, or none.")] = "0.15",
    threshold: Annotated[
        float, typer.Option(help="Probability from which an image counts as leukaemia, fixed now.")
    ] = 0.5,
    seed: Annotated[int, typer.Option(help="Of the splits and of the bootstrap.", min=0)] = 88,
    change: Annotated[
        list[str] | None, typer.Option("--set", help="Change one field of the recipe, such as epochs=3.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on with the benchmark that --out holds.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be trained and what it costs.")] = False,
    cache: Annotated[Path | None, typer.Option(help="Folder for prepared pictures, shared by runs.")] = None,
    labels: Labels = None,
    label_column: LabelColumn = "label",
    path_column: PathColumn = "path",
    patient_column: PatientColumn = None,
    laboratory_column: LaboratoryColumn = None,
    layout: Layout = None,
    negative: Negative = None,
    accelerator: Accelerator = "auto",
    reason: Reason = None,
    progress: Annotated[bool, typer.Option(help="Show progress bars.")] = True,
) -> None:
    """Retrain a recipe over all folds of each protocol, predict every image once, and put the tables side by side.

    The honest table stands first, and the drop from the leaky one beside it, with its interval.
    """
    from leukolens.cli.benchmark_run import Request, run

    run(
        Request(
            recipe=recipe,
            data=data,
            out=out,
            protocols=tuple(protocol or ()),
            groups=groups,
            folds=folds,
            validation=validation,
            threshold=threshold,
            seed=seed,
            changes=tuple(change or ()),
            resume=resume,
            dry_run=dry_run,
            cache=cache,
            labels=labels,
            columns={
                "label_column": label_column,
                "path_column": path_column,
                "patient_column": patient_column,
                "laboratory_column": laboratory_column,
                "layout": layout,
            },
            negative=tuple(negative or ()),
            accelerator=accelerator,
            reason=reason,
            progress=progress,
        )
    )
