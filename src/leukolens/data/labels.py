"""Labels, patients, laboratories and paths from a CSV file."""

from __future__ import annotations

import csv
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from leukolens.data.catalogue import Item
from leukolens.finding import DataError, nearest
from leukolens.finding.paths import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

_DELIMITERS = (",", ";", "\t")
_MISSING = frozenset({"", "nan", "null", "n/a", "?"})


def read_labels(
    table: Path,
    root: Path,
    path_column: str,
    label_column: str,
    patient_column: str | None,
    laboratory_column: str | None = None,
) -> list[Item]:
    """Read a table of images.

    Parameters
    ----------
    table
        CSV file in UTF-8 with a header; comma, semicolon or tab.
    root
        Folder that the paths are relative to. Absolute paths must lie below it. Links are not resolved.
    path_column, label_column, patient_column, laboratory_column
        Names of the columns. A column of patients or of laboratories must be filled in every row.

    Returns
    -------
    list of Item
        In the order of the rows.

    Raises
    ------
    DataError
        The file or a column is missing, a cell is empty, a path occurs twice, leaves `root` or leads to no file.
    """
    further = {name: at for at, name in enumerate(filter(None, (patient_column, laboratory_column)), start=2)}
    columns = [path_column, label_column, *further]
    items: list[Item] = []
    rows: dict[str, int] = {}
    lost: list[str] = []
    for number, values in _rows(table, columns):
        path = _relative(values[0], root, table, number)
        if path in rows:
            raise DataError(
                f"{path!r} stands twice in {table.name}, rows {rows[path]} and {number}",
                expected="one row an image",
                todo="remove one of the rows",
            )
        rows[path] = number
        size = _size(root / path)
        if size is None:
            lost.append(path)
        else:
            patient, laboratory = (
                plain(values[further[name]]) if name else None for name in (patient_column, laboratory_column)
            )
            items.append(Item(path, plain(values[1]), patient, size, laboratory=laboratory))
    _all_there(lost, root, table)
    if not items:
        raise DataError(f"No row in {table.name}", expected="one row an image", found="only a header")
    return items


def _rows(table: Path, columns: list[str]) -> Iterator[tuple[int, list[str]]]:
    try:
        with table.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            reader = csv.reader(file, delimiter=_delimiter(file.readline(), columns[0]), strict=True)
            file.seek(0)
            header = [name.strip() for name in next(reader, [])]
            places = [_place(header, name, table) for name in columns]
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                values = [cells[place].strip() if place < len(cells) else "" for place in places]
                _all_filled(values, columns, table, reader.line_num)
                yield reader.line_num, values
    except (OSError, csv.Error) as error:
        raise DataError(
            f"The table {str(table)!r} cannot be read",
            expected="a CSV file in UTF-8",
            found=str(error),
            todo="check the path and the format",
        ) from error


def _delimiter(header: str, path_column: str) -> str:
    for mark in _DELIMITERS:
        if path_column in [cell.strip().strip('"') for cell in header.strip().lstrip("\ufeff").split(mark)]:
            return mark
    return ","


def _place(header: list[str], column: str, table: Path) -> int:
    if header.count(column) != 1:
        raise DataError(
            f"{table.name} has {header.count(column) or 'no'} column{'s' * (column in header)} {column!r}",
            expected="exactly one",
            found=f"the columns {', '.join(header) or '(none)'}",
            todo=f"name the right column. {nearest(column, header)}",
        )
    return header.index(column)


def _all_filled(values: list[str], columns: list[str], table: Path, number: int) -> None:
    for value, column in zip(values, columns, strict=True):
        if value.casefold() in _MISSING:
            raise DataError(
                f"Row {number} of {table.name} has no {column!r}",
                expected="a value in every row",
                found=repr(value),
                todo="fill it in, or remove the row",
            )


def _relative(text: str, root: Path, table: Path, number: int) -> str:
    # Tables written on Windows separate by backslashes; elsewhere one may belong to a name, and then the file exists.
    if "\\" in text and not (root / text).exists():
        text = text.replace("\\", "/")
    path = PurePosixPath(text)
    base = PurePosixPath(root.absolute().as_posix())
    if _is_absolute(text) and path.is_relative_to(base):
        path = path.relative_to(base)
    if not path.parts or ".." in path.parts or _is_absolute(str(path)):
        raise DataError(
            f"The path {text!r} in row {number} of {table.name} leaves the data set",
            expected=f"a path below {str(root)!r}, without '..'",
            todo="correct the path, or give the folder that holds all images",
        )
    return str(path)


def _is_absolute(text: str) -> bool:
    return PurePosixPath(text).is_absolute() or bool(PureWindowsPath(text).drive)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size if path.is_file() else None
    except (OSError, ValueError):  # ValueError: a null character in the name
        return None


def _all_there(lost: list[str], root: Path, table: Path) -> None:
    if lost:
        shown = ", ".join(repr(path) for path in lost[:3])
        raise DataError(
            f"{len(lost)} of the images in {table.name} are not there: {shown}{', ...' if len(lost) > 3 else ''}",
            expected=f"files below {str(root)!r}",
            todo="check the folder, or the column of paths",
        )
