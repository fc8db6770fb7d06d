"""A network of timm: made for a size of pictures, run to its last feature map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import timm
import torch
from torch import Tensor, nn

from leukolens.finding import UsageError
from leukolens.networks.registry import weights_config
from leukolens.networks.table import NetworkEntry

REFUSALS: Final = (RuntimeError, AssertionError, AttributeError, TypeError, ValueError, LookupError, ArithmeticError)
"""What networks of timm raise where they cannot take pictures of a size: few of them check it."""


def create_network(entry: NetworkEntry, size: tuple[int, int], *, hub: bool = False) -> nn.Module:
    """Make a network without its classifier, for pictures of a height and width, px.

    Raises
    ------
    UsageError
        If its patches do not divide the pictures.
    Exception
        One of `REFUSALS` where the network itself cannot take them; OSError if the hub is asked and does not answer.
    """
    options: dict[str, Any] = {"img_size": size} if weights_config(entry).get("fixed_input_size") else {}
    backbone: nn.Module = timm.create_model(entry.timm_name, pretrained=hub, num_classes=0, **options)
    given = getattr(getattr(backbone, "patch_embed", None), "patch_size", None)
    patch = (given, given) if isinstance(given, int) else given
    if patch is not None and options and (size[0] % patch[0] or size[1] % patch[1]):
        fits = [f"{side - side % step} or {side - side % step + step}" for side, step in zip(size, patch, strict=True)]
        raise UsageError(
            f"network {entry.name!r} cannot take pictures of {size[1]} x {size[0]} px",
            expected=f"multiples of its patch of {patch[1]} x {patch[0]} px",
            todo=f"set preparation.width to {fits[1]} and preparation.height to {fits[0]}",
        )
    return backbone


def end_with_levels(backbone: nn.Module, levels: int) -> None:
    """Leave out what a backbone does after the last of its intermediate maps: where several are seen, they alone are.

    Parameters
    ----------
    backbone
        From `create_network`; changed.
    levels
        How many maps `feature_map` is to join.

    Raises
    ------
    UsageError
        If it has not so many, or timm does not give them.
    """
    known = len(getattr(backbone, "feature_info", []))
    if not hasattr(backbone, "forward_intermediates") or levels > known:
        raise UsageError(
            f"network {architecture(backbone)!r} does not give {levels} maps",
            expected=f"network.levels of {known} at most" if known else None,
            todo="leave network.levels at 1, or choose another network",
        )
    backbone.prune_intermediate_layers(levels, prune_norm=True, prune_head=False)  # type: ignore[operator]


def architecture(backbone: nn.Module) -> str:
    """Return timm's name of a backbone."""
    config = getattr(backbone, "pretrained_cfg", None) or {}
    return str(config.get("architecture") or type(backbone).__name__)


def native_size(config: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return the height and width that a network was made for, px, by what timm says of it."""
    size = config.get("input_size")
    return (int(size[1]), int(size[2])) if size else None


def feature_map(backbone: nn.Module, scaled: Tensor, levels: int = 1) -> Tensor:
    """Run a backbone.

    Parameters
    ----------
    backbone
        From `build_backbone`.
    scaled
        (N, 3, H, W) float.
    levels
        How many of its maps to join, from the last up; a backbone for more than one is made by `end_with_levels`.

    Returns
    -------
    Tensor
        (N, D, h, w): the last feature map; of several, each averaged down to the places of the last, one after the
        other along D. A transformer's patches lie in their grid, its other tokens are left out. A
        norm that the network would apply after pooling (ConvNeXt, BEiT) is applied at each place instead.

    Raises
    ------
    UsageError
        If the network has no such map.
    """
    if levels > 1:
        return _joined(backbone, scaled, levels)
    features: Tensor = backbone.forward_features(scaled)  # type: ignore[operator]
    token_norm = getattr(backbone, "fc_norm", None)
    if features.ndim == 3 and token_norm is not None:
        features = token_norm(features)
    grid = getattr(getattr(backbone, "patch_embed", None), "grid_size", None)
    if features.ndim == 3 and grid is not None:
        patches = features[:, int(getattr(backbone, "num_prefix_tokens", 0)) :]
        # unflatten and not reshape by len(features), which would fix the number of pictures in an exported graph.
        features = patches.transpose(1, 2).unflatten(2, grid)  # type: ignore[no-untyped-call]
    elif features.ndim == 4 and getattr(backbone, "output_fmt", "NCHW") == "NHWC":
        features = features.permute(0, 3, 1, 2)
    if features.ndim != 4:
        raise mapless(architecture(backbone), f"features of shape {tuple(features.shape)}")
    norm = getattr(getattr(backbone, "head", None), "norm", None)
    # Some heads have a norm further on, of another width, which belongs to their classifier.
    fits = getattr(getattr(norm, "weight", None), "shape", None) == features.shape[1:2]
    return norm(features) if norm is not None and fits else features


def _joined(backbone: nn.Module, scaled: Tensor, levels: int) -> Tensor:
    maps: list[Tensor] = backbone.forward_intermediates(  # type: ignore[operator]
        scaled, indices=levels, output_fmt="NCHW", intermediates_only=True
    )
    wanted = maps[-1].shape[2:]
    steps = [max(1, round(features.shape[2] / wanted[0])) for features in maps]
    pooled = [
        nn.functional.avg_pool2d(features, step, ceil_mode=True, count_include_pad=False)
        for features, step in zip(maps, steps, strict=True)
    ]
    if any(features.shape[2:] != wanted for features in pooled):
        found = ", ".join(f"{features.shape[3]} x {features.shape[2]}" for features in maps)
        raise mapless(architecture(backbone), f"maps of {found} places, which are no multiples of each other")
    return torch.cat(pooled, 1)


def first_line(error: Exception) -> str:
    """Return what timm or PyTorch says, in one line; some assertions say nothing."""
    text = str(error).strip().splitlines()
    return text[0] if text else f"a bare {type(error).__name__} of timm"


def mapless(name: str, found: str) -> UsageError:
    """Return the error for a network from which no class map can be had."""
    return UsageError(
        f"network {name} cannot carry a class map",
        expected="features of shape (N, D, h, w), or patches in a grid",
        found=found[:200],
        todo="choose another network, see `leukolens models`",
    )
