"""CSV files as laboratories write them: read strictly, so that nothing is guessed."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final, NamedTuple

from leukolens.finding import DataError, nearest
from leukolens.finding.output import reason_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_DELIMITERS: Final = (",", ";", "\t")
_MOST_BYTES: Final = 50 * 2**20


class Row(NamedTuple):
    """One row: the line that it ends on, and its cells by column, stripped; "" where a cell or column is missing."""

    line: int
    cells: dict[str, str]


def read_bytes(path: Path, what: str) -> bytes:
    """Read a table's bytes.

    Raises
    ------
    DataError
        It is no ordinary file, cannot be read, or is larger than a table of cases ever is.
    """
    try:
        if not path.is_file():
            raise DataError(f"{what} {str(path)!r} is not there", expected="a CSV file", todo="check the path")
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(f"{what} {str(path)!r} is too large", expected=f"{_MOST_BYTES >> 20} MiB at most")
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{what} {str(path)!r} cannot be read", found=reason_of(error), todo="check the path"
        ) from error


def parse_rows(
    content: bytes, name: str, required: Sequence[str], optional: Sequence[str], *, others: bool = False
) -> list[Row]:
    """Read a table with a header.

    Parameters
    ----------
    content
        CSV in UTF-8; comma, semicolon or tab.
    name
        What it is called in messages.
    required, optional
        Its columns, in lower case; the header may write them in any case. Cells of the required ones must be filled.
    others
        Let other columns stand, unread.

    Raises
    ------
    DataError
        It is not CSV in UTF-8, a column is missing, unknown or stands twice, a cell is empty, or there is no row.
    """
    try:
        text = content.decode("utf-8-sig")
        first = text.partition("\n")[0].casefold()
        delimiter = max(_DELIMITERS, key=lambda mark: sum(column in _names(first.split(mark)) for column in required))
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        columns = _names(next(reader, []))
        _check_columns(columns, name, required, optional, others)
        rows = [
            Row(reader.line_num, {column: cell.strip() for column, cell in zip(columns, cells, strict=False)})
            for cells in reader
            if any(cell.strip() for cell in cells)
        ]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{name} cannot be read", expected="CSV in UTF-8", found=str(error)) from error
    if not rows:
        raise DataError(f"{name} has no row", expected="one row a case", found="only a header")
    filled = [Row(row.line, {column: row.cells.get(column, "") for column in (*required, *optional)}) for row in rows]
    for row in filled:
        empty = [column for column in required if not row.cells[column]]
        if empty:
            raise DataError(
                f"Line {row.line} of {name} has no {empty[0]!r}", expected="a value in every row", todo="fill it in"
            )
    return filled


def _names(cells: Iterable[str]) -> list[str]:
    return [cell.strip().strip('"').casefold() for cell in cells]


def _check_columns(
    columns: Sequence[str], name: str, required: Sequence[str], optional: Sequence[str], others: bool
) -> None:
    missing = [column for column in required if column not in columns]
    if missing:
        raise DataError(
            f"{name} has no column {missing[0]!r}",
            expected=f"the columns {', '.join(required)}",
            found=", ".join(filter(None, columns)) or "none",
        )
    known = [*required, *optional]
    twice = [column for column in known if columns.count(column) > 1]
    if twice:
        raise DataError(f"{name} has the column {twice[0]!r} twice", todo="remove one of them")
    strange = [column for column in columns if column and column not in known]
    if strange and not others:
        raise DataError(
            f"{name} has an unknown column {strange[0]!r}", todo=f"take it out. {nearest(strange[0], known)}"
        )


def listed(names: Iterable[str], most: int = 5) -> str:
    """Return the first few names in quotes, and how many more there are."""
    known = list(names)
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(repr(name) for name in known[:most]) + more
