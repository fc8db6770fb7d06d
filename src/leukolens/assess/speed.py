"""How fast a network answers on this machine's processor, one picture a request, as screening asks it."""

from __future__ import annotations

import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import psutil

from leukolens.engine.session import open_session, usable_cores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leukolens.engine.session import Session

ROUNDS: Final = 7
SECONDS: Final = 0.6
"""Least length of a round."""


@dataclass(frozen=True)
class Speed:
    """Pictures a second through the network alone, without reading and preparing.

    Attributes
    ----------
    value, low, high
        Median of the rounds with a 95 % interval, pictures/s.
    rounds
        As measured, in order.
    threads
        Pictures at the same time, each on one core.
    engine
        Which engine, and its version; always in 32-bit floats.
    others
        Cores that other programs used meanwhile, on average.
    """

    value: float
    low: float
    high: float
    rounds: tuple[float, ...]
    threads: int
    engine: str
    others: float


def measure_speed(onnx: bytes, threads: int | None = None, *, rounds: int = ROUNDS, seconds: float = SECONDS) -> Speed:
    """Time a field network on pictures of noise; how fast it is does not depend on what they show.

    Parameters
    ----------
    onnx
        The content of an ONNX file.
    threads
        Cores to use; None: those there are.
    rounds, seconds
        How often to measure, and how long at least each time.

    Raises
    ------
    BundleError
        The engine cannot load the network.
    """
    session = open_session(onnx, threads=threads)
    pictures = np.random.default_rng(0).integers(0, 256, (4 * session.threads, *session.image_size, 3), np.uint8)
    session.run(pictures)  # the first requests are slower
    watch = _Others()
    rates = tuple(_rate(session, pictures, seconds) for _ in range(rounds))
    others = watch.cores()
    value, low, high = median_interval(rates)
    engine = f"{session.engine} {session.engine_version}"
    return Speed(value, low, high, rates, session.threads, engine, round(others, 2))


class _Others:
    """How many cores other programs use, from now on: a load average would count what this program did before."""

    def __init__(self) -> None:
        psutil.cpu_percent()  # counts from here
        self._start = time.perf_counter(), time.process_time()

    def cores(self) -> float:
        """Return how many cores all programs but this one have used on average."""
        whole = float(psutil.cpu_percent()) / 100 * float(psutil.cpu_count() or 1)
        seconds, own = time.perf_counter() - self._start[0], time.process_time() - self._start[1]
        return max(0.0, whole - own / seconds)


def _rate(session: Session, pictures: np.ndarray, seconds: float) -> float:
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        session.run(pictures)
        done += len(pictures)
    return done / (time.perf_counter() - start)


def median_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float, float]:
    """Return the median, and the order statistics that hold the true median with at least this probability.

    Parameters
    ----------
    values
        At least one.
    level
        Coverage, from the binomial distribution alone; fewer than six values cannot reach 95 %, and give their range.
    """
    from scipy import special

    ordered = np.sort(np.asarray(values, np.float64))
    n = len(ordered)
    inward = 0
    while 2 * (inward + 1) < n and 1 - 2 * float(special.bdtr(inward + 1, n, 0.5)) >= level:
        inward += 1
    return float(np.median(ordered)), float(ordered[inward]), float(ordered[n - 1 - inward])


def describe_machine() -> dict[str, str | int]:
    """Say what speeds depend on: system, processor and cores, without the machine's name."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": usable_cores(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"
