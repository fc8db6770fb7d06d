"""Readers' answers: one CSV or more, kept as they came, and together as one table of readings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from leukolens.assess.site.tables import Row, listed, parse_rows, read_bytes
from leukolens.finding import DataError, nearest
from leukolens.finding.output import csv_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from leukolens.assess.site.plan import Readers

COLUMNS: Final = ("reader", "case", "answer")
OPTIONAL: Final = ("reading", "date")
FIRST: Final = "1"
SECOND: Final = "2"


@dataclass(frozen=True)
class Reading:
    """One reader's answer to one case.

    Attributes
    ----------
    reader, case, answer
        Who, of what, and one of the plan's answers.
    reading
        "1", or "2" for the same reader's second look.
    day
        Of the reading, ISO 8601; "" where it is not said.
    """

    reader: str
    case: str
    answer: str
    reading: str
    day: str


def read_readings(path: Path, readers: Readers, cases: Sequence[str]) -> list[Reading]:
    """Read one file of readers' answers.

    Parameters
    ----------
    path
        CSV with the columns ``reader``, ``case``, ``answer``, and if wanted ``reading`` (1 or 2) and ``date``.
    readers
        The plan's answers.
    cases
        The cases of the list.

    Raises
    ------
    DataError
        A case, answer or reading is not known, a date is none, or a reader contradicts themselves.
    """
    rows = parse_rows(read_bytes(path, "The readings"), path.name, COLUMNS, OPTIONAL)
    unknown = list(dict.fromkeys(row.cells["case"] for row in rows if row.cells["case"] not in set(cases)))
    if unknown:
        names = sorted({row.cells["reader"] for row in rows if row.cells["case"] in unknown})
        raise DataError(
            f"{path.name} names {len(unknown)} cases that are not in the list, by {listed(names)}",
            expected=f"the names of the {len(cases)} cases in cases.csv",
            found=listed(unknown),
            todo=nearest(unknown[0], cases),
        )
    found = [_reading(row, path.name, readers) for row in rows]
    merge([found])
    return found


def _reading(row: Row, name: str, readers: Readers) -> Reading:
    answer = " ".join(row.cells["answer"].split()).casefold()
    known = {one.casefold(): one for one in readers.answers}
    if answer not in known:
        raise DataError(
            f"Line {row.line} of {name} has an answer that the plan does not know",
            found=repr(row.cells["answer"]),
            todo=nearest(answer, readers.answers),
        )
    reading = row.cells["reading"] or FIRST
    if reading not in {FIRST, SECOND}:
        raise DataError(f"Line {row.line} of {name}: reading", expected="1 or 2", found=repr(reading))
    day = row.cells["date"]
    try:
        day = date.fromisoformat(day).isoformat() if day else ""
    except ValueError as error:
        raise DataError(
            f"Line {row.line} of {name}: date", expected="a day such as 2026-03-31", found=repr(day)
        ) from error
    return Reading(row.cells["reader"], row.cells["case"], known[answer], reading, day)


def merge(parts: Iterable[Sequence[Reading]]) -> list[Reading]:
    """Put readings together; one that is given twice counts once.

    Raises
    ------
    DataError
        A reader gave a case two answers in one reading.
    """
    found: dict[tuple[str, str, str], Reading] = {}
    for one in (one for part in parts for one in part):
        other = found.setdefault((one.reader, one.case, one.reading), one)
        if other.answer != one.answer:
            raise DataError(
                f"Reader {one.reader!r} contradicts themselves about case {one.case!r}, reading {one.reading}",
                expected="one answer a reader, case and reading",
                found=f"{other.answer!r} and {one.answer!r}",
                todo="keep the one that was given; a second look at the case is reading 2",
            )
    return list(found.values())


def readings_csv(readings: Iterable[Reading]) -> str:
    """Return readings as leukolens keeps them."""
    rows = ([one.reader, one.case, one.answer, one.reading, one.day] for one in readings)
    return csv_text([[*COLUMNS, *OPTIONAL], *rows])


def load_readings(paths: Iterable[Path]) -> list[Reading]:
    """Read what `readings_csv` wrote, all files together."""
    parts = []
    for path in paths:
        rows = parse_rows(read_bytes(path, "The readings"), path.name, COLUMNS, OPTIONAL)
        parts.append([Reading(*(row.cells[column] for column in (*COLUMNS, "reading", "date"))) for row in rows])
    return merge(parts)


def short_washouts(readings: Sequence[Reading], days: int) -> list[str]:
    """Return, for each reader whose second reading came too soon after the first or at no known time, a sentence."""
    first = {(one.reader, one.case): one.day for one in readings if one.reading == FIRST}
    found = []
    for reader in dict.fromkeys(one.reader for one in readings):
        pairs = [
            (first.get((reader, one.case), ""), one.day)
            for one in readings
            if one.reader == reader and one.reading == SECOND
        ]
        gaps = [(date.fromisoformat(b) - date.fromisoformat(a)).days for a, b in pairs if a and b]
        soon = sum(gap < days for gap in gaps)
        if soon:
            found.append(
                f"{reader} read {soon} of {len(pairs)} cases again before {days} days had passed (at the soonest after "
                f"{min(gaps)})."
            )
        if len(gaps) < len(pairs):
            found.append(
                f"{reader}: {len(pairs) - len(gaps)} second readings have no two dates; the washout is not known."
            )
    return found
