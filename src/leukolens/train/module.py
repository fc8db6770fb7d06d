"""The Lightning module: loss, optimiser, schedule."""

from __future__ import annotations

import math
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn

from leukolens.networks.field import FieldNetwork
from leukolens.train.images import Sample
from leukolens.train.recipe import Optimiser, Recipe


class FieldModule(pl.LightningModule):
    """Trains a field network by a recipe.

    Parameters
    ----------
    recipe
        What to train and how.
    classes
        Number of classes.
    class_weights
        (classes,) weights in the loss, or None.
    start
        Whether to load the start weights that the recipe names; False when a checkpoint follows.
    """

    def __init__(
        self, recipe: Recipe, classes: int, class_weights: Tensor | None = None, *, start: bool = True
    ) -> None:
        super().__init__()
        self.recipe = recipe
        choice = recipe.network if start else recipe.network.model_copy(update={"weights": "none"})
        size = (recipe.preparation.height, recipe.preparation.width)
        self.network = FieldNetwork(choice, classes=classes, size=size).to(memory_format=torch.channels_last)
        self.loss = nn.CrossEntropyLoss(weight=class_weights, label_smoothing=recipe.label_smoothing)
        self._sums = {"train": [0.0, 0, 0], "val": [0.0, 0, 0]}

    def on_train_epoch_start(self) -> None:
        """Start counting anew."""
        self._sums["train"] = [0.0, 0, 0]

    def on_validation_epoch_start(self) -> None:
        """Start counting anew."""
        self._sums["val"] = [0.0, 0, 0]

    def training_step(self, batch: Sample, batch_index: int) -> Tensor:  # noqa: ARG002 - Lightning's signature
        """Return the loss of one batch.

        Dropout depends on seed and step alone, so that a resumed run ends where an unbroken one ends. Seeding once an
        epoch is not enough: whether the loader draws its own seed before or after that differs when resuming.
        """
        torch.manual_seed(self.recipe.seed * 1_000_003 + self.global_step)
        logits = self.network.logits(batch.image).float()
        loss: Tensor = self.loss(logits, batch.label)
        penalty = self.network.penalty()
        loss = loss if penalty is None else loss + penalty
        self._count("train", float(loss.detach()), logits.detach(), batch.label)
        return loss

    def validation_step(self, batch: Sample, batch_index: int) -> None:  # noqa: ARG002 - Lightning's signature
        """Count loss and hits of one batch; the loss is the plain one, without smoothing and weights."""
        logits = self.network.logits(batch.image).float()
        loss = nn.functional.cross_entropy(logits, batch.label)
        self._count("val", float(loss), logits, batch.label)

    def on_validation_epoch_end(self) -> None:
        """Log the validation's loss and accuracy."""
        loss, hits, images = self._sums["val"]
        self.log_dict({"val_loss": loss / max(images, 1), "val_accuracy": hits / max(images, 1)}, prog_bar=True)

    def training_means(self) -> dict[str, float]:
        """Return loss and accuracy of the epoch so far, measured while the weights changed."""
        loss, hits, images = self._sums["train"]
        return {"train_loss": loss / max(images, 1), "train_accuracy": hits / max(images, 1)}

    def configure_optimizers(self) -> Any:  # noqa: ANN401 - Lightning's union of dictionaries
        """Build optimiser and schedule; norms and biases are not decayed."""
        optimiser = self.recipe.optimiser
        trained = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        plain = [parameter for parameter in trained if parameter.ndim < 2]
        decayed = [parameter for parameter in trained if parameter.ndim >= 2]
        groups = [
            {"params": decayed, "weight_decay": optimiser.weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ]
        kind = torch.optim.AdamW if optimiser.name == "adamw" else torch.optim.Adam
        built = kind(groups, lr=optimiser.learning_rate)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.LambdaLR(built, lambda step: rate_factor(step, steps, optimiser))
        return {"optimizer": built, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _count(self, side: str, loss: float, logits: Tensor, labels: Tensor) -> None:
        sums = self._sums[side]
        sums[0] += loss * len(labels)
        sums[1] += int((logits.argmax(1) == labels).sum())
        sums[2] += len(labels)


def rate_factor(step: int, steps: int, optimiser: Optimiser) -> float:
    """Return the factor on the learning rate at a step, 0 to 1.

    Parameters
    ----------
    step, steps
        The step from 0, and the number of all.
    optimiser
        Schedule, warm-up and decay.
    """
    warm = max(1, round(optimiser.warmup * steps)) if optimiser.warmup else 0
    if step < warm:
        return (step + 1) / warm
    if optimiser.schedule == "cosine":
        done = (step - warm) / max(1, steps - warm)
        return 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
    if optimiser.schedule == "exponential":
        return float(optimiser.decay_rate ** (step / optimiser.decay_steps))
    return 1.0
