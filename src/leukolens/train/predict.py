"""What a trained network says of prepared pictures."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from leukolens.data.catalogue import Catalogue
from leukolens.finding import DataError
from leukolens.networks.field import FieldNetwork
from leukolens.train.images import Pictures


class Prediction(NamedTuple):
    """Logits (N, C) and pooled features (N, D) of N pictures, float32."""

    logits: NDArray[np.float32]
    features: NDArray[np.float32]


def predict(
    network: FieldNetwork, images: Pictures, batch_size: int = 64, numbers: Sequence[int] | None = None
) -> Prediction:
    """Run a network over prepared pictures, on the device that it is on.

    Parameters
    ----------
    network
        In evaluation mode.
    images
        (N, H, W, 3) uint8, or what gives them by number. No more than a batch of them is held in memory.
    batch_size
        Pictures at a time.
    numbers
        Which of them, in which order; all if not given, which needs an array.
    """
    device = next(network.parameters()).device
    logits, features = [], []
    chosen = range(len(images)) if numbers is None else numbers  # type: ignore[arg-type]
    with torch.inference_mode():
        for start in range(0, len(chosen), batch_size):
            batch = images[list(chosen[start : start + batch_size])]
            maps = network.feature_map(torch.from_numpy(np.array(batch)).to(device))
            logits.append(network.head.logits(maps).float().cpu().numpy())
            features.append(maps.mean((2, 3)).float().cpu().numpy())
    if not logits:
        return Prediction(np.zeros((0, network.classes), np.float32), np.zeros((0, 0), np.float32))
    return Prediction(np.concatenate(logits), np.concatenate(features))


@contextlib.contextmanager
def on_device(network: nn.Module, device: torch.device) -> Iterator[None]:
    """Keep a network on a device for a while, then bring it back to the processor.

    It computes in whole float32 there, in which a graphics card otherwise rounds the inputs of convolutions (TF32):
    figures are to depend on the card as little as can be.

    Parameters
    ----------
    network
        On the processor, in float32.
    device
        Where to.
    """
    rounded = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        network.to(device)
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = rounded
        network.to("cpu")


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

    Raises
    ------
    DataError
        If a probability is not a finite number; nothing is written.
    """
    broken = int((~np.isfinite(probabilities).all(axis=1)).sum())
    if broken:
        raise DataError(
            f"the network gives no probabilities for {broken} of {len(probabilities)} samples",
            expected="finite numbers",
            todo="lower optimiser.learning_rate, and train in another --out",
        )
    columns = ["path", "sha256", "label", "predicted", *(f"p {name}" for name in classes)]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns if shown is None else [*columns, "view", "copy", "twin"])
        for k, (index, row) in enumerate(zip(indices, probabilities, strict=True)):
            item = catalogue.items[index]
            numbers = [f"{value:.9g}" for value in row]  # six decimals tie saturated ones, and ties cost AUC
            sample = () if shown is None else shown[k]
            writer.writerow([item.path, item.sha256, item.label, classes[int(row.argmax())], *numbers, *sample])
