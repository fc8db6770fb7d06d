"""Leukolens against the truth: every case counts, and one without an answer counts as wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from leukolens.statistics.intervals import LEVEL, Estimate, clopper_pearson

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from leukolens.assess.site.answers import Answer
    from leukolens.assess.site.truth import Truth

Outcome = Literal["right", "missed", "false alarm", "no answer"]


@dataclass(frozen=True)
class CaseResult:
    """One case with its truth, the answer of its first capture, and what became of it."""

    case: str
    truth: Truth
    answer: Answer

    @property
    def outcome(self) -> Outcome:
        """Right, missed, false alarm, or no answer."""
        if self.answer.called is None:
            return "no answer"
        if self.answer.called == self.truth.positive:
            return "right"
        return "missed" if self.truth.positive else "false alarm"

    @property
    def subtype(self) -> bool | None:
        """Whether the label is the true one; None where the truth names none or leukolens gave none."""
        if not self.truth.subtype or self.answer.label is None:
            return None
        return self.answer.label == self.truth.subtype


@dataclass(frozen=True)
class Accuracy:
    """Figures over cases, and the table that they come from.

    Attributes
    ----------
    results
        All cases, in the order of the list.
    table
        True word ("leukaemia", "no leukaemia") to word of the answer to number of cases.
    figures
        By name. `sensitivity` and `specificity` count no answer as wrong (the worst case, in the spirit of Schuetz et
        al. 2012, doi 10.1136/bmj.e6717); ``..._answered`` leave such cases out.
    """

    results: tuple[CaseResult, ...]
    table: dict[str, dict[str, int]]
    figures: dict[str, Estimate]

    def discordant(self) -> list[CaseResult]:
        """Return the cases that are not right: missed first, then false alarms, then those without an answer."""
        order = ("missed", "false alarm", "no answer")
        return sorted((one for one in self.results if one.outcome != "right"), key=lambda one: order.index(one.outcome))


def judge_cases(answers: Mapping[str, Sequence[Answer]], truths: Mapping[str, Truth], level: float = LEVEL) -> Accuracy:
    """Compare the answers with the truth.

    Parameters
    ----------
    answers
        Case to its captures' answers; the first counts.
    truths
        Of every case.
    level
        Coverage of the exact intervals.
    """
    results = tuple(CaseResult(case, truths[case], own[0]) for case, own in answers.items())
    sick, well = ([one for one in results if one.truth.positive == positive] for positive in (True, False))
    rows = {"leukaemia": sick, "no leukaemia": well}
    table = {
        truth: {
            word: sum(one.answer.word == word for one in own) for word in ("leukaemia", "no leukaemia", "no answer")
        }
        for truth, own in rows.items()
    }
    answered = [one for one in results if one.answer.called is not None]
    labelled = [one for one in sick if one.subtype is not None]
    figures = {
        "sensitivity": _right(sick, level),
        "specificity": _right(well, level),
        "sensitivity_answered": _right([one for one in answered if one.truth.positive], level),
        "specificity_answered": _right([one for one in answered if not one.truth.positive], level),
        "agreement": _right(results, level),
        "no_answer": clopper_pearson(len(results) - len(answered), len(results), level),
        "review": clopper_pearson(sum(one.answer.review for one in results), len(results), level),
        "subtype": clopper_pearson(sum(one.subtype is True for one in labelled), len(labelled), level),
    }
    return Accuracy(results, table, figures)


def _right(cases: Iterable[CaseResult], level: float) -> Estimate:
    outcomes = [one.outcome for one in cases]
    return clopper_pearson(outcomes.count("right"), len(outcomes), level)
