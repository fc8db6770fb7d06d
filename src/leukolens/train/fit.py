"""One fit: data loaders, trainer, checkpoints that survive a kill, and the weights that the run ends with."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import Logger
from numpy.typing import NDArray
from torch import Tensor

from leukolens.finding import DataError
from leukolens.networks.weights import RUN_WEIGHTS, save_weights
from leukolens.train.averaging import MovingAverage
from leukolens.train.callbacks import LearningCurves
from leukolens.train.images import Pictures
from leukolens.train.layout import LAST
from leukolens.train.loading import FieldData
from leukolens.train.machine import Machine, check_machine, trainer_options
from leukolens.train.memory import told_if_out_of_memory
from leukolens.train.module import FieldModule
from leukolens.train.probe import fit_probe
from leukolens.train.recipe import Recipe

WEIGHTS: Final = RUN_WEIGHTS


@dataclass(frozen=True)
class Sides:
    """The samples of one fold.

    Attributes
    ----------
    images
        The pictures of all samples by their number, uint8.
    labels
        Class index of each.
    classes
        Their names, in the order of the indices.
    train, validation
        Numbers of samples.
    grounds
        (N, H, W, 4) uint8, see `leukolens.train.ground_views.ground_layers`; None where the recipe shows none.
    """

    images: Pictures
    labels: NDArray[np.int64]
    classes: Sequence[str]
    train: list[int]
    validation: list[int]
    grounds: NDArray[np.uint8] | None = None


def fit(
    recipe: Recipe,
    sides: Sides,
    folder: Path,
    *,
    cache: Path | None = None,
    progress: bool = True,
    machine: Machine | None = None,
    loggers: Sequence[Logger] = (),
    watch: Callback | None = None,
) -> FieldModule:
    """Train by a recipe, going on from the last whole epoch if the folder holds one; or fit the head alone.

    Leaves ``last.ckpt``, the best epoch's checkpoint, ``curves.csv``, ``curves.png`` and ``weights.safetensors`` in
    `folder`, of a recipe with a probe no checkpoint. Several processes call it together; the first alone writes.

    Parameters
    ----------
    recipe
        What to do.
    sides
        The samples.
    folder
        The run's folder.
    cache
        Where a probe keeps features for other folds and runs; nowhere if not given.
    progress
        Whether to show a bar.
    machine
        On what to train, one process if not given.
    loggers
        Lightning's loggers, which get the figures of each epoch beside ``curves.csv``.
    watch
        Called by Lightning besides, after an epoch's curves and before its checkpoint. A probe has no epochs.

    Returns
    -------
    FieldModule
        With the weights that the recipe selects, in evaluation mode.

    Raises
    ------
    DataError
        If the recipe needs a validation side and there is none, or a class has no training picture.
    UsageError
        If the machine cannot train by this recipe, or its memory is too small for the batch: the message says which
        batch fits. Or if training diverges, see `leukolens.train.divergence`: the last good epoch stays.
    """
    machine = machine or Machine()
    _check(recipe, sides)
    check_machine(machine, recipe)
    folder.mkdir(parents=True, exist_ok=True)
    if recipe.probe is not None:
        return fit_probe(recipe, sides, folder, cache=cache, progress=progress, machine=machine, loggers=loggers)
    pl.seed_everything(recipe.seed, workers=True, verbose=False)
    last = folder / LAST
    resumed = last.exists()
    module = FieldModule(recipe, len(sides.classes), _class_weights(recipe, sides), start=not resumed)
    best = _best_checkpoint(folder) if sides.validation else None
    callbacks = _callbacks(recipe, folder, best, progress=progress)
    with quiet(), told_if_out_of_memory(recipe, sides, machine):
        trainer = pl.Trainer(
            **trainer_options(machine, recipe, unused=machine.processes > 1 and module.has_unused()),
            max_epochs=_stopped_after(last) or recipe.epochs,
            accumulate_grad_batches=recipe.accumulate,
            callbacks=callbacks if watch is None else [*callbacks, watch],
            logger=list(loggers) or False,
            enable_progress_bar=progress,
            enable_model_summary=False,
            log_every_n_steps=1,
            num_sanity_val_steps=0,
            gradient_clip_val=recipe.optimiser.clip,
            default_root_dir=folder,
        )
        trainer.fit(module, datamodule=FieldData(recipe, sides), ckpt_path=last if resumed else None, weights_only=True)
    if trainer.interrupted:
        raise KeyboardInterrupt
    if not trainer.is_global_zero:
        return module
    chosen = Path(best.best_model_path) if recipe.select == "best" and best is not None else last
    return _end(recipe, sides, chosen, folder / WEIGHTS)


def _stopped_after(last: Path) -> int | None:
    """Return after how many epochs a run had stopped early, None where it had not.

    Lightning keeps that it waited long enough, but not that it stopped: going on, it would train another epoch.
    """
    if not last.exists():
        return None
    checkpoint = torch.load(last, map_location="cpu", weights_only=True, mmap=True)
    states = [state for key, state in checkpoint["callbacks"].items() if key.startswith(EarlyStopping.__name__)]
    stopped = any(state["wait_count"] >= state["patience"] for state in states)
    return int(checkpoint["epoch"]) + 1 if stopped else None


def _end(recipe: Recipe, sides: Sides, checkpoint: Path, weights: Path) -> FieldModule:
    """Write the weights of a checkpoint and return the network with them."""
    # A checkpoint holds the averaged weights under `state_dict`, the running ones beside them.
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"]
    # A new module: what was trained may be spread over several processes.
    module = FieldModule(recipe, len(sides.classes), _class_weights(recipe, sides), start=False)
    module.load_state_dict(state)
    module.eval()
    save_weights(module.network, weights)
    return module


def _check(recipe: Recipe, sides: Sides) -> None:
    watched = recipe.probe is None and (recipe.select == "best" or recipe.patience is not None)
    if watched and not sides.validation:
        raise DataError(
            "the split has no validation side in this fold",
            expected="one, since the recipe selects the best epoch or stops early",
            todo="split with --validation, or set select=last and no patience",
        )
    present = set(sides.labels[sides.train].tolist())
    missing = [name for number, name in enumerate(sides.classes) if number not in present]
    if missing:
        raise DataError(
            f"no training picture of class {missing[0]!r}",
            expected="some of every class",
            todo="see which pictures the split's fold trains on, or leave the class out of the data",
        )


def _class_weights(recipe: Recipe, sides: Sides) -> Tensor | None:
    if recipe.balance != "weights":
        return None
    counts = np.bincount(sides.labels[sides.train], minlength=len(sides.classes))
    return torch.tensor(counts.sum() / (len(sides.classes) * counts), dtype=torch.float32)


def _best_checkpoint(folder: Path) -> ModelCheckpoint:
    return ModelCheckpoint(
        folder, filename="best", monitor="val_loss", mode="min", save_top_k=1, enable_version_counter=False
    )


def _callbacks(recipe: Recipe, folder: Path, best: ModelCheckpoint | None, *, progress: bool) -> list[Callback]:
    callbacks: list[Callback] = [LearningCurves(folder)]
    if recipe.average is not None:
        callbacks.append(MovingAverage(recipe.average))
    if progress:
        callbacks.append(TQDMProgressBar(refresh_rate=5))
    if recipe.patience is not None:
        callbacks.append(EarlyStopping("val_loss", patience=recipe.patience, mode="min"))
    if best is not None:
        callbacks.append(best)
    callbacks.append(ModelCheckpoint(folder, filename="last", save_top_k=1, enable_version_counter=False))
    return callbacks


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep back what Lightning tells and advises where it does not concern who trains."""
    talkers = [logging.getLogger(f"lightning.{name}") for name in ("pytorch", "fabric")]
    levels = [talker.level for talker in talkers]
    for talker in talkers:
        talker.setLevel(logging.WARNING)
    with warnings.catch_warnings():
        for message in (
            ".*does not have many workers.*",
            ".*Checkpoint directory .* exists and is not empty.*",
            ".*recommended to use `self.log.*sync_dist=True.*",  # they are the sums over all processes already
            ".*treespec, LeafSpec.*is deprecated.*",
            ".*module\\(s\\) in eval mode at the start of training.*",  # frozen batch norms are meant to be
            ".*Total length of .* across ranks is zero.*",  # a fold without a validation side
        ):
            warnings.filterwarnings("ignore", message=message)
        try:
            yield
        finally:
            for talker, level in zip(talkers, levels, strict=True):
                talker.setLevel(level)
