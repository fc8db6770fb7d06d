"""The Lightning module: loss, optimiser, schedule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn

from leukolens.networks.field import FieldNetwork
from leukolens.train.averaging import average_statistics
from leukolens.train.batches import Part
from leukolens.train.ground_views import every_class
from leukolens.train.images import Sample
from leukolens.train.mixing import mix
from leukolens.train.recipe import Recipe
from leukolens.train.same_run import stamp, take_along
from leukolens.train.schedule import build_optimiser, rate_factor, thaw, treatments


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
        self.classes = classes
        self.loss = nn.CrossEntropyLoss(class_weights, label_smoothing=recipe.label_smoothing, reduction="none")
        self._treated = treatments(self.network, recipe.optimiser)
        if recipe.unfreeze is not None:
            self.network.stage_numbers()  # says so now where the stages are not known
        self._sums = {"train": [0.0, 0, 0], "val": [0.0, 0, 0]}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Say what the checkpoint belongs to, see `leukolens.train.same_run`."""
        checkpoint["leukolens"] = stamp() | {"recipe": self.recipe.model_dump(mode="json")}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on where the run lies now, should it have been moved."""
        take_along(checkpoint, Path(self.trainer.default_root_dir))

    def on_train_epoch_start(self) -> None:
        """Start counting anew, and let the stages be trained whose turn it is."""
        self._sums["train"] = [0.0, 0, 0]
        if self.recipe.unfreeze is not None:
            thaw(self.network, self.recipe.unfreeze, self.current_epoch, self.recipe.network.frozen)

    def on_train_batch_end(self, *_: object) -> None:
        """Agree on the batch statistics before they are kept."""
        if self.trainer.is_last_batch:
            average_statistics(self, self.trainer.world_size)

    def on_validation_epoch_start(self) -> None:
        """Start counting anew, with the same network in all processes."""
        self._sums["val"] = [0.0, 0, 0]
        average_statistics(self, self.trainer.world_size)

    def training_step(self, batch: Sample, batch_index: int) -> Tensor:
        """Return the loss of one part of a batch.

        Dropout and mixing depend on seed, step, part and process alone, so that a resumed run ends where an unbroken
        one ends. Seeding once an epoch is not enough: whether the loader draws its own seed before or after that
        differs when resuming.
        """
        torch.manual_seed(self._step_seed(batch_index))
        images, target = batch.image, batch.label
        if self.recipe.mixing.active:
            images, target = mix(images, target, self.classes, self.recipe.mixing)
        elif self.recipe.ground.removed:
            target = every_class(target, self.classes)
        logits = self.network.logits(images).float()
        part: Part = self._data.training.part(batch_index)
        losses: Tensor = self.loss(logits, target)[: part.real]
        self._count("train", losses.detach(), logits.detach(), target)
        # Lightning takes the mean over parts and processes; what counts is the mean over the global batch.
        loss = losses.sum() * (self.recipe.accumulate * self.trainer.world_size / part.whole)
        penalty = self.network.penalty()
        return loss if penalty is None else loss + penalty

    def validation_step(self, batch: Sample, batch_index: int) -> None:
        """Count loss and hits of one batch; the loss is the plain one, without smoothing and weights."""
        logits = self.network.logits(batch.image).float()
        part: Part = self._data.validation.part(batch_index)
        losses = nn.functional.cross_entropy(logits, batch.label, reduction="none")[: part.real]
        self._count("val", losses, logits, batch.label)

    def on_validation_epoch_end(self) -> None:
        """Log the validation's loss and accuracy, for callbacks; loggers get them with the epoch's other figures."""
        loss, hits, images = self.over_processes(self._sums["val"])
        means = {"val_loss": loss / max(images, 1), "val_accuracy": hits / max(images, 1)}
        self.log_dict(means, prog_bar=True, logger=False)

    def training_means(self) -> dict[str, float]:
        """Return loss and accuracy of the epoch so far, measured while the weights changed.

        The accuracy of mixed pictures is that of naming the class with the larger share.
        """
        loss, hits, images = self.over_processes(self._sums["train"])
        return {"train_loss": loss / max(images, 1), "train_accuracy": hits / max(images, 1)}

    def configure_optimizers(self) -> Any:  # noqa: ANN401 - Lightning's union of dictionaries
        """Build optimiser and schedule."""
        optimiser = self.recipe.optimiser
        built = build_optimiser(self.network, self._treated, optimiser)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.LambdaLR(built, lambda step: rate_factor(step, steps, optimiser))
        return {"optimizer": built, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def has_unused(self) -> bool:
        """Tell whether some parameters that are trained have no gradient, now or in some epoch.

        A stage that thaws later has none until then, and some backbones have a norm that their features do without.
        """
        if self.recipe.unfreeze is not None:
            return True
        picture = torch.zeros((1, self.recipe.preparation.height, self.recipe.preparation.width, 3), dtype=torch.uint8)
        self.network.eval()  # batch statistics stay as they are
        total: Any = self.network(picture).logits.sum()
        total.backward()
        unused = any(parameter.requires_grad and parameter.grad is None for parameter in self.network.parameters())
        self.zero_grad()
        self.network.train()
        return unused

    def over_processes(self, numbers: list[float]) -> list[float]:
        """Return the sums of numbers over all processes."""
        if self.trainer.world_size == 1:
            return numbers
        sums = torch.tensor(numbers, dtype=torch.float64, device=self.device)
        torch.distributed.all_reduce(sums)
        return sums.tolist()

    @property
    def _data(self) -> Any:  # noqa: ANN401 - FieldData; Lightning gives it no type
        return getattr(self.trainer, "datamodule")  # noqa: B009 - which its type does not know of

    def _step_seed(self, batch_index: int) -> int:
        accumulate = self.recipe.accumulate
        stream = self.trainer.global_rank * accumulate + batch_index % accumulate
        return self.recipe.seed * 1_000_003 + self.global_step + (stream << 40)

    def _count(self, side: str, losses: Tensor, logits: Tensor, target: Tensor) -> None:
        largest, named = target.max(1) if target.ndim == 2 else (torch.ones(len(target)), target)
        real = len(losses)
        # A picture that shows no cells has no class: no answer is a hit.
        hits = (logits.argmax(1) == named) & (largest.to(logits.device) > 1 / self.classes)
        sums = self._sums[side]
        sums[0] += float(losses.sum())
        sums[1] += int(hits[:real].sum())
        sums[2] += real
