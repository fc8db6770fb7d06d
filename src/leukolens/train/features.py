"""Averaged features of samples by a backbone that is not trained: read once, kept for further folds and runs."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import timm
import torch
from filelock import FileLock
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from leukolens import networks
from leukolens.finding import DataError, OutputError
from leukolens.finding.output import probe_folder
from leukolens.networks.field import FieldNetwork
from leukolens.train import augmentation
from leukolens.train.batches import held_out_size
from leukolens.train.images import FieldDataset, code_sha256
from leukolens.train.predict import predict
from leukolens.train.recipe import Recipe

if TYPE_CHECKING:
    from leukolens.train.fit import Sides

_STRETCH: Final = 256  # samples between two moments at which what has been read is safe on the disk


class KeptFeatures:
    """Features of the samples of one data set, as they are and varied.

    Each pass over the samples is an array (N, D) of its own; what is missing in it is NaN. With a folder it is a file,
    whose name says all that the features depend on: a further fold reads only what no fold before it has read.

    Parameters
    ----------
    recipe
        How samples are varied, and how many fit into a batch.
    sides
        The samples of a fold; those of all folds have the same numbers.
    network
        In evaluation mode, where it is to compute.
    folder
        Where features are kept; in memory if not given.
    progress
        Whether to show a bar.
    """

    def __init__(
        self, recipe: Recipe, sides: Sides, network: FieldNetwork, folder: Path | None, *, progress: bool = False
    ) -> None:
        self.recipe = recipe
        self.sides = sides
        self.network = network
        self.folder = folder
        self.progress = progress
        self.width = network.head.shape[0]
        self._seen = _digest_of_pictures(sides) + _digest_of_backbone(recipe, network) if folder is not None else ""

    def of(self, numbers: Sequence[int], number: int = 0) -> NDArray[np.float32]:
        """Return the features of samples (len(numbers), D) in a pass; in pass 0 they are as they are, else varied.

        Raises
        ------
        DataError
            If the network gives features that are no finite numbers.
        OutputError
            If the folder cannot be written or has too little space.
        """
        with self._opened(number) as kept:
            missing = [sample for sample in numbers if np.isnan(kept[sample]).any()]
            self._read(kept, missing, number)
            found = np.array(kept[list(numbers)])
        if not np.isfinite(found).all():
            raise DataError(
                "the network gives no finite features", expected="numbers", todo="choose other network.weights"
            )
        return found

    def _read(self, kept: NDArray[np.float32], missing: list[int], number: int) -> None:
        recipe = self.recipe
        gallery = recipe.preparation.gallery
        tiles = (1, 1) if gallery is None else (gallery.rows, gallery.columns)
        varied = recipe.augmentation if number else None
        dataset = FieldDataset(self.sides.images, self.sides.labels, missing, varied, recipe.seed, tiles=tiles)
        size = held_out_size(recipe.batch_size, 1, recipe.accumulate)
        words = f"Reading features, pass {number + 1}"
        starts = range(0, len(missing), size)
        shown = self.progress and bool(missing)
        for start in track(starts, words, disable=not shown, transient=True, console=Console(stderr=True)):
            positions = range(start, min(start + size, len(missing)))
            pictures = np.stack([dataset[number, position].image.numpy() for position in positions])
            kept[missing[start : start + size]] = predict(self.network, pictures, size).features
            if isinstance(kept, np.memmap) and start % _STRETCH < size:
                kept.flush()

    @contextlib.contextmanager
    def _opened(self, number: int) -> Iterator[NDArray[np.float32]]:
        shape = (len(self.sides.labels), self.width)
        if self.folder is None:
            yield np.full(shape, np.nan, np.float32)
            return
        told = json.dumps([self._seen, number, *([self._variation()] if number else [])])
        path = self.folder / f"features-{hashlib.sha256(told.encode()).hexdigest()[:16]}.npy"
        probe_folder(self.folder, 0 if path.exists() else 4 * shape[0] * shape[1])
        with FileLock(path.with_suffix(".lock")):
            try:
                if not _is_whole(path, shape):
                    _begin(path, shape)
                kept = np.load(path, mmap_mode="r+")
            except (OSError, ValueError) as error:
                raise OutputError(
                    f"features cannot be kept in {str(self.folder)!r}",
                    found=str(error)[:120],
                    todo="make space, or choose another folder with --cache",
                ) from error
            yield kept
            kept.flush()

    def _variation(self) -> list[str | int]:
        code = hashlib.sha256(Path(augmentation.__file__).read_bytes()).hexdigest()
        return [self.recipe.seed, self.recipe.augmentation.model_dump_json(), code, code_sha256()]


def _is_whole(path: Path, shape: tuple[int, int]) -> bool:
    """Tell whether a file holds an array of this shape to its end: what is missing of a mapped one reads as zeros."""
    try:
        with path.open("rb") as stream:
            version = np.lib.format.read_magic(stream)
            found, _, kind = np.lib.format.read_array_header_1_0(stream)
            return (*version, found, kind, path.stat().st_size - stream.tell()) == (
                *(1, 0, shape, np.dtype(np.float32)),
                4 * shape[0] * shape[1],
            )
    except (OSError, ValueError):
        return False


def _begin(path: Path, shape: tuple[int, int]) -> None:
    """Write a file in which all is missing, whole or not at all."""
    part = path.with_suffix(".part.npy")
    with part.open("wb") as stream:
        np.save(stream, np.full(shape, np.nan, np.float32))
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)


def _digest_of_pictures(sides: Sides) -> str:
    digest = hashlib.sha256()
    for number in range(len(sides.labels)):
        digest.update(np.ascontiguousarray(sides.images[number]).data)
    return digest.hexdigest()


def _digest_of_backbone(recipe: Recipe, network: FieldNetwork) -> str:
    """Return a hash over what makes features of a picture: weights, scaling, levels, tiles, and what runs them."""
    digest = hashlib.sha256(recipe.network.model_dump_json(include={"name", "scaling", "levels", "tiles"}).encode())
    digest.update(f"torch {torch.__version__}, timm {timm.__version__}".encode())
    for path in sorted(Path(networks.__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    for name, tensor in network.backbone.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().numpy().tobytes())
    return digest.hexdigest()
