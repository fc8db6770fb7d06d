"""A run of screening into a folder: checked before it starts, kept as it goes, gone on from where it stopped."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from leukolens.finding import Case, OutputError, UsageError
from leukolens.finding.output import probe_folder
from leukolens.screen.cases import CaseNames, build_cases, case_by_folder
from leukolens.screen.journal import Journal, put_in_order, read_findings, recover, write_whole
from leukolens.screen.manifest import RUN_FILE, begin_manifest, check_same_run, end_manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from leukolens.finding import Finding
    from leukolens.screen.inputs import Input
    from leukolens.screen.result import ScreenResult
    from leukolens.screen.screener import Screener

FINDINGS_FILE: Final = "findings.jsonl"
CASES_FILE: Final = "cases.json"
FINDING_BYTES: Final = 4096
"""A finding without cells takes 1 to 2 KB."""


@dataclass(frozen=True)
class RunSummary:
    """What a run left behind.

    Attributes
    ----------
    findings, cases_file
        The files written.
    cases
        Content of ``cases.json``.
    statuses
        Number of findings in the folder by status.
    before
        Of how many inputs there were findings from an earlier run.
    """

    findings: Path
    cases_file: Path
    cases: list[Case]
    statuses: dict[str, int] = field(default_factory=dict)
    before: int = 0


def run(
    screener: Screener,
    inputs: Sequence[Input],
    out: Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    aspect: float | None = None,
    case_of: CaseNames = case_by_folder,
    on_result: Callable[[ScreenResult], None] | None = None,
    bytes_per_image: int = FINDING_BYTES,
) -> RunSummary:
    """Screen inputs into ``findings.jsonl``, ``cases.json`` and ``run.json`` of a folder.

    Each finding is a whole line as soon as it is made, so whatever ends the run, what is done stays. ``cases.json``
    is there only once all inputs are done.

    Parameters
    ----------
    screener
        The loaded model.
    inputs
        What to screen, each source once.
    out
        The folder; made where it is missing.
    resume
        Go on from the findings in `out`, where there are any: inputs that have one are not screened again.
    overwrite
        Remove the findings in `out` and begin anew.
    aspect
        True width / true height, declared for all pictures.
    case_of
        The rule for the case of a picture.
    on_result
        Called in this thread after each finding is written, in order: with the finding, the prepared picture and the
        network's outputs. Findings of an earlier run do not come by again.
    bytes_per_image
        Space that one image will need in `out`, also for what the caller writes there, to be free before the start.

    Raises
    ------
    OutputError
        `out` cannot be written, holds findings, lacks space, or holds findings of another bundle; or the disk was
        full on the way.
    UsageError
        A picture has no case by the rule, or both `resume` and `overwrite` are given.
    """
    if resume and overwrite:
        raise UsageError("resume and overwrite exclude each other", todo="Give one of them")
    manifest = begin_manifest(screener, aspect)
    findings = out / FINDINGS_FILE
    _refuse_findings(findings, resume=resume, overwrite=overwrite)
    if resume and _holds_findings(findings):
        check_same_run(out, manifest)
    done = recover(findings) if resume else []
    known = set(done)
    waiting = [item for item in inputs if item.source not in known]
    for source in (*done, *(item.source for item in waiting)):
        case_of(source)
    probe_folder(out, len(waiting) * bytes_per_image)
    _clear(out, keep_findings=bool(done))
    write_whole(out / RUN_FILE, manifest.to_json())
    # Closed at once where something is raised, so that no thread goes on working for nobody.
    with Journal(findings) as journal, closing(screener.stream(waiting, aspect=aspect)) as results:
        for result in results:
            journal.append(result.finding)
            if on_result is not None:
                on_result(result)
    if done:
        put_in_order(findings, [item.source for item in inputs])
    tally = _Tally()
    cases = build_cases(tally.watch(read_findings(findings)), case_of)
    write_whole(out / CASES_FILE, _cases_json(cases))
    write_whole(out / RUN_FILE, end_manifest(manifest, dict(tally.statuses), tally.hashes).to_json())
    return RunSummary(findings, out / CASES_FILE, cases, dict(tally.statuses), len(inputs) - len(waiting))


class _Tally:
    """Counts findings on their way to the cases, so that the file is read once."""

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.hashes: list[str] = []

    def watch(self, findings: Iterator[Finding]) -> Iterator[Finding]:
        for finding in findings:
            self.statuses[finding.status] += 1
            if finding.sha256:
                self.hashes.append(finding.sha256)
            yield finding


def _holds_findings(findings: Path) -> bool:
    return findings.exists() and findings.stat().st_size > 0


def _refuse_findings(findings: Path, *, resume: bool, overwrite: bool) -> None:
    if resume or overwrite or not _holds_findings(findings):
        return
    raise OutputError(
        f"the folder {str(findings.parent)!r} holds findings already",
        todo="Go on with --resume, write it anew with --overwrite, or choose another folder",
    )


def _clear(out: Path, *, keep_findings: bool) -> None:
    names = (CASES_FILE,) if keep_findings else (CASES_FILE, FINDINGS_FILE)
    for name in names:
        try:
            (out / name).unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(
                f"{str(out / name)!r} cannot be removed", found=error.strerror or str(error), todo="Remove it by hand"
            ) from error


def _cases_json(cases: Sequence[Case]) -> str:
    # One case a line: large runs stay readable, and a line can be searched for.
    lines = ",\n ".join(case.model_dump_json(by_alias=True) for case in cases)
    return f"[{lines}]\n"
