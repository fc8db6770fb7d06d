"""Each criterion of the plan against what was found: met, not met, or not shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from leukolens.assess.site.exact import cases_needed
from leukolens.assess.site.plan import CRITERIA
from leukolens.statistics.intervals import Estimate, clopper_pearson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leukolens.assess.site.plan import Criterion, Plan

Word = Literal["met", "not met", "not shown"]


@dataclass(frozen=True)
class Verdict:
    """One criterion.

    Attributes
    ----------
    name, criterion
        What was asked for.
    figure
        What was found; None where there is nothing to judge.
    word
        "met"; "not met": the figure, or the whole interval, is on the wrong side; "not shown": the interval is too wide
        to say, or there is no figure.
    sentence
        Why.
    """

    name: str
    criterion: Criterion
    figure: Estimate | None
    word: Word
    sentence: str


def judge(plan: Plan, figures: Mapping[str, Estimate | None], level: float) -> list[Verdict]:
    """Judge every criterion of a plan.

    Parameters
    ----------
    plan
        With its criteria.
    figures
        By the names of `CRITERIA`; None, or no entry, where nothing was measured.
    level
        Coverage of the intervals, for what more cases would do.
    """
    return [_judge(name, one, figures.get(name), level) for name, one in plan.criteria.items()]


def _judge(name: str, criterion: Criterion, figure: Estimate | None, level: float) -> Verdict:
    if figure is None or figure.value is None:
        why = figure.note if figure is not None and figure.note else "nothing was measured for it"
        needed = _needed(name, criterion, level)
        return Verdict(name, criterion, figure, "not shown", f"{why[0].upper()}{why[1:]}{needed}.")
    small = criterion.at_most is not None
    inner, outer = (figure.low, figure.high) if small else (figure.high, figure.low)
    bound = criterion.bound
    if criterion.judged_by == "figure":
        good = figure.value <= bound if small else figure.value >= bound
        return Verdict(name, criterion, figure, "met" if good else "not met", f"The figure is {figure.value:.4g}.")
    end, other = ("upper", "lower") if small else ("lower", "upper")
    if outer <= bound if small else outer >= bound:
        return Verdict(name, criterion, figure, "met", f"The {end} bound is {outer:.4g}.")
    if inner > bound if small else inner < bound:
        return Verdict(
            name, criterion, figure, "not met", f"The whole interval misses it: its {other} bound is {inner:.4g}."
        )
    words = f"The interval holds {bound:g}, from {figure.low:.4g} to {figure.high:.4g}: too wide to say"
    return Verdict(name, criterion, figure, "not shown", words + _too_few(name, criterion, figure, level) + ".")


def _needed(name: str, criterion: Criterion, level: float) -> str:
    """Say how many cases would be needed at the least, where that is known."""
    basis = CRITERIA[name].basis
    if not basis or criterion.judged_by == "figure":
        return ""
    number = cases_needed(1 - criterion.bound if criterion.at_most is not None else criterion.bound, 0, level)
    which = {"cases": "", "repeated": " with repeated captures"}.get(
        basis, f" of {basis}" if basis == "leukaemia" else f" with {basis}"
    )
    return "" if number is None else f"; {number} cases{which} at least would be needed"


def _too_few(name: str, criterion: Criterion, figure: Estimate, level: float) -> str:
    """Say where even a perfect score on as many cases would not have shown it."""
    if figure.method != "clopper-pearson":
        return ""
    bound = 1 - criterion.bound if criterion.at_most is not None else criterion.bound
    hopeless = clopper_pearson(figure.n, figure.n, level).low < bound
    return _needed(name, criterion, level) if hopeless else ""


def lowest(figures: Sequence[Estimate]) -> Estimate | None:
    """Return the figure that is worst by its lower end; one without a value is worse than any. None of none."""
    return min(figures, key=lambda one: (one.value is not None, one.low), default=None)


def exact_number(value: float | None, n: int) -> Estimate | None:
    """Return a figure without an interval, such as a standard deviation; None for None."""
    return None if value is None else Estimate(value, value, value, "none", n)
