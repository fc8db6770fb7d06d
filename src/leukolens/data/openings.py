"""Looking at held-out images leaves a trace: the one function that every verb calls that does, and what it says."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from leukolens.data.decision_log import LOG_FILE, Decision, Log, Opened, Opener, append_decision, log_beside, read_log

_LONGEST_REASON: Final = 1000
_AGAIN: Final = (
    "Figures that were looked at before choosing flatter: each look after the first lets the choice of the model "
    "follow the test images."
)


@dataclass(frozen=True)
class Look:
    """One look at held-out images.

    Attributes
    ----------
    opened
        At which images.
    command
        By which command, with file names only.
    by
        Which models were judged.
    figures
        What came out, by the name of its file: the content, or its SHA-256 in hexadecimal.
    reason
        Why, in the words of the person who looked.
    """

    opened: Opened
    command: str
    by: tuple[Opener, ...]
    figures: Mapping[str, bytes | str]
    reason: str | None = None


@dataclass(frozen=True)
class Openings:
    """How often a place has been looked at, with this look.

    Attributes
    ----------
    opened
        What was looked at.
    number
        This look is the how-manieth, by the log that knows most.
    first
        When the first was.
    models
        How many models were judged there, this one among them.
    logs
        Names of the logs that hold this look.
    notes
        What must be said of the logs: that one could not be kept, or is broken.
    line_sha256
        Of the line in the place's own log, or else in the first log that could be kept; None where none could.
    """

    opened: Opened
    number: int
    first: datetime
    models: int = 1
    logs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    line_sha256: str | None = None

    @property
    def sentence(self) -> str:
        """What is said beside the figures, with whatever is wrong with the logs."""
        times = "once" if self.number == 1 else f"{self.number} times"
        known = "" if self.logs else " as far as is known"
        models = f", for {self.models} models" if self.models > 1 else ""
        said = f"{self.opened.words} has been opened {times}{known}{models}, first on {self.first:%Y-%m-%d}."
        return " ".join([said, *([_AGAIN] if self.number > 1 and self.opened.side == "test" else []), *self.notes])

    def as_json(self) -> dict[str, Any]:
        """Return what ``metrics.json``, ``summary.json`` and ``bundle.json`` say of it."""
        return {
            "number": self.number,
            "first": self.first.isoformat(),
            "models": self.models,
            "opened": self.opened.model_dump(mode="json"),
            "logs": list(self.logs),
            "line_sha256": self.line_sha256,
            "notes": list(self.notes),
            "sentence": self.sentence,
        }


def record_opening(look: Look, *, split_file: Path | None = None, folders: Sequence[Path] = ()) -> Openings:
    """Write down that held-out images were looked at, and say how often that has happened.

    Call it once the figures are known and before anybody sees them. It raises nothing over a log that cannot be kept:
    it says so in `Openings.notes`, which belongs beside the figures.

    Parameters
    ----------
    look
        Who looked at what.
    split_file
        The log is kept beside it, as ``NAME.decisions.jsonl``, and counts all looks at its sides, by whatever model.
    folders
        Folders of the run or of the result, made where they are missing. Each keeps a ``decisions.jsonl`` of its own.

    Returns
    -------
    Openings
        Without a split file, or where its log cannot be read, the count is that of the first of `folders`.
    """
    own = [] if split_file is None else [(log_beside(split_file), True)]
    places = [*own, *((folder / LOG_FILE, False) for folder in folders)]
    number, written, notes, first = 0, list[tuple[Path, Decision]](), list[str](), None
    models = {model.sha256 for model in look.by}
    if look.opened.split_sha256 is not None and split_file is None:
        notes.append("The split file was not at hand, nor the log beside it: earlier looks may be missing.")
    for path, beside in places:
        try:
            if not beside:
                path.parent.mkdir(parents=True, exist_ok=True)
            log, decision = _append(path, look, number)
        except OSError as error:
            log, decision = _read_only(path), None
            notes.append(_not_kept(path, error, beside=beside))
        earlier = log.openings_of(look.opened)
        notes += [f"The log is broken: {fault}" for fault in log.faults]
        number = max(number, len(earlier) + 1)
        models |= {model.sha256 for one in earlier for model in one.by}
        first = min([*([first] if first else []), *(one.time for one in earlier)], default=None)
        written += [(path, decision)] if decision else []
    if not written:
        notes.append("This look is recorded nowhere.")
    return Openings(
        look.opened,
        max(number, 1),
        first or (written[0][1].time if written else datetime.now(UTC).replace(microsecond=0)),
        len(models),
        tuple(_shown(path) for path, _ in written),
        tuple(dict.fromkeys(notes)),
        written[0][1].sha256 if written else None,
    )


def _append(path: Path, look: Look, number: int) -> tuple[Log, Decision]:
    """Append to a log; returns it as it was before."""
    before = Log()

    def make(log: Log) -> dict[str, Any]:
        nonlocal before
        before = log
        return {
            "command": look.command,
            "reason": None if look.reason is None else look.reason.strip()[:_LONGEST_REASON] or None,
            "opened": look.opened,
            "opening": max(number, len(log.openings_of(look.opened)) + 1),
            "by": look.by,
            "figures": {name: _digest(content) for name, content in look.figures.items()},
        }

    decision = append_decision(path, make)
    return before, decision


def _read_only(path: Path) -> Log:
    try:
        return read_log(path)
    except OSError:
        return Log()


def _digest(content: bytes | str) -> str:
    return content if isinstance(content, str) else hashlib.sha256(content).hexdigest()


def _not_kept(path: Path, error: OSError, *, beside: bool) -> str:
    reason = error.strerror or str(error) or type(error).__name__
    if beside:
        return (
            f"The log that counts its looks, {path.name}, could not be kept ({reason}): earlier looks may be missing."
        )
    return f"The log {_shown(path)} could not be kept ({reason})."


def _shown(path: Path) -> str:
    """Return a log's name without the place on this machine: a folder's own log with the folder's name."""
    return f"{path.resolve().parent.name}/{path.name}" if path.name == LOG_FILE else path.name


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, such as of the weights that a run ended with.

    Raises
    ------
    OSError
        It cannot be read.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def bundle_opener(name: str, version: str, sha256: str) -> Opener:
    """Name a bundle as the model that was judged."""
    return Opener(kind="bundle", name=f"{name} {version}", sha256=sha256)


def run_opener(name: str, weights: Path) -> Opener:
    """Name a run as the model that was judged, by the weights that it ended with; zeros where they are gone."""
    try:
        return Opener(kind="run", name=name, sha256=file_sha256(weights))
    except OSError:
        return Opener(kind="run", name=name, sha256="0" * 64)
