"""What to screen or prepare: files, folders and lists on standard input become inputs, in order, before any work."""

from __future__ import annotations

import codecs
import os
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from leukolens.finding import UsageError, nearest
from leukolens.finding.paths import IMAGE_SUFFIXES, is_image_name, natural_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Input(NamedTuple):
    """One image: where it is, and how it is named in findings and reports."""

    path: Path
    source: str


def list_inputs(
    args: Sequence[str | Path],
    stdin: IO[bytes] | None = None,
    *,
    purpose: str = "screen",
    without: Path | None = None,
) -> list[Input]:
    """List what is to be worked on.

    Parameters
    ----------
    args
        Files, folders, and ``-`` for a list of either on `stdin`, one a line, or separated by NUL bytes.
        Folders are searched to any depth, in natural order (2 before 10); hidden files and folders, and files that
        are not named like images, are left out. Each source is taken once.
    stdin
        Where ``-`` reads from, as bytes.
    purpose
        What is to be done with it, for the messages: there is nothing to `purpose`.
    without
        A folder that is left out where it lies in one that is searched, such as that of the output; named itself, it
        is searched.

    Returns
    -------
    list of Input
        In order.

    Raises
    ------
    UsageError
        Something named does not exist or cannot be listed, or nothing is left.
    """
    names: list[str] = []
    for arg in args:
        names += _read_list(stdin) if str(arg) == "-" else [str(arg)]
    missing = [name for name in names if not os.path.exists(name)]  # noqa: PTH110 - Path("") would be "."
    if missing:
        raise UsageError(_describe_missing(missing), expected="files or folders", todo=_hint(missing[0]))
    found: dict[str, Input] = {}
    skipped = set() if without is None else {without.resolve()}
    for name in names:
        for item in _expand(name, skipped):
            found.setdefault(item.source, item)
    if not found:
        raise UsageError(
            f"nothing to {purpose} in {', '.join(names[:3]) or 'the list'}{' ...' if len(names) > 3 else ''}",
            expected=f"images ({', '.join(sorted(IMAGE_SUFFIXES))})",
            todo="Name a file outright to have it tried whatever its name",
        )
    return list(found.values())


def source_name(name: str, *, separator: str = os.sep) -> str:
    r"""Return a path as text that any program can store, with "/" between its parts.

    Parameters
    ----------
    name
        As the system gives it. Bytes that are no text become ``\\xNN``.
    separator
        What stands between the parts on this system. Where that is "/", a backslash is a part of a name.
    """
    return os.fsencode(name.replace(separator, "/")).decode("utf-8", "backslashreplace")


def _expand(name: str, skipped: set[Path]) -> Iterator[Input]:
    path = Path(name)
    if not path.is_dir():
        yield Input(path, source_name(name))
        return
    prefix = name.rstrip("/" + os.sep)
    yield from _walk(path, source_name(prefix) + "/", skipped - {path.resolve()})


def _walk(folder: Path, prefix: str, seen: set[Path]) -> Iterator[Input]:
    try:
        # A link may lead back to a folder above: each folder is entered once.
        real = folder.resolve()
        if real in seen:
            return
        seen.add(real)
        entries = sorted(os.scandir(folder), key=lambda entry: natural_key(entry.name))
    except OSError as error:
        raise UsageError(
            f"the folder {source_name(str(folder))!r} cannot be listed",
            found=error.strerror or str(error),
            todo="Allow reading it, or name the folders beside it",
        ) from error
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if (folder / entry.name).is_dir():  # unlike entry.is_dir(), False for a link to itself
            yield from _walk(folder / entry.name, f"{prefix}{source_name(entry.name)}/", seen)
        elif is_image_name(entry.name):
            yield Input(folder / entry.name, prefix + source_name(entry.name))


def _read_list(stdin: IO[bytes] | None) -> list[str]:
    content = stdin.read().removeprefix(codecs.BOM_UTF8) if stdin is not None else b""
    # Names may hold line breaks: a list that has NUL bytes is separated by them alone (find -print0).
    parts = content.split(b"\0") if b"\0" in content else content.splitlines()
    return [os.fsdecode(part) for part in parts if part.strip()]


def _describe_missing(missing: Sequence[str]) -> str:
    shown = ", ".join(repr(source_name(name)) for name in missing[:3])
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    return f"there is no {shown}{more}"


def _hint(name: str) -> str:
    parent = Path(name).parent
    beside = sorted(os.listdir(parent), key=natural_key) if name and parent.is_dir() else []  # noqa: PTH208 - names
    close = nearest(Path(name).name, beside).split("?", 1) if beside else [""]
    return f"{close[0]}?" if len(close) == 2 else "Check the path"
