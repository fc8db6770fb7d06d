"""All that an audit found in one object, as ``audit.json`` holds it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from leukolens.audit import verdict
from leukolens.audit.findings import AuditResult, Statement
from leukolens.audit.sections import (
    contradictions,
    fields_section,
    file_properties,
    group_counts,
    labels_section,
    lighting_section,
    near_section,
    outliers_section,
    patient_oddities,
    probes_section,
    sessions_section,
)
from leukolens.data.check import summarise
from leukolens.finding import RESEARCH_USE

if TYPE_CHECKING:
    from leukolens.audit.run import Audit


def describe_audit(audit: Audit, name: str, manifest: dict[str, Any]) -> AuditResult:
    """Put everything that an audit found into words and figures.

    Parameters
    ----------
    audit
        What was found.
    name
        Of the data set's folder.
    manifest
        From `leukolens.data.run_manifest.run_manifest`.
    """
    check = summarise(audit.catalogue, [record.entry for record in audit.records])
    found: dict[str, Any] = {
        "check": check,
        "groups": group_counts(audit),
        "near_duplicates": near_section(audit),
        "fields": fields_section(audit),
        "sessions": sessions_section(audit),
        "contradictions": contradictions(audit),
        "patients": patient_oddities(audit),
        "labels": labels_section(audit),
        "outliers": outliers_section(audit),
        "lighting": lighting_section(audit),
        "files": file_properties(audit),
        "probes": probes_section(audit),
    }
    statements = verdict.ordered(_statements(found))
    return AuditResult(
        use=RESEARCH_USE,
        data=name,
        data_sha256=check.catalogue_sha256,
        headline=verdict.headline(statements),
        verdict=statements,
        groups_sha256=audit.groups_sha256,
        seed=audit.settings.seed,
        jobs=audit.settings.jobs,
        leukolens=manifest["leukolens"],
        packages=manifest["packages"],
        seconds=audit.seconds,
        peak_memory_mib=audit.memory_mib,
        **found,
    )


def _statements(found: dict[str, Any]) -> Iterator[Statement]:
    parts = {
        "Repeated fields": found["fields"],
        "Sessions": found["sessions"],
        "Likely label errors": found["labels"],
        "Outliers": found["outliers"],
        "Shortcut probes": found["probes"],
    }
    return chain(
        verdict.on_contradictions(found["contradictions"]),
        verdict.on_size(found["check"]),
        verdict.on_copies(found["check"], found["fields"], found["sessions"], found["groups"]),
        verdict.on_probes(found["probes"]),
        verdict.on_labels(found["labels"]),
        verdict.on_files(found["check"], found["files"]),
        verdict.on_patients(found["check"], found["patients"]),
        verdict.on_pictures(found["outliers"], found["lighting"]),
        verdict.on_missing({name: (part.status, part.reason) for name, part in parts.items()}),
    )
