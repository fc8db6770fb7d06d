"""The list of cases: which pictures belong to which case and capture, without a word about the truth."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leukolens.assess.site.tables import Row, listed, parse_rows, read_bytes
from leukolens.finding import DataError, UsageError
from leukolens.finding.output import csv_text, reason_of
from leukolens.screen.inputs import Input, list_inputs

if TYPE_CHECKING:
    from collections.abc import Sequence

COLUMNS: Final = ("case", "images")
OPTIONAL: Final = ("capture", "repeat_of", "day", "patient")
FIRST: Final = "1"
"""Name of a capture that the list does not name."""

_BETWEEN: Final = " / "
_TELLING: Final = frozenset({"truth", "label", "diagnosis", "class", "subtype", "leukaemia", "leukemia", "result"})


@dataclass(frozen=True)
class Picture:
    """One picture of a case.

    Attributes
    ----------
    case, capture
        Whose, and from which capture of that case.
    day
        Of the capture, as the list says it; "" where it does not.
    path
        Relative to the folder of images, "/" between the parts.
    sha256
        Of the file, when the list was added.
    """

    case: str
    capture: str
    day: str
    path: str
    sha256: str

    @property
    def unit(self) -> str:
        """What screening takes for a case: the pictures of one capture."""
        return f"{self.case}{_BETWEEN}{self.capture}"


@dataclass(frozen=True)
class CaseList:
    """The cases in the order of the list, and their pictures.

    A case's first capture in the list answers for it; the others tell how well it repeats.
    """

    pictures: tuple[Picture, ...]

    @property
    def cases(self) -> list[str]:
        """The names of the cases, each once."""
        return list(dict.fromkeys(picture.case for picture in self.pictures))

    def captures(self) -> dict[str, list[str]]:
        """Return the captures of each case, in order."""
        found: dict[str, list[str]] = {}
        for picture in self.pictures:
            own = found.setdefault(picture.case, [])
            if picture.capture not in own:
                own.append(picture.capture)
        return found

    def repeated(self) -> list[str]:
        """Return the cases with more than one capture."""
        return [case for case, captures in self.captures().items() if len(captures) > 1]


def read_case_list(table: Path, images: Path | None) -> CaseList:
    """Read a list of cases and hash every picture.

    Parameters
    ----------
    table
        CSV with the columns ``case`` and ``images`` (a file, or a folder with all pictures of the row), and if wanted
        ``capture``, ``repeat_of`` (the row is another capture of that case), ``day`` and ``patient``.
    images
        The folder that paths are relative to; None: the table's.

    Raises
    ------
    DataError, UsageError
        The table tells the truth, or is not what it should be; pictures are missing, or stand in two places.
    """
    content = read_bytes(table, "The list of cases")
    _refuse_truth(content, table.name)
    rows = parse_rows(content, table.name, COLUMNS, OPTIONAL)
    root = table.parent if images is None else images
    _refuse_patients(rows, table.name)
    names = {row.cells["case"] for row in rows if not row.cells["repeat_of"]}
    pictures: list[Picture] = []
    for row in rows:
        case, capture = _place(row, names, table.name)
        for item in _pictures_of(row, root, table.name):
            path = _as_text(Path(os.path.relpath(item.path, root)).as_posix(), row, table.name)
            pictures.append(Picture(case, capture, row.cells["day"], path, _hash(item)))
    found = CaseList(tuple(pictures))
    _refuse_twins(found)
    return found


def _refuse_truth(content: bytes, name: str) -> None:
    header = content.partition(b"\n")[0].decode("utf-8-sig", "replace").casefold()
    for mark in ",;\t":
        telling = sorted(_TELLING.intersection(cell.strip().strip('"') for cell in header.strip().split(mark)))
        if telling:
            raise DataError(
                f"{name} has a column {telling[0]!r}, so it is not blind",
                expected="a list of cases without the truth",
                todo="put the truth into a file of its own, which nobody opens before unblinding",
            )


def _refuse_patients(rows: Sequence[Row], name: str) -> None:
    cases: dict[str, str] = {}
    for row in rows:
        patient, case = row.cells["patient"], row.cells["repeat_of"] or row.cells["case"]
        if patient and cases.setdefault(patient, case) != case:
            raise DataError(
                f"Line {row.line} of {name} gives patient {patient!r} a second case",
                expected="one case a patient: exact intervals take cases for independent",
                found=f"{cases[patient]!r} and {case!r}",
                todo="leave one out, or list it as another capture with repeat_of",
            )


def _place(row: Row, names: set[str], table: str) -> tuple[str, str]:
    """Return the case and the capture of a row."""
    case, other = row.cells["case"], row.cells["repeat_of"]
    if not other:
        return _check_names(row, case, row.cells["capture"] or FIRST, table)
    if other not in names:
        raise DataError(
            f"Line {row.line} of {table} repeats {other!r}, which is no case of its own",
            expected=f"one of {listed(sorted(names))}",
        )
    if case in names:
        raise DataError(
            f"Line {row.line} of {table} makes {case!r} a repetition, but another line makes it a case of its own",
            todo="give the repetition a name of its own",
        )
    return _check_names(row, other, row.cells["capture"] or case, table)


def _check_names(row: Row, case: str, capture: str, table: str) -> tuple[str, str]:
    for name in (case, capture):
        if _BETWEEN in name:
            raise DataError(
                f"Line {row.line} of {table} has a name with {_BETWEEN!r}, which stands between case and capture",
                found=repr(name),
                todo="name it otherwise",
            )
    return case, capture


def _pictures_of(row: Row, root: Path, table: str) -> list[Input]:
    place = root / row.cells["images"].replace("\\", "/")
    try:
        return list_inputs([place])
    except UsageError as error:
        raise DataError(
            f"Line {row.line} of {table}: {error.message}",
            expected=f"pictures in {row.cells['images']!r}, below {str(root)!r}",
            todo="check the path, or say with --images where the pictures are",
        ) from error


def _as_text(path: str, row: Row, table: str) -> str:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(
            f"Line {row.line} of {table} leads to a picture whose name is no text",
            found=ascii(path),
            todo="rename the file",
        ) from error
    return path


def _hash(item: Input) -> str:
    try:
        with item.path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"The picture {item.source!r} cannot be opened", found=reason_of(error)) from error


def _refuse_twins(found: CaseList) -> None:
    """Refuse a picture that stands in two places: a copy would let a repetition agree with itself."""
    for what in ("path", "sha256"):
        first: dict[str, Picture] = {}
        for picture in found.pictures:
            other = first.setdefault(getattr(picture, what), picture)
            if other is not picture:
                same = "stands twice" if what == "path" else f"is a copy of {other.path!r}, byte for byte"
                raise DataError(
                    f"The picture {picture.path!r} of {picture.unit!r} {same}",
                    expected="each picture once; a repetition is a new capture, not a copy",
                    found=f"also in {other.unit!r}",
                    todo="take one of them out",
                )


def cases_csv(cases: CaseList) -> str:
    """Return the list as leukolens keeps it: case, capture, day, path, sha256."""
    rows = ([one.case, one.capture, one.day, one.path, one.sha256] for one in cases.pictures)
    return csv_text([["case", "capture", "day", "path", "sha256"], *rows])


def load_cases(path: Path) -> CaseList:
    """Read what `cases_csv` wrote."""
    rows = parse_rows(read_bytes(path, "The list of cases"), path.name, ("case", "capture", "path", "sha256"), ("day",))
    return CaseList(tuple(Picture(**row.cells) for row in rows))


def check_number(cases: CaseList, planned: int) -> None:
    """Check that there are as many cases as were planned.

    Raises
    ------
    DataError
        There are fewer.
    """
    found = len(cases.cases)
    if found < planned:
        raise DataError(
            "The list has too few cases for the plan",
            expected=f"{planned} cases",
            found=f"{found}",
            todo=f"add {planned - found} cases; or plan fewer, as long as the plan is not sealed",
        )
