"""Variation of prepared pictures in training: geometry first, in one resampling, then colour, then the camera."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from leukolens.smear.perturb import apply_colour, blur, jpeg, noise, sample_colour
from leukolens.train.recipe import Augmentation

Picture = NDArray[np.uint8]


def augment(
    image: Picture, augmentation: Augmentation, rng: np.random.Generator, tiles: tuple[int, int] = (1, 1)
) -> Picture:
    """Vary one prepared picture.

    Parameters
    ----------
    image
        (H, W, 3) uint8 RGB.
    augmentation
        What may happen, how strongly and how often.
    rng
        Where every draw comes from.
    tiles
        Rows and columns of a gallery of cells: each is turned and zoomed for itself, the rest is done to all alike.

    Returns
    -------
    ndarray
        (H, W, 3) uint8 RGB, a new array.
    """
    image = np.vstack(
        [
            np.hstack([_warp(tile, augmentation, rng) for tile in np.split(row, tiles[1], axis=1)])
            for row in np.split(image, tiles[0])
        ]
    )
    if rng.random() < augmentation.colour:
        image = apply_colour(image, sample_colour(rng, augmentation.colour_strength, augmentation.grey))
    if rng.random() < augmentation.corner:
        image = _cover_corner(image, rng)
    return _camera(image, augmentation, rng)


def _warp(image: Picture, augmentation: Augmentation, rng: np.random.Generator) -> Picture:
    height, width = image.shape[:2]
    zoom = np.exp(rng.uniform(*np.log(augmentation.scale)))
    stretch = np.exp(rng.uniform(-0.5, 0.5) * np.log(augmentation.aspect))
    angle = rng.uniform(0, 2 * np.pi) if augmentation.turn else 0.0
    flips = np.where(augmentation.flip & (rng.random(2) < 0.5), -1.0, 1.0)
    shift = rng.uniform(-augmentation.shift, augmentation.shift, 2) * (width, height)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag(flips * zoom * (stretch, 1 / stretch))
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    matrix = np.column_stack([linear, centre + shift - linear @ centre])
    # The mirror at the border keeps cells at the edge cell-like; a black or white frame would be a mark of its own.
    warped = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(warped, np.uint8)


def _cover_corner(image: Picture, rng: np.random.Generator) -> Picture:
    """Cover one corner with a plain patch, so that neither a scale bar nor what is left of one can tell the class."""
    height, width = image.shape[:2]
    h, w = (int(rng.uniform(0.05, 0.22) * side) for side in (height, width))
    top, left = rng.integers(0, 2, 2)
    covered = image.copy()
    fills = (np.median(image, axis=(0, 1)), np.full(3, 255.0), np.zeros(3), rng.uniform(0, 255, 3))
    rows = slice(0, h) if top else slice(height - h, height)
    columns = slice(0, w) if left else slice(width - w, width)
    covered[rows, columns] = fills[rng.integers(len(fills))].astype(np.uint8)
    return covered


def _camera(image: Picture, augmentation: Augmentation, rng: np.random.Generator) -> Picture:
    if rng.random() < augmentation.blur:
        image = blur(image, float(rng.uniform(0.3, 1.5)))
    if rng.random() < augmentation.noise:
        image = noise(image, float(rng.uniform(1, 8)), rng)
    if rng.random() < augmentation.jpeg:
        image = jpeg(image, int(rng.integers(40, 95)))
    return image
