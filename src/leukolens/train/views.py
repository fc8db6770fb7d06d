"""The pictures of samples: segmented views, made once and kept, and the copies that fill up a class."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from leukolens.data.catalogue import Catalogue
from leukolens.smear.prepare import Preparation
from leukolens.smear.segmentation import apply_mask, segment
from leukolens.train.augmentation import augment
from leukolens.train.division import Division, view_and_copy
from leukolens.train.ground_views import ground_layers
from leukolens.train.images import Pictures, keep_pictures, prepare_images, prepared_bytes, prepared_key
from leukolens.train.recipe import Augmentation, Recipe
from leukolens.train.samples import Samples, Segmentation

COPYING: Final = Augmentation(
    flip=True, turn=True, scale=(1, 1), aspect=1, shift=0, colour=0, blur=0, jpeg=0, noise=0, corner=0
)
"""A copy in a balanced folder: flipped and turned, once and for all, and nothing else."""


class Views:
    """Samples by their number (see `Division`), as if all lay in one array.

    Parameters
    ----------
    layers
        For each view the pictures of the catalogue, (N, H, W, 3) uint8.
    seed
        Of the copies: each looks as (seed, picture, copy) say, in every view and epoch alike. The segmented view of a
        copy is the copy of the segmented view; the thesis segments the copy.
    """

    def __init__(self, layers: Sequence[NDArray[np.uint8]], seed: int) -> None:
        self.layers = list(layers)
        self.seed = seed

    def __getitem__(self, key: int | Sequence[int]) -> NDArray[np.uint8]:
        if isinstance(key, int | np.integer):
            return self._picture(int(key))
        return np.stack([self._picture(int(number)) for number in key])

    def _picture(self, number: int) -> NDArray[np.uint8]:
        pictures = len(self.layers[0])
        view, copy = view_and_copy(number, pictures, len(self.layers))
        picture = np.array(self.layers[view][number % pictures])
        if copy == 0:
            return picture
        return augment(picture, COPYING, np.random.default_rng((self.seed, number % pictures, copy, 1)))


def sample_pictures(
    catalogue: Catalogue,
    recipe: Recipe,
    division: Division,
    cache: Path,
    progress: Callable[[int], None] | None = None,
) -> Pictures:
    """Prepare the pictures of a catalogue and of all views that a recipe asks for.

    Parameters
    ----------
    catalogue, recipe
        The pictures, fingerprinted, and how to train with them.
    division
        Which samples there are.
    cache
        A folder for what is computed.
    progress
        Called with the number of pictures done, in each view.

    Returns
    -------
    Pictures
        By sample number. Where every sample is a picture as it is, the memory-mapped array of `prepare_images`.

    Raises
    ------
    DataError, OutputError
        See `prepare_images`.
    """
    prepared = prepare_images(catalogue, recipe.preparation, cache, progress)
    if division.layers == 1:
        return prepared
    layers = [prepared]
    if "segmented" in recipe.samples.views:
        named = prepared_key(catalogue, recipe.preparation) + recipe.samples.segmentation.model_dump_json()
        layers.append(segment_images(prepared, recipe.samples.segmentation, cache, named, progress))
    return Views(layers, recipe.seed)


def sample_grounds(
    catalogue: Catalogue, recipe: Recipe, cache: Path, progress: Callable[[int], None] | None = None
) -> NDArray[np.uint8]:
    """Part the prepared pictures of a catalogue into white cells and ground, see `leukolens.train.ground_views`.

    Raises
    ------
    DataError, OutputError
        See `prepare_images`.
    """
    named = prepared_key(catalogue, recipe.preparation) + "grounds"
    return ground_layers(prepare_images(catalogue, recipe.preparation, cache), cache, named, progress)


def sample_bytes(catalogue: Catalogue, preparation: Preparation, samples: Samples) -> int:
    """Return how many bytes the kept pictures of all views take. Copies are made anew each time."""
    return prepared_bytes(catalogue, preparation) * len(samples.views)


def segment_images(
    prepared: NDArray[np.uint8],
    segmentation: Segmentation,
    cache: Path,
    named: str,
    progress: Callable[[int], None] | None = None,
) -> NDArray[np.uint8]:
    """Cut the cells out of prepared pictures, once; the rest is black.

    Parameters
    ----------
    prepared
        (N, H, W, 3) uint8.
    segmentation
        How.
    cache
        A folder for the array.
    named
        What tells these pictures and this segmentation from others.
    progress
        Called with the number done.

    Returns
    -------
    ndarray
        (N, H, W, 3) uint8, read only, mapped into memory.

    Raises
    ------
    OutputError
        If `cache` cannot be written or has too little space.
    """

    def views() -> Iterator[NDArray[np.uint8]]:
        for picture in prepared:
            rgb = np.array(picture)
            yield apply_mask(rgb, segment(rgb, segmentation))

    key = hashlib.sha256(named.encode()).hexdigest()[:16]
    return keep_pictures(cache / f"segmented-{key}.npy", prepared.shape, views(), progress)
