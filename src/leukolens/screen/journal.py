"""``findings.jsonl``: written line by line so that nothing done is lost, and read again to go on."""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING, Self

from pydantic import ValidationError

from leukolens.finding import Finding, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


class Journal:
    """``findings.jsonl`` open for appending: one whole line a finding, handed to the system at once.

    Parameters
    ----------
    path
        The file; made where it is missing.

    Raises
    ------
    OutputError
        It cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = os.open(path, _FLAGS, 0o666)
        except OSError as error:
            raise OutputError(f"{str(path)!r} cannot be written", found=_why(error)) from error
        self._size = os.fstat(self._file).st_size

    def append(self, finding: Finding) -> None:
        """Write one finding.

        Raises
        ------
        OutputError
            There is no space left, or the file cannot be written any more; the lines before this one are whole.
        """
        line = finding.to_json().encode() + b"\n"
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._size)
            raise OutputError(
                f"{str(self.path)!r} cannot be written any further",
                found=_why(error),
                todo="Make space and go on with --resume: what is done stays",
            ) from error
        self._size += len(line)

    def close(self) -> None:
        """Bring everything to the disk and close the file.

        Raises
        ------
        OutputError
            The system reports only now that it could not write.
        """
        try:
            try:
                os.fsync(self._file)
            finally:
                os.close(self._file)
        except OSError as error:
            raise OutputError(f"{str(self.path)!r} could not be brought to the disk", found=_why(error)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # An error on closing must not hide the one that led here.
        with contextlib.suppress(OutputError) if kind is not None else contextlib.nullcontext():
            self.close()


def read_findings(path: Path) -> Iterator[Finding]:
    """Read the findings of a run, one at a time.

    Parameters
    ----------
    path
        ``findings.jsonl``.

    Raises
    ------
    OutputError
        A line is no finding.
    """
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield Finding.model_validate_json(line)
            except ValidationError as error:
                raise _no_finding(path, number) from error


def recover(path: Path) -> list[str]:
    """Drop a last line that was torn off, and return the sources of the findings that are there, in order.

    Parameters
    ----------
    path
        ``findings.jsonl``; may be missing.

    Raises
    ------
    OutputError
        A whole line is no finding, or the file cannot be read or cut.
    """
    if not path.exists():
        return []
    try:
        with path.open("r+b") as stream:
            sources, size = [], 0
            for number, line in enumerate(stream, start=1):
                if line.endswith(b"\n"):
                    sources.append(_source_of(line, path, number))
                    size += len(line)
            stream.truncate(size)
    except OSError as error:
        raise OutputError(f"{str(path)!r} cannot be read and cut to its whole lines", found=_why(error)) from error
    return sources


def put_in_order(path: Path, sources: Sequence[str]) -> None:
    """Bring the lines of ``findings.jsonl`` into the order of the inputs, if they are not.

    That is needed where a run goes on and a folder has more pictures than before. Findings of pictures that are not
    among the inputs stay, before the others.

    Parameters
    ----------
    path
        ``findings.jsonl``, with whole lines.
    sources
        Of the inputs, in order.

    Raises
    ------
    OutputError
        The file cannot be written; the one there is unchanged.
    """
    rank = {source: position for position, source in enumerate(sources)}
    spans: list[tuple[int, int, int]] = []
    start = 0
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            spans.append((rank.get(_source_of(line, path, number), -1), start, len(line)))
            start += len(line)
    ordered = sorted(spans)
    if ordered == spans:
        return
    partial = path.with_name(f".{path.name}.partial")
    try:
        with path.open("rb") as stream, partial.open("wb") as target:
            for _, start, length in ordered:
                stream.seek(start)
                target.write(stream.read(length))
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OutputError(f"{str(path)!r} cannot be brought into order", found=_why(error)) from error


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all; its folder is made where it is missing.

    Raises
    ------
    OutputError
        It cannot be written; a former one is unchanged.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8", newline="\n")
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise OutputError(f"{str(path)!r} cannot be written", found=_why(error)) from error


def _source_of(line: bytes, path: Path, number: int) -> str:
    try:
        source = json.loads(line)["source"]
    except (ValueError, KeyError, TypeError) as error:
        raise _no_finding(path, number) from error
    return str(source)


def _no_finding(path: Path, number: int) -> OutputError:
    return OutputError(
        f"line {number} of {str(path)!r} is no finding",
        todo="Choose another folder, or write it anew with --overwrite",
    )


def _why(error: OSError) -> str:
    return error.strerror or str(error)
