"""The moving average of weights, and the batch statistics that several processes agree on."""

from __future__ import annotations

from collections.abc import Callable

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor, nn


class MovingAverage(WeightAveraging):
    """Lightning's average of weights, with batch statistics that are those of all processes.

    Lightning averages the weights of a step before a module can average its statistics over the processes, so that each
    process has an average of its own statistics alone; the first one's would be kept.

    Parameters
    ----------
    decay
        Of the average. It grows from 0 to this: else short runs would end with the start weights.
    """

    def __init__(self, decay: float) -> None:
        super().__init__(avg_fn=_growing(decay))

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Agree on the average's statistics, before it is kept."""
        super().on_train_epoch_end(trainer, pl_module)
        if self._average_model is not None:
            average_statistics(self._average_model, trainer.world_size)


def average_statistics(module: nn.Module, processes: int) -> None:
    """Set running statistics, which each process has from its own samples, to their mean over the processes."""
    if processes == 1:
        return
    for norm in module.modules():
        if not isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d) or _frozen(norm):
            continue
        for statistics in (norm.running_mean, norm.running_var):
            if statistics is not None:
                torch.distributed.all_reduce(statistics)
                statistics.div_(processes)


def _frozen(norm: nn.BatchNorm1d | nn.BatchNorm2d) -> bool:
    return any(not parameter.requires_grad for parameter in norm.parameters())


def _growing(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    def average(averaged: Tensor, current: Tensor, count: Tensor | int) -> Tensor:
        now = min(decay, (1 + float(count)) / (10 + float(count)))
        return now * averaged + (1 - now) * current

    return average
