"""Showing the cells of a training picture on other ground, so that only they can tell the class."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from leukolens.smear.backgrounds import lay_over, remove_cells, soft_share
from leukolens.smear.colour import lab_to_bytes
from leukolens.smear.segmentation.white_cells import white_cells
from leukolens.train.ground import NO_CLASS, Ground
from leukolens.train.images import Pictures, keep_pictures

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
        Whose ground and colours may be shown: the pictures of the training side, and no other.
    images
        The pictures themselves, by number; needed where colours are taken.
    """

    def __init__(
        self, ground: Ground, layers: NDArray[np.uint8], donors: Sequence[int], images: Pictures | None = None
    ) -> None:
        self.ground = ground
        self.layers = layers
        self.donors = list(donors)
        self.colours: list[Colours] = []
        if ground.restained and images is not None:
            self.colours = [colours_of(np.array(images[one]), layers[one][..., 3] > 127) for one in self.donors]

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
        if self.ground.restained and rng.random() < self.ground.restained:
            image = restain(image, share, self.colours[rng.integers(len(self.colours))])
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


Colours = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Mean and spread, (2, 3) each, of L*, a*, b* of white cells (row 0) and ground (row 1)."""

_LEAST_SPREAD: Final = 1.0
_STRETCH: Final = (0.5, 2.0)  # of the spread: more would make noise of faint cells


def colours_of(rgb: NDArray[np.uint8], cells: NDArray[np.bool_]) -> Colours:
    """Measure the colours of a picture's white cells and of its ground; of the whole where one of them is missing."""
    lab = _to_lab(rgb)
    parts = [lab[part] if part.any() else lab.reshape(-1, 3) for part in (cells, ~cells)]
    return np.stack([part.mean(axis=0) for part in parts]), np.stack([part.std(axis=0) for part in parts])


def restain(rgb: NDArray[np.uint8], share: NDArray[np.float32], wanted: Colours) -> NDArray[np.uint8]:
    """Give a picture's white cells and its ground the mean and spread of other colours.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8.
    share
        (H, W) float32, 0 to 1, by which a pixel is of a white cell.
    wanted
        From `colours_of` another picture.

    Returns
    -------
    ndarray
        (H, W, 3) uint8.
    """
    lab = _to_lab(rgb)
    means, spreads = colours_of(rgb, share > 0.5)
    moved = []
    for part in range(2):
        stretch = np.clip(
            np.maximum(wanted[1][part], _LEAST_SPREAD) / np.maximum(spreads[part], _LEAST_SPREAD), *_STRETCH
        )
        moved.append((lab - means[part]) * np.clip(stretch, *_STRETCH) + wanted[0][part])
    weight = share[..., None]
    mixed = np.asarray(weight * moved[0] + (1 - weight) * moved[1], np.float32)
    return lab_to_bytes(mixed)


def _to_lab(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)


def every_class(labels: Tensor, classes: int) -> Tensor:
    """Return labels (N,) as shares (N, classes) float32, with equal shares of all classes for `NO_CLASS`."""
    shares = nn.functional.one_hot(labels.clamp(min=0), classes).float()
    return torch.where((labels == NO_CLASS)[:, None], 1 / classes, shares)


def _flat(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.uint8]:
    colour = rng.uniform(_PALEST, 256, 3).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(colour, shape))
