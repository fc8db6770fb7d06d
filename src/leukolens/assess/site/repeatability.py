"""Whether leukolens says the same again: of the same file, and of another capture of the same case."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from leukolens.screen.run import FINDINGS_FILE
from leukolens.statistics.intervals import LEVEL, Estimate, clopper_pearson

if TYPE_CHECKING:
    from pathlib import Path

    from leukolens.assess.site.answers import Answer

NEAR: Final = 0.2
"""Distance of p_all from the threshold up to which a case counts as near the cut-off."""


@dataclass(frozen=True)
class Again:
    """Two passes over the same pictures.

    Attributes
    ----------
    same
        Share of the pictures whose finding is the same: in every character, or where another engine made it, in status,
        conclusion, label and decision.
    largest
        Largest difference of p_all; 0 where no picture has two.
    different
        The pictures whose findings differ.
    """

    same: Estimate
    largest: float
    different: tuple[str, ...]


@dataclass(frozen=True)
class RepeatedCase:
    """A case with several captures: their answers in order, and the standard deviation of their p_all."""

    case: str
    answers: tuple[Answer, ...]
    deviation: float | None
    near: bool

    @property
    def agree(self) -> bool:
        """Whether all captures got one answer; no answer is an answer of its own."""
        return len({answer.called for answer in self.answers}) == 1

    @property
    def days(self) -> int:
        """On how many named days it was captured."""
        return len({answer.day for answer in self.answers if answer.day})


@dataclass(frozen=True)
class Captures:
    """Cases that were captured repeatedly.

    Attributes
    ----------
    cases
        All of them.
    agree
        Share with one answer to all captures.
    near, far
        The same among those with a capture near the threshold, and those without.
    days
        The same among those captured on different days.
    deviation
        Of p_all within a case: root of the mean variance; None without two values in any case.
    largest
        Largest difference of p_all within a case.
    """

    cases: tuple[RepeatedCase, ...]
    agree: Estimate
    near: Estimate
    far: Estimate
    days: Estimate
    deviation: float | None
    largest: float | None


def compare_passes(folder: Path, first: str, second: str, level: float = LEVEL, *, exactly: bool = True) -> Again:
    """Compare the findings of two passes, picture by picture.

    Parameters
    ----------
    folder
        Of the verification.
    first, second
        Names of the passes.
    level
        Coverage of the interval.
    exactly
        Whether every character counts, or only status, conclusion, label and decision.
    """
    one, two = (_lines(folder / name / FINDINGS_FILE) for name in (first, second))
    different = tuple(
        source for source, line in one.items() if source not in two or not _same(line, two[source], exactly=exactly)
    )
    gaps = [abs(_p_all(line) - _p_all(two[source])) for source, line in one.items() if source in two]
    known = [gap for gap in gaps if not math.isnan(gap)]
    return Again(clopper_pearson(len(one) - len(different), len(one), level), max(known, default=0.0), different)


def _same(one: str, two: str, *, exactly: bool) -> bool:
    if exactly:
        return one == two
    return all(json.loads(one)[key] == json.loads(two)[key] for key in ("status", "conclusion", "label", "decision"))


def _lines(path: Path) -> dict[str, str]:
    return {str(json.loads(line)["source"]): line for line in path.read_text("utf-8").splitlines()}


def _p_all(line: str) -> float:
    value: Any = json.loads(line)["p_all"]
    return math.nan if value is None else float(value)


def compare_captures(answers: dict[str, list[Answer]], threshold: float, level: float = LEVEL) -> Captures:
    """Compare the captures of each case that has several.

    Parameters
    ----------
    answers
        From `leukolens.assess.site.answers.read_answers`.
    threshold
        p_all from which a case is called leukaemia.
    level
        Coverage of the intervals.
    """
    cases = tuple(_repeated(case, own, threshold) for case, own in answers.items() if len(own) > 1)
    spread = [one for one in cases if one.deviation is not None]
    values = [[answer.p_all for answer in one.answers if answer.p_all is not None] for one in spread]
    # Pooled over cases by their degrees of freedom, as in any one-way layout.
    degrees = sum(len(own) - 1 for own in values)
    squares = sum((len(own) - 1) * (one.deviation or 0.0) ** 2 for own, one in zip(values, spread, strict=True))
    return Captures(
        cases,
        agree=_share(cases, level),
        near=_share([one for one in cases if one.near], level),
        far=_share([one for one in cases if not one.near], level),
        days=_share([one for one in cases if one.days > 1], level),
        deviation=math.sqrt(squares / degrees) if degrees else None,
        largest=max((max(own) - min(own) for own in values), default=None),
    )


def _repeated(case: str, answers: list[Answer], threshold: float) -> RepeatedCase:
    values = [answer.p_all for answer in answers if answer.p_all is not None]
    mean = sum(values) / len(values) if values else 0.0
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1)) if len(values) > 1 else None
    near = any(abs(value - threshold) <= NEAR for value in values)
    return RepeatedCase(case, tuple(answers), deviation, near)


def _share(cases: tuple[RepeatedCase, ...] | list[RepeatedCase], level: float) -> Estimate:
    return clopper_pearson(sum(one.agree for one in cases), len(cases), level)
