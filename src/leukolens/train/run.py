"""A training run: data and split in, a folder with weights, curves, predictions and manifest out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from leukolens.data.catalogue import Catalogue, catalogue_sha256
from leukolens.data.groups import Groups
from leukolens.data.leaks import check_against, shared_with_training
from leukolens.data.run_manifest import run_manifest
from leukolens.data.split import Split
from leukolens.data.stamp import SplitStamp, stamp_split
from leukolens.finding import DataError, OutputError
from leukolens.finding.output import probe_folder, put_file
from leukolens.networks.registry import network_entry
from leukolens.networks.weights import check_weights
from leukolens.train.division import Division, divide, pictures_of
from leukolens.train.fit import Sides, fit
from leukolens.train.fitting import fit_once
from leukolens.train.images import Pictures
from leukolens.train.layout import LAST, RUN_FILE, SUMMARY_FILE
from leukolens.train.logs import Logs, build_loggers
from leukolens.train.machine import Machine, check_machine
from leukolens.train.outcome import judge_held_out
from leukolens.train.recipe import Recipe
from leukolens.train.run_files import untrained_network
from leukolens.train.same_run import holds_run, stamp
from leukolens.train.start import check_start, start_of
from leukolens.train.views import sample_bytes, sample_grounds, sample_pictures


@dataclass(frozen=True)
class Plan:
    """What a run is to do.

    Attributes
    ----------
    catalogue
        The pictures, fingerprinted.
    split
        Its split, read against this catalogue.
    fold
        Which fold of the split.
    recipe
        How to train.
    source
        Where data and split lie on this machine, for `leukolens export` to find them again; no part of the identity.
    recovered
        Groups of an audit to check the split against, or to count with what a leaky one shares with training.
    reason
        Why the test side is looked at, in the words of whoever trains; for the log of decisions.
    """

    catalogue: Catalogue
    split: Split
    fold: int
    recipe: Recipe
    source: Mapping[str, Any] = field(default_factory=dict)
    recovered: Groups | None = None
    reason: str | None = None

    @property
    def leaky(self) -> bool:
        """Whether images that show the same thing can stand on two sides, by the split or by the order of samples."""
        return self.split.leaky or self.recipe.samples.leaky

    def division(self) -> Division:
        """Return which samples train, validate and test."""
        _check_fold(self)
        labels = class_indices(self.catalogue)
        return divide(self.recipe.samples, self.split.folds[self.fold], labels, self.recipe.seed)

    def stamp(self) -> SplitStamp:
        """Return what must stand beside every figure; see `leukolens.data.leaks.check_against` for what is refused."""
        _check_fold(self)
        shared = None
        if self.recovered is not None:
            check_against(self.split, self.recovered)
            shared = shared_with_training(self.split.folds[self.fold], self.recovered)
        return replace(stamp_split(self.split, shared), leaky=self.leaky)

    def identity(self) -> dict[str, Any]:
        """Return what must be the same for a run to be resumed."""
        return {
            "recipe": self.recipe.model_dump(mode="json"),
            "data_sha256": catalogue_sha256(self.catalogue),
            "split_sha256": self.split.sha256,
            "split_method": self.split.method,
            "split_grouping": self.split.grouping,
            "split_leaky": self.leaky,
            "leaky_order": self.recipe.samples.order if self.recipe.samples.leaky else None,
            "fold": self.fold,
            "classes": list(self.catalogue.classes),
            "negative": list(self.catalogue.negative) if self.catalogue.negative is not None else None,
            "start": start_of(self.recipe.network),
        }


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


def class_indices(catalogue: Catalogue) -> NDArray[np.int64]:
    """Return the class index of each picture, (N,)."""
    numbers = {name: number for number, name in enumerate(catalogue.classes)}
    return np.array([numbers[item.label] for item in catalogue.items], np.int64)


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


def check_unseen(plan: Plan) -> None:
    """See that a plan's start weights have learned from nothing that it holds out.

    Raises
    ------
    DataError
        See `leukolens.train.start.check_start`.
    """
    identity = plan.identity()
    check_start(identity["start"], identity)


def _check_fold(plan: Plan) -> None:
    if not 0 <= plan.fold < len(plan.split.folds):
        raise DataError(
            f"the split has no fold {plan.fold}", expected=f"a number from 0 to {len(plan.split.folds) - 1}"
        )


def _sides(plan: Plan, images: Pictures, division: Division, grounds: NDArray[np.uint8] | None = None) -> Sides:
    labels = np.tile(class_indices(plan.catalogue), division.layers)
    return Sides(images, labels, plan.catalogue.classes, list(division.train), list(division.validation), grounds)
