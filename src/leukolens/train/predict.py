"""What a trained network says of prepared pictures."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from leukolens.data.catalogue import Catalogue
from leukolens.networks.field import FieldNetwork


class Prediction(NamedTuple):
    """Logits (N, C) and pooled features (N, D) of N pictures, float32."""

    logits: NDArray[np.float32]
    features: NDArray[np.float32]


def predict(network: FieldNetwork, images: NDArray[np.uint8], batch_size: int = 64) -> Prediction:
    """Run a network over prepared pictures.

    Parameters
    ----------
    network
        In evaluation mode.
    images
        (N, H, W, 3) uint8.
    batch_size
        Pictures at a time.
    """
    logits, features = [], []
    with torch.inference_mode():
        for start in range(0, len(images), batch_size):
            maps = network.feature_map(torch.from_numpy(np.array(images[start : start + batch_size])))
            logits.append(network.head.logits(maps).float().numpy())
            features.append(maps.mean((2, 3)).float().numpy())
    if not logits:
        return Prediction(np.zeros((0, network.classes), np.float32), np.zeros((0, 0), np.float32))
    return Prediction(np.concatenate(logits), np.concatenate(features))


def softmax(logits: NDArray[np.float32], temperature: float = 1.0) -> NDArray[np.float64]:
    """Return probabilities (N, C) of logits (N, C)."""
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    exponential = np.exp(scaled)
    probabilities: NDArray[np.float64] = exponential / exponential.sum(axis=1, keepdims=True)
    return probabilities


def write_predictions(
    path: Path,
    catalogue: Catalogue,
    classes: Sequence[str],
    indices: Sequence[int],
    probabilities: NDArray[np.float64],
    shown: Sequence[tuple[str, int, str]] | None = None,
) -> None:
    """Write one row a picture: path, sha256, label, predicted, and the probability of each class.

    Parameters
    ----------
    path
        The CSV file.
    catalogue, classes
        The pictures, and the classes in the order of the columns of `probabilities`.
    indices
        Which pictures the rows of `probabilities` belong to.
    probabilities
        (len(indices), C).
    shown
        Where the rows are samples and not pictures: view, number of the copy and whether a twin of the same
        picture was trained on, in three columns more.
    """
    columns = ["path", "sha256", "label", "predicted", *(f"p {name}" for name in classes)]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns if shown is None else [*columns, "view", "copy", "twin"])
        for k, (index, row) in enumerate(zip(indices, probabilities, strict=True)):
            item = catalogue.items[index]
            numbers = [f"{value:.9g}" for value in row]  # six decimals tie saturated ones, and ties cost AUC
            sample = () if shown is None else shown[k]
            writer.writerow([item.path, item.sha256, item.label, classes[int(row.argmax())], *numbers, *sample])
