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
SHARE_TOLERANCE: Final = 1e-3
"""Largest difference of logits, class maps and features, as a share of their largest value."""
DISTANCE_TOLERANCE: Final = 0.05
"""The same of the distance, which is looser: it divides by variances that are tiny in a network that hardly learned."""
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
    logits, features, distance
        Of one of them, as a share of the largest of all pictures. Probabilities can be so sure that they hide a
        difference, and novelty rests on the distance.
    class_map
        Of a value of a picture's class maps, as a share of the largest value in them.
    """

    probability: float
    logits: float
    class_map: float
    features: float
    distance: float


_MOST: Final = Difference(TOLERANCE, SHARE_TOLERANCE, SHARE_TOLERANCE, SHARE_TOLERANCE, DISTANCE_TOLERANCE)


def check_engine(network: nn.Module, onnx: bytes, images: NDArray[np.uint8], engine: str = "auto") -> None:
    """See that the engine says what PyTorch says: all that a bundle's network gives.

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
    for what, difference, most in zip(Difference._fields, found, _MOST, strict=True):
        if not difference <= most:  # nan too
            raise BundleError(
                f"the engine does not agree with PyTorch on the {what.replace('_', ' ')}",
                expected=f"within {most}",
                found=f"a difference of {difference:.2g}",
            )


def differences(network: nn.Module, onnx: bytes, images: NDArray[np.uint8], engine: str = "auto") -> Difference:
    """Return how far the engine is from PyTorch on some pictures.

    Parameters
    ----------
    network
        As exported, see `leukolens.train.statistics.ExportedField`.
    onnx
        Its ONNX file.
    images
        (N, H, W, 3) uint8, prepared; at least one.
    engine
        Which engine, see `leukolens.engine.session.open_session`.
    """
    session = open_session(onnx, engine)
    said: list[list[NDArray[np.float32]]] = []
    found: list[list[NDArray[np.float32]]] = []
    for start in range(0, len(images), 16):
        batch = np.array(images[start : start + 16])
        with torch.inference_mode():
            said.append([tensor.numpy() for tensor in network(torch.from_numpy(batch))])
        answer = session.run(batch)
        found.append([answer[name] for name in OUTPUTS])
    ours = [np.concatenate(parts) for parts in zip(*said, strict=True)]
    theirs = [np.concatenate(parts) for parts in zip(*found, strict=True)]
    logits, maps, features, distance = (np.abs(one - other) for one, other in zip(ours, theirs, strict=True))
    largest = [np.maximum(np.abs(one).max(), _TINY) for one in ours]
    largest_of_map = np.maximum(np.abs(ours[1]).max((1, 2, 3), keepdims=True), _TINY)
    return Difference(
        probability=float(np.abs(softmax(ours[0]) - softmax(theirs[0])).max()),
        logits=float(logits.max() / largest[0]),
        class_map=float((maps / largest_of_map).max()),
        features=float(features.max() / largest[2]),
        distance=float(distance.max() / largest[3]),
    )
