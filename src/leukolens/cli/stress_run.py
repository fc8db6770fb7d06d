"""The steps of ``leukolens stress``: all that can fail early first, then the images, then the files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leukolens.assess.about import describe
from leukolens.assess.evaluation import Settings
from leukolens.assess.judging import check_classes
from leukolens.assess.looks import record_look
from leukolens.assess.pipeline import BundlePredictor
from leukolens.assess.provenance import select
from leukolens.assess.scores import negative_indices
from leukolens.assess.seen import images_sha256, judge_training
from leukolens.assess.stress import run_stresses
from leukolens.assess.stress_files import claim_stress_folder, stress_rows, write_stress_test
from leukolens.assess.stress_kinds import choose
from leukolens.cli.progress import counting
from leukolens.cli.shown_command import last_part, shown_command
from leukolens.cli.stress_tell import tell
from leukolens.data import Catalogue, Split, catalogue_sha256, fingerprint, open_catalogue, read_groups, read_split
from leukolens.data.catalogue import sha256_of
from leukolens.data.run_manifest import run_manifest
from leukolens.screen import Screener, load
from leukolens.smear.prepare import prepare
from leukolens.smear.quality import measure_quality
from leukolens.trust.decision import NO_WHITE_CELLS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from leukolens.assess.stress_outcome import StressTest


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line."""

    bundle: str
    data: Path
    out: Path
    stresses: str
    split: Path | None
    fold: int | None
    side: str
    groups: Path | None
    labels: Path | None
    label_column: str
    path_column: str
    patient_column: str | None
    negative: tuple[str, ...]
    engine: str
    threads: int | None
    seed: int
    reason: str | None
    overwrite: bool
    layout: str | None = None


def run(request: Request) -> int:
    """Test, write everything, and print the figures.

    Parameters
    ----------
    request
        The options.

    Returns
    -------
    int
        Exit code: 0, or 1 where some images could not be read.

    Raises
    ------
    LeukolensError
        What cannot go on, most of it before the first image is judged.
    """
    stresses = choose(request.stresses)
    claim_stress_folder(request.out, overwrite=request.overwrite)
    screener = load(request.bundle, engine=request.engine, threads=request.threads, only="field")
    catalogue = open_catalogue(
        request.data,
        labels=request.labels,
        label_column=request.label_column,
        path_column=request.path_column,
        patient_column=request.patient_column,
        negative=None,
        layout=request.layout,
    )
    classes = screener.bundle.field.labels
    check_classes(classes, catalogue)
    negative = request.negative or screener.bundle.field.negative_labels or catalogue.negative or ()
    negative_indices(classes, negative)  # a wrong name fails before the work
    with counting("Hashing", len(catalogue)) as advance:
        catalogue = fingerprint(catalogue, progress=advance)
    split = None if request.split is None else read_split(request.split, catalogue)
    recovered = None if request.groups is None else read_groups(request.groups, catalogue)
    selection = select(catalogue, split, request.fold, request.side, recovered)
    with counting("Stressing", len(selection.indices)) as advance:
        test = run_stresses(
            BundlePredictor(screener),
            catalogue,
            selection,
            stresses,
            settings=Settings(negative_classes=tuple(negative), seed=request.seed),
            sees_none=_screening_sees_none(screener),
            limits=screener.limits,
            progress=advance,
        )
    _finish(request, screener, catalogue, split, test)
    return 1 if test.unread else 0


def _finish(request: Request, screener: Screener, catalogue: Catalogue, split: Split | None, test: StressTest) -> None:
    hashes = [sha256_of(item) for item in test.items]
    training = judge_training(screener.bundle.spec.provenance, hashes, split)
    data_sha256, command = catalogue_sha256(catalogue), command_line(request)
    about = describe(screener, request.data.resolve().name, data_sha256, command, training)
    rows = stress_rows(test)
    record_look(
        screener.bundle,
        test.selection.stamp,
        len(test.items),
        data_sha256,
        {"stress.csv": rows.encode()},
        command=command,
        split_file=request.split,
        out=request.out,
        reason=request.reason,
    )
    manifest = run_manifest("stress", _configuration(screener, test, command), data_sha256, request.seed)
    files = write_stress_test(request.out, test, about, manifest, rows)
    tell(test, about, request.out, files)


def _screening_sees_none(screener: Screener) -> Callable[[NDArray[np.uint8]], bool]:
    """Return what asks a picture whether screening would conclude that it holds no white cells."""
    preparation = screener.bundle.field.preparation

    def sees_none(rgb: NDArray[np.uint8]) -> bool:
        prepared = prepare(rgb, preparation)
        quality = measure_quality(prepared.working, burned_in=prepared.burned_in, squeeze=prepared.squeeze)
        return prepared.bare or NO_WHITE_CELLS in quality.flags

    return sees_none


def _configuration(screener: Screener, test: StressTest, command: str) -> dict[str, Any]:
    bundle, stamp, settings = screener.bundle, test.selection.stamp, test.settings
    return {
        "command_line": command,
        "bundle": {"name": bundle.spec.name, "version": bundle.spec.version, "sha256": bundle.sha256},
        "engine": f"{screener.session.engine} {screener.session.engine_version}",
        "precision": screener.session.precision,
        "split": {
            "method": stamp.kind,
            "leaky": stamp.leaky,
            "sha256": stamp.split_sha256,
            "fold": stamp.fold,
            "side": stamp.side,
        },
        "images": len(test.items),
        "images_sha256": images_sha256([sha256_of(item) for item in test.items]),
        "negative_classes": list(settings.negative_classes),
        "threshold": settings.threshold,
        "level": settings.level,
        "replicates": settings.replicates,
        "stresses": [one.name for one in test.results[1:]],
    }


def command_line(request: Request) -> str:
    """Return the command with the names of files only, so that it can be shown to others."""
    options: list[tuple[str, object]] = [
        ("--stress", request.stresses if request.stresses != "all" else None),
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
        ("--seed", request.seed),
        ("--reason", request.reason),
        ("--out", request.out.resolve().name),
    ]
    return shown_command(["stress", last_part(request.bundle), request.data.resolve().name], options)
