"""The samples of one fold as Lightning asks for them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import lightning.pytorch as pl
import numpy as np
from torch.utils.data import DataLoader

from leukolens.train.batches import DealtBatches, held_out_size
from leukolens.train.ground_views import Grounds
from leukolens.train.images import EpochSampler, FieldDataset, Sample
from leukolens.train.recipe import Recipe

if TYPE_CHECKING:
    from leukolens.train.fit import Sides


class FieldData(pl.LightningDataModule):
    """Deals the samples of one fold to this process.

    Parameters
    ----------
    recipe
        How they are varied, drawn and put together.
    sides
        The samples.

    Attributes
    ----------
    training, validation
        How each side is dealt, as soon as its loader has been asked for.
    """

    training: DealtBatches
    validation: DealtBatches

    def __init__(self, recipe: Recipe, sides: Sides) -> None:
        super().__init__()
        self.recipe = recipe
        self.sides = sides

    def train_dataloader(self) -> DataLoader[Sample]:
        """Return the training side, in an order of its own in every epoch."""
        recipe, sides = self.recipe, self.sides
        balanced = np.asarray(sides.labels)[sides.train] if recipe.balance == "sampler" else None
        sampler = EpochSampler(len(sides.train), recipe.seed, balanced)
        self.training = self._dealt(sampler, recipe.batch_size, accumulate=recipe.accumulate, training=True)
        grounds = None if sides.grounds is None else Grounds(recipe.ground, sides.grounds, sides.train, sides.images)
        gallery = recipe.preparation.gallery
        tiles = (1, 1) if gallery is None else (gallery.rows, gallery.columns)
        dataset = FieldDataset(
            sides.images, sides.labels, sides.train, recipe.augmentation, recipe.seed, grounds, tiles
        )
        return self._loader(dataset, self.training)

    def val_dataloader(self) -> DataLoader[Sample] | list[Any]:
        """Return the validation side in its own order; nothing where the fold has none."""
        sides = self.sides
        if not sides.validation:
            return []
        processes = self._lightning.world_size
        size = held_out_size(self.recipe.batch_size, processes, self.recipe.accumulate)
        self.validation = self._dealt(range(len(sides.validation)), size * processes)
        return self._loader(FieldDataset(sides.images, sides.labels, sides.validation), self.validation, workers=0)

    @property
    def _lightning(self) -> pl.Trainer:
        if self.trainer is None:
            raise RuntimeError("FieldData: expected a trainer that asks for it")
        return self.trainer

    def _dealt(self, order: Any, size: int, **options: Any) -> DealtBatches:  # noqa: ANN401 - see DealtBatches
        trainer = self._lightning
        return DealtBatches(order, size, processes=trainer.world_size, rank=trainer.global_rank, **options)

    def _loader(self, dataset: FieldDataset, dealt: DealtBatches, workers: int | None = None) -> DataLoader[Sample]:
        if workers is None:
            cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
            cores //= self._lightning.num_devices
            # With two cores a worker process only takes turns with the network; with more it hides the augmentation.
            workers = min(12, cores - 2) if cores > 3 else 0
        return DataLoader(dataset, batch_sampler=dealt, num_workers=workers, persistent_workers=workers > 0)
