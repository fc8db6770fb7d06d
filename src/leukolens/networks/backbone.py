"""Networks without their classifiers: a scaled picture in, the last feature map out."""

from __future__ import annotations

from contextlib import suppress

import torch
from torch import nn

from leukolens.finding import UsageError
from leukolens.networks.table import NetworkEntry
from leukolens.networks.timm_network import REFUSALS, create_network, end_with_levels
from leukolens.networks.trial import refusal
from leukolens.networks.weights import check_weights, load_packaged_weights, load_run_weights


def build_backbone(
    entry: NetworkEntry, weights: str, size: tuple[int, int], scaling: str | None = None, levels: int = 1
) -> nn.Module:
    """Build a network without its classifier.

    Parameters
    ----------
    entry
        From `leukolens.networks.registry.network_entry`.
    weights
        ``imagenet``: the packaged weights where the registry names a package, else timm's own (fetched by timm from its
        hub at this moment, if its cache does not hold them); ``none``: random start; else the path of an earlier run's
        folder or weights, whose backbone is taken.
    size
        Height and width of the pictures, px.
    scaling
        How pictures are scaled, if it is to be checked against the run that the weights come from.
    levels
        How many maps it is to give; of more than one, layers after the last of them are left out.

    Returns
    -------
    nn.Module
        A timm network; `leukolens.networks.timm_network.feature_map` runs it.

    Raises
    ------
    UsageError
        When the weights cannot be had, or the network cannot take pictures of this size or has not so many maps.
    """
    check_weights(weights, entry, scaling)
    hub = weights == "imagenet" and entry.packaged_weights is None
    backbone = _without_classifier(_from_hub(entry, size) if hub else _untrained(entry, size))
    if weights == "imagenet" and entry.packaged_weights is not None:
        load_packaged_weights(backbone, entry.packaged_weights)
    whole = set(backbone.state_dict())
    if levels > 1:
        end_with_levels(backbone, levels)
    if weights not in {"imagenet", "none"}:
        load_run_weights(backbone, weights, whole - set(backbone.state_dict()))
    return backbone


def _untrained(entry: NetworkEntry, size: tuple[int, int]) -> nn.Module:
    try:
        return create_network(entry, size)
    except REFUSALS as error:
        raise refusal(entry, size, error) from error


def _from_hub(entry: NetworkEntry, size: tuple[int, int]) -> nn.Module:
    try:
        return create_network(entry, size, hub=True)
    except (OSError, *REFUSALS) as error:
        with torch.device("meta"), suppress(OSError):  # the size may be at fault and not the hub
            _untrained(entry, size)
        raise UsageError(
            f"the ImageNet weights of {entry.name!r} could not be had",
            expected="timm's hub to answer",
            found=f"{type(error).__name__}: {str(error)[:200]}",
            todo="go online once, or choose a network with packaged weights, see `leukolens models`",
        ) from error


def _without_classifier(backbone: nn.Module) -> nn.Module:
    """Take out what stays of a classifier and is not run: VGG's two dense layers hold seven eighths of its weights."""
    if hasattr(backbone, "pre_logits"):
        backbone.pre_logits = nn.Identity()
    return backbone
