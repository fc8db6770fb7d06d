"""The tables of the page, ready to be laid out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import cv2

from leukolens.assess.site.wording import write_limits, write_range, write_value
from leukolens.finding import LeukolensError
from leukolens.report.thumbnails import View, embed
from leukolens.report.words import probability_text, visible
from leukolens.smear.reading import read_image

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from leukolens.assess.site.accuracy import CaseResult
    from leukolens.assess.site.coefficients import AgreementEstimate
    from leukolens.assess.site.outcome import Outcome
    from leukolens.assess.site.readers import Pair
    from leukolens.assess.site.state import Site
    from leukolens.statistics.intervals import Estimate

THUMBNAIL: Final = 220
"""Longest side of a small picture, px."""

SHOWN_CASES: Final = 60
SHOWN_PICTURES: Final = 3
_GONE: Final = (LeukolensError, OSError, MemoryError, cv2.error)


def table_rows(outcome: Outcome) -> list[dict[str, Any]]:
    """Return the table of truth against answer."""
    return [{"truth": truth, **row, "all": sum(row.values())} for truth, row in outcome.accuracy.table.items()]


def case_rows(outcome: Outcome, cases: Sequence[CaseResult], images: Path | None) -> list[dict[str, Any]]:
    """Return the cases that were not right, with why, and small pictures of the first ones."""
    rows = []
    for index, one in enumerate(cases):
        shown = SHOWN_PICTURES if images is not None and index < SHOWN_CASES else 0
        own = [
            picture
            for picture in outcome.cases.pictures
            if (picture.case, picture.capture) == (one.case, one.answer.capture)
        ]
        rows.append(
            {
                "case": visible(one.case),
                "truth": one.truth.word + (f", {visible(one.truth.subtype)}" if one.truth.subtype else ""),
                "reference": visible(one.truth.reference),
                "answer": one.answer.word + (f": {one.answer.why}" if one.answer.why else ""),
                "outcome": one.outcome,
                "p_all": probability_text(one.answer.p_all),
                "review": one.answer.review,
                "reasons": [visible(reason) for reason in one.answer.reasons],
                "readers": [
                    f"{visible(reading.reader)}: {visible(reading.answer)}"
                    for reading in outcome.readings
                    if reading.case == one.case and reading.reading == "1"
                ],
                "pictures": [
                    {"source": source, "name": visible(picture.path)}
                    for picture in own[:shown]
                    if images is not None and (source := _thumbnail(images / picture.path, picture.sha256))
                ],
                "images": one.answer.images,
            }
        )
    return rows


def _thumbnail(path: Path, sha256: str) -> str | None:
    """Return a small copy as a data URI; None where the picture is gone, is another one, or cannot be read."""
    try:
        image = read_image(path)
        if image.sha256 != sha256:
            return None
        return embed(View(image.pixels), longest=THUMBNAIL).picture
    except _GONE:
        return None


def captures_table(outcome: Outcome) -> dict[str, Any] | None:
    """Return what repeated captures say; None where no case has any."""
    captures = outcome.captures
    if not captures.cases:
        return None
    names = ("all of them", "with a p_all within 0.2 of the threshold", "with none there", "captured on different days")
    figures = (captures.agree, captures.near, captures.far, captures.days)
    return {
        "figures": [
            {"name": name, "value": write_value(one), "range": write_range(one), "n": one.n}
            for name, one in zip(names, figures, strict=True)
            if one.n
        ],
        "deviation": "–" if captures.deviation is None else f"{captures.deviation:.3f}",
        "largest": "–" if captures.largest is None else f"{captures.largest:.3f}",
        "cases": [
            {
                "case": visible(one.case),
                "agree": one.agree,
                "answers": [
                    {
                        "capture": visible(answer.capture),
                        "day": visible(answer.day),
                        "word": answer.word,
                        "p_all": probability_text(answer.p_all),
                    }
                    for answer in one.answers
                ],
            }
            for one in captures.cases
        ],
    }


def pair_rows(pairs: Sequence[Pair]) -> list[dict[str, Any]]:
    """Return pairs of sources of answers, with the figures of their agreement by column."""
    rows = []
    for pair in pairs:
        cells = {
            "equal answers": _cell(pair.agreement),
            "Cohen's kappa": _coefficient(pair.kappa),
            **({} if pair.weighted is None else {"kappa, quadratic weights": _coefficient(pair.weighted)}),
            "kappa adjusted for prevalence and bias": _cell(pair.adjusted, percent=False),
            "positive percent agreement": _cell(pair.positive),
            "negative percent agreement": _cell(pair.negative),
            "prevalence index": {"value": _index(pair.prevalence), "range": "", "others": []},
            "bias index": {"value": _index(pair.bias), "range": "", "others": []},
        }
        rows.append(
            {
                "first": visible(pair.first),
                "second": visible(pair.second),
                "n": pair.n,
                "answers": [visible(answer) for answer in pair.answers],
                "table": pair.table,
                "columns": list(cells),
                "cells": list(cells.values()),
            }
        )
    return rows


def coefficient_rows(outcome: Outcome) -> list[dict[str, Any]]:
    """Return the coefficients over all readers at once."""
    readers = outcome.readers
    if readers is None:
        return []
    named = (
        ("Fleiss' kappa, cases that all answered", readers.fleiss),
        ("Krippendorff's alpha, nominal", readers.alpha),
        ("Krippendorff's alpha, ordinal", readers.alpha_ordinal),
    )
    return [{"name": name, "n": one.estimate.n, **_coefficient(one)} for name, one in named if one is not None]


def _coefficient(one: AgreementEstimate) -> dict[str, Any]:
    if one.estimate.value is None:
        return _cell(one.estimate, percent=False) | {"others": [one.estimate.note]}
    others = [f"asymptotic {write_limits(one.asymptotic)}", f"bootstrap {write_limits(one.bootstrap)}"]
    return _cell(one.estimate, percent=False) | {"others": others}


def _cell(one: Estimate, *, percent: bool = True) -> dict[str, Any]:
    return {"value": write_value(one, percent=percent), "range": write_range(one, percent=percent), "others": []}


def _index(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def record_rows(site: Site) -> list[dict[str, Any]]:
    """Return the audit trail."""
    return [
        {
            "number": entry.number,
            "step": entry.step,
            "time": f"{entry.time:%Y-%m-%d %H:%M:%S}",
            "by": visible(entry.by),
            "files": [f"{visible(name)} {sha256[:16]}" for name, sha256 in entry.files.items()],
            "details": [
                f"{name}: {visible(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))}"
                for name, value in entry.details.items()
                if name not in {"plan", "root"} and value not in (None, "")
            ],
        }
        for entry in site.entries
    ]
