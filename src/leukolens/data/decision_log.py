"""``decisions.jsonl``: an append-only log of looks at held-out images; each line holds the hash of the line before.

The chain shows that a line was changed, taken out or put in. It keeps no secret and so does not stop a forger, who can
write all hashes anew; nor does a log alone show that its last lines were cut off. Evaluations, runs and bundles keep
the hash of the line that they caused, and `missing_lines` compares.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from leukolens import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

LOG_FILE: Final = "decisions.jsonl"
FIRST: Final = "0" * 64
"""What the first line of a log holds instead of the hash of a line before."""
_PATIENCE: Final = 60.0  # seconds to wait for another process that appends
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Opened(_Strict):
    """What was looked at: one side of one fold of a split; or a whole data set, where there is no split."""

    split_sha256: Sha256 | None = None
    fold: int | None = Field(default=None, ge=0)
    side: str = "test"
    images: int = Field(ge=0)
    data_sha256: Sha256 | None = None

    def same_place(self, other: Opened) -> bool:
        """Tell whether both are one side of one fold of one split, or one data set without a split."""
        if self.split_sha256 is None:
            return other.split_sha256 is None and self.data_sha256 == other.data_sha256
        return (self.split_sha256, self.fold, self.side) == (other.split_sha256, other.fold, other.side)

    @property
    def words(self) -> str:
        """Such as "The test side of fold 5"."""
        if self.split_sha256 is None:
            return "The data set"
        return f"The {self.side} side" + ("" if self.fold is None else f" of fold {self.fold}")


class Opener(_Strict):
    """The model that was judged: a bundle by the SHA-256 of its ``bundle.json``, a run by that of its weights."""

    kind: Literal["bundle", "run"]
    name: str
    sha256: Sha256


class Decision(_Strict):
    """One line of the log.

    Attributes
    ----------
    number
        Of the line, from 1.
    opening
        The how-manieth look at this place it was, as far as was known where the place's own log is kept.
    figures
        SHA-256 of what came out, by the name of its file.
    previous
        SHA-256 of the bytes of the line before, without its line end; `FIRST` in the first line.
    sha256
        Of this line's content without this field, as canonical JSON.
    """

    schema_: Literal["1"] = Field(default="1", alias="schema")
    kind: Literal["leukolens opening"] = "leukolens opening"
    number: int = Field(ge=1)
    time: datetime
    command: str
    reason: str | None = None
    opened: Opened
    opening: int = Field(ge=1)
    by: tuple[Opener, ...]
    figures: dict[str, Sha256]
    code_version: str
    previous: Sha256
    sha256: str = ""


@dataclass(frozen=True)
class Log:
    """A log as it was read.

    Attributes
    ----------
    decisions
        The lines that could be read, in order.
    faults
        What is wrong with it, one sentence each; none where the chain is whole.
    """

    decisions: tuple[Decision, ...] = ()
    faults: tuple[str, ...] = ()
    last: bytes | None = None

    def openings_of(self, opened: Opened) -> list[Decision]:
        """Return the lines about one place."""
        return [one for one in self.decisions if one.opened.same_place(opened)]


def log_beside(split_file: Path) -> Path:
    """Return where the log of a split file is kept: beside it, named after it."""
    return split_file.with_name(f"{split_file.stem}.{LOG_FILE}")


def read_log(path: Path) -> Log:
    """Read a log and check its chain; a log that is not there is empty.

    Raises
    ------
    OSError
        It is there and cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Log()
    lines = content.split(b"\n")
    whole = lines[-1] == b""
    lines = lines[:-1] if whole else lines
    decisions, faults, previous = [], [], FIRST
    for number, line in enumerate(lines, start=1):
        decision, fault = _read_line(line, number, previous)
        faults += [f"Line {number} of {path.name} {fault}."] if fault else []
        decisions += [decision] if decision else []
        previous = _sha256(line)
    if lines and not whole:
        faults.append(f"Line {len(lines)} of {path.name} was not written to its end.")
    return Log(tuple(decisions), tuple(faults), lines[-1] if lines else None)


def append_decision(path: Path, make: Callable[[Log], Mapping[str, Any]]) -> Decision:
    """Add one line under a lock, so that two processes lose none.

    Parameters
    ----------
    path
        The log; made where it is missing.
    make
        Gives the fields of the line, but number, time, version and hashes, for the log as it is while it is locked.

    Raises
    ------
    OSError
        It cannot be written, or stayed locked for a minute.
    """
    from filelock import FileLock, Timeout  # in the extra "train", as all that looks at a test side

    try:
        with FileLock(path.with_name(f".{path.name}.lock"), timeout=_PATIENCE):
            log = read_log(path)
            decision = _sealed(make(log), log, _count_lines(path))
            torn = log.last is not None and not path.read_bytes().endswith(b"\n")
            with path.open("ab") as stream:  # on a line of its own, even after one that a crash cut off
                stream.write((b"\n" if torn else b"") + _line(decision) + b"\n")
                stream.flush()
                os.fsync(stream.fileno())
    except Timeout as error:
        raise TimeoutError(f"{path.name} stayed locked by another process") from error
    return decision


def missing_lines(log: Log, recorded: Mapping[str, str]) -> list[str]:
    """Return the names of those results whose line is not in the log.

    Parameters
    ----------
    log
        As read.
    recorded
        SHA-256 of a line, by the name of the result that it was written for.
    """
    known = {decision.sha256 for decision in log.decisions}
    return [name for name, sha256 in recorded.items() if sha256 not in known]


def _sealed(fields: Mapping[str, Any], log: Log, lines: int) -> Decision:
    decision = Decision(
        number=lines + 1,
        time=datetime.now(UTC).replace(microsecond=0),
        code_version=__version__,
        previous=FIRST if log.last is None else _sha256(log.last),
        **fields,
    )
    return decision.model_copy(update={"sha256": _own_hash(decision)})


def _count_lines(path: Path) -> int:
    content = path.read_bytes() if path.exists() else b""
    return content.count(b"\n") + (bool(content) and not content.endswith(b"\n"))


def _read_line(line: bytes, number: int, previous: str) -> tuple[Decision | None, str]:
    try:
        decision = Decision.model_validate(json.loads(line))
    except (ValidationError, ValueError, RecursionError):
        return None, "cannot be read"
    if decision.sha256 != _own_hash(decision):
        return decision, "was changed after it was written"
    if decision.previous != previous or decision.number != number:
        return decision, "does not follow from the line before: lines were changed, taken out or put in"
    return decision, ""


def _own_hash(decision: Decision) -> str:
    content = decision.model_dump(by_alias=True, mode="json", exclude={"sha256"})
    return _sha256(json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode("ascii"))


def _line(decision: Decision) -> bytes:
    return json.dumps(decision.model_dump(by_alias=True, mode="json"), ensure_ascii=True).encode("ascii")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def recorded_lines(results: Sequence[tuple[str, Any]]) -> dict[str, str]:
    """Return the line that each result says it caused, by the result's name; results that say none are left out.

    Parameters
    ----------
    results
        Names and contents, such as of ``metrics.json``, whose ``test_openings.line_sha256`` it is.
    """
    found = {}
    for name, content in results:
        told = content.get("test_openings") if isinstance(content, dict) else None
        sha256 = told.get("line_sha256") if isinstance(told, dict) else None
        if isinstance(sha256, str):
            found[name] = sha256
    return found
