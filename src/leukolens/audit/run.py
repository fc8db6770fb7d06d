"""One audit, from the pictures to what is known of them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from leukolens.audit.conflicts import Conflict, PatientNote, find_conflicts, find_patient_notes
from leukolens.audit.formats import Property, find_properties
from leukolens.audit.group_table import GroupRow, encode_groups, group_rows
from leukolens.audit.installed import installed_parts
from leukolens.audit.labels import Judgement
from leukolens.audit.light import LightOutlier, light_outliers
from leukolens.audit.links import Link, joined, linked_groups
from leukolens.audit.memory import own_peak_mib, with_workers_mib
from leukolens.audit.near import Threshold
from leukolens.audit.outliers import Outlier
from leukolens.audit.parts import Counting, FieldsFound, Material, Parts, ProbesFound, SessionsFound
from leukolens.audit.scan import Measured, Record, readable
from leukolens.audit.steps import (
    Missing,
    find_copies,
    run_fields,
    run_labels,
    run_outliers,
    run_probes,
    run_sessions,
    scan_readable,
    wanted_parts,
)

if TYPE_CHECKING:
    from leukolens.data.catalogue import Catalogue, Item
    from leukolens.data.manifest import Entry


@dataclass(frozen=True)
class Settings:
    """What an audit is asked for.

    Attributes
    ----------
    jobs
        Processes that read pictures.
    seed
        Of everything random.
    skip
        Parts to leave out, of `leukolens.audit.steps.SKIPPABLE`.
    """

    jobs: int = 1
    seed: int = 88
    skip: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Audit:
    """What an audit found, by the numbers of the readable pictures. `leukolens.audit.sections` puts it into words.

    Attributes
    ----------
    catalogue, settings
        The data set, and what was asked for.
    records
        Of all files.
    items, entries, measured
        Of the readable pictures.
    exact, near
        Pairs; of near-duplicates only those that are no exact copies.
    threshold
        From which pictures are near-duplicates.
    fields, sessions, labels, outliers, probes
        What the parts found, or why there is nothing.
    lights, properties, conflicts, patients
        See the modules of these names.
    rows, groups_csv
        Every file with its groups, and these as a file's bytes.
    seconds
        Time that each step took.
    memory_mib
        The most memory held, workers included; None where the system does not say.
    """

    catalogue: Catalogue
    settings: Settings
    records: list[Record]
    items: list[Item]
    entries: list[Entry]
    measured: list[Measured]
    exact: list[Link]
    threshold: Threshold
    near: list[Link]
    fields: FieldsFound | Missing
    sessions: SessionsFound | Missing
    labels: Judgement | Missing
    outliers: list[Outlier] | Missing
    probes: ProbesFound | Missing
    lights: list[LightOutlier]
    properties: list[Property]
    conflicts: list[Conflict]
    patients: list[PatientNote]
    rows: list[GroupRow]
    groups_csv: bytes
    seconds: dict[str, float]
    memory_mib: float | None

    @property
    def groups_sha256(self) -> str:
        """SHA-256 of ``groups.csv``."""
        return hashlib.sha256(self.groups_csv).hexdigest()


@dataclass
class _Clock:
    counting: Counting
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 3)


def _most(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else round(max(one, other), 1)


@contextmanager
def _silent(_what: str, _total: int) -> Iterator[None]:
    yield None


def audit(
    catalogue: Catalogue,
    settings: Settings | None = None,
    *,
    parts: Parts | None = None,
    counting: Counting = _silent,
) -> Audit:
    """Audit a data set.

    Parameters
    ----------
    catalogue
        The data set.
    settings
        What is asked for.
    parts
        Fields, sessions and probes; those that are installed if None.
    counting
        Shows progress.

    Returns
    -------
    Audit
        Whatever can be said of the data set: a part that needs more than there is says what it needs.

    Raises
    ------
    DataError
        No picture can be read.
    """
    settings, clock = settings or Settings(), _Clock(counting)
    parts = wanted_parts(installed_parts() if parts is None else parts, settings.skip)
    with clock.step("reading and measuring"):
        probing = None if parts.probes is None else parts.probes(catalogue, settings.seed)
        records = scan_readable(catalogue, parts, probing, settings.jobs, counting)
    scanned = with_workers_mib(settings.jobs)
    numbers = readable(records)
    items = [catalogue.items[number] for number in numbers]
    entries = [records[number].entry for number in numbers]
    measured = [found for record in records if (found := record.measured) is not None]
    with clock.step("copies"):
        exact, threshold, near = find_copies(items, entries, measured)
    copies = linked_groups(len(items), [*exact, *near])
    material = Material(
        items, entries, catalogue.classes, near, copies, copies, None, settings.jobs, settings.seed, counting
    )
    with clock.step("fields"):
        fields = run_fields(parts, material, measured, settings.skip)
    if not isinstance(fields, Missing):
        material = replace(material, fields=joined(copies, fields.groups))
    with clock.step("sessions"):
        sessions = run_sessions(parts, material, measured, settings.skip)
    if not isinstance(sessions, Missing):
        material = replace(material, sessions=list(sessions.groups))
    with clock.step("labels"):
        labels = run_labels(material, measured, settings.skip)
    with clock.step("outliers"):
        outliers = run_outliers(material, measured, settings.skip)
    with clock.step("probes"):
        probes = run_probes(probing, material, measured, settings.skip)
    links = [*exact, *near, *(() if isinstance(fields, Missing) else fields.links)]
    rows = group_rows(
        [record.entry for record in records],
        numbers,
        copies,
        None if isinstance(fields, Missing) else material.fields,
        material.sessions,
    )
    return Audit(
        catalogue=catalogue,
        settings=settings,
        records=records,
        items=items,
        entries=entries,
        measured=measured,
        exact=exact,
        threshold=threshold,
        near=near,
        fields=fields,
        sessions=sessions,
        labels=labels,
        outliers=outliers,
        probes=probes,
        lights=light_outliers([one.light for one in measured]),
        properties=find_properties(entries, [one.light for one in measured], catalogue.classes),
        conflicts=find_conflicts(items, links),
        patients=find_patient_notes(items),
        rows=rows,
        groups_csv=encode_groups(rows),
        seconds=clock.seconds,
        memory_mib=_most(scanned, own_peak_mib()),
    )
