"""The steps of ``leukolens audit``: all that can fail early first, then the pictures, then the files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sklearn  # noqa: F401 - missing, it is to be told now and not after the pictures have been read

from leukolens.audit.output import claim_folder, write_audit
from leukolens.audit.result import describe_audit
from leukolens.audit.run import Audit, Settings, audit
from leukolens.audit.steps import SKIPPABLE
from leukolens.cli.audit_tell import tell
from leukolens.cli.progress import counting
from leukolens.cli.shown_command import shown_command
from leukolens.data import open_catalogue
from leukolens.data.check import summarise
from leukolens.data.run_manifest import run_manifest
from leukolens.engine.session import usable_cores
from leukolens.finding import CheckFailedError, UsageError, nearest

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line."""

    data: Path
    out: Path
    labels: Path | None
    label_column: str
    path_column: str
    patient_column: str | None
    negative: tuple[str, ...]
    skip: tuple[str, ...]
    jobs: int | None
    seed: int
    overwrite: bool
    laboratory_column: str | None = None
    layout: str | None = None


def run(request: Request) -> int:
    """Audit, write everything and print a summary.

    Parameters
    ----------
    request
        The options.

    Returns
    -------
    int
        Exit code: 0, or 1 where some files could not be read.

    Raises
    ------
    CheckFailedError
        The same picture has two labels or two patients; the files are written all the same.
    LeukolensError
        Anything else that cannot go on, most of it before the first picture is read.
    """
    settings = Settings(request.jobs or usable_cores(), request.seed, _skipped(request.skip))
    catalogue = open_catalogue(
        request.data,
        labels=request.labels,
        label_column=request.label_column,
        path_column=request.path_column,
        patient_column=request.patient_column,
        laboratory_column=request.laboratory_column,
        layout=request.layout,
        negative=request.negative or None,
    )
    claim_folder(request.out, len(catalogue), overwrite=request.overwrite)
    found = audit(catalogue, settings, counting=counting)
    manifest = _manifest(request, found)
    result = describe_audit(found, request.data.resolve().name, manifest)
    files = write_audit(request.out, found, result, manifest)
    tell(result, request.out, files)
    if result.failed:
        count = len(result.contradictions)
        raise CheckFailedError(
            f"{count} {'pair contradicts itself' if count == 1 else 'pairs contradict themselves'}",
            expected="one label and one patient for each picture",
            found=result.contradictions[0].what,
            todo=f"see {'it' if count == 1 else 'all of them'} in {request.out / 'report.html'}",
        )
    return 1 if result.check.unreadable else 0


def _skipped(names: tuple[str, ...]) -> frozenset[str]:
    for name in names:
        if name not in SKIPPABLE:
            raise UsageError(f"There is no part {name!r} to skip", todo=nearest(name, SKIPPABLE))
    return frozenset(names)


def _manifest(request: Request, found: Audit) -> dict[str, Any]:
    check = summarise(found.catalogue, [record.entry for record in found.records])
    configuration = {
        "command_line": command_line(request),
        "layout": found.catalogue.layout,
        "classes": list(found.catalogue.classes),
        "images": len(found.catalogue),
        "readable": len(found.items),
        "skipped": sorted(found.settings.skip),
        "jobs": found.settings.jobs,
        "groups_sha256": found.groups_sha256,
        "manifest_sha256": check.manifest_sha256,
    }
    return run_manifest("audit", configuration, check.catalogue_sha256, found.settings.seed)


def command_line(request: Request) -> str:
    """Return the command with the names of files only, so that it can be shown to others."""
    options: list[tuple[str, object]] = [
        ("--labels", request.labels and request.labels.name),
        ("--label-column", request.label_column if request.labels else None),
        ("--path-column", request.path_column if request.labels else None),
        ("--patient-column", request.patient_column),
        ("--laboratory-column", request.laboratory_column),
        ("--layout", request.layout),
        *(("--negative", name) for name in request.negative),
        *(("--skip", name) for name in request.skip),
        ("--jobs", request.jobs),
        ("--seed", request.seed),
        ("--out", request.out.resolve().name),
    ]
    return shown_command(["audit", request.data.resolve().name], options)
