"""Facts: statements with the place that each comes from. A card says nothing without one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SourceKind = Literal["file", "code", "literature", "person"]


@dataclass(frozen=True)
class Source:
    """Where a statement comes from.

    Attributes
    ----------
    kind
        "file": a manifest or result; "code": what leukolens does, whoever uses it; "literature": a publication, or the
        data set's own page; "person": an answer.
    name
        Of the file as it is shown (no path of this machine), the Python object, the DOI or address, or the person.
    place
        In a JSON file, the JSON pointer (RFC 6901); else empty or in words.
    """

    kind: SourceKind
    name: str
    place: str = ""

    @property
    def shown(self) -> str:
        """Such as ``bundle.json#/provenance/seed``."""
        return (
            f"{self.name}#{self.place}"
            if self.place.startswith("/")
            else " ".join(filter(None, (self.name, self.place)))
        )


@dataclass(frozen=True)
class Table:
    """Rows of text under column names."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Statement:
    """One thing that is known, in words, perhaps with a table, and where from."""

    text: str
    sources: tuple[Source, ...]
    table: Table | None = None


@dataclass(frozen=True)
class Input:
    """A file that facts were taken from, by name and hash."""

    name: str
    sha256: str


@dataclass(frozen=True)
class File:
    """A file that facts are taken from."""

    name: str

    def at(self, *place: str | int) -> Source:
        """Return the source at a place in the file, given key by key."""
        steps = (str(step).replace("~", "~0").replace("/", "~1") for step in place)
        return Source("file", self.name, "".join(f"/{step}" for step in steps))


@dataclass
class FactBook:
    """The facts by name; one name may hold several statements, such as one for each evaluation.

    Attributes
    ----------
    facts
        Statements by the name of the fact.
    inputs
        The files that were read.
    """

    facts: dict[str, list[Statement]] = field(default_factory=dict)
    inputs: list[Input] = field(default_factory=list)

    def file(self, name: str, content: bytes) -> File:
        """Note down a file that facts are taken from."""
        self.inputs.append(Input(name, hashlib.sha256(content).hexdigest()))
        return File(name)

    def add(self, name: str, text: str, *sources: Source, table: Table | None = None) -> None:
        """Add a statement; one that says nothing is left out."""
        if text.strip():
            self.facts.setdefault(name, []).append(Statement(text.strip(), sources, table))

    def get(self, name: str) -> list[Statement]:
        """Return the statements of a fact; none where it is not known."""
        return self.facts.get(name, [])

    def known(self, names: Iterable[str]) -> bool:
        """Tell whether any of these facts is known."""
        return any(name in self.facts for name in names)


def shown_together(sources: Iterable[Source]) -> list[str]:
    """Return sources as they are shown, the places in one file behind its name.

    Examples
    --------
    >>> shown_together([File("a.json").at("x"), File("a.json").at("y", 0), code("leukolens.data")])
    ['a.json#/x #/y/0', 'leukolens.data']
    """
    shown: dict[tuple[str, str], list[str]] = {}
    for source in sources:
        shown.setdefault((source.kind, source.name), []).append(source.place)
    return [
        f"{name}{' '.join(f'#{place}' for place in places if place)}"
        if kind == "file"
        else " ".join([name, *filter(None, places)])
        for (kind, name), places in shown.items()
    ]


def code(name: str) -> Source:
    """Return the source for what leukolens itself does: a Python object that does it or says it."""
    return Source("code", name)


def table_of(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Return a table of texts."""
    return Table(tuple(columns), tuple(tuple(str(cell) for cell in row) for row in rows))


def in_words(value: Any) -> str:  # noqa: ANN401 - JSON
    """Write a JSON value as plain words, with nothing left out.

    Examples
    --------
    >>> in_words({"name": "adamw", "learning_rate": 0.001, "scale": [0.85, 1.18], "flip": True})
    'name adamw; learning rate 0.001; scale 0.85, 1.18; flip yes'
    """
    if isinstance(value, dict):
        return "; ".join(f"{str(key).replace('_', ' ')} {_inner(inner)}" for key, inner in value.items())
    return _inner(value)


def _inner(value: Any) -> str:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return f"({in_words(value)})" if value else "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(_inner, value)) or "none"
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    return f"{value:.6g}" if isinstance(value, float) else str(value).strip()


def interval_of(figure: Mapping[str, Any]) -> str:
    """Write a figure with its interval, such as ``0.975 (0.957 to 0.986)``."""
    value = figure.get("value")
    low, high = figure.get("low"), figure.get("high")
    text = "not defined" if value is None else f"{value:.4g}"
    return text if low is None or high is None else f"{text} ({low:.4g} to {high:.4g})"
