"""What a run keeps in its folder, read back: what it was, and the network that it ended with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from leukolens.finding import DataError
from leukolens.networks.field import FieldNetwork
from leukolens.networks.weights import RUN_WEIGHTS, first_difference
from leukolens.train.layout import RUN_FILE
from leukolens.train.recipe import Recipe

_TOLD: Final = ("recipe", "data_sha256", "split_sha256", "fold")


def read_source(folder: Path) -> dict[str, Any]:
    """Return where data and split of a run lay (`leukolens.train.plan.Plan`); empty where it does not say."""
    return dict(read_run(folder).get("source", {}))


def read_run(folder: Path) -> dict[str, Any]:
    """Return the content of ``training.json``.

    Raises
    ------
    DataError
        There is none, or it cannot be read, or lacks what every run says of itself.
    """
    try:
        content = json.loads((folder / RUN_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        raise DataError(f"{folder} holds no run", expected=f"a readable {RUN_FILE}", todo="train first") from None
    run = content.get("run") if isinstance(content, dict) else None
    missing = _TOLD if not isinstance(run, dict) else [name for name in _TOLD if name not in run]
    if missing:
        raise DataError(
            f"{folder} holds no run of leukolens",
            expected=f"a {RUN_FILE} whose 'run' says {', '.join(_TOLD)}",
            found=f"no {missing[0]}",
            todo="train first",
        )
    return dict(content)


def untrained_network(recipe: Recipe, classes: int) -> FieldNetwork:
    """Build the network of a recipe without its start weights."""
    choice = recipe.network.model_copy(update={"weights": "none"})
    return FieldNetwork(choice, classes=classes, size=(recipe.preparation.height, recipe.preparation.width))


def trained_network(run: Path, recipe: Recipe, classes: int) -> FieldNetwork:
    """Build the network that a run ended with, in evaluation mode.

    Raises
    ------
    DataError
        If its weights are not there, cannot be read, or are not those of the recipe's network.
    """
    network = untrained_network(recipe, classes)
    path = run / RUN_WEIGHTS
    try:
        found = load_file(path)
    except (SafetensorError, OSError) as error:
        raise DataError(f"the weights {path} cannot be read", found=str(error)[:200], todo="train again") from error
    if wrong := first_difference({name: tensor.shape for name, tensor in network.state_dict().items()}, found):
        raise DataError(
            f"the weights {path} are not those of the run's network {recipe.network.name!r}",
            found=wrong,
            todo="put the run's own weights back, or train again",
        )
    network.load_state_dict(found)
    return network.to(memory_format=torch.channels_last).eval()  # in which convolutions on a processor are faster
