"""The folder of a verification: which steps are done, whether what they left is unchanged, and what comes next."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from leukolens.assess.site.plan import PLAN_FILE, Plan, load_plan
from leukolens.assess.site.record import RECORD_FILE, Entry, append_entry, hash_file, read_record
from leukolens.finding import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from leukolens.assess.site.record import Step

CASES_FILE: Final = "cases.csv"
TRUTH_FILE: Final = "truth.csv"
_SHOWN: Final = 12
_HOW: Final = {
    "plan": "leukolens verify-site plan --out DIR --laboratory NAME --by NAME",
    "cases": "leukolens verify-site cases DIR CASES.csv --truth TRUTH.csv --by NAME",
    "commit": "leukolens verify-site commit DIR --truth TRUTH.csv --reason WHY --by NAME",
    "run": "leukolens verify-site run DIR --by NAME",
    "unblind": "leukolens verify-site unblind DIR --truth TRUTH.csv --by NAME",
    "report": "leukolens verify-site report DIR --by NAME",
}


@dataclass(frozen=True)
class Site:
    """A verification as it stands.

    Attributes
    ----------
    folder
        Where it is.
    plan
        As ``plan.yaml`` says now; once sealed, that is what was sealed.
    plan_text
        Its text.
    entries, head
        The audit trail and its newest hash.
    """

    folder: Path
    plan: Plan
    plan_text: str
    entries: tuple[Entry, ...]
    head: str

    def done(self, step: Step) -> bool:
        """Tell whether a step was done."""
        return any(entry.step == step for entry in self.entries)

    def last(self, step: Step) -> Entry:
        """Return the last entry of a step that was done."""
        return next(entry for entry in reversed(self.entries) if entry.step == step)

    def all(self, *steps: Step) -> list[Entry]:
        """Return every entry of these steps, in order."""
        return [entry for entry in self.entries if entry.step in steps]

    @property
    def sealed(self) -> bool:
        """Whether the plan may not change any more."""
        return self.done("cases")

    def write(self, step: Step, by: str, files: Sequence[str] = (), details: dict[str, Any] | None = None) -> Site:
        """Write a step to the audit trail and return the verification as it stands then."""
        entry, head = append_entry(self.folder, step, by, files, details, after=self.head)
        return replace(self, entries=(*self.entries, entry), head=head)


def open_site(folder: Path) -> Site:
    """Open the folder of a verification and check everything that earlier steps left there.

    Parameters
    ----------
    folder
        As `plan` made it.

    Raises
    ------
    DataError
        There is no verification, its audit trail is broken, its plan has changed since it was sealed, or a file of an
        earlier step is missing or changed.
    """
    if not (folder / RECORD_FILE).is_file():
        raise DataError(
            f"The folder {str(folder)!r} holds no verification",
            expected=f"a folder with {RECORD_FILE} and {PLAN_FILE}",
            found="nothing" if not folder.exists() else "none of them" if folder.is_dir() else "a file",
            todo=f"begin one with '{_HOW['plan']}'",
        )
    entries, head = read_record(folder)
    if not entries:
        raise DataError(f"The audit trail in {str(folder)!r} is empty", todo=f"begin anew with '{_HOW['plan']}'")
    seal = next((entry for entry in reversed(entries) if entry.step == "cases"), None)
    if seal is not None:
        _check_seal(folder, seal)
    plan, text = load_plan(folder)
    _check_files(folder, entries)
    return Site(folder, plan, text, tuple(entries), head)


def _check_seal(folder: Path, seal: Entry) -> None:
    path = folder / PLAN_FILE
    expected = seal.files[PLAN_FILE]
    found = hash_file(path) if path.is_file() else None
    if found == expected:
        return
    then = str(seal.details["plan"]).splitlines()
    now = path.read_text("utf-8", "replace").splitlines() if found is not None else []
    changed = [line for line in difflib.unified_diff(then, now, "sealed", "now", lineterm="", n=0) if line[:2] != "@@"]
    shown = " | ".join(changed[2 : 2 + _SHOWN]) if changed else "line ends or spaces only"
    raise DataError(
        f"{PLAN_FILE} is not the plan that was sealed on {seal.time:%Y-%m-%d %H:%M} UTC by {seal.by}",
        expected=f"SHA-256 {expected[:16]}",
        found=f"no file; the sealed text stands in {RECORD_FILE}" if found is None else f"{found[:16]}: {shown}",
        todo="change it back (lines with - were sealed, lines with + are new), or begin a new verification in another "
        "folder: acceptance criteria are set before the answers are seen",
    )


def _check_files(folder: Path, entries: Sequence[Entry]) -> None:
    """Check the newest hash of every file that a later step relies on; not of reports, which may be written again."""
    newest: dict[str, tuple[str, Entry]] = {}
    for entry in entries:
        if entry.step not in {"plan", "report"}:
            newest |= {name: (sha256, entry) for name, sha256 in entry.files.items()}
    for name, (sha256, entry) in newest.items():
        path = folder / name
        if not path.is_file() or hash_file(path) != sha256:
            raise DataError(
                f"{name!r} in {str(folder)!r} {'has changed' if path.is_file() else 'is missing'} since step "
                f"{entry.number} ({entry.step}, {entry.time:%Y-%m-%d %H:%M} UTC)",
                expected=f"SHA-256 {sha256[:16]}",
                todo="put back the file from your backup, or begin a new verification in another folder",
            )


def require(site: Site, *steps: Step, before: Sequence[Step] = ()) -> None:
    """Check that the steps were done that the next one builds on, and none that forbids it.

    Parameters
    ----------
    site
        The verification.
    steps
        That must have been done.
    before
        That must not have been done yet.

    Raises
    ------
    UsageError
        Otherwise; it says what to do.
    """
    for step in steps:
        if not site.done(step):
            raise UsageError(
                f"The step {step!r} comes first and was not done in {str(site.folder)!r}",
                found=f"done so far: {', '.join(dict.fromkeys(entry.step for entry in site.entries))}",
                todo=f"run '{_HOW.get(step, step)}'",
            )
    for step in before:
        if site.done(step):
            entry = site.last(step)
            raise UsageError(
                f"The step {step!r} was done on {entry.time:%Y-%m-%d %H:%M} UTC by {entry.by}",
                expected=f"to come here before it in {str(site.folder)!r}",
                todo="begin a new verification in another folder if this is needed",
            )


def next_steps(site: Site) -> list[str]:
    """Return what can be done next, as commands."""
    folder = str(site.folder)
    if not site.sealed:
        return [_HOW["cases"].replace("DIR", folder)]
    readings = f"leukolens verify-site readings {folder} READINGS.csv --by NAME   (before unblinding)"
    if not site.done("commit"):
        return [_HOW["commit"].replace("DIR", folder)]
    if not site.done("run"):
        return [_HOW["run"].replace("DIR", folder), readings]
    if not site.done("unblind"):
        return [readings, _HOW["unblind"].replace("DIR", folder)]
    return [_HOW["report"].replace("DIR", folder)]
