"""The steps of an audit, each with what it needs to be possible at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from leukolens.audit.labels import Judgement, judge_labels
from leukolens.audit.links import Link, exact_links, joined, linked_groups
from leukolens.audit.near import Threshold, find_near
from leukolens.audit.outliers import LEAST, Outlier, find_outliers
from leukolens.audit.parts import Counting, FieldsFound, Material, Parts, ProbePart, ProbesFound, SessionsFound
from leukolens.audit.scan import Describers, Measured, Record, readable, scan
from leukolens.data.grouping import join_groups
from leukolens.finding import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leukolens.data.catalogue import Catalogue, Item
    from leukolens.data.manifest import Entry

SKIPPABLE: Final = ("fields", "sessions", "labels", "outliers", "probes")
_NOT_INSTALLED: Final = "This version of leukolens does not do it."
_ASKED: Final = "Left out, as asked for with --skip."
_Found = TypeVar("_Found")


@dataclass(frozen=True)
class Missing:
    """Why a part has no result: left out as asked, or not possible, with what would be needed."""

    reason: str
    asked: bool = False


def wanted_parts(parts: Parts, skip: frozenset[str]) -> Parts:
    """Leave out what is skipped, so that nothing is measured for it either."""
    return Parts(
        fields=None if "fields" in skip else parts.fields,
        sessions=None if "sessions" in skip else parts.sessions,
        probes=None if "probes" in skip else parts.probes,
    )


def scan_readable(
    catalogue: Catalogue, parts: Parts, probing: ProbePart | None, jobs: int, counting: Counting
) -> list[Record]:
    """Read and measure all pictures.

    Raises
    ------
    DataError
        None can be read.
    """
    describers = Describers(
        field=None if parts.fields is None else parts.fields.describe,
        session=None if parts.sessions is None else parts.sessions.describe,
        probe=None if probing is None else probing.describe,
    )
    with counting("Reading", len(catalogue)) as advance:
        records = scan(catalogue, describers, jobs=jobs, progress=advance)
    if not readable(records):
        raise DataError(
            f"None of the {len(records)} images can be read",
            expected="at least one picture that opens",
            found=f"for {records[0].entry.path!r}: {records[0].entry.reason}",
            todo="look at them with 'leukolens data check', and bring whole files",
        )
    return records


def find_copies(
    items: Sequence[Item], entries: Sequence[Entry], measured: Sequence[Measured]
) -> tuple[list[Link], Threshold, list[Link]]:
    """Find exact copies and near-duplicates: the exact pairs, the threshold, and the near pairs that are not exact."""
    exact = exact_links(entries)
    bits = np.stack([one.hashes.bits for one in measured])
    threshold, near = find_near(bits, [(item.label, item.patient) for item in items])
    same = linked_groups(len(items), exact)
    return exact, threshold, [link for link in near if same[link.first] != same[link.second]]


def _why_missing(name: str, skip: frozenset[str]) -> Missing:
    return Missing(_ASKED, asked=True) if name in skip else Missing(_NOT_INSTALLED)


def run_fields(
    parts: Parts, material: Material, measured: Sequence[Measured], skip: frozenset[str]
) -> FieldsFound | Missing:
    """Find repeated captures of one field, where that is wanted and installed."""
    if parts.fields is None:
        return _why_missing("fields", skip)
    return parts.fields.find(material, [one.field for one in measured])


def run_sessions(
    parts: Parts, material: Material, measured: Sequence[Measured], skip: frozenset[str]
) -> SessionsFound | Missing:
    """Recover sessions, where that is wanted and installed."""
    if parts.sessions is None:
        return _why_missing("sessions", skip)
    return parts.sessions.find(material, [one.session for one in measured])


def run_probes(
    probing: ProbePart | None, material: Material, measured: Sequence[Measured], skip: frozenset[str]
) -> ProbesFound | Missing:
    """Run the shortcut probes, where that is wanted, installed and possible."""
    if probing is None:
        return _why_missing("probes", skip)
    if len({item.label for item in material.items}) < 2:
        return Missing(
            "All pictures have the same label, so nothing can give it away: at least two classes are needed."
        )
    return _or_missing(probing.find(material, [one.probe for one in measured]))


def run_labels(material: Material, measured: Sequence[Measured], skip: frozenset[str]) -> Judgement | Missing:
    """Judge the labels, where that is wanted and possible. Pictures of a field or a patient judge others only."""
    if "labels" in skip:
        return Missing(_ASKED, asked=True)
    patients = [[("patient", item.patient)] if item.patient is not None else [] for item in material.items]
    groups = joined(material.fields, join_groups(patients))
    features = np.stack([one.features for one in measured])
    labels = [item.label for item in material.items]
    return _or_missing(judge_labels(features, labels, material.classes, groups, material.seed))


def run_outliers(material: Material, measured: Sequence[Measured], skip: frozenset[str]) -> list[Outlier] | Missing:
    """Find outliers, where that is wanted and possible."""
    if "outliers" in skip:
        return Missing(_ASKED, asked=True)
    if len(measured) < LEAST:
        return Missing(
            f"Too few pictures to say which of them is unlike the others: {LEAST} are needed, "
            f"and there are {len(measured)}."
        )
    return find_outliers(np.stack([one.features for one in measured]), material.fields)


def _or_missing(found: _Found | str) -> _Found | Missing:
    return Missing(found) if isinstance(found, str) else found
