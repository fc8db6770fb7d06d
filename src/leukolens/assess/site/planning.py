"""What a plan can show with its number of cases, before any case is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leukolens.assess.site.exact import cases_for_chance, cases_needed, chance_to_show, least_hits
from leukolens.assess.site.plan import CAP_CASES, CRITERIA
from leukolens.finding import DataError
from leukolens.statistics.intervals import clopper_pearson

if TYPE_CHECKING:
    from leukolens.assess.site.plan import Criterion, Plan

_CHANCE = 0.8


@dataclass(frozen=True)
class Prospect:
    """What a number of cases can show of one criterion that is judged by its exact interval.

    Attributes
    ----------
    name
        Of the criterion.
    n
        Cases that it is a share of.
    best
        The end of the interval where every case is right.
    needed
        Cases without any error that would reach the bound; None where no number does.
    allowed
        Errors that `n` cases may have; None where even without one the bound is out of reach.
    chance
        Of showing it, where the true share is what the plan expects; None where it expects nothing.
    for_chance
        Cases from which on that chance is 80 %; None where the plan expects nothing, or too little.
    sentence
        All this in words.
    """

    name: str
    n: int
    best: float
    needed: int | None
    allowed: int | None
    chance: float | None
    for_chance: int | None
    sentence: str


def prospects(plan: Plan, repeated: int | None = None) -> list[Prospect]:
    """Return what the planned numbers can show of each criterion on a share of cases that is judged by its interval.

    Parameters
    ----------
    plan
        The plan.
    repeated
        Cases with repeated captures, where they are known.
    """
    sizes = {
        "leukaemia": plan.cases.leukaemia,
        "no leukaemia": plan.cases.no_leukaemia,
        "cases": plan.cases.total,
        "repeated": repeated,
    }
    found = []
    for name, criterion in plan.criteria.items():
        n = sizes.get(CRITERIA[name].basis)
        if n is not None and criterion.judged_by == "interval":
            found.append(_prospect(name, criterion, n, plan))
    return found


def _prospect(name: str, criterion: Criterion, n: int, plan: Plan) -> Prospect:
    small = CRITERIA[name].at_most
    bound = 1 - criterion.bound if small else criterion.bound
    best = clopper_pearson(n, n, plan.level).low
    hits = least_hits(n, bound, plan.level)
    allowed = None if hits is None else n - hits
    expected = {"sensitivity": plan.expected.sensitivity, "specificity": plan.expected.specificity}.get(name)
    chance = None if expected is None else chance_to_show(n, bound, expected, plan.level)
    for_chance = None if expected is None else cases_for_chance(bound, expected, _CHANCE, plan.level)
    prospect = Prospect(
        name, n, 1 - best if small else best, cases_needed(bound, 0, plan.level), allowed, chance, for_chance, ""
    )
    return Prospect(**{**prospect.__dict__, "sentence": _sentence(prospect, criterion, expected)})


def _sentence(one: Prospect, criterion: Criterion, expected: float | None) -> str:
    small = CRITERIA[one.name].at_most
    end = "an upper" if small else "a lower"
    basis = CRITERIA[one.name].basis
    which = {"cases": "", "repeated": " captured repeatedly", "leukaemia": " of leukaemia"}.get(
        basis, " without leukaemia"
    )
    words = f"{one.name}: with {one.n} cases{which} you can show {end} bound of {one.best:.3f} at best"
    asked = f"{criterion.bound:g} is asked for"
    if one.allowed is None:
        needs = f"which needs {one.needed} cases without an error" if one.needed else "which no number of cases shows"
        return f"{words}; {asked}, {needs}."
    errors = "no error is" if one.allowed == 0 else "1 error is" if one.allowed == 1 else f"{one.allowed} errors are"
    words += f"; {asked}, and {errors} allowed."
    if expected is None or one.chance is None:
        return words
    words += f" If the true {one.name} is {expected:g}, the chance to show it is {100 * one.chance:.0f} %"
    if one.chance < _CHANCE and one.for_chance is not None:
        return f"{words}; {one.for_chance} cases would make it {100 * _CHANCE:.0f} %."
    return f"{words}{'; no number of cases would make it 80 %' if one.chance < _CHANCE else ''}."


def check_plan(plan: Plan, repeated: int | None = None) -> list[Prospect]:
    """Return the prospects of a plan that can show all it asks for.

    Raises
    ------
    DataError
        It cannot, however good leukolens is: too few cases for a criterion.
    """
    found = prospects(plan, repeated)
    hopeless = [one for one in found if one.allowed is None]
    if hopeless:
        raise DataError(
            f"The plan has too few cases for {', '.join(one.name for one in hopeless)}",
            expected="numbers of cases that can show what the criteria ask for",
            found=" ".join(one.sentence for one in hopeless).rstrip("."),
            todo="plan more cases, ask for less, or set judged_by: figure",
        )
    return found


def remarks(plan: Plan) -> list[str]:
    """Return what a reader of the plan should know: where it asks for less than the guidelines do."""
    found = []
    if plan.cases.total < CAP_CASES:
        found.append(
            f"The plan has {plan.cases.total} cases; CAP's guideline for whole slide imaging asks for {CAP_CASES} at "
            "least for one use."
        )
    found += [
        f"No {name} is asked for." for name in ("sensitivity", "specificity", "no_answer") if name not in plan.criteria
    ]
    return found
