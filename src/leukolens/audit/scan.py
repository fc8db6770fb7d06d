"""One pass over the pictures: each is read once, in one of a few processes, and leaves one compact record."""

from __future__ import annotations

import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Final

import cv2

from leukolens.audit.features import describe_picture
from leukolens.audit.hashes import Hashes, hash_picture
from leukolens.audit.light import Light, measure_light
from leukolens.audit.picture import look_at
from leukolens.data.manifest import read_entry
from leukolens.finding import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from leukolens.audit.parts import Describe
    from leukolens.data.catalogue import Catalogue, Item
    from leukolens.data.manifest import Entry

_CHUNK: Final = 4  # pictures handed to a process at a time


@dataclass(frozen=True)
class Describers:
    """What the parts of `leukolens.audit.parts` measure in each picture; None measures nothing."""

    field: Describe | None = None
    session: Describe | None = None
    probe: Describe | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured in one picture.

    Attributes
    ----------
    hashes, light, features
        See `leukolens.audit.hashes`, `light` and `features`.
    field, session, probe
        What the `Describers` returned.
    """

    hashes: Hashes
    light: Light
    features: NDArray[np.float32]
    field: Any = None
    session: Any = None
    probe: Any = None


@dataclass(frozen=True, slots=True)
class Record:
    """One file: its line of the manifest, and what was measured; None where it cannot be read."""

    entry: Entry
    measured: Measured | None


def scan(
    catalogue: Catalogue, describers: Describers, *, jobs: int, progress: Callable[[int], None] | None = None
) -> list[Record]:
    """Read and measure every picture of a data set.

    Parameters
    ----------
    catalogue
        The data set.
    describers
        Measurements beside the audit's own.
    jobs
        Processes; with 1 all is done in this one. Each holds one decoded picture at a time.
    progress
        Called with the number of pictures done.

    Returns
    -------
    list of Record
        In the catalogue's order, whatever the number of processes.

    Raises
    ------
    DataError
        A process ended abruptly.
    """
    records: list[Record] = []
    for record in _records(catalogue, describers, jobs):
        records.append(record)
        if progress is not None:
            progress(len(records))
    return records


def _records(catalogue: Catalogue, describers: Describers, jobs: int) -> Iterator[Record]:
    tasks = [(catalogue.locate(item), item) for item in catalogue.items]
    if jobs == 1 or len(tasks) <= _CHUNK:
        yield from (measure(file, item, describers) for file, item in tasks)
        return
    # Not forked: OpenCV and BLAS have threads by now, and a fork of a process with threads can hang.
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_begin, initargs=(describers,))
    try:
        yield from pool.map(_measure, tasks, chunksize=_CHUNK)
    except BrokenProcessPool as error:
        raise DataError(
            "A process that reads pictures ended abruptly",
            found="most often, that memory ran out over a very large picture",
            todo="run it again with --jobs 1, or take the largest pictures out",
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


_DESCRIBERS: list[Describers] = []


def _begin(describers: Describers) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is answered by the process that started
    cv2.setNumThreads(1)
    _DESCRIBERS[:] = [describers]


def _measure(task: tuple[Path, Item]) -> Record:
    return measure(*task, _DESCRIBERS[0])


def measure(file: Path, item: Item, describers: Describers) -> Record:
    """Read and measure one picture.

    Parameters
    ----------
    file, item
        Where it lies, and its line of the catalogue.
    describers
        As for `scan`.
    """
    entry, image = read_entry(file, item)
    if image is None:
        return Record(entry, None)
    picture = look_at(file, image.pixels)
    asked = (describers.field, describers.session, describers.probe)
    field, session, probe = (None if describe is None else describe(picture) for describe in asked)
    hashes, light = hash_picture(picture.small), measure_light(picture)
    return Record(entry, Measured(hashes, light, describe_picture(picture.small), field, session, probe))


def readable(records: Iterable[Record]) -> list[int]:
    """Return the numbers of the records that were measured."""
    return [number for number, record in enumerate(records) if record.measured is not None]
