"""How the samples of an epoch are dealt to steps and processes, without a word between the processes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

_HELD_OUT: Final = 64


def part_size(batch_size: int, processes: int, accumulate: int) -> int:
    """Return how many samples one call of the network holds at most in training."""
    return -(-batch_size // (processes * accumulate))


def held_out_size(batch_size: int, processes: int, accumulate: int) -> int:
    """Return how many samples to validate and predict at a time: what fits in training fits there."""
    return min(_HELD_OUT, part_size(batch_size, processes, accumulate))


class Part(NamedTuple):
    """How much of a global batch one call of the network holds.

    Attributes
    ----------
    real
        How many of its samples count; what follows them only fills it up.
    whole
        How many samples the global batch has.
    """

    real: int
    whole: int


class DealtBatches(Sampler[list[Any]]):
    """Cuts the order of an epoch into global batches, and each of these into one part a process and accumulated step.

    A global batch holds the same samples however many processes there are. All processes get equally many parts,
    since they have to meet at each: a part that would be nearly empty is filled up with samples from the start of
    the order, which do not count (see `part`). A batch norm needs two samples.

    Parameters
    ----------
    sampler
        Gives the order. Lightning tells it the epoch, see `leukolens.train.images.EpochSampler`.
    batch_size
        Samples of a global batch.
    processes, rank
        How many processes there are, and which one this is.
    accumulate
        Calls of the network a process makes before the weights change.
    training
        Whether a last batch of one sample is left out, as a batch norm demands.
    """

    def __init__(
        self,
        sampler: Any,  # noqa: ANN401 - whatever can be iterated and has a length
        batch_size: int,
        *,
        processes: int = 1,
        rank: int = 0,
        accumulate: int = 1,
        training: bool = False,
    ) -> None:
        self.sampler = sampler
        self.batch_size = batch_size
        self.processes = processes
        self.rank = rank
        self.accumulate = accumulate
        self.least = 2 if training else 1
        size = len(sampler)
        self.used = size - 1 if training and size % batch_size == 1 else size

    def __len__(self) -> int:
        return self.accumulate * -(-self.used // self.batch_size)

    def __iter__(self) -> Iterator[list[Any]]:
        order = list(self.sampler)
        for number in range(len(self)):
            batch, places = self._places(number)
            part = [order[batch * self.batch_size + int(place)] for place in places]
            yield part + order[: max(0, self.least - len(part))]

    def part(self, number: int) -> Part:
        """Return how much of its global batch the part of that number in the epoch holds."""
        batch, places = self._places(number)
        return Part(len(places), self._size(batch))

    def _size(self, batch: int) -> int:
        return min(self.batch_size, self.used - batch * self.batch_size)

    def _places(self, number: int) -> tuple[int, NDArray[np.int64]]:
        batch, step = divmod(number, self.accumulate)
        parts = np.array_split(np.arange(self._size(batch)), self.processes * self.accumulate)
        return batch, parts[step * self.processes + self.rank]
