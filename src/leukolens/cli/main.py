"""The entry point: finds the verb, runs it, turns what happens into an exit code."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from leukolens.cli.verbs import Verb, known_verbs

if TYPE_CHECKING:
    from collections.abc import Sequence

_OVERVIEW = """\
Usage: leukolens VERB [OPTIONS] [ARGUMENTS]

Finds acute lymphoblastic leukaemia in pictures of stained blood and bone-marrow smears.
For research use only, not a diagnosis.

Verbs:
{verbs}

Options:
  --version   Print the version.
  --debug     Show the traceback of an internal error (or set LEUKOLENS_DEBUG=1).
  -h, --help  Print this text; 'leukolens VERB --help' tells of one verb.

Exit codes: 0 done; 1 some inputs could not be read, the rest is done; 2 usage, missing input or
unwritable output; 3 internal error; 4 a check failed; 130 interrupted.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv
        The arguments after the program's name; those of the process if None.

    Returns
    -------
    int
        The exit code: 0 done, 1 some inputs could not be read, 2 usage, 3 internal error, 4 a check failed,
        130 interrupted, 141 the reader of our output went away.
    """
    arguments, debug = _take_debug(_expand_patterns(sys.argv[1:]) if argv is None else list(argv))
    _make_streams_safe()
    try:
        code = _dispatch(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt as error:
        return _leave_interrupted(error, alone=argv is None)
    except BrokenPipeError:
        return _leave_broken_pipe()
    except Exception as error:
        from leukolens.cli.failure import describe_failure

        if debug:
            sys.excepthook(type(error), error, error.__traceback__)
        return _say(*describe_failure(error, debug=debug))
    return code


def _take_debug(arguments: list[str]) -> tuple[list[str], bool]:
    """Split ``--debug`` off, wherever it stands before a lone ``--``."""
    asked = os.environ.get("LEUKOLENS_DEBUG", "") not in {"", "0"}
    end = arguments.index("--") if "--" in arguments else len(arguments)
    if "--debug" in arguments[:end]:
        arguments.remove("--debug")
        asked = True
    return arguments, asked


def _expand_patterns(arguments: list[str], *, windows: bool = os.name == "nt") -> list[str]:
    """Expand ``*.jpg`` where the shell leaves that to the program, as on Windows; what matches nothing stays."""
    if not windows:
        return arguments
    from glob import glob, has_magic

    return [
        name
        for given in arguments
        for name in (has_magic(given) and sorted(glob(given))) or [given]  # noqa: PTH207 - with or without a root
    ]


def _make_streams_safe() -> None:
    """Let any name be printed: UTF-8 into pipes and files, and what no encoding holds as an escape."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure: Any = getattr(stream, "reconfigure", None)  # absent where a caller put another stream in place
        if reconfigure is not None:
            reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")


def _dispatch(arguments: list[str]) -> int:
    first = arguments[0] if arguments else "--help"
    if first in {"-h", "--help"}:
        (sys.stdout if arguments else sys.stderr).write(_overview(known_verbs()))
        return 0 if arguments else 2
    if first == "--version":
        from leukolens import __version__

        sys.stdout.write(f"leukolens {__version__}\n")
        return 0
    return _run_verb(first, _find_verb(first), arguments[1:])


def _overview(verbs: dict[str, Verb]) -> str:
    width = max(map(len, verbs))
    lines = (
        f"  {name:<{width}}  {verb.help}" + (f" Needs leukolens[{verb.extra}]." if verb.extra else "")
        for name, verb in verbs.items()
    )
    return _OVERVIEW.format(verbs="\n".join(lines))


def _find_verb(name: str) -> Verb:
    verbs = known_verbs()
    if name in verbs:
        return verbs[name]
    from leukolens.finding.errors import UsageError, nearest

    kind, known = ("option", ["--help", "--version", "--debug"]) if name.startswith("-") else ("verb", list(verbs))
    raise UsageError(f"No {kind} {name!r}", todo=f"{nearest(name, known)} See 'leukolens --help'")


def _run_verb(name: str, verb: Verb, arguments: list[str]) -> int:
    """Import one verb and run it. What is missing for training is told as such."""
    from importlib import import_module

    try:
        return _run_app(import_module(verb.module).app, f"leukolens {name}", arguments)
    except ModuleNotFoundError as error:
        if verb.extra is None or (error.name or "").startswith("leukolens"):
            raise
        from leukolens.finding.errors import UsageError

        raise UsageError(
            f"'leukolens {name}' needs leukolens[{verb.extra}]: {error.name} is not installed",
            todo=f"run: pip install 'leukolens[{verb.extra}]', or in a clone: pip install '.[{verb.extra}]'",
        ) from error


def _run_app(app: Any, program: str, arguments: list[str]) -> int:  # noqa: ANN401 - typing it would import Typer
    """Parse the arguments and call the verb's function, which returns an exit code or None for 0."""
    from typer import Exit
    from typer.main import get_command

    # Plain help: the decorated one would import Rich, which doubles the time to answer.
    app.rich_markup_mode = None
    try:
        # Not command.main(): it has its own idea of exit codes for Ctrl-C and for a reader that went away.
        with get_command(app).make_context(program, arguments) as context:
            result = context.command.invoke(context)
    except Exit as end:
        return end.exit_code
    return result if isinstance(result, int) else 0


def _say(message: str, code: int) -> int:
    with contextlib.suppress(OSError):  # the reader of our output may have gone as well
        sys.stdout.flush()
    sys.stderr.write(f"{message}\n")
    return code


def _leave_interrupted(error: KeyboardInterrupt, *, alone: bool) -> int:
    """End after Ctrl-C, at once and quietly where it was pressed again; `alone`: the process is ours to end.

    Python waits for its threads before it ends, and answers another Ctrl-C meanwhile with a traceback.
    """
    if alone:
        with contextlib.suppress(ValueError):  # not the main thread, to which signals do not come
            signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    code = _say("Interrupted.", 130)
    if alone and _pressed_again(error):
        sys.stderr.flush()
        os._exit(code)
    return code


def _pressed_again(error: BaseException) -> bool:
    """Tell whether an interrupt came while an earlier one was being dealt with."""
    before = error.__context__
    while before is not None and not isinstance(before, KeyboardInterrupt):
        before = before.__context__
    return before is not None


def _leave_broken_pipe() -> int:
    """End quietly when the reader of our output has gone, as ``head`` does: 128 + SIGPIPE."""
    # The interpreter flushes standard output once more at exit; give it somewhere to go.
    with contextlib.suppress(OSError, ValueError):  # a stream put in place by a caller has no descriptor
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141


if __name__ == "__main__":
    sys.exit(main())
