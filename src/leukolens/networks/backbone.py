"""Networks without their classifiers: a scaled picture in, the last feature map out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import timm
import torch
from torch import Tensor, nn

from leukolens.finding import UsageError
from leukolens.networks.registry import weights_config
from leukolens.networks.table import NetworkEntry
from leukolens.networks.weights import check_weights, load_packaged_weights, load_run_weights


def build_backbone(entry: NetworkEntry, weights: str, size: tuple[int, int], scaling: str | None = None) -> nn.Module:
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

    Returns
    -------
    nn.Module
        A timm network; `feature_map` runs it.

    Raises
    ------
    UsageError
        When the weights cannot be had or the network cannot take pictures of this size.
    """
    check_weights(weights, entry, scaling)
    hub = weights == "imagenet" and entry.packaged_weights is None
    backbone = _without_classifier(_create(entry, size, hub=hub))
    if weights == "imagenet" and entry.packaged_weights is not None:
        load_packaged_weights(backbone, entry.packaged_weights)
    elif weights not in {"imagenet", "none"}:
        load_run_weights(backbone, weights)
    return backbone


def _create(entry: NetworkEntry, size: tuple[int, int], *, hub: bool) -> nn.Module:
    options: dict[str, Any] = {"img_size": size} if weights_config(entry).get("fixed_input_size") else {}
    try:
        backbone: nn.Module = timm.create_model(entry.timm_name, pretrained=hub, num_classes=0, **options)
    except (OSError, RuntimeError, AssertionError, ValueError) as error:
        if not hub:
            raise _unfit(entry.name, size, error) from error
        raise UsageError(
            f"the ImageNet weights of {entry.name!r} could not be had",
            expected="timm's hub to answer",
            found=f"{type(error).__name__}: {str(error)[:200]}",
            todo="go online once, or choose a network with packaged weights, see `leukolens models`",
        ) from error
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


def _without_classifier(backbone: nn.Module) -> nn.Module:
    """Take out what stays of a classifier and is not run: VGG's two dense layers hold seven eighths of its weights."""
    if hasattr(backbone, "pre_logits"):
        backbone.pre_logits = nn.Identity()
    return backbone


def feature_map(backbone: nn.Module, scaled: Tensor) -> Tensor:
    """Run a backbone.

    Parameters
    ----------
    backbone
        From `build_backbone`.
    scaled
        (N, 3, H, W) float.

    Returns
    -------
    Tensor
        (N, D, h, w): the last feature map. A transformer's patches lie in their grid, its other tokens are left out. A
        norm that the network would apply after pooling (ConvNeXt, BEiT) is applied at each place instead.

    Raises
    ------
    UsageError
        If the network has no such map.
    """
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
        raise _mapless(type(backbone).__name__, f"features of shape {tuple(features.shape)}")
    norm = getattr(getattr(backbone, "head", None), "norm", None)
    # Some heads have a norm further on, of another width, which belongs to their classifier.
    fits = getattr(getattr(norm, "weight", None), "shape", None) == features.shape[1:2]
    return norm(features) if norm is not None and fits else features


def map_shape(backbone: nn.Module, size: tuple[int, int]) -> tuple[int, int, int]:
    """Return D, h and w of a backbone's feature map for pictures of a height and width, px.

    Raises
    ------
    UsageError
        If the network cannot take pictures of this size.
    """
    training = backbone.training
    try:
        with torch.no_grad():
            _, depth, height, width = feature_map(backbone.eval(), torch.zeros(1, 3, *size)).shape
    except (AttributeError, TypeError, ValueError) as error:
        raise _mapless(type(backbone).__name__, str(error)) from error
    except (RuntimeError, AssertionError) as error:
        raise _unfit(type(backbone).__name__, size, error) from error
    finally:
        backbone.train(training)
    return depth, height, width


def last_layer(backbone: nn.Module, size: tuple[int, int]) -> str:
    """Return the outermost module of a backbone that gives its last feature map; empty where none does by itself.

    Parameters
    ----------
    backbone
        From `build_backbone`.
    size
        Height and width of the pictures, px.
    """
    order: list[tuple[str, Tensor]] = []

    def keep(name: str) -> Callable[..., None]:
        return lambda _module, _inputs, output: order.append((name, output)) if isinstance(output, Tensor) else None

    hooks = [module.register_forward_hook(keep(name)) for name, module in backbone.named_modules() if name]
    training = backbone.training
    try:
        with torch.no_grad():
            features = backbone.eval().forward_features(torch.zeros(1, 3, *size))  # type: ignore[operator]
    finally:
        backbone.train(training)
        for hook in hooks:
            hook.remove()
    return next((name for name, output in reversed(order) if output is features), "")


def _unfit(name: str, size: tuple[int, int], error: Exception) -> UsageError:
    return UsageError(
        f"network {name!r} cannot take pictures of {size[1]} x {size[0]} px",
        found=str(error).splitlines()[0][:200] if str(error) else type(error).__name__,
        todo="set preparation.width and preparation.height to what the network was made for",
    )


def _mapless(name: str, found: str) -> UsageError:
    return UsageError(
        f"network {name} cannot carry a class map",
        expected="features of shape (N, D, h, w), or patches in a grid",
        found=found[:200],
        todo="choose another network, see `leukolens models`",
    )
