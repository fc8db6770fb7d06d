"""A field network of a few hundred bytes that honours the contract, and a bundle around it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from leukolens.engine.bundle import write_bundle
from leukolens.engine.spec import (
    BundleSpec,
    Calibration,
    Conformal,
    FieldNetworkSpec,
    Novelty,
    field_data_format,
)
from leukolens.finding import CLASSES
from leukolens.smear.prepare import Preparation

if TYPE_CHECKING:
    from pathlib import Path

WIDTH, HEIGHT = 224, 168
CENTRE = np.array([0.8, 0.6, 0.7], np.float32)
WEIGHTS = np.array([[4, -2, 1], [-3, 5, 2], [1, 1, -6], [-2, -4, 5]], np.float32)
BIAS = np.array([0.1, -0.2, 0.3, 0.4], np.float32)


def tiny_network(
    *, outputs: tuple[str, ...] = ("logits", "class_map", "features", "distance"), batch: str = "N"
) -> bytes:
    """Mean colour in 28 px tiles, a linear head over it, and the distance of the mean colour to `CENTRE`."""
    constants = {
        "scale": np.array(255, np.float32),
        "weights": WEIGHTS[:, :, None, None],
        "bias": BIAS,
        "centre": CENTRE,
        "axes": np.array([1], np.int64),
    }
    nodes = [
        helper.make_node("Cast", ["images"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["float", "scale"], ["unit"]),
        helper.make_node("Transpose", ["unit"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("AveragePool", ["planes"], ["tiles"], kernel_shape=[28, 28], strides=[28, 28]),
        helper.make_node("Conv", ["tiles", "weights"], ["class_map"]),
        helper.make_node("GlobalAveragePool", ["class_map"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Add", ["flat", "bias"], ["logits"]),
        helper.make_node("GlobalAveragePool", ["tiles"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["features"]),
        helper.make_node("Sub", ["features", "centre"], ["offset"]),
        helper.make_node("ReduceL2", ["offset", "axes"], ["distance"], keepdims=0),
    ]
    shapes = {
        "logits": ["N", 4],
        "class_map": ["N", 4, HEIGHT // 28, WIDTH // 28],
        "features": ["N", 3],
        "distance": ["N"],
    }
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", HEIGHT, WIDTH, 3])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shapes[name]) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def reference(images: np.ndarray) -> dict[str, np.ndarray]:
    """What `tiny_network` must give, by hand."""
    n = len(images)
    tiles = images.reshape(n, HEIGHT // 28, 28, WIDTH // 28, 28, 3).astype(np.float64).mean((2, 4)) / 255
    class_map = np.einsum("nhwk,ck->nchw", tiles, WEIGHTS)
    features = tiles.mean((1, 2))
    return {
        "logits": class_map.mean((2, 3)) + BIAS,
        "class_map": class_map,
        "features": features,
        "distance": np.linalg.norm(features - CENTRE, axis=1),
    }


def field_spec(network: bytes, **changes: object) -> FieldNetworkSpec:
    values: dict[str, object] = {
        "sha256": hashlib.sha256(network).hexdigest(),
        "architecture": "tiny",
        "labels": CLASSES,
        "negative_labels": ("Benign",),
        "preparation": Preparation(width=WIDTH, height=HEIGHT),
        "network_data_format": field_data_format(4, WIDTH, HEIGHT),
        "calibration": Calibration(temperature=1.5, n=100, source="made up"),
        "conformal": Conformal(alpha=0.05, threshold=0.6, n=100, source="made up"),
        "novelty": Novelty(quantiles=tuple(i / 100 for i in range(101)), limit=0.95, source="made up"),
    }
    return FieldNetworkSpec.model_validate({**values, **changes})


def write_tiny_bundle(folder: Path, *, name: str = "tiny", network: bytes | None = None, **changes: object) -> Path:
    network = tiny_network() if network is None else network
    spec = BundleSpec(
        name=name,
        version="1.0",
        created=datetime(2026, 1, 1, tzinfo=UTC),
        networks={"field": field_spec(network, **changes)},
    )
    return write_bundle(folder, spec, {"field.onnx": network, "LICENSE": b"made up"}, "# A tiny model\n")
