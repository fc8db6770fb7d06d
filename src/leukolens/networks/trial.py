"""Trying a backbone on an empty picture: the shape of its feature map, which module gives it, why there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import torch
from torch import Tensor, nn

from leukolens.finding import UsageError
from leukolens.networks.registry import weights_config
from leukolens.networks.table import NetworkEntry
from leukolens.networks.timm_network import (
    REFUSALS,
    architecture,
    create_network,
    feature_map,
    first_line,
    mapless,
    native_size,
)

_STEPS: Final = (32, 64)
"""Sides that are multiples of these suit most networks that divide their pictures, px."""


def map_shape(backbone: nn.Module, size: tuple[int, int], levels: int = 1) -> tuple[int, int, int]:
    """Return D, h and w of a backbone's feature map, of so many levels, for pictures of a height and width, px.

    Raises
    ------
    UsageError
        If the network cannot take pictures of this size, or has no feature map with places at any size.
    """
    with _tried(backbone, size):
        _, depth, height, width = feature_map(backbone, torch.zeros(1, 3, *size), levels).shape
    return depth, height, width


def last_layer(backbone: nn.Module, size: tuple[int, int]) -> str:
    """Return the outermost module of a backbone that gives its last feature map; empty where none does by itself.

    Parameters
    ----------
    backbone
        From `build_backbone`.
    size
        Height and width of the pictures, px.

    Raises
    ------
    UsageError
        As `map_shape`.
    """
    order: list[tuple[str, Tensor]] = []

    def keep(name: str) -> Callable[..., None]:
        return lambda _module, _inputs, output: order.append((name, output)) if isinstance(output, Tensor) else None

    hooks = [module.register_forward_hook(keep(name)) for name, module in backbone.named_modules() if name]
    try:
        with _tried(backbone, size):
            features = backbone.forward_features(torch.zeros(1, 3, *size))  # type: ignore[operator]
    finally:
        for hook in hooks:
            hook.remove()
    return next((name for name, output in reversed(order) if output is features), "")


@contextmanager
def _tried(backbone: nn.Module, size: tuple[int, int]) -> Iterator[None]:
    """Run a backbone in evaluation mode, and put what it raises into words."""
    training = backbone.training
    backbone.eval()
    try:
        with torch.no_grad():
            yield
    except UsageError:
        raise
    except REFUSALS as error:
        name = architecture(backbone)
        raise refusal(NetworkEntry(name, name, ""), size, error) from error
    finally:
        backbone.train(training)


def refusal(entry: NetworkEntry, size: tuple[int, int], error: Exception) -> UsageError:
    """Tell pictures of a wrong size from a network that has no feature map at any.

    Parameters
    ----------
    entry
        The network.
    size
        Height and width of the pictures, px.
    error
        What it raised.

    Returns
    -------
    UsageError
        With a size that the network can take, where there is one.
    """
    trouble = first_line(error)
    for height, width in _other_sizes(entry, size):
        found = _trouble(entry, (height, width))
        if found is None:
            return UsageError(
                f"network {entry.name!r} cannot take pictures of {size[1]} x {size[0]} px",
                expected=f"a size that it can take, such as {width} x {height} px",
                found=first_line(error)[:200],
                todo=f"set preparation.width={width} and preparation.height={height}",
            )
        trouble = found
    return mapless(entry.name, trouble)


def _other_sizes(entry: NetworkEntry, size: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Yield sizes near the one asked for, then the network's own, which it must be able to take."""
    for step in _STEPS:
        height, width = (-(-side // step) * step for side in size)
        yield height, width
    native = native_size(weights_config(entry))
    if native is not None:
        yield native


def _trouble(entry: NetworkEntry, size: tuple[int, int]) -> str | None:
    """Say why a network has no feature map at a size, None where it has; on shapes alone, without weights."""
    try:
        with torch.device("meta"), torch.no_grad():
            feature_map(create_network(entry, size).eval(), torch.zeros(1, 3, *size))
    except UsageError as error:
        return error.found or error.message
    except REFUSALS as error:
        return first_line(error)
    return None
