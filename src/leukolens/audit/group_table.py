"""``groups.csv``: which pictures belong together, for splits and intervals. It depends on the pictures alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leukolens.data.grouping import join_groups
from leukolens.finding.output import csv_text
from leukolens.finding.paths import plain

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from leukolens.data.manifest import Entry

COLUMNS: Final = (
    "path",
    "sha256",
    "label",
    "patient",
    "duplicate_group",
    "field_group",
    "session_group",
    "readable",
)


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One file of the data set with its groups.

    Attributes
    ----------
    entry
        As it was read.
    duplicate, field, session
        Names such as "d1", "f1", "s1", numbered in the order of the data set; "" for what was not sought or cannot be
        told. A field holds whole groups of duplicates.
    """

    entry: Entry
    duplicate: str
    field: str
    session: str


def group_rows(
    entries: Sequence[Entry],
    readable: Sequence[int],
    copies: Sequence[int],
    fields: Sequence[int] | None,
    sessions: Sequence[int] | None,
) -> list[GroupRow]:
    """Name the groups of all files of a data set.

    Parameters
    ----------
    entries
        All files.
    readable
        Numbers of those that were measured.
    copies, fields, sessions
        Group of each of these; None where they were not sought. Files with the same bytes share all groups, unreadable
        ones too: a session takes them to that of the first.

    Returns
    -------
    list of GroupRow
        In the order of the files. An unreadable file that is no copy stands for itself, and in no session.
    """
    place = {number: position for position, number in enumerate(readable)}
    duplicate = join_groups([_keys(place, copies, number, entry.sha256) for number, entry in enumerate(entries)])
    field: list[int] | None = None
    if fields is not None:
        field = join_groups([_keys(place, fields, number, duplicate[number]) for number in range(len(entries))])
    session = _sessions(entries, place, sessions)
    return [
        GroupRow(entry, f"d{duplicate[number] + 1}", "" if field is None else f"f{field[number] + 1}", session[number])
        for number, entry in enumerate(entries)
    ]


def _keys(place: dict[int, int], groups: Sequence[int], number: int, other: Hashable) -> list[Hashable]:
    own: list[Hashable] = [("other", other)] if other is not None else []
    return [*own, ("group", groups[place[number]])] if number in place else own


def _sessions(entries: Sequence[Entry], place: dict[int, int], sessions: Sequence[int] | None) -> list[str]:
    if sessions is None:
        return [""] * len(entries)
    names: dict[int, str] = {}
    of_file: dict[str, str] = {}
    found = []
    for number, entry in enumerate(entries):
        if number not in place or entry.sha256 is None:
            found.append("")
            continue
        known = of_file.get(entry.sha256)
        if known is None:
            known = names.setdefault(sessions[place[number]], f"s{len(names) + 1}")
            of_file[entry.sha256] = known
        found.append(known)
    return found


def encode_groups(rows: Sequence[GroupRow]) -> bytes:
    """Return the file's bytes: UTF-8, comma, one row a picture. The same for the same pictures on every machine."""
    return csv_text([COLUMNS, *map(_cells, rows)]).encode("utf-8")


def _cells(row: GroupRow) -> tuple[str, ...]:
    entry = row.entry
    return (
        plain(entry.path),
        entry.sha256 or "",
        plain(entry.label),
        plain(entry.patient or ""),
        row.duplicate,
        row.field,
        row.session,
        "no" if entry.reason else "yes",
    )
