"""Groups that an audit recovered: which images are copies, captures of one field, or of one session."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from leukolens.data.catalogue import Catalogue, portable_path, sha256_of
from leukolens.finding import DataError, nearest
from leukolens.finding.paths import plain

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

Column = Literal["duplicate_group", "field_group", "session_group"]
GROUP_COLUMNS: Final[tuple[Column, ...]] = ("duplicate_group", "field_group", "session_group")
_COLUMNS: Final = ("path", "sha256", "label", *GROUP_COLUMNS)
_MAKE: Final = "make the groups file anew: leukolens audit DATA --out DIR"
_OF_A_FILE: Final[tuple[Column, ...]] = ("duplicate_group", "field_group")
_SHORT_RUN: Final = 3
"""Most files in a run of one session that count as alternating."""


@dataclass(frozen=True)
class Groups:
    """The recovered groups of one data set.

    Attributes
    ----------
    file
        Name of the file that they were read from, without folders.
    sha256
        Of that file.
    names
        By column, the group of each image in the order of the catalogue; None for an image that stands for itself.
    """

    file: str
    sha256: str
    names: Mapping[Column, tuple[str | None, ...]]

    def keys(self, columns: Iterable[Column]) -> list[list[Hashable]]:
        """Return what each image shares with others of its group, as `leukolens.data.grouping.join_groups` takes it."""
        chosen = [(column, self.names[column]) for column in columns]
        count = len(self.names["field_group"])
        return [[(name, own[at]) for name, own in chosen if own[at] is not None] for at in range(count)]


def read_groups(path: Path, catalogue: Catalogue) -> Groups:
    """Read the ``groups.csv`` of an audit and check that it is of a data set.

    Parameters
    ----------
    path
        CSV file (UTF-8, comma) with at least the columns ``path`` (relative to the data set), ``sha256``, ``label``,
        ``duplicate_group``, ``field_group`` and ``session_group``; others are not read. An empty group is an image that
        stands for itself.
    catalogue
        The data set, fingerprinted.

    Returns
    -------
    Groups
        In the order of the catalogue.

    Raises
    ------
    DataError
        The file cannot be read, lacks a column, contradicts itself, or is of other images or labels.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        rows = _rows(content.decode("utf-8-sig"), path.name)
    except OSError as error:
        raise DataError(
            f"No groups file can be read at {str(path)!r}",
            expected="the groups.csv of 'leukolens audit'",
            found=error.strerror or type(error).__name__,
            todo="check the path",
        ) from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(
            f"{path.name} is no groups file", expected="a CSV file in UTF-8", found=str(error), todo=_MAKE
        ) from error
    by_path = _by_path(rows, catalogue.layout, path.name)
    _same_images(by_path, catalogue, path.name)
    ordered = [by_path[portable_path(item.path, catalogue.layout)] for item in catalogue.items]
    names = {column: tuple(row[column] or None for row in ordered) for column in GROUP_COLUMNS}
    return Groups(plain(path.name), hashlib.sha256(content).hexdigest(), names)


def _rows(text: str, name: str) -> list[dict[str, str]]:
    if not text.strip():
        raise DataError(
            f"{name} is empty",
            expected=f"the columns {', '.join(_COLUMNS)} and a row an image",
            found="no line",
            todo=_MAKE,
        )
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = [cell.strip() for cell in next(reader, [])]
    for column in _COLUMNS:
        if header.count(column) != 1:
            raise DataError(
                f"{name} has {header.count(column) or 'no'} column{'s' * (column in header)} {column!r}",
                expected=f"one each of {', '.join(_COLUMNS)}",
                found=", ".join(header)[:200] or "an empty line",
                todo=f"{_MAKE}. {nearest(column, header)}",
            )
    places = {column: header.index(column) for column in _COLUMNS}
    rows = []
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise DataError(
                f"Line {reader.line_num} of {name} is not whole",
                expected=f"{len(header)} cells",
                found=str(len(cells)),
                todo=_MAKE,
            )
        rows.append({column: cells[place].strip() for column, place in places.items()})
    if not rows:
        raise DataError(f"{name} has no rows", expected="one row an image", found="its header alone", todo=_MAKE)
    return rows


def _by_path(rows: Sequence[dict[str, str]], layout: str, name: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    copies: dict[str, dict[str, str]] = {}
    for row in rows:
        path = portable_path(row["path"], layout)
        if path in found:
            same = "the same" if found[path] == row else "another"
            raise DataError(
                f"{row['path']!r} stands twice in {name}",
                expected="one row an image",
                found=f"{same} row again",
                todo=_MAKE,
            )
        found[path] = row
        first = copies.setdefault(row["sha256"].lower(), row)
        for column in _OF_A_FILE:
            if first is not row and first[column] != row[column]:
                raise DataError(
                    f"{name} contradicts itself: {first['path']!r} and {row['path']!r} are the same file",
                    expected=f"one {column}",
                    found=f"{first[column]!r} and {row[column]!r}",
                    todo=_MAKE,
                )
    return found


def _same_images(rows: Mapping[str, dict[str, str]], catalogue: Catalogue, name: str) -> None:
    here = {portable_path(item.path, catalogue.layout): item for item in catalogue.items}
    if not set(here) & set(rows):
        raise DataError(
            f"{name} belongs to another data set",
            expected=f"the groups of {len(here)} images, {next(iter(here), '')!r} among them",
            found=f"{len(rows)} rows" + (f", {next(iter(rows))!r} among them" if rows else ""),
            todo=f"give the groups of this data set, or {_MAKE}",
        )
    lost, gone = [path for path in here if path not in rows], [path for path in rows if path not in here]
    if lost or gone:
        told = [
            f"{len(paths)} images {words}, {paths[0]!r} first"
            for paths, words in ((lost, "without a row"), (gone, "with a row that are not in the data set"))
            if paths
        ]
        raise DataError(
            f"{name} does not know the same images as the data set",
            expected=f"one row for each of {len(here)} images",
            found=" and ".join(told),
            todo=f"give the data set that was audited, or {_MAKE}",
        )
    for path, item in here.items():
        row = rows[path]
        for what, then, now in (
            ("file", row["sha256"].lower()[:12], sha256_of(item)[:12]),
            ("label", plain(row["label"]), item.label),
        ):
            if then != now:
                raise DataError(
                    f"{item.path!r} has another {what} than when {name} was made",
                    expected=repr(then),
                    found=repr(now),
                    todo=f"bring it back as it was, or {_MAKE}",
                )


def interleaved(sessions: Sequence[str | None]) -> bool:
    """Say whether the sessions of a class alternate along its files, so that a block of files parts all of them.

    Parameters
    ----------
    sessions
        Of the files of one class in natural order.

    Returns
    -------
    bool
        Whether more than half of the files lie in runs of three or fewer of one session, and sessions come again. A
        few stray files, or a part of the listing that alternates, do not make it so.
    """
    lengths = runs(sessions)
    short = sum(length for length in lengths if length <= _SHORT_RUN)
    return 2 * short > len(sessions) and len(lengths) > 2 * len(set(sessions))


def runs(sessions: Sequence[str | None]) -> list[int]:
    """Return the length of each run of equal neighbours, in order."""
    return [len(list(members)) for _, members in groupby(sessions)]


def all_in_sessions(groups: Groups, paths: Sequence[str], wanted: Iterable[int], why: str) -> None:
    """See that each of some images has a session.

    Parameters
    ----------
    groups
        The groups.
    paths
        Of all images of the data set, for the message.
    wanted
        Indices of the images that need one.
    why
        What needs it.

    Raises
    ------
    DataError
        One has none.
    """
    lacking = [index for index in wanted if groups.names["session_group"][index] is None]
    if lacking:
        raise DataError(
            f"{len(lacking)} images have no session_group in {groups.file}, {paths[lacking[0]]!r} first",
            expected=f"one for every image: {why}",
            todo=f"fill them in, take these images out of the data set, or {_MAKE}",
        )
