"""The steps of ``leukolens verify-site``: each checks what came before, does its work, and writes the audit trail."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import leukolens
from leukolens.assess.site import screening
from leukolens.assess.site.case_list import cases_csv, check_number, load_cases, read_case_list
from leukolens.assess.site.outcome import judge_site
from leukolens.assess.site.output import write_site
from leukolens.assess.site.plan import PLAN_FILE, BundleId, CaseNumbers, Criterion, Plan, read_plan
from leukolens.assess.site.plan_text import plan_text
from leukolens.assess.site.planning import check_plan, prospects, remarks
from leukolens.assess.site.readings import load_readings, merge, read_readings, readings_csv
from leukolens.assess.site.record import append_entry, read_record
from leukolens.assess.site.state import CASES_FILE, TRUTH_FILE, Site, next_steps, open_site, require
from leukolens.assess.site.truth import commitment, open_promised, parse_truth, truth_csv
from leukolens.cli import verify_site_tell as tell
from leukolens.cli.progress import counting
from leukolens.cli.screen_run import progress_bar
from leukolens.data.run_manifest import run_manifest
from leukolens.engine.bundle import find_bundle
from leukolens.finding import DataError, OutputError, UsageError
from leukolens.finding.output import put_file, try_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leukolens.screen import Screener

_TODO = "make room, or choose another folder"
_READER_CRITERIA = ("kappa_with_readers", "alpha_between_readers", "same_reader_again")


@dataclass(frozen=True)
class PlanRequest:
    """What was asked for on the command line."""

    out: Path
    laboratory: str
    by: str
    bundle: str | None
    leukaemia: int
    no_leukaemia: int
    sensitivity: float
    specificity: float
    no_answer: float
    kappa: float
    threshold: float
    use: str
    overwrite: bool


def make_plan(request: PlanRequest) -> None:
    """Write ``plan.yaml``, if that number of cases can show what it asks for."""
    entries, head = read_record(request.out)
    if any(entry.step == "cases" for entry in entries):
        raise OutputError(
            f"The plan in {str(request.out)!r} is sealed", todo="begin a new verification in another folder"
        )
    if (request.out / PLAN_FILE).exists() and not request.overwrite:
        raise OutputError(
            f"The folder {str(request.out)!r} holds a plan already",
            todo="change plan.yaml by hand, write it anew with --overwrite, or choose another folder",
        )
    plan = _planned(request)
    found = check_plan(plan)
    try_folder(request.out, todo=_TODO)
    put_file(request.out / PLAN_FILE, plan_text(plan).encode("utf-8"), todo=_TODO)
    append_entry(request.out, "plan", request.by, [PLAN_FILE], after=head)
    tell.planned(open_site(request.out), found, remarks(plan))


def _planned(request: PlanRequest) -> Plan:
    bundle = find_bundle(request.bundle)
    if not bundle.field.negative_labels:
        raise DataError(
            f"The model {bundle.spec.name!r} has no label that means no leukaemia, so it never says leukaemia or none",
            todo="export it again with --negative, see docs/bundle.md",
        )
    draft = Plan.model_construct(
        laboratory=request.laboratory,
        prepared_by=request.by,
        prepared=datetime.now(UTC).date().isoformat(),
        use=request.use,
        leukolens=leukolens.__version__,
        bundle=BundleId(name=bundle.spec.name, version=bundle.spec.version, sha256=bundle.sha256),
        threshold=request.threshold,
        cases=CaseNumbers(leukaemia=request.leukaemia, no_leukaemia=request.no_leukaemia),
        criteria={
            "sensitivity": Criterion(at_least=request.sensitivity),
            "specificity": Criterion(at_least=request.specificity),
            "no_answer": Criterion(at_most=request.no_answer, judged_by="figure"),
            "same_again": Criterion(at_least=1.0, judged_by="figure"),
            "kappa_with_readers": Criterion(at_least=request.kappa),
        },
    )
    return read_plan(plan_text(draft), PLAN_FILE)


def show_status(folder: Path) -> None:
    """Check the folder and tell how it stands."""
    site = open_site(folder)
    repeated = len(load_cases(folder / CASES_FILE).repeated()) if site.sealed else None
    tell.status(site, prospects(site.plan, repeated), remarks(site.plan), next_steps(site))


def add_cases(
    folder: Path, table: Path, truth: Path | None, truth_sha256: str | None, images: Path | None, by: str
) -> None:
    """Add the cases, promise the truth, seal the plan."""
    site = open_site(folder)
    require(site, "plan", before=["cases"])
    promise = commitment(truth, truth_sha256)
    check_plan(site.plan)
    cases = read_case_list(table, images)
    check_number(cases, site.plan.cases.total)
    found = check_plan(site.plan, len(cases.repeated()))
    root = table.parent if images is None else images
    put_file(folder / CASES_FILE, cases_csv(cases).encode("utf-8"), todo=_TODO)
    details = {
        "cases": len(cases.cases),
        "pictures": len(cases.pictures),
        "repeated": len(cases.repeated()),
        "root": _relative(root, folder),
        "plan": site.plan_text,
    }
    site = site.write("cases", by, [PLAN_FILE, CASES_FILE], details)
    site = site.write("commit", by, details=promise | {"reason": ""})
    tell.cases_added(site, cases, found, next_steps(site))


def commit_again(folder: Path, truth: Path | None, truth_sha256: str | None, reason: str, by: str) -> None:
    """Promise another truth file, and keep the reason."""
    site = open_site(folder)
    require(site, "cases", before=["unblind"])
    if not reason.strip():
        raise UsageError("--reason is empty", expected="why the truth has to be promised again")
    site = site.write("commit", by, details=commitment(truth, truth_sha256) | {"reason": reason.strip()})
    tell.promised(site, next_steps(site))


def screen_cases(
    folder: Path,
    bundle: str | None,
    images: Path | None,
    engine: str,
    threads: int | None,
    by: str,
    *,
    again: bool,
    again_threads: int | None,
    with_other: bool,
) -> int:
    """Screen all cases, in one pass or more, going on where an earlier call stopped."""
    site = open_site(folder)
    require(site, "cases", "commit", before=["run", "unblind"])
    passes = _passes(bundle, engine, threads, again_threads if again else 0, with_other=with_other)
    screening.check_bundle(passes[screening.FIRST_TIME], site.plan)
    work = screening.Work(folder, load_cases(folder / CASES_FILE), _root(site, images))
    with counting("Checking the pictures", len(work.cases.pictures)) as advance:
        screening.check_pictures(work, advance)
    before = {name: screening.done_before(work, name) for name in passes}
    site = site.write("run started", by, details={"findings before": before})
    try:
        told = {name: _screen(work, own, name, before[name]) for name, own in passes.items()}
    except KeyboardInterrupt:
        sys.stderr.write(f"What is done stays in {folder}; the same command goes on.\n")
        raise
    site = site.write("run", by, [file for name in passes for file in screening.pass_files(name)], {"passes": told})
    tell.screened(site, told, next_steps(site))
    return 1 if told[screening.FIRST_TIME]["pictures"].get("error") else 0


def _passes(
    bundle: str | None, engine: str, threads: int | None, again_threads: int | None, *, with_other: bool
) -> dict[str, Screener]:
    """Load what each pass screens with; `again_threads` is 0 for no second pass, None for one that is the same."""
    from leukolens.screen import load

    first = load(bundle, engine=engine, threads=threads, only="field")
    passes = {screening.FIRST_TIME: first}
    if again_threads is None:
        passes[screening.SECOND_TIME] = first
    elif again_threads:
        passes[screening.SECOND_TIME] = load(bundle, engine=engine, threads=again_threads, only="field")
    if with_other:
        other = screening.other_engine(first.session.engine)
        passes[screening.OTHER_ENGINE] = load(bundle, engine=other, threads=threads, only="field")
    return passes


def _screen(work: screening.Work, screener: Screener, name: str, before: int) -> dict[str, Any]:
    with progress_bar(f"Screening ({name})", len(work.cases.pictures), before) as advance:
        summary = screening.screen_pass(work, screener, name, advance)
    if name == screening.FIRST_TIME:
        screening.check_readable(work)
    return screening.describe_pass(screener, summary)


def add_readings(folder: Path, tables: Sequence[Path], by: str) -> None:
    """Add readers' answers to those that are there."""
    site = open_site(folder)
    require(site, "cases", before=["unblind"])
    cases = load_cases(folder / CASES_FILE).cases
    before = load_readings(folder / name for entry in site.all("readings") for name in entry.files)
    new = merge(read_readings(table, site.plan.readers, cases) for table in tables)
    known = set(before)
    merge([before, new])
    fresh = [one for one in new if one not in known]
    if not fresh:
        raise UsageError("Every answer in these files is there already", todo="add files with new answers")
    name = f"readings-{len(site.all('readings')) + 1}.csv"
    put_file(folder / name, readings_csv(fresh).encode("utf-8"), todo=_TODO)
    readers = sorted({one.reader for one in fresh})
    site = site.write("readings", by, [name], {"readers": readers, "answers": len(fresh)})
    tell.readings_added(site, fresh, len(cases), next_steps(site))


def open_truth(folder: Path, truth: Path, by: str, *, without_readings: bool) -> None:
    """Open the truth if it is the one that was promised, and keep a copy."""
    site = open_site(folder)
    require(site, "cases", "commit", "run", before=["unblind"])
    asked = [name for name in _READER_CRITERIA if name in site.plan.criteria]
    if asked and not site.done("readings") and not without_readings:
        raise UsageError(
            "There are no readings yet, and after unblinding none can be added",
            expected=f"readings, since the plan asks for {', '.join(asked)}",
            todo="add them with 'leukolens verify-site readings', or go on with --without-readings",
        )
    cases = load_cases(folder / CASES_FILE)
    content = open_promised(truth, str(site.last("commit").details["truth_sha256"]))
    try:
        truths = parse_truth(content, truth.name, cases.cases, _labels(site))
    except DataError as error:
        # From here on somebody has seen into the truth, which the report must tell.
        site.write("truth opened", by, details={"problem": str(error)})
        raise
    ordered = {case: truths[case] for case in cases.cases}
    put_file(folder / TRUTH_FILE, truth_csv(ordered).encode("utf-8"), todo=_TODO)
    site = site.write("unblind", by, [TRUTH_FILE], {"truth_sha256": site.last("commit").details["truth_sha256"]})
    tell.unblinded(site, ordered, next_steps(site))


def _labels(site: Site) -> Sequence[str]:
    from leukolens.assess.site.screening import FIRST_TIME
    from leukolens.screen.journal import read_findings
    from leukolens.screen.run import FINDINGS_FILE

    for finding in read_findings(site.folder / FIRST_TIME / FINDINGS_FILE):
        if finding.field is not None:
            return list(finding.field.probabilities)
    return []


def write_report(folder: Path, images: Path | None, seed: int, by: str) -> list[str]:
    """Write the report and return what is not met, in words."""
    site = open_site(folder)
    require(site, "unblind")
    try_folder(folder, todo=_TODO, size=1 << 20)
    outcome = judge_site(site, seed=seed)
    configuration = {
        "plan_sha256": site.last("cases").files[PLAN_FILE],
        "record_head": site.head,
        "bundle": site.plan.bundle.model_dump(),
    }
    manifest = run_manifest("verify-site report", configuration, site.last("cases").files[CASES_FILE], seed)
    files = write_site(outcome, manifest, _root(site, images))
    site = site.write("report", by, files, {"verdicts": {one.name: one.word for one in outcome.verdicts}})
    tell.reported(outcome, site, files)
    return [f"{one.name} {one.word}" for one in outcome.verdicts if one.word != "met"]


def _root(site: Site, images: Path | None) -> Path:
    return images if images is not None else site.folder / str(site.last("cases").details["root"])


def _relative(root: Path, folder: Path) -> str:
    """Return the folder of images relative to that of the verification, so that both can be moved together."""
    try:
        return Path(os.path.relpath(root.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive
        return root.resolve().as_posix()
