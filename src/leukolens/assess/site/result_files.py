"""What a report leaves for programs: ``site.json``, ``case-results.csv``, ``figures.csv``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from leukolens.assess.site.coefficients import METHODS
from leukolens.finding import CLASS_NOTE, RESEARCH_USE
from leukolens.finding.output import csv_text
from leukolens.statistics.intervals import METHODS as OTHER_METHODS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leukolens.assess.site.answers import Answer
    from leukolens.assess.site.coefficients import AgreementEstimate
    from leukolens.assess.site.outcome import Outcome
    from leukolens.assess.site.readers import Pair
    from leukolens.assess.site.repeatability import Again
    from leukolens.statistics.intervals import Estimate

NOT_A_VALIDATION: Final = (
    "This report documents what one laboratory found on its own cases. It is not a validation or verification under "
    "any regulation or standard by itself: leukolens is research software without a manufacturer's claim, so whoever "
    "wants to use it for patients must validate it as the law and the accreditation body ask."
)


def all_figures(outcome: Outcome) -> Iterator[tuple[str, Estimate]]:
    """Yield every figure under one name, such as ``kappa.leukolens.Dr A``."""
    yield from outcome.accuracy.figures.items()
    if outcome.again is not None:
        yield "same_again", outcome.again.same
    if outcome.engines is not None:
        yield "same_by_other_engine", outcome.engines.same
    captures = outcome.captures
    yield "captures_agree", captures.agree
    yield "captures_agree_near_threshold", captures.near
    yield "captures_agree_far_from_threshold", captures.far
    yield "captures_agree_between_days", captures.days
    for reader, own in outcome.reader_accuracy.items():
        for name, figure in own.items():
            yield f"{name}.{reader}", figure
    readers = outcome.readers
    if readers is None:
        return
    for kind, pairs in (
        ("", readers.with_leukolens),
        ("answered.", readers.with_leukolens_answered),
        ("", readers.between),
        ("", readers.again),
    ):
        for pair in pairs:
            yield from _pair_figures(pair, kind)
    for name, coefficient in (
        ("fleiss", readers.fleiss),
        ("alpha", readers.alpha),
        ("alpha_ordinal", readers.alpha_ordinal),
    ):
        if coefficient is not None:
            yield name, coefficient.estimate


def _pair_figures(pair: Pair, kind: str) -> Iterator[tuple[str, Estimate]]:
    whom = f"{kind}{pair.first}|{pair.second}"
    yield f"agreement.{whom}", pair.agreement
    yield f"kappa.{whom}", pair.kappa.estimate
    if pair.weighted is not None:
        yield f"weighted_kappa.{whom}", pair.weighted.estimate
    yield f"adjusted_kappa.{whom}", pair.adjusted
    yield f"positive_agreement.{whom}", pair.positive
    yield f"negative_agreement.{whom}", pair.negative


def figures_csv(outcome: Outcome) -> str:
    """Return one row a figure: figure, value, low, high, level, n, method, note."""
    level = outcome.site.plan.level
    rows: list[list[object]] = [
        [
            name,
            "" if one.value is None else f"{one.value:.6g}",
            f"{one.low:.6g}",
            f"{one.high:.6g}",
            level,
            one.n,
            one.method,
            one.note,
        ]
        for name, one in all_figures(outcome)
    ]
    header: list[object] = ["figure", "value", "low", "high", "level", "n", "method", "note"]
    return csv_text([header, *rows])


def case_results_csv(outcome: Outcome) -> str:
    """Return one row a capture: truth, answer, outcome (of the first capture), why, p_all, label, readers' answers."""
    given: dict[tuple[str, str, str], str] = {
        (one.reader, one.reading, one.case): one.answer for one in outcome.readings
    }
    sources = list(dict.fromkeys((reader, reading) for reader, reading, _ in given))
    header: list[object] = [
        "case",
        "capture",
        "day",
        "images",
        "truth",
        "reference",
        "subtype",
        "answer",
        "outcome",
        "why",
        "p_all",
    ]
    header += ["label", "review", "reasons", *(f"{reader}, reading {reading}" for reader, reading in sources)]
    rows: list[list[object]] = [header]
    for result in outcome.accuracy.results:
        for index, answer in enumerate(outcome.answers[result.case]):
            rows.append(
                [
                    result.case,
                    answer.capture,
                    answer.day,
                    answer.images,
                    result.truth.word,
                    result.truth.reference,
                    result.truth.subtype,
                    answer.word,
                    result.outcome if index == 0 else "",
                    answer.why,
                    "" if answer.p_all is None else f"{answer.p_all:.6f}",
                    answer.label or "",
                    "yes" if answer.review else "no",
                    "; ".join(answer.reasons),
                    *(given.get((reader, reading, result.case), "") for reader, reading in sources),
                ]
            )
    return csv_text(rows)


def site_json(outcome: Outcome, manifest: dict[str, Any]) -> str:
    """Return ``site.json``: everything that the page says, for programs."""
    site, plan = outcome.site, outcome.site.plan
    methods = {one.method for _, one in all_figures(outcome)}
    content = {
        "schema": "1",
        "kind": "leukolens site verification",
        "use": RESEARCH_USE,
        "statement": NOT_A_VALIDATION,
        "class_note": CLASS_NOTE,
        "met": outcome.met,
        "plan": plan.model_dump(mode="json", by_alias=True),
        "criteria": [
            {
                "name": one.name,
                **one.criterion.model_dump(mode="json", exclude_none=True),
                "verdict": one.word,
                "why": one.sentence,
                "figure": None if one.figure is None else _estimate(one.figure),
            }
            for one in outcome.verdicts
        ],
        "blind": outcome.blind,
        "blindness": outcome.blindness,
        "deviations": outcome.deviations,
        "table": outcome.accuracy.table,
        "figures": {name: _estimate(one) for name, one in all_figures(outcome)},
        "methods": {name: words for name, words in {**OTHER_METHODS, **METHODS}.items() if name in methods},
        "other_intervals": _other_intervals(outcome),
        "same_again": _again(outcome.again),
        "other_engine": _again(outcome.engines),
        "captures": {
            "cases": {one.case: [_answer(answer) for answer in one.answers] for one in outcome.captures.cases},
            "p_all_deviation": outcome.captures.deviation,
            "p_all_largest_difference": outcome.captures.largest,
        },
        "discordant": [
            {"case": one.case, "truth": one.truth.word, "outcome": one.outcome, **_answer(one.answer)}
            for one in outcome.accuracy.discordant()
        ],
        "tables": _tables(outcome),
        "record": [entry.model_dump(mode="json") for entry in site.entries],
        "record_head": site.head,
        "manifest": manifest,
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _estimate(figure: Estimate) -> dict[str, Any]:
    return {name: value for name, value in asdict(figure).items() if name not in {"groups", "note"} or value}


def _again(again: Again | None) -> dict[str, Any] | None:
    if again is None:
        return None
    return {
        "pictures": again.same.n,
        "different": list(again.different),
        "largest_difference_of_p_all": again.largest,
    }


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "capture": answer.capture,
        "answer": answer.word,
        "why": answer.why,
        "p_all": answer.p_all,
        "label": answer.label,
        "review": answer.review,
        "reasons": list(answer.reasons),
    }


def _coefficients(outcome: Outcome) -> Iterator[tuple[str, AgreementEstimate]]:
    readers = outcome.readers
    if readers is None:
        return
    for pair in (*readers.with_leukolens, *readers.between, *readers.again):
        yield f"kappa.{pair.first}|{pair.second}", pair.kappa
        if pair.weighted is not None:
            yield f"weighted_kappa.{pair.first}|{pair.second}", pair.weighted
    for name, one in (("fleiss", readers.fleiss), ("alpha", readers.alpha), ("alpha_ordinal", readers.alpha_ordinal)):
        if one is not None:
            yield name, one


def _other_intervals(outcome: Outcome) -> dict[str, Any]:
    return {name: {"asymptotic": one.asymptotic, "bootstrap": one.bootstrap} for name, one in _coefficients(outcome)}


def _tables(outcome: Outcome) -> list[dict[str, Any]]:
    readers = outcome.readers
    if readers is None:
        return []
    return [
        {
            "first": pair.first,
            "second": pair.second,
            "answers": list(pair.answers),
            "rows": "first",
            "table": [list(row) for row in pair.table],
            "prevalence_index": pair.prevalence,
            "bias_index": pair.bias,
        }
        for pair in (*readers.with_leukolens, *readers.between, *readers.again)
    ]
