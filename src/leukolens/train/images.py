"""Prepared pictures, read once and kept as one array, and the data set that hands them to the network."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, Sampler

import leukolens.smear
from leukolens.data.catalogue import Catalogue, catalogue_sha256
from leukolens.finding import DataError, ImageError, OutputError
from leukolens.smear.prepare import Preparation, prepare
from leukolens.smear.reading import read_image
from leukolens.train.augmentation import augment

if TYPE_CHECKING:
    from leukolens.train.ground_views import Grounds
    from leukolens.train.recipe import Augmentation


class Sample(NamedTuple):
    """A batch, or one item before batching: prepared picture (H, W, 3) uint8, class index, number of the sample."""

    image: Tensor
    label: Tensor
    number: Tensor


def prepare_images(
    catalogue: Catalogue,
    preparation: Preparation,
    cache: Path,
    progress: Callable[[int], None] | None = None,
) -> NDArray[np.uint8]:
    """Read and prepare every picture of a catalogue, through the same code as screening.

    The result is kept in `cache` and mapped into memory, so that a resumed run and further folds start at once; its
    name holds the hash of catalogue, preparation and the code that prepares, so that it cannot be taken for another's.

    Parameters
    ----------
    catalogue
        The pictures, fingerprinted.
    preparation
        How each is prepared.
    cache
        A folder for the array.
    progress
        Called with the number done.

    Returns
    -------
    ndarray
        (N, H, W, 3) uint8, in the catalogue's order, read only.

    Raises
    ------
    DataError
        If a picture cannot be read: a training set is complete or it is not used.
    OutputError
        If `cache` cannot be written or has too little space.
    """
    shape = (len(catalogue.items), preparation.height, preparation.width, 3)
    pictures = (_prepared(catalogue.root / item.path, preparation) for item in catalogue.items)
    return keep_pictures(cache / f"prepared-{prepared_key(catalogue, preparation)[:16]}.npy", shape, pictures, progress)


def prepared_key(catalogue: Catalogue, preparation: Preparation) -> str:
    """Return a hash over pictures, preparation and all code that makes pictures out of pictures."""
    named = catalogue_sha256(catalogue) + preparation.model_dump_json() + code_sha256()
    return hashlib.sha256(named.encode()).hexdigest()


def prepared_bytes(catalogue: Catalogue, preparation: Preparation) -> int:
    """Return how many bytes the prepared pictures of a catalogue take."""
    return len(catalogue.items) * preparation.height * preparation.width * 3


def keep_pictures(
    path: Path,
    shape: tuple[int, ...],
    pictures: Iterable[NDArray[np.uint8]],
    progress: Callable[[int], None] | None = None,
) -> NDArray[np.uint8]:
    """Write pictures into one file, whole or not at all, unless it is there; map it into memory.

    Parameters
    ----------
    path
        The file; its name says all that the pictures depend on.
    shape
        (N, H, W, 3).
    pictures
        N of (H, W, 3) uint8, asked for only where the file is missing.
    progress
        Called with the number done.

    Raises
    ------
    OutputError
        If the folder cannot be written or has too little space.
    """
    if not path.exists():
        part = path.with_suffix(".part.npy")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as stream:
                _write_all(stream, shape, pictures, progress)
            part.replace(path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise OutputError(
                f"the prepared pictures cannot be kept in {str(path.parent)!r}",
                expected=f"{math.prod(shape) / 2**20:.0f} MiB of space",
                found=error.strerror or str(error),
                todo="make space, or choose another folder with --cache",
            ) from error
    kept: NDArray[np.uint8] = np.load(path, mmap_mode="r")
    return kept


def _write_all(
    stream: BinaryIO,
    shape: tuple[int, ...],
    pictures: Iterable[NDArray[np.uint8]],
    progress: Callable[[int], None] | None,
) -> None:
    # Written plainly: a memory map of a file for which the disk has no room would kill the process without a word.
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.uint8)), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
    for number, picture in enumerate(pictures, start=1):
        stream.write(picture.tobytes())
        if progress is not None:
            progress(number)


def code_sha256() -> str:
    """Return a hash over all code that makes pictures out of pictures."""
    digest = hashlib.sha256()
    room = Path(leukolens.smear.__file__).parent
    for path in sorted(path for path in room.rglob("*.py") if "synth" not in path.parts):  # which renders, no more
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _prepared(path: Path, preparation: Preparation) -> NDArray[np.uint8]:
    try:
        return prepare(read_image(path).pixels, preparation).pixels
    except ImageError as error:
        raise DataError(f"training picture {path.name!r}: {error}", todo="see `leukolens data check`") from error


class Pictures(Protocol):
    """What gives the picture (H, W, 3) of a sample's number, or the pictures (K, H, W, 3) of several: uint8."""

    def __getitem__(self, key: Any, /) -> NDArray[np.uint8]: ...  # noqa: ANN401 - a number, or several


class FieldDataset(Dataset[Sample]):
    """Prepared pictures with their labels, augmented when asked by (epoch, position).

    What a sample looks like in an epoch is drawn from (seed, epoch, its number) alone: no state is carried, so that a
    resumed run sees the very pictures of an unbroken one, with any number of worker processes.

    Parameters
    ----------
    images
        uint8, the pictures of all samples by their number: those of the catalogue, (N, H, W, 3), or more.
    labels
        Class index of each.
    indices
        Which samples belong to this side of the split.
    augmentation
        How to vary them, or None.
    seed
        Seed of the variation.
    grounds
        What shows the cells on other ground, or None.
    tiles
        Rows and columns of the gallery that each picture is, see `augment`.
    """

    def __init__(
        self,
        images: Pictures,
        labels: NDArray[np.int64],
        indices: Sequence[int],
        augmentation: Augmentation | None = None,
        seed: int = 0,
        grounds: Grounds | None = None,
        tiles: tuple[int, int] = (1, 1),
    ) -> None:
        self.images = images
        self.labels = labels
        self.indices = list(indices)
        self.augmentation = augmentation
        self.seed = seed
        self.grounds = grounds
        self.tiles = tiles

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, key: int | tuple[int, int]) -> Sample:
        epoch, position = key if isinstance(key, tuple) else (0, key)
        index = self.indices[position]
        image, label = np.array(self.images[index]), int(self.labels[index])
        if self.grounds is not None:
            image, label = self.grounds.show(index, image, label, np.random.default_rng((self.seed, epoch, index, 1)))
        if self.augmentation is not None:
            image = augment(image, self.augmentation, np.random.default_rng((self.seed, epoch, index)), self.tiles)
        return Sample(torch.from_numpy(image), torch.tensor(label), torch.tensor(index))


class EpochSampler(Sampler[tuple[int, int]]):
    """Yields (epoch, position) in an order drawn from (seed, epoch) alone. Lightning calls `set_epoch`.

    Parameters
    ----------
    size
        Number of positions.
    seed
        Of the order.
    labels
        (size,) class of each position, to draw all classes equally often: of a rare class every sample comes again and
        again, of a common one a part, another in every epoch. None takes each position once.
    """

    def __init__(self, size: int, seed: int, labels: NDArray[np.int64] | None = None) -> None:
        self.size = size
        self.seed = seed
        self.labels = labels
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Tell the epoch that is about to begin."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[tuple[int, int]]:
        rng = np.random.default_rng((self.seed, self.epoch))
        order = rng.permutation(self.size) if self.labels is None else self._balanced(self.labels, rng)
        return iter([(self.epoch, int(position)) for position in order])

    def __len__(self) -> int:
        return self.size

    def _balanced(self, labels: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        classes = rng.permutation(np.unique(labels))  # those who get one more, where it does not come out even, vary
        drawn = []
        for number, share in zip(classes, np.array_split(np.arange(self.size), len(classes)), strict=True):
            members = np.flatnonzero(labels == number)
            rounds = [rng.permutation(members) for _ in range(-(-len(share) // len(members)))]
            drawn.append(np.concatenate(rounds)[: len(share)])
        return rng.permutation(np.concatenate(drawn))
