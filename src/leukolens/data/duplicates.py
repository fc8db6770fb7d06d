"""Exact duplicates: the same file, or the same pixels, more than once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from leukolens.finding.paths import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from leukolens.data.manifest import Entry


class Duplicates(BaseModel):
    """Images that are one and the same.

    Attributes
    ----------
    same
        "bytes": the files are identical. "pixels": they decode to the same picture, and not all files are identical.
    paths
        Two or more, in the order of the data set.
    labels, patients
        Those that occur among them. More than one label is a conflict: the same image cannot be both.
    """

    model_config = ConfigDict(frozen=True)
    same: Literal["bytes", "pixels"]
    paths: tuple[str, ...]
    labels: tuple[str, ...]
    patients: tuple[str, ...]

    @property
    def conflict(self) -> bool:
        """Whether the copies contradict each other in label or patient."""
        return len(self.labels) > 1 or len(self.patients) > 1


def find_duplicates(entries: Iterable[Entry]) -> list[Duplicates]:
    """Find all sets of exact duplicates.

    Parameters
    ----------
    entries
        Files as read.

    Returns
    -------
    list of Duplicates
        First those with the same bytes, then those that only share their pixels; each in the order of the data set.
    """
    entries = list(entries)
    same_bytes = _sets(entries, lambda entry: entry.sha256)
    same_pixels = [found for found in _sets(entries, lambda entry: entry.pixel_sha256) if _files(found) > 1]
    return [_described("bytes", found) for found in same_bytes] + [_described("pixels", found) for found in same_pixels]


def _sets(entries: Iterable[Entry], key: Callable[[Entry], str | None]) -> list[list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        value = key(entry)
        if value is not None:
            found.setdefault(value, []).append(entry)
    return [members for members in found.values() if len(members) > 1]


def _files(members: list[Entry]) -> int:
    return len({entry.sha256 for entry in members})


def _described(same: Literal["bytes", "pixels"], members: list[Entry]) -> Duplicates:
    return Duplicates(
        same=same,
        paths=tuple(plain(entry.path) for entry in members),
        labels=tuple(dict.fromkeys(entry.label for entry in members)),
        patients=tuple(dict.fromkeys(entry.patient for entry in members if entry.patient is not None)),
    )
