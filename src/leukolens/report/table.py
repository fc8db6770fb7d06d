"""Findings and cases as tables for the terminal. Nothing here prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from leukolens.report.words import (
    answer,
    answer_sentence,
    case_rank,
    conclusion_word,
    probability_of_label,
    probability_text,
    review_rank,
    visible,
    what_was_done,
    why_review,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leukolens.finding import Case, Finding

_LEAST_WIDTH = 10
_STYLES = {"Lymphoblasts": "bold magenta", "None seen": "green", "Refused": "yellow", "Error": "red"}


def findings_table(findings: Sequence[Finding], *, limit: int = 40) -> Table:
    """Lay findings out for the terminal: for review first, then by falling probability of lymphoblasts.

    Parameters
    ----------
    findings
        Of one run.
    limit
        Rows at most; the caption tells how many more there are.

    Returns
    -------
    Table
        A Rich renderable. Names are shown as they are, never read as markup.
    """
    table = _new_table("Picture", "Decision", "Answer", "p ALL", "Class", "Why")
    ordered = sorted(findings, key=review_rank)
    for finding in ordered[:limit]:
        table.add_row(
            Text(visible(finding.source), overflow="fold"),
            _decision(finding.decision),
            _coloured(answer(finding)),
            probability_text(finding.p_all),
            Text(visible(probability_of_label(finding))),
            Text(visible("; ".join(why_review(finding)[:2])), overflow="fold"),
        )
    table.caption = _rest(len(ordered), limit, "pictures")
    return table


def cases_table(cases: Sequence[Case], *, limit: int = 40) -> Table:
    """Lay cases out for the terminal, ordered as `findings_table` orders findings.

    Parameters
    ----------
    cases
        Of one run.
    limit
        Rows at most.

    Returns
    -------
    Table
        A Rich renderable.
    """
    table = _new_table("Case", "Decision", "Answer", "p ALL", "Pictures", "Why")
    ordered = sorted(cases, key=case_rank)
    for case in ordered[:limit]:
        table.add_row(
            Text(visible(case.case), overflow="fold"),
            _decision(case.decision),
            _coloured(conclusion_word(case.conclusion)),
            probability_text(case.p_all),
            str(case.images),
            Text(visible("; ".join(case.reasons[:2])), overflow="fold"),
        )
    table.caption = _rest(len(ordered), limit, "cases")
    return table


def finding_details(finding: Finding) -> Table:
    """Lay one finding out in full for the terminal.

    Parameters
    ----------
    finding
        Of one picture.

    Returns
    -------
    Table
        A Rich renderable: names on the left, what is found on the right. What there is nothing of is left out.
    """
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _details(finding):
        if value and str(value):
            table.add_row(name, value if isinstance(value, Text) else Text(visible(value)))
    return table


def _details(finding: Finding) -> list[tuple[str, str | Text]]:
    quality, models = finding.quality, finding.models
    return [
        ("Picture", finding.source),
        ("Answer", _coloured(answer(finding))),
        ("", answer_sentence(finding)),
        ("Class", probability_of_label(finding) if finding.label else ""),
        ("Prediction set", ", ".join(finding.prediction_set)),
        ("Novelty", "" if finding.novelty is None else f"{finding.novelty:.2f}"),
        ("Decision", _decision(finding.decision)),
        ("Why", "; ".join(why_review(finding))),
        ("Done to read it", "; ".join(what_was_done(finding))),
        ("Quality", "" if quality is None else ", ".join(quality.flags) or "in the usual range"),
        ("Model", "; ".join(f"{one.name} {one.version}, {one.engine}, {one.precision}" for one in models)),
    ]


def _new_table(*headers: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption_justify="left")
    for header in headers:
        wraps = header in {headers[0], headers[-1]}  # the rest is short and must not be cut in a narrow terminal
        table.add_column(
            header,
            justify="right" if header in {"p ALL", "Pictures"} else "left",
            no_wrap=not wraps,
            overflow="fold",
            min_width=_LEAST_WIDTH if wraps else None,
        )
    return table


def _coloured(word: str) -> Text:
    return Text(word, style=_STYLES.get(word, ""), no_wrap=True)


def _decision(decision: str) -> Text:
    return Text(decision, style="bold yellow" if decision == "review" else "", no_wrap=True)


def _rest(count: int, limit: int, noun: str) -> str | None:
    return f"and {count - limit} more {noun}" if count > limit else None
