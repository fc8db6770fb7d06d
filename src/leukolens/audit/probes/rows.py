"""The report as plain rows and sentences, for a page or a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from leukolens.audit.probes.report import GIVES, NOT_MEASURABLE, NOT_SHOWN

if TYPE_CHECKING:
    from leukolens.audit.probes.report import ProbeReport, ProbeResult, SchemeScore

HEADINGS = (
    "Probe",
    "Look",
    "Random folds, %",
    "Labels dealt anew",
    "p",
    "Groups apart, %",
    "Labels dealt anew",
    "p",
    "Verdict",
)
"""What stands above the columns of `ProbeRow`, but for its last field."""


class ProbeRow(NamedTuple):
    """One line of the table; figures in per cent, empty where not measured."""

    probe: str
    look: str
    random: str
    random_chance: str
    random_p: str
    grouped: str
    grouped_chance: str
    grouped_p: str
    verdict: str
    effect: str


def probe_rows(report: ProbeReport) -> list[ProbeRow]:
    """Return a line for each probe and look, in the order of the report.

    Figures read "95.2 (93.1 to 96.7)": balanced accuracy with its interval; chance reads "25.0 (up to 28.3)": mean and
    95 % quantile where labels are dealt anew.
    """
    return [
        ProbeRow(
            one.probe,
            one.look or "",
            *_columns(one.random),
            *_columns(one.grouped),
            one.verdict,
            one.effect if one.todo is None else f"{one.effect} {one.todo}",
        )
        for one in report.results
    ]


def _columns(score: SchemeScore | None) -> tuple[str, str, str]:
    if score is None:
        return "", "", ""
    value, low, high = (100 * figure for figure in (score.balanced_accuracy, score.low, score.high))
    return (
        f"{value:.1f} ({low:.1f} to {high:.1f})",
        f"{100 * score.chance:.1f} (up to {100 * score.chance_high:.1f})",
        f"{score.p:.3f}",
    )


def probe_sentences(report: ProbeReport) -> list[str]:
    """Return a sentence for each probe: what it reaches as the pictures are, and where it reaches least."""
    sentences = []
    for probe in dict.fromkeys(one.probe for one in report.results):
        rows = [one for one in report.results if one.probe == probe]
        first = rows[0]
        if first.verdict == NOT_MEASURABLE:
            sentences.append(f"{probe.capitalize()}: {first.effect[0].lower()}{first.effect[1:]}")
            continue
        measured = [one for one in rows[1:] if one.verdict != NOT_MEASURABLE]
        sentence = f"{probe.capitalize()}: {_short(first)}"
        if measured and first.verdict != NOT_SHOWN:
            least = min(measured, key=_figure)
            sentence += f"; least after '{least.look}', {_short(least)}"
        sentences.append(sentence + ".")
    return sentences


def _figure(result: ProbeResult) -> float:
    score = result.grouped or result.random
    return 1.0 if score is None else score.balanced_accuracy


def _short(result: ProbeResult) -> str:
    folds = "groups apart" if result.grouped is not None else "random folds"
    verdict = "gives the class away" if result.verdict == GIVES else result.verdict
    return f"{100 * _figure(result):.1f} % ({folds}; {verdict})"
