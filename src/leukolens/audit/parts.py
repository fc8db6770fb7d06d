"""Where the parts of an audit plug in that have files of their own: fields, sessions, probes.

A part has two functions. `describe` sees one picture in a worker process and returns whatever the part needs of it
(anything that can be pickled, and is small: all pictures' are held at once). `find` sees all of them at the end, in the
process that started. `describe` must be a function of a module, since worker processes import it by name. To plug a
part in, name it in `leukolens.audit.installed`; scanning, groups, report and command line need no change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from leukolens.audit.links import Link
from leukolens.audit.picture import Picture
from leukolens.data.catalogue import Catalogue, Item
from leukolens.data.manifest import Entry

Describe = Callable[[Picture], Any]
Counting = Callable[[str, int], AbstractContextManager[Callable[[int], None] | None]]
"""Shows progress: called with what is done and how many steps it takes; gives what takes the number of steps done."""


@dataclass(frozen=True, eq=False)
class Material:
    """What a part may know of the data set when it finds things. Unreadable files are not in it.

    Attributes
    ----------
    items, entries
        Of the n readable pictures, in natural order of their paths: label, patient, path; size, format, hashes.
    classes
        All labels, in order.
    near
        Pairs of near-duplicates that are no exact copies.
    copies, fields, sessions
        (n,) numbers of the groups found so far: exact and near copies; fields, copies included (the same as `copies`
        where fields were not sought or not yet found); sessions, None where they are not known.
    jobs, seed
        Processes to use, and the seed of everything random.
    counting
        Shows progress.
    """

    items: Sequence[Item]
    entries: Sequence[Entry]
    classes: Sequence[str]
    near: Sequence[Link]
    copies: Sequence[int]
    fields: Sequence[int]
    sessions: Sequence[int] | None
    jobs: int
    seed: int
    counting: Counting


@dataclass(frozen=True)
class FieldsFound:
    """Which pictures show one field.

    Attributes
    ----------
    links
        Pairs, of the kind "same field".
    groups
        (n,) number of each picture's field; copies are joined to it afterwards.
    facts
        How it was done and what it costs, such as thresholds and the expected rate of false merges; JSON-like.
    """

    links: Sequence[Link]
    groups: Sequence[int]
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SessionsFound:
    """Which pictures come from one slide or sitting, as far as that can be recovered.

    Attributes
    ----------
    groups
        (n,) number of each picture's session.
    notes
        What a reader must know, one sentence each.
    facts
        As of `FieldsFound`.
    """

    groups: Sequence[int]
    notes: Sequence[str] = ()
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ProbesFound:
    """What the shortcut probes measured.

    Attributes
    ----------
    tried, giving
        Names of all shortcuts, and of those that give the class away.
    headings, rows
        The table as it is shown: a cell of text for each heading.
    sentences, notes
        What the table means, a sentence for each shortcut; what a reader must know besides.
    report
        Everything for ``audit.json``; JSON-like.
    """

    tried: Sequence[str]
    giving: Sequence[str]
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    sentences: Sequence[str] = ()
    notes: Sequence[str] = ()
    report: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FieldPart:
    """Finds repeated captures of one field. `find` gets the features in the order of the pictures."""

    describe: Describe
    find: Callable[[Material, Sequence[Any]], FieldsFound]


@dataclass(frozen=True)
class SessionPart:
    """Recovers capture sessions. `find` gets the features in the order of the pictures; fields are known by then."""

    describe: Describe
    find: Callable[[Material, Sequence[Any]], SessionsFound]


@dataclass(frozen=True)
class ProbePart:
    """Runs shortcut probes.

    `find` may return a sentence instead: why none can be run, and what would be needed.
    """

    describe: Describe
    find: Callable[[Material, Sequence[Any]], ProbesFound | str]


@dataclass(frozen=True)
class Parts:
    """The parts at hand; one that is None is told as not installed.

    `probes` is called with data set and seed before the pictures are read, so that it can fit on a sample of them what
    its `describe` needs (a `functools.partial` of a function of a module can be sent to other processes).
    """

    fields: FieldPart | None = None
    sessions: SessionPart | None = None
    probes: Callable[[Catalogue, int], ProbePart] | None = None
