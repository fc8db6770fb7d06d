"""``leukolens train``: a recipe, a data set and a split in; a run out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leukolens.cli.console import error_console, new_app
from leukolens.cli.dataset_options import (
    Data,
    GroupsFile,
    LabelColumn,
    Labels,
    Layout,
    Negative,
    PathColumn,
    PatientColumn,
)
from leukolens.cli.train_options import Accelerator, Reason, check_command, open_hashed
from leukolens.finding import RESEARCH_USE, UsageError

if TYPE_CHECKING:
    from leukolens.train.plan import Plan

app = new_app()

_NOT_POOLED = (
    "The folds are not pooled: this order of samples tests samples, of which a picture may have several or none in the "
    "test sides, so that no image is predicted once. Each fold has its own summary.json and predictions-test.csv."
)


@app.command(epilog=RESEARCH_USE)
def train(
    data: Data,
    split: Annotated[Path, typer.Option(help="Split file, see `leukolens data split`.")],
    out: Annotated[Path, typer.Option(help="The run's folder.")],
    recipe: Annotated[str, typer.Option(help="Name of a packaged recipe, or a YAML file.")] = "field-robust",
    fold: Annotated[str, typer.Option(help="Which fold of the split, from 0; 'all' trains every fold.")] = "0",
    change: Annotated[
        list[str] | None, typer.Option("--set", help="Change one field of the recipe, such as epochs=3.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on with the run that --out holds.")] = False,
    cache: Annotated[Path | None, typer.Option(help="Folder for prepared pictures, shared by runs.")] = None,
    groups: GroupsFile = None,
    labels: Labels = None,
    label_column: LabelColumn = "label",
    path_column: PathColumn = "path",
    patient_column: PatientColumn = None,
    layout: Layout = None,
    negative: Negative = None,
    accelerator: Accelerator = "auto",
    devices: Annotated[
        str | None, typer.Option(help="Processes on each machine, one a graphics card, or 'auto'.", show_default="1")
    ] = None,
    nodes: Annotated[int | None, typer.Option(help="Machines.", min=1, show_default="1")] = None,
    strategy: Annotated[str, typer.Option(help="How processes work together: auto, ddp or fsdp.")] = "auto",
    log: Annotated[str, typer.Option(help="Where each epoch's figures go: csv, tensorboard, mlflow.")] = "csv",
    mlflow_uri: Annotated[str | None, typer.Option(help="MLflow's store; RUN/logs/mlflow.db if not given.")] = None,
    reason: Reason = None,
    progress: Annotated[bool, typer.Option(help="Show a progress bar.")] = True,
) -> None:
    """Train a network on your own images."""
    from leukolens.assess.runs import claim_run_folder
    from leukolens.cli.progress import counting
    from leukolens.data.groups import read_groups
    from leukolens.data.verify import read_split
    from leukolens.networks.registry import network_entry
    from leukolens.train.division import describe_order
    from leukolens.train.layout import FOLD, LAST, SUMMARY_FILE
    from leukolens.train.logs import choose_logs
    from leukolens.train.machine import check_machine, choose_machine
    from leukolens.train.plan import Plan, check_unseen
    from leukolens.train.recipe import load_recipe
    from leukolens.train.run import train_fold

    chosen = load_recipe(recipe, change)
    network_entry(chosen.network.name)
    logs = choose_logs(log, mlflow_uri)
    machine = choose_machine(accelerator, devices, nodes, strategy)
    check_machine(machine, chosen)
    check_command(machine.processes)
    first = machine.rank == 0
    progress = progress and first
    columns = {
        "label_column": label_column,
        "path_column": path_column,
        "patient_column": patient_column,
        "layout": layout,
    }
    catalogue = open_hashed(data, columns, labels=labels, negative=negative, progress=progress)
    parts = read_split(split, catalogue)
    recovered = None if groups is None else read_groups(groups, catalogue)
    source = columns | {
        "data": str(data.resolve()),
        "split": str(split.resolve()),
        "labels": None if labels is None else str(labels.resolve()),
        "negative": negative,
    }
    folds = _folds(fold, len(parts.folds))
    claim_run_folder(out, folds=len(folds) > 1)
    plans = {
        out if len(folds) == 1 else out / f"{FOLD}{number}": Plan(
            catalogue, parts, number, chosen, source, recovered, reason
        )
        for number in folds
    }
    for folder, plan in plans.items():  # before the first of them is trained
        plan.stamp()
        if not any((folder / name).exists() for name in (LAST, SUMMARY_FILE)):
            check_unseen(plan)
    for folder, plan in plans.items():
        division = plan.division()
        for sentence in describe_order(chosen.samples, division) if first else []:
            error_console().print(sentence, markup=False, highlight=False, style="red", soft_wrap=True)
        with counting("Preparing", len(catalogue), shown=progress) as advance:
            summary = train_fold(
                plan,
                folder,
                cache=cache or (out / "cache" if len(folds) > 1 else None),
                resume=resume,
                progress=progress,
                on_prepared=advance,
                machine=machine,
                logs=logs,
            )
        if first:
            error_console().print(_line(plan, summary), markup=False, soft_wrap=True)
            if told := summary.get("test_openings"):
                error_console().print(told["sentence"], markup=False, soft_wrap=True)
    if first and len(folds) > 1:
        _tell_together(out, len(folds), pooled="test" not in division.loose)


def _tell_together(out: Path, folds: int, *, pooled: bool) -> None:
    """Write what all folds say together, and print it in a line; or why nothing is."""
    from leukolens.assess.folds import folds_line, write_folds

    line = folds_line(write_folds(out, count=folds)) if pooled else _NOT_POOLED
    error_console().print(line, markup=False, soft_wrap=True)


def _folds(fold: str, count: int) -> list[int]:
    if fold == "all":
        return list(range(count))
    if fold.isdigit() and int(fold) < count:
        return [int(fold)]
    raise UsageError(
        f"The split has no fold {fold!r}",
        expected=f"--fold with a number from 0 to {count - 1}, or 'all'",
        found=f"--fold {fold}",
        todo="name one of its folds, or make a split with more: leukolens data split --folds N",
    )


def _line(plan: Plan, summary: dict[str, Any]) -> str:
    sides = [
        f"{side} {summary[side]['right']} of {summary[side]['n']} right ({summary[side]['accuracy']:.2%})"
        for side in ("validation", "test")
        if side in summary
    ]
    line = f"fold {summary['fold']}: trained on {summary['train']}; {'; '.join(sides) or 'nothing held out'}"
    return " ".join([line, *_stamps(plan, summary)])


def _stamps(plan: Plan, summary: dict[str, Any]) -> list[str]:
    if (leak := summary.get("leaky_order")) is not None:
        sides = [side for side in ("validation", "test") if side in leak]
        hold = "hold" if len(sides) > 1 else "holds"
        return [f"[LEAKY ORDER {leak['order']!r}: {' and '.join(sides)} {hold} samples whose twins were trained on]"]
    stamp = plan.stamp()
    leaky = ["[this kind of split is leaky: the figure holds for images of the same slides only]"]
    shared = [stamp.shared.sentence()] if stamp.shared else []
    return [f"[{stamp.kind}]", *(leaky if plan.split.leaky else []), *shared]
