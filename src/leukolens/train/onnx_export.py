"""From a PyTorch network to ONNX, and the check that both say the same."""

from __future__ import annotations

import logging
import warnings
from typing import Any

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


def largest_difference(network: nn.Module, onnx: bytes, images: NDArray[np.uint8], engine: str = "auto") -> float:
    """Return the largest difference of a class probability between PyTorch and the engine.

    Parameters
    ----------
    network
        As exported.
    onnx
        Its ONNX file.
    images
        (N, H, W, 3) uint8, prepared.
    engine
        Which engine, see `leukolens.engine.session.open_session`.
    """
    session = open_session(onnx, engine)
    worst = 0.0
    for start in range(0, len(images), 16):
        batch = np.array(images[start : start + 16])
        with torch.inference_mode():
            expected = network(torch.from_numpy(batch))[0].numpy()
        found = session.run(batch)["logits"]
        worst = max(worst, float(np.abs(softmax(expected) - softmax(found)).max()))
    return worst
