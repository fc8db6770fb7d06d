"""Screening the cases: once, and the same pictures again, into folders that a kill does not harm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from leukolens.assess.site.record import hash_file
from leukolens.assess.site.tables import listed
from leukolens.finding import DataError, UsageError
from leukolens.screen.inputs import Input
from leukolens.screen.journal import read_findings
from leukolens.screen.manifest import RUN_FILE
from leukolens.screen.run import CASES_FILE, FINDINGS_FILE, RunSummary, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from leukolens.assess.site.case_list import CaseList
    from leukolens.assess.site.plan import Plan
    from leukolens.screen import Screener

FIRST_TIME: Final = "screening"
SECOND_TIME: Final = "again"
OTHER_ENGINE: Final = "other-engine"
PASSES: Final = (FIRST_TIME, SECOND_TIME, OTHER_ENGINE)


@dataclass(frozen=True)
class Work:
    """What is screened, with what, and where the pictures lie."""

    folder: Path
    cases: CaseList
    root: Path


def check_bundle(screener: Screener, plan: Plan) -> None:
    """Check that the model is the one of the plan.

    Raises
    ------
    DataError
        It is another.
    """
    spec, expected = screener.bundle.spec, plan.bundle
    if screener.bundle.sha256 != expected.sha256:
        raise DataError(
            "The model is not the one of the plan",
            expected=f"{expected.name} {expected.version}, SHA-256 {expected.sha256[:16]}",
            found=f"{spec.name} {spec.version}, {screener.bundle.sha256[:16]}",
            todo="give the planned one with --bundle; another model needs a verification of its own",
        )


def check_pictures(work: Work, progress: Callable[[int], None] | None = None) -> None:
    """Check that every picture is still the one that was listed.

    Raises
    ------
    DataError
        One is missing or has changed.
    """
    missing, changed = [], []
    for number, picture in enumerate(work.cases.pictures, start=1):
        path = work.root / picture.path
        if not path.is_file():
            missing.append(picture.path)
        elif hash_file(path) != picture.sha256:
            changed.append(picture.path)
        if progress is not None:
            progress(number)
    if missing or changed:
        raise DataError(
            "The pictures are not those of the list",
            expected=f"{len(work.cases.pictures)} pictures below {str(work.root)!r} with the hashes in cases.csv",
            found="; ".join(
                [
                    *([f"missing: {listed(missing)}"] if missing else []),
                    *([f"changed: {listed(changed)}"] if changed else []),
                ]
            ),
            todo="put them back, or say with --images where they are",
        )


def screen_pass(work: Work, screener: Screener, name: str, advance: Callable[[], None] = lambda: None) -> RunSummary:
    """Screen every picture of the list into a folder of its own; where one was begun, go on from there.

    Parameters
    ----------
    work
        What to screen.
    screener
        The loaded model.
    name
        One of `PASSES`.
    advance
        Called after each picture.
    """
    units = {picture.path: picture.unit for picture in work.cases.pictures}
    inputs = [Input(work.root / picture.path, picture.path) for picture in work.cases.pictures]
    return run(
        screener,
        inputs,
        work.folder / name,
        resume=True,
        case_of=units.__getitem__,
        on_result=lambda _: advance(),
    )


def done_before(work: Work, name: str) -> int:
    """Return how many findings a pass that was begun has."""
    path = work.folder / name / FINDINGS_FILE
    return path.read_bytes().count(b"\n") if path.is_file() else 0


def check_readable(work: Work) -> None:
    """Check that a picture was read at all.

    Raises
    ------
    DataError
        None was; with the reason of the first.
    """
    first = None
    for finding in read_findings(work.folder / FIRST_TIME / FINDINGS_FILE):
        if finding.status != "error":
            return
        first = first or finding
    raise DataError(
        f"None of the {len(work.cases.pictures)} pictures could be read",
        expected="pictures of stained smears: JPEG, PNG, TIFF, BMP or WebP",
        found="nothing" if first is None else f"{first.source}: {first.reason}",
        todo="export the pictures in one of these formats and begin a new verification with them",
    )


def pass_files(name: str) -> list[str]:
    """Return the files that a pass leaves, by their names in the folder of the verification."""
    return [f"{name}/{file}" for file in (FINDINGS_FILE, CASES_FILE, RUN_FILE)]


def describe_pass(screener: Screener, summary: RunSummary) -> dict[str, Any]:
    """Return what the audit trail says of a pass."""
    session = screener.session
    return {
        "engine": f"{session.engine} {session.engine_version}",
        "precision": session.precision,
        "threads": session.threads,
        "pictures": summary.statuses,
    }


def other_engine(engine: str) -> str:
    """Return the engine that is not this one.

    Raises
    ------
    UsageError
        It is not installed.
    """
    from importlib.util import find_spec

    other = "onnxruntime" if engine == "openvino" else "openvino"
    if find_spec(other) is None:
        raise UsageError(
            f"--other-engine needs {other}, which is not installed", todo=f"leave it out, or: pip install {other}"
        )
    return other
