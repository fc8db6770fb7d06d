"""The sites of an external report: from a manifest, or from folders with the options of one command."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from leukolens.data import Catalogue, Item, open_catalogue
from leukolens.data.catalogue import Site as Published
from leukolens.finding import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Truth = Literal["ALL", "none", "other leukaemia"]
LISTS: Final = ("negative", "other_leukaemia")


class SiteEntry(BaseModel):
    """One data set of a manifest. Fields as the options of the same names.

    Attributes
    ----------
    name
        What the report calls it.
    data
        Folder, or CSV file; relative to the manifest.
    layout, label, labels, label_column, path_column, patient_column, negative, other_leukaemia
        As in `leukolens.data.open_catalogue`.
    laboratory
        Where all its images come from, instead of what the layout says.
    content
        "field" or "cell", instead of what the layout says.
    um_per_px
        "auto", or micrometres a pixel: brings its images to the scale of the training.
    limit
        At most so many images of each class of each laboratory, evenly spaced; all if not given.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)
    name: str = Field(min_length=1, max_length=100)
    data: Path
    layout: str | None = None
    label: str | None = None
    labels: Path | None = None
    label_column: str = "label"
    path_column: str = "path"
    patient_column: str | None = None
    negative: tuple[str, ...] | None = None
    other_leukaemia: tuple[str, ...] | None = None
    laboratory: str | None = None
    content: Literal["field", "cell"] | None = None
    um_per_px: str | None = None
    limit: int | None = Field(default=None, ge=1)

    @field_validator("negative", "other_leukaemia", mode="before")
    @classmethod
    def _one_or_more(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value


@dataclass(frozen=True)
class Opened:
    """A site with its images.

    Attributes
    ----------
    entry
        As it was asked for.
    catalogue
        All its images.
    chosen
        Indices of those that are judged.
    """

    entry: SiteEntry
    catalogue: Catalogue
    chosen: tuple[int, ...]

    def laboratory(self, item: Item) -> str:
        """Return where an image comes from: as said, as its data set says, or the site's name."""
        return self.entry.laboratory or item.laboratory or self.entry.name

    def published(self, item: Item) -> Published:
        """Return what is published of an image's laboratory, with what the manifest says instead."""
        own = self.catalogue.sites.get(item.laboratory or "", Published())
        return own if self.entry.content is None else replace(own, content=self.entry.content)

    def truth(self, item: Item) -> Truth:
        """Return what an image shows by its label."""
        if item.label in (self.catalogue.negative or ()):
            return "none"
        return "other leukaemia" if item.label in self.catalogue.other_leukaemia else "ALL"


def read_sites(file: Path) -> list[SiteEntry]:
    """Read a manifest of sites.

    Parameters
    ----------
    file
        YAML with a list under ``sites``, or CSV with a row a site, whose columns are the fields of `SiteEntry`; in
        CSV several classes in a cell stand between "|", and an empty cell is nothing. Paths are relative to it.

    Raises
    ------
    DataError
        It cannot be read, or an entry is not right; the message names it.
    """
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"The manifest {str(file)!r} cannot be read", expected="YAML or CSV in UTF-8", found=str(error)
        ) from error
    rows = _csv_rows(text) if file.suffix.lower() in {".csv", ".tsv"} else _yaml_rows(text, file)
    if not rows:
        raise DataError(f"The manifest {file.name} lists no site", expected="at least one")
    return check_names([_entry(row, number, file) for number, row in enumerate(rows, start=1)])


def _csv_rows(text: str) -> list[dict[str, Any]]:
    rows = csv.DictReader(text.splitlines(), delimiter="\t" if "\t" in text.partition("\n")[0] else ",")
    filled = [{key: value for key, value in row.items() if key and value} for row in rows]
    return [
        {key: str(value).split("|") if key in LISTS else value for key, value in row.items()} for row in filled if row
    ]


def _yaml_rows(text: str, file: Path) -> list[Any]:
    import yaml

    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise DataError(f"The manifest {file.name} is no YAML", found=" ".join(str(error).split())) from error
    sites = content.get("sites") if isinstance(content, dict) else None
    if not isinstance(sites, list):
        raise DataError(
            f"The manifest {file.name} lists no sites",
            expected="a list under 'sites', each with 'name' and 'data'",
            found=f"{', '.join(map(str, content)) if isinstance(content, dict) else type(content).__name__}",
        )
    return sites


def _entry(row: object, number: int, file: Path) -> SiteEntry:
    try:
        entry = SiteEntry.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the entry"
        raise DataError(
            f"Site {number} of {file.name} is not right: {where}",
            expected=f"the fields {', '.join(SiteEntry.model_fields)}",
            found=first["msg"],
        ) from error
    base = file.parent
    return entry.model_copy(
        update={"data": base / entry.data, "labels": None if entry.labels is None else base / entry.labels}
    )


def check_names(entries: Sequence[SiteEntry]) -> list[SiteEntry]:
    """See that no two sites have one name.

    Raises
    ------
    UsageError
        Two have.
    """
    names = [entry.name for entry in entries]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"Two sites are called {twice[0]!r}", todo="name them in a manifest (--sites)")
    return list(entries)


def open_site(entry: SiteEntry, labels: Sequence[str], negative: Sequence[str]) -> Opened:
    """Open a site's data set without reading its images.

    Parameters
    ----------
    entry
        What was asked for.
    labels, negative
        The bundle's labels, and which of them mean no leukaemia: taken where the site has the same labels.

    Raises
    ------
    DataError
        The data set cannot be opened, or nobody says which of its labels mean no leukaemia.
    """
    catalogue = open_catalogue(
        entry.data,
        labels=entry.labels,
        label_column=entry.label_column,
        path_column=entry.path_column,
        patient_column=entry.patient_column,
        negative=None if entry.negative is None else [name for name in entry.negative if name],
        other_leukaemia=entry.other_leukaemia,
        layout=entry.layout,
        label=entry.label,
    )
    if catalogue.negative is None and set(catalogue.classes) <= set(labels):
        catalogue = replace(catalogue, negative=tuple(name for name in catalogue.classes if name in negative))
    if catalogue.negative is None:
        raise DataError(
            f"Nobody says which labels of {entry.name!r} mean no leukaemia",
            expected=f"some of its labels, or an empty list: {', '.join(catalogue.classes)}",
            todo="name them with --negative, or in the manifest (negative: [])",
        )
    both = sorted(set(catalogue.negative) & set(catalogue.other_leukaemia))
    if both:
        raise DataError(f"The label {both[0]!r} of {entry.name!r} cannot mean both", expected="none or a leukaemia")
    return Opened(entry, catalogue, _choose(catalogue, entry.limit))


def _choose(catalogue: Catalogue, limit: int | None) -> tuple[int, ...]:
    if limit is None:
        return tuple(range(len(catalogue)))
    kinds: dict[tuple[str, str | None], list[int]] = {}
    for index, item in enumerate(catalogue.items):
        kinds.setdefault((item.label, item.laboratory), []).append(index)
    return tuple(sorted(index for own in kinds.values() for index in _evenly(own, limit)))


def _evenly(indices: list[int], limit: int) -> Iterable[int]:
    """Return at most `limit` of them, from the middles of equal parts: no random number, and neighbours rarely."""
    if len(indices) <= limit:
        return indices
    return (indices[int((part + 0.5) * len(indices) / limit)] for part in range(limit))
