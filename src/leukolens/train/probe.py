"""A linear probe: logistic regression on the features of a backbone that is not trained, solved to its end."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.loggers import Logger
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from leukolens.finding import DataError, UsageError
from leukolens.networks.field import FieldNetwork
from leukolens.networks.heads import StandardisedHead
from leukolens.networks.weights import RUN_WEIGHTS, save_weights
from leukolens.train.callbacks import keep_curves, tell_recipe
from leukolens.train.features import KeptFeatures
from leukolens.train.machine import Machine
from leukolens.train.memory import told_if_out_of_memory
from leukolens.train.module import FieldModule
from leukolens.train.optimisation import Probe
from leukolens.train.predict import on_device, softmax
from leukolens.train.recipe import Recipe

if TYPE_CHECKING:
    from leukolens.train.fit import Sides

_MOST_STEPS: Final = 5000  # of L-BFGS; standardised features need some hundreds


def fit_probe(
    recipe: Recipe,
    sides: Sides,
    folder: Path,
    *,
    cache: Path | None,
    progress: bool,
    machine: Machine,
    loggers: Sequence[Logger],
) -> FieldModule:
    """Fit the head of a network by a recipe that has a probe, see `leukolens.train.fit.fit`.

    Leaves ``curves.csv`` with one row, ``curves.png`` and ``weights.safetensors`` in `folder`. The figures of the
    training side are those of its samples as they are.

    Parameters
    ----------
    recipe, sides, folder, progress, machine, loggers
        See `leukolens.train.fit.fit`.
    cache
        Where features are kept for other folds and runs, see `KeptFeatures`; in memory if not given.
    """
    probe = recipe.probe
    pl.seed_everything(recipe.seed, workers=True, verbose=False)
    module = FieldModule(recipe, len(sides.classes))
    network = module.network.eval()
    if probe is None or not isinstance(network.head, StandardisedHead):
        raise TypeError("fit_probe: expected a recipe with a probe and the standardised head")
    clocks = time.monotonic(), time.process_time()
    tell_recipe(recipe, loggers)
    with told_if_out_of_memory(recipe, sides, machine), on_device(network, machine.device):
        kept = KeptFeatures(recipe, sides, network, cache, progress=progress)
        seen = [kept.of(sides.train, number) for number in range(1 + probe.passes)]
        held_out = kept.of(sides.validation)
    labels = np.asarray(sides.labels)
    _solve(network.head, np.concatenate(seen), np.tile(labels[sides.train], len(seen)), recipe, probe)
    row = {"epoch": 1.0} | _figures(network, seen[0], labels[sides.train], "train")
    if sides.validation:
        row |= _figures(network, held_out, labels[sides.validation], "val")
    row |= {"seconds": time.monotonic() - clocks[0], "processor_seconds": time.process_time() - clocks[1]}
    keep_curves([row], folder, loggers)
    save_weights(network, folder / RUN_WEIGHTS)
    return module


def _solve(
    head: StandardisedHead, features: NDArray[np.float32], labels: NDArray[np.int64], recipe: Recipe, probe: Probe
) -> None:
    """Fit a head to features (N, D) of samples with classes (N,)."""
    mean, variance = features.mean(0, dtype=np.float64), features.var(0, dtype=np.float64)
    if not (variance < np.finfo(np.float32).max).all():
        raise DataError(
            "the network's features are too large to be brought to one scale",
            expected="a spread that 32-bit floats hold",
            found=f"up to {np.abs(features).max():.3g}",
            todo="choose other network.weights",
        )
    model = LogisticRegression(
        C=probe.c / (1 + probe.passes),  # every sample counts once, however often it is seen
        class_weight=None if recipe.balance == "none" else "balanced",
        max_iter=_MOST_STEPS,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # told below
        model.fit((features - mean) / np.sqrt(variance + head.norm.eps), labels)
    if model.n_iter_.max() >= _MOST_STEPS:
        raise UsageError(
            f"the head has not come to its end in {_MOST_STEPS} steps",
            expected="a penalty under which it does",
            found=f"probe.c={probe.c:g}",
            todo="lower probe.c",
        )
    weight, bias = model.coef_, model.intercept_
    if head.classes == 2:  # scikit-learn gives the log odds of the second class alone
        weight, bias = (np.concatenate([-part / 2, part / 2]) for part in (weight, bias))
    head.solved(*(torch.as_tensor(part, dtype=torch.float32) for part in (mean, variance, weight, bias)))


def _figures(
    network: FieldNetwork, features: NDArray[np.float32], labels: NDArray[np.int64], side: str
) -> dict[str, float]:
    with torch.inference_mode():
        logits = network.head.logits(torch.from_numpy(features)[:, :, None, None]).numpy()
    loss = float(log_loss(labels, softmax(logits), labels=range(network.classes)))
    return {f"{side}_loss": loss, f"{side}_accuracy": float((logits.argmax(1) == labels).mean())}
