"""leukolens as a contestant: the streaming of `Screener.screen_many`, and its network alone."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench_workers import Contestant

_PREPARED = 64
"""Pictures that the network alone is given, over and over."""


class Leukolens:
    """A loaded screener.

    Parameters
    ----------
    bundle
        Name or folder; None: the shipped one.
    engine
        "openvino" or "onnxruntime".
    threads
        Cores to use.
    files
        Pictures to screen; taken from the start again where more are asked for.
    """

    def __init__(self, bundle: str | None, engine: str, threads: int, files: Sequence[Path]) -> None:
        import numpy as np

        from leukolens.screen import load
        from leukolens.smear.prepare import prepare
        from leukolens.smear.reading import read_image

        self._files = list(files)
        self._screener = load(bundle, engine=engine, threads=threads, only="field")
        spec = self._screener.bundle.field.preparation
        chosen = [self._files[number % len(files)] for number in range(_PREPARED)]
        self._prepared = np.stack([prepare(read_image(path).pixels, spec).pixels for path in chosen])
        self._run = {"end to end": self._stream, "network only": self._network}
        for task, run in self._run.items():
            run(self.unit(task))

    def unit(self, task: str) -> int:
        """Return of what a number of pictures must be a multiple."""
        return 1 if task == "end to end" else _PREPARED

    def seconds(self, task: str, count: int) -> float:
        """Do a task for a number of pictures and return the seconds it took."""
        start = time.perf_counter()
        self._run[task](count)
        return time.perf_counter() - start

    def describe(self) -> dict[str, Any]:
        """Say which bundle and engine it runs, and how."""
        session, bundle = self._screener.session, self._screener.bundle
        return {
            "bundle": bundle.spec.name,
            "version": bundle.spec.version,
            "sha256": bundle.field.sha256,
            "architecture": bundle.field.architecture,
            "input": list(session.image_size),
            "engine": f"{session.engine} {session.engine_version}",
            "precision": session.precision,
            "threads": session.threads,
        }

    def _stream(self, count: int) -> None:
        inputs = (self._files[number % len(self._files)] for number in range(count))
        bad = [finding.reason for finding in self._screener.screen_many(inputs) if finding.status != "ok"]
        if bad:
            raise RuntimeError(f"{len(bad)} of {count} pictures could not be screened: {bad[0]}")

    def _network(self, count: int) -> None:
        for _ in range(count // _PREPARED):
            self._screener.session.run(self._prepared)


def build_leukolens(bundle: str | None, engine: str, threads: int, files: Sequence[Path]) -> Contestant:
    """Load leukolens. Parameters as of `Leukolens`."""
    return Leukolens(bundle, engine, threads, files)
