"""``leukolens tune``: a recipe and a space in; the best recipe out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from leukolens.cli.console import error_console, new_app
from leukolens.cli.dataset_options import Data, LabelColumn, Labels, Layout, Negative, PathColumn, PatientColumn
from leukolens.cli.train_options import Accelerator, open_hashed
from leukolens.finding import RESEARCH_USE, UsageError, nearest

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

app = new_app()


@app.command(epilog=RESEARCH_USE)
def tune(
    data: Data,
    split: Annotated[Path, typer.Option(help="Split file with a validation side, see `leukolens data split`.")],
    space: Annotated[Path, typer.Option(help="YAML file: recipe fields and their ranges.")],
    out: Annotated[Path, typer.Option(help="The search's folder.")],
    recipe: Annotated[str, typer.Option(help="Name of a packaged recipe, or a YAML file.")] = "field-robust",
    fold: Annotated[int, typer.Option(help="Which fold of the split, from 0.", min=0)] = 0,
    trials: Annotated[int, typer.Option(help="How many trials there are to be in all.", min=1)] = 20,
    timeout: Annotated[float | None, typer.Option(help="Seconds after which no trial is begun.", min=0)] = None,
    objective: Annotated[str, typer.Option(help="What is to be best on the validation side: loss, accuracy.")] = "loss",
    change: Annotated[
        list[str] | None, typer.Option("--set", help="Change one field of the recipe, such as epochs=3.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on with the search that --out holds.")] = False,
    cache: Annotated[Path | None, typer.Option(help="Folder for prepared pictures, shared by runs.")] = None,
    accelerator: Accelerator = "auto",
    labels: Labels = None,
    label_column: LabelColumn = "label",
    path_column: PathColumn = "path",
    patient_column: PatientColumn = None,
    layout: Layout = None,
    negative: Negative = None,
    progress: Annotated[bool, typer.Option(help="Tell of each trial.")] = True,
) -> None:
    """Search the best values of a recipe's fields, judged on the validation side alone."""
    from leukolens.data.verify import read_split
    from leukolens.networks.registry import network_entry
    from leukolens.train.machine import choose_machine
    from leukolens.train.plan import Plan
    from leukolens.train.recipe import load_recipe
    from leukolens.train.search import Objective, Search, run_search
    from leukolens.train.space import load_space

    sought: Any = objective
    if sought not in get_args(Objective):
        raise UsageError(f"--objective {objective}", todo=nearest(objective, get_args(Objective)))
    chosen = load_recipe(recipe, change)
    network_entry(chosen.network.name)
    fields = load_space(space, chosen)
    machine = choose_machine(accelerator)
    columns = {
        "label_column": label_column,
        "path_column": path_column,
        "patient_column": patient_column,
        "layout": layout,
    }
    catalogue = open_hashed(data, columns, labels=labels, negative=negative, progress=progress)
    parts = read_split(split, catalogue)
    if fold >= len(parts.folds):
        raise UsageError(f"--fold {fold}", expected=f"a number from 0 to {len(parts.folds) - 1}")
    study = run_search(
        Search(Plan(catalogue, parts, fold, chosen), fields, sought),
        out,
        trials=trials,
        timeout=timeout,
        resume=resume,
        machine=machine,
        cache=cache,
        on_trial=_tell if progress else None,
    )
    best = study.best_trial
    error_console().print(
        f"best of {len(study.trials)} trials: number {best.number}, validation {objective} {best.value:.6g}; "
        f"recipe in {out / 'best.yaml'}",
        markup=False,
        soft_wrap=True,
    )


def _tell(trial: FrozenTrial) -> None:
    numbers = {name: f"{value:.4g}" if isinstance(value, float) else value for name, value in trial.params.items()}
    values = ", ".join(f"{name} {value}" for name, value in numbers.items())
    words = {"PRUNED": "ended early", "FAIL": "failed"}
    result = words.get(trial.state.name, f"{trial.value:.6g}" if trial.value is not None else "")
    reason = f": {trial.user_attrs['reason']}" if "reason" in trial.user_attrs else ""
    error_console().print(f"trial {trial.number}: {result} ({values}){reason}", markup=False, soft_wrap=True)
