"""A training run: data and split in, a folder with weights, curves, predictions and manifest out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from leukolens.data.run_manifest import run_manifest
from leukolens.finding import OutputError
from leukolens.finding.output import probe_folder, put_file
from leukolens.networks.registry import network_entry
from leukolens.networks.weights import check_weights
from leukolens.train.division import Division, pictures_of
from leukolens.train.fit import Sides, fit
from leukolens.train.fitting import fit_once
from leukolens.train.images import Pictures
from leukolens.train.layout import LAST, RUN_FILE, SUMMARY_FILE
from leukolens.train.logs import Logs, build_loggers
from leukolens.train.machine import Machine, check_machine
from leukolens.train.outcome import judge_held_out
from leukolens.train.plan import Plan, check_unseen, class_indices
from leukolens.train.run_files import untrained_network
from leukolens.train.same_run import holds_run, stamp
from leukolens.train.views import sample_bytes, sample_grounds, sample_pictures


def begin_run(plan: Plan, folder: Path) -> None:
    """Make the run's folder and write what the run is.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    path = folder / RUN_FILE
    identity, told = plan.identity(), plan.stamp()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        manifest = run_manifest("train", identity, identity["data_sha256"], plan.recipe.seed)
        content = stamp() | {
            "run": identity,
            "split": told.content(),
            "source": dict(plan.source),
            "manifest": manifest,
        }
        put_file(path, (json.dumps(content, indent=2) + "\n").encode(), todo="choose another --out")
    except OSError as error:
        raise OutputError(f"the run folder {folder} cannot be written", found=str(error)) from error


def train_fold(
    plan: Plan,
    folder: Path,
    *,
    cache: Path | None = None,
    resume: bool = False,
    progress: bool = True,
    on_prepared: Callable[[int], None] | None = None,
    machine: Machine | None = None,
    logs: Logs | None = None,
) -> dict[str, Any]:
    """Train one fold and write what it says of its validation and test side.

    Several processes call it together, each with the same arguments; the first alone writes.

    Parameters
    ----------
    plan
        What to do.
    folder
        The run's folder: ``training.json``, ``last.ckpt``, ``weights.safetensors``, ``curves.csv``, ``curves.png``,
        ``predictions-validation.csv``, ``predictions-test.csv``, ``decisions.jsonl``, ``summary.json``;
        ``preparation.json`` where steps of the preparation had to be fitted.
    cache
        Where the prepared pictures are kept, ``folder/cache`` if not given.
    resume
        Whether to go on with what the folder holds. A finished run is left as it is.
    progress
        Whether to show a bar.
    on_prepared
        Called with the number of prepared pictures.
    machine
        On what to train, one process if not given.
    logs
        Where the figures of each epoch go, ``curves.csv`` alone if not given.

    Returns
    -------
    dict
        The content of ``summary.json``: number of samples and hits on each side, of a leaky order what it did, the time
        of all epochs by the clock and by the processor, the device. Empty in all processes but the first.

    Raises
    ------
    DataError
        If a picture cannot be read, or the split has no such fold.
    UsageError
        If there is no such network, or the machine cannot train by the recipe, see `leukolens.train.fit.fit`.
    OutputError
        See `check_room`, `holds_run` and `begin_run`.
    """
    cache = cache or folder / "cache"
    machine = machine or Machine()
    first = machine.rank == 0
    division = plan.division()
    check_machine(machine, plan.recipe)
    plan.stamp()  # a split that parts what belongs together is refused before anything is written
    there = holds_run(folder, plan.identity(), resume=resume)
    finished = folder / SUMMARY_FILE
    if finished.exists():
        summary: dict[str, Any] = json.loads(finished.read_text("utf-8"))
        return summary
    check_room(plan, folder, cache)
    if first and not there:
        begin_run(plan, folder)
    loggers = build_loggers(logs or Logs(), folder, first=first, resumed=(folder / LAST).exists())
    sides = fold_sides(plan, folder, cache, on_prepared)
    module = fit(plan.recipe, sides, folder, cache=cache, progress=progress, machine=machine, loggers=loggers)
    if not first:
        return {}
    summary = judge_held_out(plan, division, sides, module.network, folder, machine)
    put_file(finished, (json.dumps(summary, indent=2) + "\n").encode(), todo="go on with --resume")
    return summary


def fold_sides(plan: Plan, folder: Path, cache: Path, on_prepared: Callable[[int], None] | None = None) -> Sides:
    """Prepare the samples of a plan, or find them done: of several processes, one does it and the others wait.

    Parameters
    ----------
    plan
        What is to be trained.
    folder
        Where a preparation that had to be fitted is kept.
    cache
        Where the prepared pictures are kept.
    on_prepared
        Called with the number of prepared pictures.

    Raises
    ------
    DataError, OutputError
        See `leukolens.train.fitting.fit_once` and `leukolens.train.views.sample_pictures`.
    """
    cache.mkdir(parents=True, exist_ok=True)
    division = plan.division()
    train = sorted(set(pictures_of(division.train, division.pictures)))
    with FileLock(cache / ".preparing.lock"):
        preparation = fit_once(folder, plan.recipe.preparation, plan.catalogue, train)
        recipe = plan.recipe.model_copy(update={"preparation": preparation})
        images = sample_pictures(plan.catalogue, recipe, division, cache, on_prepared)
        grounds = sample_grounds(plan.catalogue, recipe, cache, on_prepared) if recipe.ground.active else None
        return _sides(plan, images, division, grounds)


def check_room(plan: Plan, folder: Path, cache: Path) -> None:
    """See before the work starts that the network can be built as it should, and that its run will fit on the disk.

    Raises
    ------
    DataError
        If its start weights may have seen what is held out, see `leukolens.train.start.check_start`.
    UsageError
        If there is no such network.
    OutputError
        If `folder` or `cache` cannot be written, or has too little space.
    """
    choice = plan.recipe.network
    if not (folder / LAST).exists():  # a run that goes on needs its start no more
        check_weights(choice.weights, network_entry(choice.name), choice.scaling)
        check_unseen(plan)
    network = untrained_network(plan.recipe, len(plan.catalogue.classes))
    weights = 4 * sum(parameter.numel() for parameter in network.parameters())
    # A checkpoint holds weights, their average and two moments; last, best and the one being written; then the weights.
    probe_folder(folder, 13 * weights)
    probe_folder(cache, sample_bytes(plan.catalogue, plan.recipe.preparation, plan.recipe.samples))


def _sides(plan: Plan, images: Pictures, division: Division, grounds: NDArray[np.uint8] | None = None) -> Sides:
    labels = np.tile(class_indices(plan.catalogue), division.layers)
    return Sides(images, labels, plan.catalogue.classes, list(division.train), list(division.validation), grounds)
