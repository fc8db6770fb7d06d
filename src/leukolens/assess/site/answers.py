"""What leukolens answered to each capture of each case, and why where it gave none."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from leukolens.assess.site.plan import NEGATIVE, POSITIVE
from leukolens.assess.site.screening import FIRST_TIME
from leukolens.finding import Case
from leukolens.report.words import why_review
from leukolens.screen.journal import read_findings
from leukolens.screen.run import CASES_FILE, FINDINGS_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from leukolens.assess.site.case_list import CaseList, Picture
    from leukolens.assess.site.plan import Plan
    from leukolens.finding import Finding

NO_ANSWER = "no answer"
Why = Literal["", "not readable", "refused", "outside the domain", "no white cells", "for review", "no probability"]


@dataclass(frozen=True)
class Answer:
    """The answer to one capture of a case.

    Attributes
    ----------
    case, capture, day
        Which.
    images
        Its pictures.
    p_all
        Mean over the pictures that count; None without any.
    called
        True for leukaemia, False for none, None for no answer.
    why
        Why there is no answer; "" where there is one.
    review
        Whether a person must look.
    label
        The label with the highest mean probability over the pictures inside the domain; None without any.
    reasons
        What leukolens says of the capture, and of its pictures.
    """

    case: str
    capture: str
    day: str
    images: int
    p_all: float | None
    called: bool | None
    why: Why
    review: bool
    label: str | None
    reasons: tuple[str, ...]

    @property
    def word(self) -> str:
        """The answer in words."""
        return NO_ANSWER if self.called is None else POSITIVE if self.called else NEGATIVE


def read_answers(folder: Path, cases: CaseList, plan: Plan, name: str = FIRST_TIME) -> dict[str, list[Answer]]:
    """Read what a pass of screening answered.

    Parameters
    ----------
    folder
        Of the verification.
    cases
        The list.
    plan
        Its threshold, and what a review counts as.
    name
        The pass.

    Returns
    -------
    dict
        Case to its captures' answers, in the order of the list; the first answers for the case.
    """
    found = {
        one.case: one for one in map(Case.model_validate, json.loads((folder / name / CASES_FILE).read_text("utf-8")))
    }
    findings: dict[str, list[Finding]] = {}
    units = {picture.path: picture.unit for picture in cases.pictures}
    for finding in read_findings(folder / name / FINDINGS_FILE):
        findings.setdefault(units[finding.source], []).append(finding)
    first: dict[str, Picture] = {}
    for picture in cases.pictures:
        first.setdefault(picture.unit, picture)
    answers: dict[str, list[Answer]] = {}
    for unit, picture in first.items():
        answers.setdefault(picture.case, []).append(_answer(picture, found[unit], findings[unit], plan))
    return answers


def _answer(picture: Picture, found: Case, findings: list[Finding], plan: Plan) -> Answer:
    review = found.decision == "review"
    why = _why(found, findings)
    if not why and review and plan.review_counts_as == NO_ANSWER:
        why = "for review"
    called = None if why or found.p_all is None else found.p_all >= plan.threshold
    # What the pictures say is often the same sentence with another number; each is told once.
    notes = Counter(reason for finding in findings for reason in why_review(finding))
    said = [f"{reason} ({count} pictures)" if count > 1 else reason for reason, count in notes.most_common()]
    return Answer(
        case=picture.case,
        capture=picture.capture,
        day=picture.day,
        images=found.images,
        p_all=found.p_all,
        called=called,
        why=why,
        review=review,
        label=_label(findings),
        reasons=tuple(dict.fromkeys([*found.reasons, *said])),
    )


def _why(found: Case, findings: list[Finding]) -> Why:
    """Say why there is no p_all: what goes for most pictures, the graver first."""
    if found.p_all is not None:
        return ""
    states: Counter[Why] = Counter()
    for finding in findings:
        if finding.status == "error":
            states["not readable"] += 1
        elif finding.status == "refused":
            states["refused"] += 1
        elif finding.conclusion == "no white cells":
            states["no white cells"] += 1
        elif finding.label is None:
            states["outside the domain"] += 1
        else:
            states["no probability"] += 1
    return states.most_common(1)[0][0]


def _label(findings: list[Finding]) -> str | None:
    sums: Counter[str] = Counter()
    for finding in findings:
        if finding.label is not None and finding.probabilities is not None:
            sums.update(finding.probabilities)
    return max(sums, key=sums.__getitem__) if sums else None
