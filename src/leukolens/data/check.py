"""What is in a data set: everything that ought to be known before hours of training."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from leukolens.data.catalogue import Catalogue, catalogue_sha256
from leukolens.data.duplicates import Duplicates, find_duplicates
from leukolens.data.manifest import Entry, encode_manifest, read_entries
from leukolens.finding.output import put_file, try_folder
from leukolens.finding.paths import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

FEW: Final = 30
"""Images of a class below which hardly anything can be shown of it: 29 right of 29 may still be 88 %."""
_TODO: Final = "make room, or choose another folder"
_BYTES_PER_IMAGE: Final = 512
"""What an image takes in both files, generously: two hashes, a path, perhaps a line among the duplicates."""


class Unreadable(BaseModel):
    """A file that is no image, with the reason."""

    path: str
    reason: str


class SizeCount(BaseModel):
    """How many images have this size in pixels."""

    width: int
    height: int
    n: int


class DataCheck(BaseModel):
    """The result of a check.

    Attributes
    ----------
    layout, negative, notes
        As in the catalogue.
    images, bytes
        Files in all, readable or not.
    classes
        Number of files of each class.
    patients
        Number of patients, None where none are named.
    laboratories
        Number of files of each laboratory that the data set names.
    sizes, formats, modes, reading
        Of the readable images, the most frequent first; `reading` is what was done to read them, in words.
    unreadable, duplicates
        See `Unreadable` and `leukolens.data.duplicates.Duplicates`.
    conflicts
        Those among the duplicates that contradict each other in label or patient.
    manifest_sha256
        Of the manifest's file.
    catalogue_sha256
        Of paths and files, as a split file names it; None where a file could not be read at all.
    """

    model_config = ConfigDict(populate_by_name=True)
    schema_: Literal["1"] = Field(default="1", alias="schema")
    kind: Literal["leukolens data check"] = "leukolens data check"
    layout: str
    images: int
    bytes: int
    classes: dict[str, int]
    negative: list[str] | None
    patients: int | None
    sizes: list[SizeCount]
    formats: dict[str, int]
    modes: dict[str, int]
    reading: dict[str, int]
    unreadable: list[Unreadable]
    duplicates: list[Duplicates]
    conflicts: list[Duplicates]
    manifest_sha256: str
    catalogue_sha256: str | None
    notes: list[str]
    laboratories: dict[str, int] = Field(default_factory=dict)

    def to_json(self) -> str:
        """Return the result as indented JSON."""
        return json.dumps(self.model_dump(by_alias=True, mode="json"), indent=2) + "\n"


def check_data(catalogue: Catalogue, *, progress: Callable[[int], None] | None = None) -> tuple[DataCheck, list[Entry]]:
    """Read every image of a data set and say what is there.

    Parameters
    ----------
    catalogue
        The data set.
    progress
        Called with the number of files done.

    Returns
    -------
    check : DataCheck
        The summary.
    entries : list of Entry
        The manifest's rows.
    """
    entries = read_entries(catalogue, progress=progress)
    return summarise(catalogue, entries), entries


def summarise(catalogue: Catalogue, entries: Sequence[Entry]) -> DataCheck:
    """Sum up the files of a data set as they were read."""
    readable = [entry for entry in entries if entry.reason is None]
    duplicates = find_duplicates(entries)
    patients = {entry.patient for entry in entries if entry.patient is not None}
    sizes = Counter((entry.width or 0, entry.height or 0) for entry in readable)
    return DataCheck(
        layout=catalogue.layout,
        images=len(entries),
        bytes=sum(entry.bytes for entry in entries),
        classes=catalogue.counts(),
        negative=None if catalogue.negative is None else list(catalogue.negative),
        patients=len(patients) or None,
        sizes=[SizeCount(width=w, height=h, n=n) for (w, h), n in sizes.most_common()],
        formats=dict(Counter(entry.format or "unknown" for entry in readable).most_common()),
        modes=dict(Counter(entry.mode or "unknown" for entry in readable).most_common()),
        reading=dict(Counter(note for entry in readable for note in entry.notes).most_common()),
        unreadable=[Unreadable(path=plain(e.path), reason=e.reason) for e in entries if e.reason is not None],
        duplicates=duplicates,
        conflicts=[found for found in duplicates if found.conflict],
        manifest_sha256=encode_manifest(entries)[1],
        catalogue_sha256=_identity(catalogue, entries),
        notes=[plain(note) for note in catalogue.notes],
        laboratories=dict(Counter(item.laboratory for item in catalogue.items if item.laboratory is not None)),
    )


def _identity(catalogue: Catalogue, entries: Sequence[Entry]) -> str | None:
    if any(entry.sha256 is None for entry in entries):
        return None
    hashed = (replace(item, sha256=entry.sha256) for item, entry in zip(catalogue.items, entries, strict=True))
    return catalogue_sha256(replace(catalogue, items=tuple(hashed)))


def prepare_folder(folder: Path, images: int) -> None:
    """See that a folder has room for the files of a check of so many images, before the work starts.

    Raises
    ------
    OutputError
        It cannot be written to, or is full.
    """
    try_folder(folder, todo=_TODO, size=(1 << 16) + images * _BYTES_PER_IMAGE)


def write_check(check: DataCheck, entries: Sequence[Entry], folder: Path) -> list[Path]:
    """Write ``manifest.csv`` and ``check.json`` into a folder, each whole or not at all.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    OutputError
        They cannot be written.
    """
    contents = {"manifest.csv": encode_manifest(entries)[0], "check.json": check.to_json().encode("ascii")}
    written = []
    for name, content in contents.items():
        put_file(folder / name, content, todo=_TODO)
        written.append(folder / name)
    return written
