"""What a run keeps in its folder, read back: what it was, and the network that it ended with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from leukolens.finding import DataError
from leukolens.networks.field import FieldNetwork
from leukolens.networks.weights import RUN_WEIGHTS
from leukolens.train.layout import RUN_FILE
from leukolens.train.recipe import Recipe


def read_source(folder: Path) -> dict[str, Any]:
    """Return where data and split of a run lay (`leukolens.train.run.Plan`); empty where it does not say."""
    return dict(read_run(folder).get("source", {}))


def read_run(folder: Path) -> dict[str, Any]:
    """Return the content of ``training.json``.

    Raises
    ------
    DataError
        There is none, or it cannot be read.
    """
    try:
        content: dict[str, Any] = json.loads((folder / RUN_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        raise DataError(f"{folder} holds no run", expected=f"a readable {RUN_FILE}", todo="train first") from None
    return content


def untrained_network(recipe: Recipe, classes: int) -> FieldNetwork:
    """Build the network of a recipe without its start weights."""
    choice = recipe.network.model_copy(update={"weights": "none"})
    return FieldNetwork(choice, classes=classes, size=(recipe.preparation.height, recipe.preparation.width))


def trained_network(run: Path, recipe: Recipe, classes: int) -> FieldNetwork:
    """Build the network that a run ended with, in evaluation mode."""
    network = untrained_network(recipe, classes)
    network.load_state_dict(load_file(run / RUN_WEIGHTS))
    return network.eval()
