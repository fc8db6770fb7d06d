"""One fit: data loaders, trainer, checkpoints that survive a kill, and the weights that the run ends with."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint, TQDMProgressBar, WeightAveraging
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor
from torch.utils.data import DataLoader

from leukolens.finding import DataError
from leukolens.networks.weights import RUN_WEIGHTS
from leukolens.train.callbacks import LearningCurves
from leukolens.train.images import EpochSampler, FieldDataset, Pictures, Sample
from leukolens.train.module import FieldModule
from leukolens.train.recipe import Recipe

LAST: Final = "last.ckpt"
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
        Number of classes.
    train, validation
        Numbers of samples.
    """

    images: Pictures
    labels: NDArray[np.int64]
    classes: int
    train: list[int]
    validation: list[int]


def fit(recipe: Recipe, sides: Sides, folder: Path, *, progress: bool = True) -> FieldModule:
    """Train by a recipe, going on from the last whole epoch if the folder holds one.

    Leaves ``last.ckpt``, the best epoch's checkpoint, ``curves.csv``, ``curves.png`` and ``weights.safetensors`` in
    `folder`.

    Parameters
    ----------
    recipe
        What to do.
    sides
        The pictures.
    folder
        The run's folder.
    progress
        Whether to show a bar.

    Returns
    -------
    FieldModule
        With the weights that the recipe selects, in evaluation mode.

    Raises
    ------
    DataError
        If the recipe needs a validation side and there is none, or a class has no training picture.
    """
    _check(recipe, sides)
    folder.mkdir(parents=True, exist_ok=True)
    pl.seed_everything(recipe.seed, workers=True, verbose=False)
    last = folder / LAST
    resumed = last.exists()
    module = FieldModule(recipe, sides.classes, _class_weights(recipe, sides), start=not resumed)
    best = _best_checkpoint(folder) if sides.validation else None
    trainer = _trainer(recipe, folder, best, progress=progress)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        warnings.filterwarnings("ignore", message=".*Checkpoint directory .* exists and is not empty.*")
        trainer.fit(
            module,
            _loader(recipe, sides, sides.train, training=True),
            _loader(recipe, sides, sides.validation, training=False) if sides.validation else None,
            ckpt_path=last if resumed else None,
            weights_only=True,
        )
    if trainer.interrupted:
        raise KeyboardInterrupt
    chosen = Path(best.best_model_path) if recipe.select == "best" and best is not None else last
    # A checkpoint holds the averaged weights under `state_dict`, the running ones beside them.
    state = torch.load(chosen, map_location="cpu", weights_only=True)["state_dict"]
    module.load_state_dict(state)
    module.cpu().eval()
    save_file({name: tensor.contiguous() for name, tensor in module.network.state_dict().items()}, folder / WEIGHTS)
    return module


def _check(recipe: Recipe, sides: Sides) -> None:
    if not sides.validation and (recipe.select == "best" or recipe.patience is not None):
        raise DataError(
            "the split has no validation side in this fold",
            expected="one, since the recipe selects the best epoch or stops early",
            todo="split with --validation, or set select=last and no patience",
        )
    present = set(sides.labels[sides.train].tolist())
    missing = [number for number in range(sides.classes) if number not in present]
    if missing:
        raise DataError(f"no training picture of class number {missing[0]}", expected="some of every class")


def _class_weights(recipe: Recipe, sides: Sides) -> Tensor | None:
    if not recipe.balance:
        return None
    counts = np.bincount(sides.labels[sides.train], minlength=sides.classes)
    return torch.tensor(counts.sum() / (sides.classes * counts), dtype=torch.float32)


def _loader(recipe: Recipe, sides: Sides, indices: list[int], *, training: bool) -> DataLoader[Sample]:
    augmentation = recipe.augmentation if training else None
    dataset = FieldDataset(sides.images, sides.labels, indices, augmentation, recipe.seed)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # With two cores a worker process only takes turns with the network; with more it hides the augmentation.
    workers = min(12, cores - 2) if training and cores > 3 else 0
    return DataLoader(
        dataset,
        batch_size=recipe.batch_size if training else 64,
        sampler=EpochSampler(len(dataset), recipe.seed) if training else None,
        num_workers=workers,
        persistent_workers=workers > 0,
        # A last batch of one picture would break the batch norm.
        drop_last=training and len(dataset) % recipe.batch_size == 1,
    )


def _moving_average(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """Average weights with a decay that grows from 0: else short runs would end with the start weights."""

    def average(averaged: Tensor, current: Tensor, count: Tensor | int) -> Tensor:
        now = min(decay, (1 + float(count)) / (10 + float(count)))
        return now * averaged + (1 - now) * current

    return average


def _best_checkpoint(folder: Path) -> ModelCheckpoint:
    return ModelCheckpoint(
        folder, filename="best", monitor="val_loss", mode="min", save_top_k=1, enable_version_counter=False
    )


def _trainer(recipe: Recipe, folder: Path, best: ModelCheckpoint | None, *, progress: bool) -> pl.Trainer:
    gpu = torch.cuda.is_available()
    half = recipe.precision == "bf16" or (recipe.precision == "auto" and gpu)
    callbacks: list[Callback] = [LearningCurves(folder)]
    if recipe.average is not None:
        callbacks.append(WeightAveraging(avg_fn=_moving_average(recipe.average)))
    if progress:
        callbacks.append(TQDMProgressBar(refresh_rate=5))
    if recipe.patience is not None:
        callbacks.append(EarlyStopping("val_loss", patience=recipe.patience, mode="min"))
    if best is not None:
        callbacks.append(best)
    callbacks.append(ModelCheckpoint(folder, filename="last", save_top_k=1, enable_version_counter=False))
    return pl.Trainer(
        accelerator="gpu" if gpu else "cpu",
        devices=1,
        precision="bf16-mixed" if half else "32-true",
        max_epochs=recipe.epochs,
        callbacks=callbacks,
        logger=False,
        enable_progress_bar=progress,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        gradient_clip_val=1.0,
        deterministic="warn" if gpu else True,
        default_root_dir=folder,
    )
