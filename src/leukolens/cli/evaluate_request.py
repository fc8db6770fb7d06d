"""What ``leukolens evaluate`` was asked for, and the command that asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leukolens.cli.shown_command import last_part, shown_command

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line."""

    bundle: str
    data: Path
    out: Path | None
    split: Path | None
    fold: int | None
    side: str
    labels: Path | None
    label_column: str
    path_column: str
    patient_column: str | None
    negative: tuple[str, ...]
    threshold: float | None
    threshold_from: Path | None
    keep_sensitivity: float | None
    prevalence: tuple[float, ...]
    against: tuple[Path, ...]
    by_patient: bool
    require: tuple[str, ...]
    stress: str | None
    engine: str
    threads: int | None
    seed: int
    overwrite: bool
    groups: Path | None = None
    reason: str | None = None
    layout: str | None = None
    um_per_px: str | None = None
    bundle_um_per_px: float | None = None


def command_line(request: Request) -> str:
    """Return the command with the names of files only, so that it can be shown to others."""
    options: list[tuple[str, object]] = [
        ("--split", request.split and request.split.name),
        ("--fold", request.fold),
        ("--side", request.side if request.split else None),
        ("--groups", request.groups and request.groups.name),
        ("--labels", request.labels and request.labels.name),
        ("--label-column", request.label_column if request.labels else None),
        ("--path-column", request.path_column if request.labels else None),
        ("--patient-column", request.patient_column),
        ("--layout", request.layout),
        *(("--negative", name) for name in request.negative),
        ("--threshold", request.threshold),
        ("--threshold-from", request.threshold_from and request.threshold_from.resolve().name),
        ("--keep-sensitivity", request.keep_sensitivity),
        *(("--prevalence", f"{share:g}") for share in request.prevalence),
        *(("--against", folder.resolve().name) for folder in request.against),
        *(("--require", text) for text in request.require),
        ("--stress", request.stress),
        ("--um-per-px", request.um_per_px),
        ("--bundle-um-per-px", request.bundle_um_per_px),
        ("--seed", request.seed),
        ("--out", request.out and request.out.resolve().name),
    ]
    words = ["evaluate", last_part(request.bundle), request.data.resolve().name]
    return shown_command(words if request.by_patient else [*words, "--no-patient-level"], options)
