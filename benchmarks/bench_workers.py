"""Contestants, each in a process of its own, that work only when asked: measured in turns, none in another's way."""

from __future__ import annotations

import traceback
from importlib import import_module
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


class Contestant(Protocol):
    """Something that screens or classifies pictures, loaded and warm."""

    def unit(self, task: str) -> int:
        """Return of what a number of pictures must be a multiple."""

    def seconds(self, task: str, count: int) -> float:
        """Do a task ("end to end" or "network only") for a number of pictures and return the seconds it took."""

    def describe(self) -> dict[str, Any]:
        """Say what it is and how it is set, JSON-like."""


class Worker:
    """A contestant in its own process. Closes with its ``with``.

    Parameters
    ----------
    module, build
        Names of a module and of the function in it that makes the contestant. Both are looked up in that process
        alone: this one stays small, see `bench_process.run_fresh`.
    arguments
        Of that function.
    """

    def __init__(self, module: str, build: str, *arguments: object) -> None:
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, module, build, arguments), daemon=True)
        self._process.start()
        theirs.close()

    def call(self, method: str, *arguments: object) -> Any:  # noqa: ANN401 - whatever the method returns
        """Call a method of the contestant.

        Raises
        ------
        RuntimeError
            It raised, with its traceback; or its process ended.
        """
        try:
            self._pipe.send((method, arguments))
            done, result = self._pipe.recv()
        except (EOFError, BrokenPipeError) as error:
            self._process.join()
            raise RuntimeError(f"a measuring process ended with {self._process.exitcode}") from error
        if not done:
            raise RuntimeError(f"a measuring process failed:\n{result}")
        return result

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.close()
        self._process.join(10)
        if self._process.is_alive():
            self._process.terminate()


def pictures_for(seconds: float, took: float, done: int, unit: int) -> int:
    """Return how many pictures take about so long.

    Parameters
    ----------
    seconds
        Wanted.
    took, done
        A trial: `done` pictures took `took` seconds.
    unit
        The number is a multiple of it, at least one.
    """
    return max(1, round(seconds * done / took / unit)) * unit


def _serve(pipe: Connection, module: str, build: str, arguments: tuple[object, ...]) -> None:
    contestant: Contestant | None = None
    while True:
        try:
            method, given = pipe.recv()
        except EOFError:  # the other side has closed: done
            return
        try:
            # Built on the first call, so that whatever goes wrong is told.
            contestant = contestant or getattr(import_module(module), build)(*arguments)
            pipe.send((True, getattr(contestant, method)(*given)))
        except Exception:
            pipe.send((False, traceback.format_exc()))
