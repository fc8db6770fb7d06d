"""Runs of the command line in a fresh process: wall time and peak memory."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

TIME_LIMIT: Final = 600.0
"""Seconds after which a run is ended as one that hangs."""
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in the unit of ``ru_maxrss``."""


@dataclass(frozen=True)
class FreshRun:
    """One finished process.

    Attributes
    ----------
    seconds
        From before its start until it was gone.
    peak_bytes
        Largest resident set of it.
    output
        Its standard output.
    """

    seconds: float
    peak_bytes: int
    output: str


def leukolens_command() -> list[str]:
    """Return how ``leukolens`` of this environment is started: its script where there is one, else the module."""
    script = Path(sysconfig.get_path("scripts")) / "leukolens"
    return [str(script)] if script.is_file() else [sys.executable, "-m", "leukolens.cli.main"]


def run_fresh(command: Sequence[str], limit: float = TIME_LIMIT) -> FreshRun:
    """Run a command to its end.

    Linux lets a process inherit the peak of the one that started it. So this one must be the smaller, and that is
    checked: it imports no engine, and renders nothing itself.

    Parameters
    ----------
    command
        Program and arguments.
    limit
        Seconds that it may take.

    Raises
    ------
    RuntimeError
        The command failed or did not end in time, or its peak cannot be told from that of this process.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
        start = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, encoding="utf-8") as process:
            timer = threading.Timer(limit, process.kill)
            timer.start()
            output = process.stdout.read() if process.stdout else ""
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - start
            timer.cancel()
            process.returncode = os.waitstatus_to_exitcode(status)
        if seconds >= limit:
            raise RuntimeError(f"{' '.join(command)} had not ended after {limit:g} s")
        if process.returncode != 0:
            errors.seek(0)
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {errors.read()[-2000:]}")
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if usage.ru_maxrss <= own:
        raise RuntimeError(f"the peak of {command[0]} cannot be told: it is not over that of this process ({own})")
    return FreshRun(seconds, usage.ru_maxrss * _RSS_UNIT, output)


def check_findings(lines: Sequence[str], count: int, engine: str) -> dict[str, Any]:
    """Check that a run did what was to be measured, and return what the first finding says of its network.

    Parameters
    ----------
    lines
        Findings as JSON.
    count
        How many there must be.
    engine
        That must have run.

    Raises
    ------
    RuntimeError
        There are fewer or more, one is not "ok", or another engine or precision was at work.
    """
    findings = [json.loads(line) for line in lines if line.strip()]
    bad = [finding for finding in findings if finding["status"] != "ok"]
    if len(findings) != count or bad:
        why = f"; the first that is not ok: {bad[0]['reason']}" if bad else ""
        raise RuntimeError(f"expected {count} findings, found {len(findings)}, {len(bad)} of them not ok{why}")
    models = {(model["engine"].split()[0], model["precision"]) for finding in findings for model in finding["models"]}
    if models != {(engine, "f32")}:
        raise RuntimeError(f"expected {engine} in f32, found {sorted(models)}")
    return dict(findings[0]["models"][0])
