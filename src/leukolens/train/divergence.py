"""A training that has diverged is ended: its figures would be nonsense, and look like figures."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import torch

from leukolens.finding import UsageError
from leukolens.train.module import FieldModule


def check_finite(figures: Mapping[str, float], module: FieldModule, epoch: int) -> None:
    """See that a whole epoch left a network that can be kept; all processes ask together, and agree.

    The weights count as well as the losses: where the last step of an epoch spoils them, no loss has told yet.

    Parameters
    ----------
    figures
        Losses and accuracies of the epoch, over all processes.
    module
        What was trained.
    epoch
        From 1.

    Raises
    ------
    UsageError
        If a loss, a weight or a running statistic is infinite or not a number.
    """
    wrong = [f"{name} {value}" for name, value in figures.items() if not math.isfinite(value)]
    if module.over_processes([float(_broken(module))])[0]:
        wrong.append("weights that are not finite")
    if wrong:
        raise UsageError(
            f"training diverged in epoch {epoch}, which is not kept",
            found=", ".join(wrong),
            todo="lower optimiser.learning_rate (or set optimiser.clip, or a longer optimiser.warmup), "
            "and train in another --out",
        )


def _broken(module: FieldModule) -> bool:
    tensors = itertools.chain(module.network.parameters(), module.network.buffers())
    return not all(bool(torch.isfinite(tensor).all()) for tensor in tensors)
