"""What the optimiser does to which parameter, and how its learning rate goes."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import nn

from leukolens.networks.field import FieldNetwork
from leukolens.train.optimisation import Optimiser, Unfreezing


class Treatment(NamedTuple):
    """How the optimiser treats one parameter: the factor on its learning rate, and whether it is decayed."""

    factor: float
    decayed: bool


def treatments(network: FieldNetwork, optimiser: Optimiser) -> dict[str, Treatment]:
    """Return how each parameter that is trained is treated.

    Norms, biases and what timm excepts (such as position embeddings) are not decayed. The head has the whole learning
    rate, the backbone's last stage `layer_decay` times as much, and so on down to the stem (as in BEiT, arXiv
    2106.08254, there by block). To be asked before a strategy such as FSDP takes the parameters' shapes away.
    """
    excepted: set[str] = getattr(network.backbone, "no_weight_decay", set)()
    plain = {f"backbone.{name}" for name in excepted}
    stages, count = network.stage_numbers() if optimiser.layer_decay < 1 else ({}, 0)
    return {
        name: Treatment(
            optimiser.layer_decay ** (count - stages.get(name, count)), parameter.ndim >= 2 and name not in plain
        )
        for name, parameter in network.named_parameters()
        if parameter.requires_grad
    }


def build_optimiser(
    network: FieldNetwork, treated: dict[str, Treatment], optimiser: Optimiser
) -> torch.optim.Optimizer:
    """Build the optimiser; the head's group is the first, so that its rate is the one that curves tell."""
    groups: dict[Treatment, list[nn.Parameter]] = {}
    parameters = dict(network.named_parameters())
    for name, treatment in treated.items():
        groups.setdefault(treatment, []).append(parameters[name])
    listed = [
        {
            "params": groups[treatment],
            "lr": optimiser.learning_rate * treatment.factor,
            "weight_decay": optimiser.weight_decay if treatment.decayed else 0.0,
        }
        for treatment in sorted(groups, reverse=True)
    ]
    rate = optimiser.learning_rate
    if optimiser.name == "sgd":
        return torch.optim.SGD(listed, lr=rate, momentum=optimiser.momentum, nesterov=optimiser.nesterov)
    kind = torch.optim.AdamW if optimiser.name == "adamw" else torch.optim.Adam
    return kind(listed, lr=rate, eps=optimiser.epsilon)


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
        exponent = step // optimiser.decay_steps if optimiser.staircase else step / optimiser.decay_steps
        return float(optimiser.decay_rate**exponent)
    return 1.0


def thaw(network: FieldNetwork, unfreezing: Unfreezing, epoch: int, frozen: int) -> None:
    """Let the stages be trained that an epoch is to train, and no others.

    Depends on the epoch alone, so that a resumed run thaws as an unbroken one does. A frozen batch norm keeps its
    statistics.

    Parameters
    ----------
    network
        In training mode.
    unfreezing
        How many stages at first, and how soon the next.
    epoch
        From 0.
    frozen
        First stages that are never trained.
    """
    stages, count = network.stage_numbers()
    first = max(frozen, count - unfreezing.start - epoch // unfreezing.every)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(stages.get(name, count) >= first)
    network.train()
