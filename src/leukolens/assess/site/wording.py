"""Figures of a verification in words, for the page and the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leukolens.assess.site.plan import CRITERIA

if TYPE_CHECKING:
    from leukolens.assess.site.outcome import Outcome
    from leukolens.assess.site.plan import Criterion
    from leukolens.statistics.intervals import Estimate

FIGURES: Final = {
    "sensitivity": "sensitivity, no answer counts as missed",
    "specificity": "specificity, no answer counts as a false alarm",
    "sensitivity_answered": "sensitivity among the answered cases",
    "specificity_answered": "specificity among the answered cases",
    "agreement": "cases answered rightly",
    "no_answer": "cases without an answer",
    "review": "cases that a person must look at",
    "subtype": "leukaemia cases with the right label, among those labelled",
}
_COEFFICIENTS: Final = ("kappa", "alpha", "spread")


def is_share(name: str) -> bool:
    """Tell whether a criterion is about a share, which is written in per cent."""
    return not any(word in name for word in _COEFFICIENTS)


def write_value(figure: Estimate | None, *, percent: bool = True) -> str:
    """Write a figure: a share in per cent, a coefficient as a number; never rounded to perfection."""
    if figure is None or figure.value is None:
        return "not defined"
    return _number(figure.value, percent=percent)


def write_range(figure: Estimate | None, *, percent: bool = True) -> str:
    """Write an interval; nothing for a figure that has none."""
    if figure is None or figure.method == "none" or figure.n == 0:
        return ""
    return _limits(figure.low, figure.high, percent=percent)


def write_limits(limits: tuple[float, float] | None) -> str:
    """Write the interval of a coefficient; a dash where there is none."""
    return "–" if limits is None else _limits(*limits, percent=False)


def write_bound(name: str, criterion: Criterion) -> str:
    """Write what a criterion asks for."""
    side = "at most" if criterion.at_most is not None else "at least"
    number = f"{100 * criterion.bound:g} %" if is_share(name) else f"{criterion.bound:g}"
    return f"{side} {number}, by the {criterion.judged_by}"


def describe(name: str) -> str:
    """Return a criterion's figure in words."""
    return CRITERIA[name].words


def lead(outcome: Outcome) -> str:
    """Return the outcome in one sentence."""
    words = [one.word for one in outcome.verdicts]
    counts = [f"{words.count(word)} {word}" for word in ("met", "not met", "not shown") if word in words]
    whole = "Every criterion of the plan is met" if outcome.met else f"Of {len(words)} criteria, {', '.join(counts)}"
    table = outcome.accuracy.table
    cases = f"{sum(table['leukaemia'].values())} cases of leukaemia and {sum(table['no leukaemia'].values())} without"
    return f"{whole}; {cases}."


def _limits(low: float, high: float, *, percent: bool) -> str:
    return f"{_number(low, percent=percent)} to {_number(high, percent=percent)}"


def _number(value: float, *, percent: bool) -> str:
    if percent:
        return "> 99.9 %" if 0.9995 <= value < 1 else f"{100 * value:.1f} %"
    return "> 0.999" if 0.9995 <= value < 1 else f"{value:.3f}"
