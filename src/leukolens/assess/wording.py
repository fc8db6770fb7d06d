"""How figures are written for people: on the terminal and on the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leukolens.statistics.intervals import Estimate

NOT_RECORDED: Final = "not recorded"

NAMES: Final = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "auc": "AUC",
    "average_precision": "average precision",
    "precision": "precision",
    "recall": "recall",
    "specificity": "specificity",
    "f1": "F1",
    "log_loss": "log loss",
    "brier": "Brier score",
    "confidence_gap": "confidence gap",
    "ece": "ECE",
    "ece_adaptive": "ECE, adaptive bins",
    "aurc": "area under risk-coverage (AURC)",
    "excess_aurc": "excess AURC",
    "risk": "wrong",
    "sensitivity": "sensitivity",
    "ppv": "PPV",
    "npv": "NPV",
}
MACRO: Final = frozenset({"auc", "average_precision", "precision", "recall", "specificity", "f1"})
_PERCENT: Final = frozenset(
    {"accuracy", "balanced_accuracy", "precision", "recall", "specificity", "sensitivity", "ppv", "npv"}
    | {"confidence_gap", "risk"}
)


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun: "1 image", "2 images"."""
    return f"{number} {one if number == 1 else many or one + 's'}"


@dataclass(frozen=True)
class Written:
    """One figure in words: its name, value, interval, and what must be known beside it."""

    name: str
    value: str
    range: str
    note: str


def write_figure(name: str, figure: Estimate, *, macro: bool = False) -> Written:
    """Write one figure.

    Parameters
    ----------
    name
        A key of `NAMES`, or one with what it holds at: ``ppv_at_5%``, ``risk_at_80``.
    figure
        The figure.
    macro
        Whether it is a mean over classes, which the name then says.

    Returns
    -------
    Written
        Proportions as percentages; areas, F1 and losses as numbers.
    """
    kind, _, place = name.partition("_at_")
    percent = kind in _PERCENT
    shown = NAMES[kind] + _places(kind, place) if place else NAMES[name]
    shown += ", macro" if macro and name in MACRO else ""
    value = "not defined" if figure.value is None else _number(figure.value, percent=percent)
    return Written(shown, value, _range(figure, percent=percent), figure.note)


def _places(kind: str, place: str) -> str:
    share = place.removesuffix("%")
    return f" of the surest {share} %" if kind == "risk" else f" at {share} % leukaemia"


def write_points(figure: Estimate) -> Written:
    """Write a loss in points, 100 times the difference; a loss of nothing as 0.00."""
    value = "not defined" if figure.value is None else f"{100 * figure.value + 0.0:.2f}"
    return Written("points lost", value, f"{100 * figure.low:.2f} to {100 * figure.high:.2f}", figure.note)


def write_all(figures: dict[str, Estimate], names: Iterable[str], *, macro: bool = False) -> list[Written]:
    """Write the figures of these names, in this order."""
    return [write_figure(name, figures[name], macro=macro) for name in names]


def _range(figure: Estimate, *, percent: bool) -> str:
    if figure.value is None:  # 0 to 1 is no interval of a figure that there is none of
        return ""
    low = _number(figure.low, percent=percent)
    high = f"{100 * figure.high:.2f} %" if percent else f"{figure.high:.4f}"
    return f"{low} to {high}"


def _number(value: float, *, percent: bool) -> str:
    if 0.99995 <= value < 1:  # rounding must not make a perfect figure of one that is not
        return "> 99.99 %" if percent else "> 0.9999"
    return f"{100 * value:.2f} %" if percent else f"{value:.4f}"
