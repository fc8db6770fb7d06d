"""Where the start weights of a run come from: enough to tell what the network had seen before."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from leukolens.finding import DataError
from leukolens.networks.choice import NetworkChoice
from leukolens.networks.registry import network_entry
from leukolens.networks.weights import RUN_WEIGHTS
from leukolens.train.run_files import read_run


def start_of(choice: NetworkChoice) -> dict[str, Any] | None:
    """Return what a run begins with, without paths of this machine.

    Parameters
    ----------
    choice
        The recipe's part.

    Returns
    -------
    dict or None
        Of a run's weights ``sha256``, and of that run ``recipe`` (its name), ``network``, ``data_sha256``,
        ``split_sha256``, ``fold``, ``leaky_order`` and its own ``start``, None where nothing beside the weights says
        so. Of packaged ImageNet weights ``package`` and ``version``. None for other ImageNet weights, for none, and for
        a run that is not there (any more).
    """
    if choice.weights == "none":
        return None
    if choice.weights == "imagenet":
        return _packaged(network_entry(choice.name).packaged_weights)
    path = _weights_file(choice.weights)
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"sha256": digest} | _run_of(path.parent)


def check_start(start: Mapping[str, Any] | None, identity: Mapping[str, Any]) -> None:
    """Refuse start weights that may have learned from pictures that the new run validates or tests on.

    Those of a run on the same data have, unless it was the same fold of the same split. A run on other data that
    shares pictures with these is not noticed: only the data sets' hashes are compared.

    Parameters
    ----------
    start
        See `start_of`; the starts of starts are looked at as well.
    identity
        Of the new run, see `leukolens.train.plan.Plan.identity`.

    Raises
    ------
    DataError
        They may have.
    """
    while start is not None:
        same = all(start.get(key) == identity[key] for key in ("split_sha256", "fold"))
        if start.get("data_sha256") == identity["data_sha256"] and (not same or start.get("leaky_order") is not None):
            order = f", in the leaky order {start['leaky_order']!r}" if start.get("leaky_order") else ""
            raise DataError(
                "the start weights have learned from this data set, and maybe from pictures that are held out now",
                expected=f"weights from other data, or from fold {identity['fold']} of this split",
                found=f"a run of recipe {start.get('recipe')!r} on fold {start.get('fold')} of "
                f"{'this' if start.get('split_sha256') == identity['split_sha256'] else 'another'} split{order}",
                todo="choose another network.weights, or train the fold that they come from",
            )
        start = start.get("start")


def comparable_start(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return the identity `new` so that a start that nobody knows makes no difference to `old`.

    Runs from before starts were written go on, and so do those whose start has been moved: they need it no more.
    """
    if "start" not in old:
        return {key: value for key, value in new.items() if key != "start"}
    start = new.get("start") or old["start"]
    if start is not None and old["start"] is not None:  # what is told of a start has grown
        start = {key: value for key, value in start.items() if key in old["start"]}
    return dict(new) | {"start": start}


def portable_recipe(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe (as JSON) in which start weights are called by the name of their run's folder, not by a path."""
    network = dict(recipe.get("network", {}))
    if network.get("weights") not in {None, "imagenet", "none"}:
        network["weights"] = _weights_file(network["weights"]).resolve().parent.name
    return dict(recipe) | {"network": network}


def _weights_file(weights: str) -> Path:
    path = Path(weights)
    return path if path.suffix == Path(RUN_WEIGHTS).suffix and not path.is_dir() else path / RUN_WEIGHTS


def _packaged(module: str | None) -> dict[str, Any] | None:
    if module is None:
        return None
    package = module.replace("_", "-")
    try:
        return {"package": package, "version": metadata.version(package)}
    except metadata.PackageNotFoundError:
        return None


def _run_of(folder: Path) -> dict[str, Any]:
    try:
        run = read_run(folder)["run"]
    except DataError:  # weights alone
        run = {}
    recipe = run.get("recipe", {})
    return {
        "recipe": recipe.get("name"),
        "network": recipe.get("network", {}).get("name"),
        "data_sha256": run.get("data_sha256"),
        "split_sha256": run.get("split_sha256"),
        "fold": run.get("fold"),
        "leaky_order": run.get("leaky_order"),
        "start": run.get("start"),
    }
