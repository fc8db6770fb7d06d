"""From a PyTorch network to ONNX, and the check that both say the same."""

from __future__ import annotations

import logging
import warnings
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from leukolens.engine.session import open_session
from leukolens.finding import BundleError
from leukolens.smear.prepare import Preparation
from leukolens.train.predict import softmax

OUTPUTS = ("logits", "class_map", "features", "distance")
OPSET = 18
TOLERANCE: Final = 1e-4
"""Largest difference of a probability between PyTorch and the engine."""
MAP_TOLERANCE: Final = 1e-3
"""Largest difference of a class map, as a share of its largest value."""
_TINY: Final = 1e-12


def to_onnx(network: nn.Module, preparation: Preparation) -> bytes:
    """Export a field network with its outputs.

    Parameters
    ----------
    network
        Takes (N, H, W, 3) uint8 and returns logits, class map, features and distance; in evaluation mode.
    preparation
        Gives H and W; N stays free.

    Returns
    -------
    bytes
        The ONNX file, float32, opset 18.
    """
    network = network.cpu().eval().to(memory_format=torch.contiguous_format)
    example = torch.zeros(2, preparation.height, preparation.width, 3, dtype=torch.uint8)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network,
            (example,),
            input_names=["images"],
            output_names=list(OUTPUTS),
            opset_version=OPSET,
            dynamic_shapes=({0: torch.export.Dim("N", min=1, max=4096)},),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    if program is None:
        raise BundleError("the ONNX exporter gave nothing", todo="update torch and onnxscript")
    return without_traces(program.model_proto)


def without_traces(model: Any) -> bytes:  # noqa: ANN401 - onnx brings no types
    """Serialise an ONNX model without the exporter's notes, which hold stack traces with the paths of this machine.

    Parameters
    ----------
    model
        An ``onnx.ModelProto``; changed in place. Tensors and nodes stay as they are.
    """
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    serialized: bytes = model.SerializeToString()
    return serialized


class Difference(NamedTuple):
    """How far an engine is from PyTorch at most; nan where one of them gives no finite numbers.

    Attributes
    ----------
    probability
        Of a class's probability, absolute.
    class_map
        Of a value of a picture's class maps, as a share of the largest value in them.
    """

    probability: float
    class_map: float


def check_engine(network: nn.Module, onnx: bytes, images: NDArray[np.uint8], engine: str = "auto") -> None:
    """See that the engine says what PyTorch says, of the classes and of the places that speak for them.

    Parameters
    ----------
    network, onnx, images, engine
        See `differences`.

    Raises
    ------
    BundleError
        It does not.
    """
    found = differences(network, onnx, images, engine)
    for what, difference, most in (
        ("probabilities", found.probability, TOLERANCE),
        ("class maps", found.class_map, MAP_TOLERANCE),
    ):
        if not difference <= most:  # nan too
            raise BundleError(
                f"the engine does not agree with PyTorch on the {what}",
                expected=f"within {most}",
                found=f"a difference of {difference:.2g}",
            )


def differences(network: nn.Module, onnx: bytes, images: NDArray[np.uint8], engine: str = "auto") -> Difference:
    """Return how far the engine is from PyTorch on some pictures.

    Parameters
    ----------
    network
        As exported: gives logits and class map first.
    onnx
        Its ONNX file.
    images
        (N, H, W, 3) uint8, prepared.
    engine
        Which engine, see `leukolens.engine.session.open_session`.
    """
    session = open_session(onnx, engine)
    probability, class_map = [0.0], [0.0]
    for start in range(0, len(images), 16):
        batch = np.array(images[start : start + 16])
        with torch.inference_mode():
            logits, maps = (tensor.numpy() for tensor in network(torch.from_numpy(batch))[:2])
        found = session.run(batch)
        probability.append(np.abs(softmax(logits) - softmax(found["logits"])).max())
        largest = np.abs(maps).max((1, 2, 3), keepdims=True)
        class_map.append((np.abs(maps - found["class_map"]) / np.maximum(largest, _TINY)).max())
    return Difference(float(np.max(probability)), float(np.max(class_map)))


def largest_difference(network: nn.Module, onnx: bytes, images: NDArray[np.uint8], engine: str = "auto") -> float:
    """Return the largest difference of a class probability between PyTorch and the engine, see `differences`."""
    return differences(network, onnx, images, engine).probability
