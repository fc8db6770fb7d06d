"""Runs that end by force, each in a process of its own."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and limits"),
]

PROGRAM = """
import signal, sys, time
from pathlib import Path

# Shells start background jobs with Ctrl-C ignored; a terminal does not.
signal.signal(signal.SIGINT, signal.default_int_handler)
from leukolens.finding import LeukolensError
from leukolens.screen import load
from leukolens.screen.inputs import list_inputs
from leukolens.screen.run import run

bundle, slides, out, pause, limit, *flags = sys.argv[1:]
screener = load(bundle, engine="onnxruntime", threads=2)
inputs = list_inputs([slides])
if int(limit):
    import resource
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
try:
    run(screener, inputs, Path(out), resume="resume" in flags, on_result=lambda result: time.sleep(float(pause)))
except KeyboardInterrupt:
    sys.exit(130)
except LeukolensError as error:
    print(error)
    sys.exit(error.exit_code)
"""


@contextlib.contextmanager
def start(bundle: Path, slides: Path, out: Path, pause: float = 0.0, limit: int = 0) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", PROGRAM, str(bundle), str(slides), str(out), str(pause), str(limit), "resume"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def complete(bundle: Path, slides: Path, out: Path) -> None:
    with start(bundle, slides, out) as process:
        assert process.wait(120) == 0


def wait_for_lines(out: Path, count: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(FileNotFoundError):
            if (out / "findings.jsonl").read_bytes().count(b"\n") >= count:
                return
        time.sleep(0.01)
    pytest.fail("the run ended, or did not write findings in time")


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "ctrl-c"])
def test_what_is_done_stays_and_resume_ends_as_an_unbroken_run(
    bundle_folder: Path, slides: Path, tmp_path: Path, stop: signal.Signals
) -> None:
    out, unbroken = tmp_path / "out", tmp_path / "unbroken"
    complete(bundle_folder, slides, unbroken)
    for count in (1, 4):  # stopped twice
        with start(bundle_folder, slides, out, pause=0.2) as process:
            wait_for_lines(out, count, process)
            process.send_signal(stop)
            assert process.wait(60) == (130 if stop == signal.SIGINT else -signal.SIGKILL)
        kept = (out / "findings.jsonl").read_bytes()
        assert count <= kept.count(b"\n") < 8
        assert not (out / "cases.json").exists()
        for line in kept.split(b"\n")[:-1]:
            assert json.loads(line)["status"] == "ok"
    complete(bundle_folder, slides, out)
    assert (out / "findings.jsonl").read_bytes() == (unbroken / "findings.jsonl").read_bytes()
    assert (out / "cases.json").read_bytes() == (unbroken / "cases.json").read_bytes()


def test_a_disk_that_fills_up_is_told_and_what_is_done_stays(bundle_folder: Path, slides: Path, tmp_path: Path) -> None:
    out, unbroken = tmp_path / "out", tmp_path / "unbroken"
    complete(bundle_folder, slides, unbroken)
    size = (unbroken / "findings.jsonl").stat().st_size
    # Larger than the probe (64 KiB) it would never bite: so there are more pictures than in the other tests.
    picture = (slides / "patient 1" / "field 1.png").read_bytes()
    for number in range(100, 100 + 8 * 66_000 // size):
        (slides / "patient 2" / f"field {number}.png").write_bytes(picture)
    with start(bundle_folder, slides, out, limit=66_000) as process:
        told, _ = process.communicate(timeout=120)
        assert process.returncode == 2
    assert "cannot be written any further" in told
    assert "--resume" in told
    kept = (out / "findings.jsonl").read_bytes()
    assert kept.endswith(b"\n")
    assert kept.count(b"\n") > 8
    complete(bundle_folder, slides, out)
    names = [json.loads(line)["source"] for line in (out / "findings.jsonl").read_bytes().splitlines()]
    assert len(names) == len(set(names)) == sum(1 for _ in slides.glob("*/*.png"))
