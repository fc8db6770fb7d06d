"""The steps of ``leukolens screen``: what is asked for, the run, and what is told at the end."""

from __future__ import annotations

import shutil
import sys
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

from leukolens.finding import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from leukolens.finding import Finding
    from leukolens.report import View
    from leukolens.screen import Screener, ScreenResult
    from leukolens.screen.cases import CaseNames
    from leukolens.screen.inputs import Input
    from leukolens.screen.run import RunSummary

REPORT_FILE: Final = "report.html"


@dataclass(frozen=True)
class Plan:
    """What is to be screened, with what, and how pictures become cases."""

    screener: Screener
    inputs: list[Input]
    aspect: float | None
    case_of: CaseNames


def parse_aspect(text: str) -> float:
    """Read ``4:3`` or ``1.333`` as true width divided by true height.

    Parameters
    ----------
    text
        As given on the command line.

    Returns
    -------
    float
        Over 0.

    Raises
    ------
    UsageError
        It is neither.

    Examples
    --------
    >>> parse_aspect("3:2")
    1.5
    """
    width, colon, height = text.partition(":")
    try:
        ratio = float(width) / (float(height) if colon else 1.0)
    except (ValueError, ZeroDivisionError):
        ratio = -1.0
    if not 0.05 <= ratio <= 20.0:
        raise UsageError(
            "--aspect is no shape of a picture", expected="W:H such as 4:3, or a number such as 1.333", found=repr(text)
        )
    return ratio


def case_rule(case: str | None, table: Path | None) -> CaseNames:
    """Return the rule by which pictures become cases: one name, a table, or else their folders.

    Raises
    ------
    UsageError
        Both are given, or the table cannot be used.
    """
    from leukolens.screen.cases import case_by_folder, cases_from_csv, one_case

    if case is not None and table is not None:
        raise UsageError("--case and --cases exclude each other", todo="take one of them")
    if table is not None:
        return cases_from_csv(table)
    return case_by_folder if case is None else one_case(case)


def make_plan(
    names: Sequence[str],
    stdin: IO[bytes],
    bundle: str | None,
    engine: str,
    threads: int | None,
    only: str | None,
    aspect: float | None,
    case_of: CaseNames,
) -> Plan:
    """List the inputs, see that each has a case, and only then load the model.

    Raises
    ------
    UsageError
        An input, bundle or engine that does not exist, or a picture without a case.
    BundleError
        The bundle is damaged.
    """
    from leukolens.screen import load
    from leukolens.screen.inputs import list_inputs

    inputs = list_inputs(names, stdin)
    for item in inputs:
        case_of(item.source)
    return Plan(load(bundle, engine=engine, threads=threads, only=only), inputs, aspect, case_of)


def screen_here(plan: Plan, *, as_json: bool) -> int:
    """Screen without a folder: findings go to standard output as they are made, or as a table at the end.

    Returns
    -------
    int
        The exit code.
    """
    findings = []
    # Closed at once after Ctrl-C, not whenever Python collects it: another Ctrl-C would print a traceback there.
    stream = plan.screener.stream(plan.inputs, aspect=plan.aspect)
    with progress_bar("Screening", len(plan.inputs)) as advance, closing(stream) as results:
        for finding in (result.finding for result in results):
            if as_json:
                sys.stdout.write(finding.to_json() + "\n")
                sys.stdout.flush()
            findings.append(without_cells(finding))
            advance()
    if not as_json:
        from leukolens.cli.screen_tell import tell
        from leukolens.screen.cases import build_cases

        tell(findings, build_cases(findings, plan.case_of))
    return 1 if any(finding.status == "error" for finding in findings) else 0


def screen_into(plan: Plan, out: Path, *, as_json: bool, resume: bool, overwrite: bool, pictures: int | None) -> int:
    """Screen into a folder, and write the report there.

    Parameters
    ----------
    plan
        What to do.
    out
        The folder.
    as_json, resume, overwrite
        As on the command line.
    pictures
        How many pictures the report shows at most; None: no report.

    Returns
    -------
    int
        The exit code.
    """
    from leukolens.screen.journal import read_findings

    try:
        done = _run(plan, out, resume=resume, overwrite=overwrite, pictures=pictures)
        if pictures is not None:
            _write_page(plan, done, out / REPORT_FILE, pictures)
    except KeyboardInterrupt:
        sys.stderr.write(f"What is done stays in {out}; go on with --resume.\n")
        raise
    if as_json:
        with done.findings.open(encoding="utf-8") as lines:
            shutil.copyfileobj(lines, sys.stdout)
    else:
        from leukolens.cli.screen_tell import tell

        tell([without_cells(finding) for finding in read_findings(done.findings)], done.cases, out)
    return 1 if done.statuses.get("error") else 0


def _run(plan: Plan, out: Path, *, resume: bool, overwrite: bool, pictures: int | None) -> RunSummary:
    from leukolens.report import space_needed
    from leukolens.screen.run import FINDING_BYTES, FINDINGS_FILE, run

    count = len(plan.inputs)
    page_bytes = 0 if pictures is None else space_needed(count, pictures)
    before = _lines(out / FINDINGS_FILE) if resume else 0
    with progress_bar("Screening", count, before) as advance:

        def note(_: ScreenResult) -> None:
            # The page of an earlier run tells of other findings, from the first new one on.
            (out / REPORT_FILE).unlink(missing_ok=True)
            advance()

        return run(
            plan.screener,
            plan.inputs,
            out,
            resume=resume,
            overwrite=overwrite,
            aspect=plan.aspect,
            case_of=plan.case_of,
            on_result=note,
            bytes_per_image=FINDING_BYTES + page_bytes // count,
        )


def _write_page(plan: Plan, done: RunSummary, path: Path, pictures: int) -> None:
    from leukolens.report import About, views_of, write_report
    from leukolens.screen.journal import read_findings

    bundle = plan.screener.bundle
    paths = {item.source: item.path for item in plan.inputs}
    look = views_of(plan.screener, paths, aspect=plan.aspect)
    with progress_bar("Writing the report", min(pictures, len(plan.inputs))) as advance:

        def look_and_count(finding: Finding) -> View | None:
            view = look(finding)
            advance()
            return view

        write_report(
            path,
            read_findings(done.findings),
            done.cases,
            case_of=plan.case_of,
            view_of=look_and_count,
            about=About(bundle.spec, bundle.sha256),
            pictures=pictures,
        )


def without_cells(finding: Finding) -> Finding:
    """Return a finding without its cells, whose outlines are most of its size."""
    return finding.model_copy(update={"cells": []}) if finding.cells else finding


def _lines(path: Path) -> int:
    try:
        with path.open("rb") as lines:
            return sum(1 for _ in lines)
    except OSError:
        return 0


@contextmanager
def progress_bar(what: str, total: int, before: int = 0) -> Iterator[Callable[[], None]]:
    """Show a bar with rate and time left on a terminal's standard error, and nothing elsewhere.

    Parameters
    ----------
    what
        The work, in a word.
    total
        Number of things to do. One alone gets no bar.
    before
        How many were done before.

    Yields
    ------
    callable
        To be called after each.
    """
    if total < 2 or not sys.stderr.isatty():
        yield lambda: None
        return
    from leukolens.cli.progress import new_progress

    with new_progress() as progress:
        task = progress.add_task(what, total=total, completed=min(before, total))
        yield lambda: progress.advance(task)
