"""Looking networks up: by the registry's names, or ``timm:NAME`` for any other network of the timm library."""

from __future__ import annotations

from typing import Any, Final

import timm

from leukolens.finding import UsageError, nearest
from leukolens.networks.table import REGISTRY, NetworkEntry

TIMM_PREFIX: Final = "timm:"


def network_entry(name: str) -> NetworkEntry:
    """Look a network up.

    Parameters
    ----------
    name
        A name of the registry, or ``timm:NAME``; NAME may end in a tag of weights, as in ``resnet50.a1_in1k``.

    Raises
    ------
    UsageError
        If neither the registry nor timm knows the name.
    """
    if name in REGISTRY:
        return REGISTRY[name]
    if not name.startswith(TIMM_PREFIX):
        known = [*REGISTRY, f"{TIMM_PREFIX}NAME"]
        raise UsageError(f"unknown network {name!r}", todo=f"{nearest(name, known)} See `leukolens models`.")
    timm_name = name.removeprefix(TIMM_PREFIX)
    architecture, _, tag = timm_name.partition(".")
    if not timm.is_model(architecture):
        raise UsageError(f"timm has no network {timm_name!r}", todo=nearest(architecture, timm.list_models()))
    if tag and timm_name not in timm.list_pretrained(f"{architecture}.*"):
        tags = timm.list_pretrained(f"{architecture}.*")
        raise UsageError(f"timm has no weights {timm_name!r}", todo=nearest(timm_name, tags))
    return NetworkEntry(name, timm_name, "see timm")


def weights_config(entry: NetworkEntry) -> dict[str, Any]:
    """Return what timm says of a network's weights: mean and std for 0..1, licence, hub, tag."""
    found = timm.get_pretrained_cfg(entry.timm_name)
    if found is None:
        raise UsageError(f"timm says nothing of {entry.timm_name!r}", todo="choose its present name in timm")
    config: dict[str, Any] = vars(found)
    return config
