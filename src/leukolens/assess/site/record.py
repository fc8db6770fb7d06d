"""The audit trail: ``record.jsonl``, one line a step, each holding the hash of the line before.

A line cannot be changed, taken out or put in without breaking the chain from there on. Whoever rewrites the whole file
can forge it; so each step prints the newest hash, to be written into the laboratory's own records.
"""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

import leukolens
from leukolens.finding import DataError, OutputError
from leukolens.finding.output import reason_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

RECORD_FILE: Final = "record.jsonl"
_NONE: Final = "0" * 64

Step = Literal["plan", "cases", "commit", "run started", "run", "readings", "truth opened", "unblind", "report"]


class Entry(BaseModel):
    """One step: what was done, by whom, when, and the files that it left, by their SHA-256."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: int = Field(ge=1)
    step: Step
    time: datetime
    by: str
    leukolens: str
    files: dict[str, str] = Field(default_factory=dict, description="name in the folder to SHA-256")
    details: dict[str, Any] = Field(default_factory=dict)
    previous: str = Field(description="SHA-256 of the line before; zeros for the first")


def line_hash(line: bytes) -> str:
    """Return the SHA-256 of a line of the record, without its line end."""
    return hashlib.sha256(line.rstrip(b"\n")).hexdigest()


def read_record(folder: Path) -> tuple[list[Entry], str]:
    """Read the audit trail and check its chain.

    Parameters
    ----------
    folder
        Of the verification. A last line that a kill tore off counts as not written.

    Returns
    -------
    entries : list of Entry
        In order; empty where there is no record.
    head : str
        Hash of the last line, zeros without one.

    Raises
    ------
    DataError
        A line is no entry, or the chain is broken.
    """
    path = folder / RECORD_FILE
    try:
        content = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise DataError(
            f"{str(path)!r} cannot be read", found=reason_of(error), todo="check its permissions"
        ) from error
    head, entries = _NONE, list[Entry]()
    for number, line in enumerate(_whole_lines(content), start=1):
        try:
            entry = Entry.model_validate_json(line)
        except ValidationError as error:
            raise _broken(path, number, "a line that is no entry") from error
        if entry.previous != head or entry.number != number:
            raise _broken(path, number, "a line that does not follow from the one before")
        entries.append(entry)
        head = line_hash(line)
    return entries, head


def append_entry(
    folder: Path,
    step: Step,
    by: str,
    files: Sequence[str] = (),
    details: dict[str, Any] | None = None,
    *,
    after: str,
) -> tuple[Entry, str]:
    """Write one step to the end of the audit trail.

    Parameters
    ----------
    folder
        Of the verification.
    step, by, details
        What was done, by whom, and what there is to say of it.
    files
        Names in `folder` that the step left; they are hashed now.
    after
        The head that the caller has read: another program must not have written since.

    Returns
    -------
    entry : Entry
        As written.
    head : str
        Its hash.

    Raises
    ------
    OutputError
        The record cannot be written, or has grown meanwhile.
    """
    entries, head = read_record(folder)
    path = folder / RECORD_FILE
    if head != after:
        raise OutputError(f"{str(path)!r} has grown meanwhile", todo="let one program work on a folder at a time")
    entry = Entry(
        number=len(entries) + 1,
        step=step,
        time=datetime.now(UTC).replace(microsecond=0),
        by=by,
        leukolens=leukolens.__version__,
        files={name: hash_file(folder / name) for name in files},
        details=details or {},
        previous=head,
    )
    line = entry.model_dump_json().encode() + b"\n"
    try:
        with path.open("r+b" if path.exists() else "w+b") as stream:
            stream.truncate(sum(len(one) for one in _whole_lines(stream.read())))
            stream.seek(0, os.SEEK_END)
            stream.write(line)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise OutputError(f"{str(path)!r} cannot be written", found=reason_of(error), todo="make room") from error
    return entry, line_hash(line)


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file.

    Raises
    ------
    DataError
        It cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DataError(
            f"{str(path)!r} cannot be read", found=reason_of(error), todo="check the path and its permissions"
        ) from error


def _whole_lines(content: bytes) -> list[bytes]:
    return [line for line in content.splitlines(keepends=True) if line.endswith(b"\n")]


def _broken(path: Path, number: int, found: str) -> DataError:
    return DataError(
        f"The audit trail {str(path)!r} is broken at line {number}",
        expected="lines as leukolens wrote them, each with the hash of the one before",
        found=found,
        todo="put back the file from your backup; a verification with a changed trail proves nothing",
    )
