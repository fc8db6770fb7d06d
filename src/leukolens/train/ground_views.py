"""Showing the cells of a training picture on other ground, so that only they can tell the class."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from leukolens.smear.backgrounds import lay_over, remove_cells, soft_share
from leukolens.smear.segmentation.white_cells import white_cells
from leukolens.train.ground import NO_CLASS, Ground
from leukolens.train.images import keep_pictures

_PALEST: Final = 190
"""Darkest value of a channel of flat ground."""


def ground_layers(
    prepared: NDArray[np.uint8], cache: Path, named: str, progress: Callable[[int], None] | None = None
) -> NDArray[np.uint8]:
    """Part prepared pictures into white cells and ground, once.

    Parameters
    ----------
    prepared
        (N, H, W, 3) uint8.
    cache
        A folder for the array.
    named
        What tells these pictures from others, and this code from another version.
    progress
        Called with the number done.

    Returns
    -------
    ndarray
        (N, H, W, 4) uint8, read only, mapped into memory: the picture without its white cells, and the share, 0 to 255,
        by which they lie over it.

    Raises
    ------
    OutputError
        If `cache` cannot be written or has too little space.
    """

    def layers() -> Iterator[NDArray[np.uint8]]:
        for picture in prepared:
            rgb = np.array(picture)
            cells = white_cells(rgb)
            share = np.rint(255 * soft_share(cells)).astype(np.uint8)
            yield np.dstack([remove_cells(rgb, cells), share])

    key = hashlib.sha256(named.encode()).hexdigest()[:16]
    return keep_pictures(cache / f"grounds-{key}.npy", (*prepared.shape[:3], 4), layers(), progress)


class Grounds:
    """Shows pictures on other ground, drawn anew each time.

    Parameters
    ----------
    ground
        How often what is done.
    layers
        From `ground_layers`.
    donors
        Whose ground may be shown: the pictures of the training side, and no other.
    """

    def __init__(self, ground: Ground, layers: NDArray[np.uint8], donors: Sequence[int]) -> None:
        self.ground = ground
        self.layers = layers
        self.donors = list(donors)

    def show(
        self, number: int, image: NDArray[np.uint8], label: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], int]:
        """Return a picture as it is shown this time, and its label: `NO_CLASS` where its cells are removed.

        Parameters
        ----------
        number, image, label
            The picture: its place among the layers, (H, W, 3) uint8, and its class.
        rng
            Where every draw comes from.
        """
        draw = rng.random()
        own = self.layers[number]
        share = own[..., 3].astype(np.float32) / 255
        if draw < self.ground.swapped:
            other = np.array(self.layers[self.donors[rng.integers(len(self.donors))]][..., :3])
            turned = other[:: rng.choice((-1, 1)), :: rng.choice((-1, 1))]
            return lay_over(image, share, turned), label
        draw -= self.ground.swapped
        if draw < self.ground.flat:
            return lay_over(image, share, _flat(image.shape, rng)), label
        draw -= self.ground.flat
        if draw < self.ground.removed:
            return np.array(own[..., :3]), NO_CLASS
        return image, label


def every_class(labels: Tensor, classes: int) -> Tensor:
    """Return labels (N,) as shares (N, classes) float32, with equal shares of all classes for `NO_CLASS`."""
    shares = nn.functional.one_hot(labels.clamp(min=0), classes).float()
    return torch.where((labels == NO_CLASS)[:, None], 1 / classes, shares)


def _flat(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.uint8]:
    colour = rng.uniform(_PALEST, 256, 3).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(colour, shape))
