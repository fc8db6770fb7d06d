"""The entry point: help, verbs, exit codes, errors, streams."""

from __future__ import annotations

import errno
import importlib
import os
import re
import signal
import subprocess
import sys
import time
import types
from typing import TYPE_CHECKING

import pytest
import typer
from cli_calls import SOURCES, spawn

from leukolens import __version__
from leukolens.cli import main as main_module
from leukolens.cli.console import new_app
from leukolens.cli.main import _expand_patterns
from leukolens.cli.verbs import Verb, known_verbs
from leukolens.finding import (
    RESEARCH_USE,
    BundleError,
    CheckFailedError,
    DataError,
    ImageError,
    LeukolensError,
    OutputError,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cli_calls import Call


@pytest.fixture
def verb_that(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put a verb `odd` in place, whose function does what the test says."""

    def place(action: Callable[[], object], *, extra: str | None = None) -> None:
        app = new_app()
        app.command()(lambda: action())
        real = importlib.import_module
        module = types.SimpleNamespace(app=app)
        monkeypatch.setattr(importlib, "import_module", lambda name: module if name == "odd" else real(name))
        monkeypatch.setattr(main_module, "known_verbs", lambda: {"odd": Verb("odd", "Do something odd.", extra)})

    return place


def failing(error: BaseException) -> Callable[[], object]:
    def action() -> object:
        raise error

    return action


def test_help_names_every_verb_and_what_the_program_is_not(call: Call) -> None:
    for flag in ("--help", "-h"):
        code, out, err = call(flag)
        assert (code, err) == (0, "")
        assert RESEARCH_USE in out
        for name, verb in known_verbs().items():
            assert re.search(rf"^  {name} +{re.escape(verb.help)}", out, re.MULTILINE)


def test_every_verb_in_the_table_has_an_app_and_tells_of_itself(call: Call) -> None:
    assert {"screen", "doctor", "schema"} <= set(known_verbs())
    for name, verb in known_verbs().items():
        assert hasattr(importlib.import_module(verb.module), "app")
        code, out, _ = call(name, "--help")
        assert code == 0
        assert f"leukolens {name}" in out
        assert RESEARCH_USE in " ".join(out.split())


def test_nothing_at_all_is_a_usage_error_with_the_help(call: Call) -> None:
    code, out, err = call()
    assert (code, out) == (2, "")
    assert "Usage: leukolens VERB" in err


def test_version(call: Call) -> None:
    assert call("--version") == (0, f"leukolens {__version__}\n", "")


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="the processor time of one child cannot be had on this system")
def test_help_and_version_answer_at_once() -> None:
    # Processor time, not time on the wall: a busy machine makes no difference to it.
    for flag in ("--help", "--version"):
        process = spawn(flag, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        assert status == 0
        assert usage.ru_utime + usage.ru_stime < 0.3


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from leukolens.cli.main import main; main(['--help']);"
        "bad = {'numpy', 'cv2', 'pydantic', 'rich', 'typer', 'torch', 'openvino', 'onnxruntime'} & set(sys.modules);"
        "sys.exit(f'loaded: {bad}' if bad else 0)"
    )
    environment = os.environ | {"PYTHONPATH": str(SOURCES)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["scren", "a.jpg"], "Did you mean 'screen'?"),
        (["doctr"], "Did you mean 'doctor'?"),
        (["--versoin"], "Did you mean '--version'?"),
        (["screen", "--jsno", "a.jpg"], "Did you mean '--json'?"),
        (["screen", "--overwrit", "a.jpg"], "Did you mean '--overwrite'?"),
        (["data", "chek"], "Did you mean 'check'?"),
        (["screen"], "Missing argument 'INPUT"),
        (["screen", "a.jpg", "--threads", "none"], "Invalid value for '--threads'"),
        (["schema", "more"], "unexpected extra argument"),
    ],
)
def test_usage_errors_have_code_2_and_name_what_is_nearest(call: Call, arguments: list[str], hint: str) -> None:
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert hint in err
    assert "--help'" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("there is no 'x'", expected="a", found="b", todo="do c"), 2),
        (OutputError("x"), 2),
        (DataError("x"), 2),
        (BundleError("x"), 2),
        (ImageError("x"), 1),
        (CheckFailedError("x"), 4),
        (LeukolensError("x"), 3),
    ],
)
def test_our_errors_carry_their_exit_codes(
    call: Call, verb_that: Callable[..., None], error: LeukolensError, code: int
) -> None:
    verb_that(failing(error))
    assert call("odd") == (code, "", f"Error: {error}\n")


def test_an_unexpected_error_is_one_line_and_a_hint(call: Call, verb_that: Callable[..., None]) -> None:
    verb_that(failing(ZeroDivisionError("first\nsecond")))
    code, out, err = call("odd")
    assert (code, out) == (3, "")
    assert err.count("\n") == 1
    assert "ZeroDivisionError: first" in err
    assert "--debug" in err


@pytest.mark.parametrize("how", ["before", "after", "environment"])
def test_debug_shows_the_traceback(
    call: Call, verb_that: Callable[..., None], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    verb_that(failing(ZeroDivisionError("here")))
    arguments = {"before": ["--debug", "odd"], "after": ["odd", "--debug"], "environment": ["odd"]}[how]
    if how == "environment":
        monkeypatch.setenv("LEUKOLENS_DEBUG", "1")
    code, _, err = call(*arguments)
    assert code == 3
    assert "Traceback" in err
    assert "in action" in err


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_full_disk_is_no_internal_error(call: Call, verb_that: Callable[..., None], number: int) -> None:
    verb_that(failing(OSError(number, "No space", "out.json")))
    code, _, err = call("odd")
    assert code == 2
    assert "out.json" in err


@pytest.mark.parametrize("error", [KeyboardInterrupt(), typer.Abort()])
def test_an_interrupt_has_code_130(call: Call, verb_that: Callable[..., None], error: BaseException) -> None:
    verb_that(failing(error))
    assert call("odd") == (130, "", "Interrupted.\n")


INTERRUPTED = """
import signal, sys, threading, time

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job has Ctrl-C ignored
from leukolens.cli import main as entry
from leukolens.screen.ordered import map_ordered


def say(word):
    print(word, flush=True)


def run_pool(_):
    for _ in map_ordered(lambda _: say("begun") or time.sleep(60), range(2), workers=1, on_end=lambda: say("ending")):
        pass


def leave_thread(_):
    threading.Thread(target=time.sleep, args=(60,)).start()
    try:
        say("begun")
        time.sleep(60)
    finally:
        # Said once `main` has returned, when Python waits for its threads.
        threading._register_atexit(say, "ending")


entry._dispatch = {"pool": run_pool, "thread": leave_thread}[sys.argv.pop()]
sys.exit(entry.main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
@pytest.mark.parametrize("where", ["pool", "thread"])
def test_a_second_interrupt_ends_at_once_and_quietly(where: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, where],
        env=os.environ | {"PYTHONPATH": str(SOURCES)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        for word in ("begun", "ending"):
            assert process.stdout.readline() == f"{word}\n"
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert (process.returncode, err) == (130, "Interrupted.\n")


def test_an_interrupt_leaves_the_handling_of_signals_to_a_program_that_calls_us(
    call: Call, verb_that: Callable[..., None]
) -> None:
    before = signal.getsignal(signal.SIGINT)
    verb_that(failing(KeyboardInterrupt()))
    assert call("odd").code == 130
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(("result", "code"), [(None, 0), (0, 0), (1, 1), (4, 4)])
def test_what_a_verb_returns_is_the_exit_code(
    call: Call, verb_that: Callable[..., None], result: int | None, code: int
) -> None:
    verb_that(lambda: result)
    assert call("odd").code == code


def test_typer_exit_is_the_exit_code(call: Call, verb_that: Callable[..., None]) -> None:
    verb_that(failing(typer.Exit(1)))
    assert call("odd") == (1, "", "")


def test_what_is_missing_for_training_is_told(call: Call, verb_that: Callable[..., None]) -> None:
    verb_that(failing(ModuleNotFoundError("No module named 'torch'", name="torch")), extra="train")
    code, _, err = call("odd")
    assert code == 2
    assert "needs leukolens[train]: torch is not installed" in err
    assert "pip install 'leukolens[train]'" in err


def test_what_is_missing_of_the_core_is_an_internal_error(call: Call, verb_that: Callable[..., None]) -> None:
    verb_that(failing(ModuleNotFoundError("No module named 'jinja2'", name="jinja2")))
    assert call("odd").code == 3


def test_a_reader_that_goes_away_is_no_error() -> None:
    process = spawn("schema")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    assert process.wait(120) in {0, 141}
    assert err == b""


def test_any_name_can_be_printed_in_any_locale(tmp_path: Path) -> None:
    process = spawn("screen", tmp_path / "schläfer\u202e.jpg", environment={"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"})
    out, err = process.communicate(timeout=120)
    assert process.returncode == 2
    assert out == b""
    assert b"Traceback" not in err
    assert "schl" in err.decode("utf-8")


def test_patterns_are_expanded_where_the_shell_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("b.jpg", "a.jpg", "c.txt"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    assert _expand_patterns(["screen", "*.jpg", "no*.png", "--json"], windows=True) == [
        "screen", "a.jpg", "b.jpg", "no*.png", "--json",
    ]  # fmt: skip
    assert _expand_patterns(["*.jpg"], windows=False) == ["*.jpg"]
