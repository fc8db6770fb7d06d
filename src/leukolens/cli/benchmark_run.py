"""The steps of ``leukolens benchmark``: all that can fail early first, then the networks, then the tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from leukolens.assess.benchmark import benchmark
from leukolens.assess.benchmark_output import write_benchmark
from leukolens.assess.benchmark_plan import (
    BenchmarkPlan,
    check_recipe,
    groups_caution,
    open_benchmark,
    protocol_costs,
)
from leukolens.assess.folds import folds_line, write_folds
from leukolens.assess.protocols import parse_protocols, split_by
from leukolens.assess.run_groups import recovered_of
from leukolens.cli.benchmark_tell import tell, tell_costs
from leukolens.cli.console import error_console
from leukolens.cli.progress import counting
from leukolens.cli.shown_command import last_part, shown_command
from leukolens.cli.train_options import open_hashed
from leukolens.data.committed import committed
from leukolens.data.groups import read_groups
from leukolens.data.run_manifest import run_manifest
from leukolens.data.splitting import check_enough
from leukolens.finding import UsageError
from leukolens.networks.registry import network_entry
from leukolens.train.machine import check_machine, choose_machine
from leukolens.train.recipe import load_recipe
from leukolens.train.run import train_fold

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from leukolens.assess.folds import Folds
    from leukolens.assess.protocols import Protocol
    from leukolens.assess.run_groups import Recovered
    from leukolens.train.machine import Machine


_USUAL = {"label_column": "label", "path_column": "path"}


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line."""

    recipe: str
    data: Path
    out: Path | None
    protocols: tuple[str, ...]
    groups: Path | None
    folds: int
    validation: str
    threshold: float
    seed: int
    changes: tuple[str, ...]
    resume: bool
    dry_run: bool
    cache: Path | None
    labels: Path | None
    columns: Mapping[str, str | None]
    negative: tuple[str, ...]
    accelerator: str
    reason: str | None
    progress: bool


def run(request: Request) -> None:
    """Train what is not trained yet, score every protocol, write page and tables, and print them.

    Raises
    ------
    LeukolensError
        What cannot go on, nearly all of it before the first network is trained.
    """
    if request.out is None and not request.dry_run:
        raise UsageError("A benchmark needs a folder", todo="name it with --out, or ask what it would cost: --dry-run")
    plan = _plan(request)
    machine = choose_machine(request.accelerator, None, None, "auto")
    check_machine(machine, plan.recipe)
    if request.out is None or request.dry_run:
        tell_costs(protocol_costs(plan, request.out), plan.recipe)
        return
    content = open_benchmark(plan, request.out, resume=request.resume)
    if caution := groups_caution(content):
        error_console().print(caution, markup=False, style="red", soft_wrap=True)
    recovered = None if plan.groups is None else recovered_of(plan.groups, plan.catalogue)
    folds = _train(request, plan, request.out, machine, recovered)
    negative = plan.catalogue.negative or ()
    with counting("Comparing", 1, shown=request.progress):
        found = benchmark(
            folds,
            negative_classes=negative,
            threshold=plan.threshold,
            splits=list(plan.splits.values()),
            recovered=recovered,
            seed=request.seed,
        )
    configuration = {"command_line": command_line(request), **plan.identity()}
    manifest = run_manifest("benchmark", configuration, configuration["data_sha256"], request.seed)
    files = write_benchmark(request.out, found, content, manifest, request.data.resolve().name)
    tell(found, groups_caution(content), request.out, files)


def _plan(request: Request) -> BenchmarkPlan:
    protocols = parse_protocols(request.protocols)
    recipe = load_recipe(request.recipe, list(request.changes))
    network_entry(recipe.network.name)
    check_recipe(recipe)
    if not 0 < request.threshold < 1:
        raise UsageError("--threshold", expected="above 0 and below 1", found=str(request.threshold))
    share = _share(request.validation)
    catalogue = open_hashed(
        request.data,
        dict(request.columns),
        labels=request.labels,
        negative=list(request.negative) or None,
        progress=request.progress,
    )
    check_enough(catalogue)  # before its groups, which say nothing of a single class
    groups = None if request.groups is None else read_groups(request.groups, catalogue)
    splits = {
        one: split_by(one, catalogue, groups=groups, folds=request.folds, validation=share, seed=request.seed)
        for one in protocols
    }
    source = dict(request.columns) | {
        "data": str(request.data.resolve()),
        "labels": None if request.labels is None else str(request.labels.resolve()),
        "negative": list(request.negative) or None,
    }
    return BenchmarkPlan(
        catalogue=catalogue,
        recipe=recipe,
        splits=splits,
        groups=groups,
        committed=None if request.groups is None else committed(request.groups),
        threshold=request.threshold,
        source=source,
        reason=request.reason,
    )


def _share(text: str) -> float | Literal["none"]:
    if text == "none":
        return "none"
    try:
        return float(text)
    except ValueError as error:
        raise UsageError("--validation", expected="a share such as 0.15, or 'none'", found=repr(text)) from error


def _train(
    request: Request, plan: BenchmarkPlan, out: Path, machine: Machine, recovered: Recovered | None
) -> dict[Protocol, Folds]:
    """Train every network that is not finished; what is, is left as it is."""
    trainings = list(plan.trainings(out))
    for number, (protocol, folder, one) in enumerate(trainings, start=1):
        text = f"{protocol.name}, fold {one.fold}: network {number} of {len(trainings)}"
        error_console().print(text, markup=False, highlight=False)
        with counting("Preparing", len(plan.catalogue), shown=request.progress) as advance:
            train_fold(
                one,
                folder,
                cache=request.cache or out / "cache",
                resume=True,
                progress=request.progress,
                on_prepared=advance,
                machine=machine,
            )
    found = {}
    for protocol, split in plan.splits.items():
        found[protocol] = write_folds(out / protocol.folder, count=len(split.folds), recovered=recovered)
        error_console().print(f"{protocol.name}: {folds_line(found[protocol])}", markup=False, soft_wrap=True)
    return found


def command_line(request: Request) -> str:
    """Return the command with the names of files only, so that it can be shown to others."""
    options: list[tuple[str, Any]] = [
        *(("--protocol", text) for text in request.protocols),
        ("--groups", request.groups and request.groups.name),
        ("--folds", request.folds),
        ("--validation", request.validation),
        ("--threshold", request.threshold),
        ("--seed", request.seed),
        *(("--set", text) for text in request.changes),
        ("--labels", request.labels and request.labels.name),
        *(
            (f"--{name.replace('_', '-')}", value)
            for name, value in request.columns.items()
            if value != _USUAL.get(name)
        ),
        *(("--negative", text) for text in request.negative),
        ("--out", request.out and request.out.resolve().name),
    ]
    return shown_command(["benchmark", last_part(request.recipe), request.data.resolve().name], options)
