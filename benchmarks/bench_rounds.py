"""What is measured, and the rounds that measure everything in turns, so that drift of the machine hits all alike."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bench_process import check_findings, leukolens_command, run_fresh
from bench_workers import pictures_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from bench_workers import Worker

COLD: Final = "cold start"
FOLDER: Final = "folder"
END_TO_END: Final = "end to end"
NETWORK: Final = "network only"


@dataclass
class Series:
    """One measurement, repeated once a round.

    Attributes
    ----------
    contestant, task
        Who does what.
    unit
        "s" or "pictures/s".
    pictures
        How many pictures a repetition takes.
    once
        Does it and returns the value.
    values
        Found so far.
    """

    contestant: str
    task: str
    unit: str
    pictures: int
    once: Callable[[], float]
    values: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class ManyRun:
    """One run over a folder of many pictures, with report.

    Attributes
    ----------
    pictures, seconds, peak_bytes
        How many; how long, start-up included; largest resident set.
    """

    pictures: int
    seconds: float
    peak_bytes: int


def measure(series: Sequence[Series], rounds: int) -> None:
    """Take every measurement once a round, each round beginning with another one."""
    for number in range(rounds):
        first = number * len(series) // rounds
        for one in (*series[first:], *series[:first]):
            one.values.append(one.once())
        tell(f"round {number + 1} of {rounds} done")


@dataclass(frozen=True)
class CommandLine:
    """``leukolens screen`` in a fresh process, with everything told that could vary.

    Attributes
    ----------
    engine, threads, bundle
        As on its command line; no bundle: the shipped one.
    """

    engine: str
    threads: int
    bundle: str | None

    def cold_start(self, picture: Path) -> float:
        """Screen one picture; return seconds from the start of the process to its end."""
        done = run_fresh([*self._command(picture), "--json"])
        check_findings(done.output.splitlines(), 1, self.engine)
        return done.seconds

    def folder(self, folder: Path, count: int, out: Path, *, report: bool) -> ManyRun:
        """Screen a folder of so many pictures into another.

        Raises
        ------
        RuntimeError
            It did not give one good finding a picture.
        """
        options = ["--only", "field", "--out", str(out), "--overwrite", *([] if report else ["--no-report"])]
        done = run_fresh([*self._command(folder), *options])
        findings = (out / "findings.jsonl").read_text("utf-8").splitlines()
        check_findings(findings, count, self.engine)
        if report and not (out / "report.html").is_file():
            raise RuntimeError("the run left no report.html")
        return ManyRun(count, done.seconds, done.peak_bytes)

    def _command(self, path: Path) -> list[str]:
        own = ["--engine", self.engine, "--threads", str(self.threads)]
        return [*leukolens_command(), "screen", str(path), *own, *(["--bundle", self.bundle] if self.bundle else [])]


def command_series(
    name: str, line: CommandLine, picture: Path, folder: Path, count: int, out: Path
) -> Iterator[Series]:
    """Yield cold start and folder for one engine, each done once already, so that caches of files are warm."""
    line.cold_start(picture)
    yield Series(name, COLD, "s", 1, lambda: line.cold_start(picture))
    yield Series(
        name, FOLDER, "pictures/s", count, lambda: count / line.folder(folder, count, out, report=False).seconds
    )


def worker_series(name: str, worker: Worker, seconds: float) -> Iterator[Series]:
    """Yield end to end and network only for one contestant, with as many pictures as take about so many seconds."""
    for task in (END_TO_END, NETWORK):
        unit = worker.call("unit", task)
        trial = max(8 // unit, 1) * unit
        count = pictures_for(seconds, worker.call("seconds", task, trial), trial, unit)
        yield Series(name, task, "pictures/s", count, _rate(worker, task, count))


def tell(line: str) -> None:
    """Say on standard error how far it is, with the time since the start of the process."""
    sys.stderr.write(f"[{time.perf_counter() - _START:5.0f} s] {line}\n")


def _rate(worker: Worker, task: str, count: int) -> Callable[[], float]:
    return lambda: count / float(worker.call("seconds", task, count))


_START = time.perf_counter()
