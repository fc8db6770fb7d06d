"""From the findings of single pictures to cases: all pictures of one smear or patient."""

from __future__ import annotations

import csv
import posixpath
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leukolens.finding import BlastShare, Case, UsageError
from leukolens.trust.decision import POSITIVE_FROM

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leukolens.finding import Finding
    from leukolens.finding.schema import Conclusion

CaseNames = Callable[[str], str]
"""From the source of a picture to the name of its case; raises UsageError where it has none."""

_NO_BLASTS: Final = BlastShare(n=0, fraction=None, low=None, high=None)


def case_by_folder(source: str) -> str:
    """Return the folder of a picture: pictures of one folder are one case. Files without a folder are the case ".".

    Parameters
    ----------
    source
        As `leukolens.screen.inputs.source_name` writes it on every system: "/" alone parts it. A backslash belongs to
        a name, or stands for a byte that is no text.
    """
    return posixpath.dirname(source) or "."


def one_case(name: str) -> CaseNames:
    """Return a rule that puts every picture into one case."""
    return lambda _source: name


def cases_from_csv(path: Path) -> CaseNames:
    """Return a rule that reads the case of each picture from a table.

    Parameters
    ----------
    path
        CSV in UTF-8 with a header that has the columns ``path`` and ``case``. Paths are those given to ``screen``, or
        relative to the table's folder. A table from Windows, with backslashes, is understood everywhere.

    Raises
    ------
    UsageError
        The table cannot be read, lacks a column, or gives one picture two cases.
    """
    names: dict[str, str] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            table = csv.DictReader(stream)
            columns = [column.strip().lower() for column in table.fieldnames or []]
            if not {"path", "case"} <= set(columns):
                raise UsageError(
                    f"the table of cases {str(path)!r} lacks a column",
                    expected="the columns path and case",
                    found=", ".join(columns) or "none",
                )
            table.fieldnames = columns
            for row in table:
                _add_row(names, path, row, table.line_num)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"the table of cases {str(path)!r} cannot be read", found=str(error)) from error

    def case_of(source: str) -> str:
        for key in (posixpath.normpath(source), _absolute(Path(source))):
            if key in names:
                return names[key]
        raise UsageError(
            f"the table of cases {str(path)!r} does not name {source!r}", todo="Add a row for it, or leave it out"
        )

    return case_of


def build_cases(findings: Iterable[Finding], case_of: CaseNames) -> list[Case]:
    """Gather findings into cases, in the order in which cases first appear.

    `p_all` of a case is the mean of `p_all` over its pictures that were read and lie in the model's domain; null where
    there is none. Its decision is "report" where every picture's is and all have the same conclusion.

    Parameters
    ----------
    findings
        Read once; little of each is kept.
    case_of
        The rule for the name of a case.
    """
    tallies: dict[str, _Tally] = {}
    for finding in findings:
        tallies.setdefault(case_of(finding.source), _Tally()).add(finding)
    return [_close(name, tally) for name, tally in tallies.items()]


@dataclass
class _Tally:
    images: int = 0
    cells: int = 0
    status: Counter[str] = field(default_factory=Counter)
    conclusions: Counter[str] = field(default_factory=Counter)
    outside: int = 0
    review: int = 0
    p_all: list[float] = field(default_factory=list)

    def add(self, finding: Finding) -> None:
        self.images += 1
        self.cells += len(finding.cells)
        self.status[finding.status] += 1
        if finding.status != "ok":
            return
        self.review += finding.decision == "review"
        if finding.conclusion is not None:
            self.conclusions[finding.conclusion] += 1
        if finding.label is not None and finding.p_all is not None:
            self.p_all.append(finding.p_all)
        elif finding.label is None and finding.conclusion != "no white cells":
            self.outside += 1


def _close(name: str, tally: _Tally) -> Case:
    p_all = sum(tally.p_all) / len(tally.p_all) if tally.p_all else None
    reasons = _reasons(tally)
    return Case(
        case=name,
        images=tally.images,
        cells=tally.cells,
        differential={},
        blasts=_NO_BLASTS,
        p_all=p_all,
        conclusion=_conclude(p_all, tally),
        decision="review" if reasons else "report",
        reasons=reasons,
    )


def _conclude(p_all: float | None, tally: _Tally) -> Conclusion | None:
    if p_all is not None:
        return "lymphoblasts" if p_all >= POSITIVE_FROM else "none seen"
    only_empty = tally.conclusions["no white cells"] == tally.status["ok"] > 0
    return "no white cells" if only_empty else None


def _reasons(tally: _Tally) -> list[str]:
    images = tally.images
    reasons = [
        f"{count} of {images} pictures {words}"
        for count, words in (
            (tally.status["error"], "could not be read"),
            (tally.status["refused"], "were refused"),
            (tally.outside, "lie outside the model's domain and do not count towards p_all"),
            (tally.conclusions["no white cells"], "show no white cells"),
            (tally.review, "need review"),
        )
        if count
    ]
    positive, negative = tally.conclusions["lymphoblasts"], tally.conclusions["none seen"]
    if positive and negative:
        reasons.append(f"the pictures disagree: {positive} with lymphoblasts, {negative} with none seen")
    if not tally.p_all:
        reasons.append("no picture gives a p_all that counts")
    return reasons


def _add_row(names: dict[str, str], table: Path, row: dict[str, str | None], line: int) -> None:
    image, case = (row.get("path") or "").strip(), (row.get("case") or "").strip()
    if not image and not case:
        return
    if not image or not case:
        raise UsageError(
            f"line {line} of the table of cases {str(table)!r} is not complete", expected="a path and a case"
        )
    for path in {image, image.replace("\\", "/")}:
        for key in (posixpath.normpath(path), _absolute(table.parent / path)):
            if names.setdefault(key, case) != case:
                raise UsageError(
                    f"line {line} of the table of cases {str(table)!r} gives {image!r} a second case",
                    expected=repr(names[key]),
                    found=repr(case),
                )


def _absolute(path: Path) -> str:
    return Path(path).resolve().as_posix()
