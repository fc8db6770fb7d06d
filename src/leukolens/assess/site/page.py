"""The page of a verification: one HTML file that opens without a network, prints, and can be signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from leukolens.assess.site.coefficients import METHODS
from leukolens.assess.site.page_parts import (
    captures_table,
    case_rows,
    coefficient_rows,
    pair_rows,
    record_rows,
    table_rows,
)
from leukolens.assess.site.result_files import NOT_A_VALIDATION, all_figures
from leukolens.assess.site.wording import (
    FIGURES,
    describe,
    is_share,
    lead,
    write_bound,
    write_range,
    write_value,
)
from leukolens.finding import CLASS_NOTE
from leukolens.report.templating import page_environment, page_values
from leukolens.report.words import visible
from leukolens.statistics.intervals import METHODS as OTHER_METHODS

if TYPE_CHECKING:
    from pathlib import Path

    from leukolens.assess.site.outcome import Outcome

_PACKAGE: Final = "leukolens.assess"


def site_page(outcome: Outcome, manifest: dict[str, Any], images: Path | None) -> str:
    """Return ``report.html``.

    Parameters
    ----------
    outcome
        All that was found.
    manifest
        From `leukolens.data.run_manifest.run_manifest`.
    images
        Folder of the pictures, for small copies of the cases that were not right; None leaves them out.
    """
    plan, site = outcome.site.plan, outcome.site
    discordant = outcome.accuracy.discordant()
    values = page_values(_PACKAGE, "evaluation.css", "site.css") | {
        "title": visible(plan.laboratory),
        "plan": plan,
        "created": str(manifest["time"]).replace("T", " ").replace("+00:00", " UTC"),
        "statement": NOT_A_VALIDATION,
        "class_note": CLASS_NOTE,
        "level": f"{100 * plan.level:g} %",
        "lead": lead(outcome),
        "met": outcome.met,
        "verdicts": _verdicts(outcome),
        "blindness": outcome.blindness,
        "blind": outcome.blind,
        "deviations": outcome.deviations,
        "table": table_rows(outcome),
        "figures": [
            {"name": words, "value": write_value(one), "range": write_range(one), "n": one.n}
            for name, words in FIGURES.items()
            if (one := outcome.accuracy.figures[name]).n
        ],
        "discordant": case_rows(outcome, discordant, images),
        "again": _again(outcome),
        "captures": captures_table(outcome),
        "with_leukolens": pair_rows(outcome.readers.with_leukolens if outcome.readers else ()),
        "answered": pair_rows(outcome.readers.with_leukolens_answered if outcome.readers else ()),
        "between": pair_rows(outcome.readers.between if outcome.readers else ()),
        "reader_again": pair_rows(outcome.readers.again if outcome.readers else ()),
        "all_readers": coefficient_rows(outcome),
        "reader_accuracy": [
            {
                "name": visible(reader),
                "cells": [{"value": write_value(one), "range": write_range(one), "n": one.n} for one in own.values()],
            }
            for reader, own in outcome.reader_accuracy.items()
        ],
        "record": record_rows(site),
        "head": site.head,
        "facts": _facts(outcome, manifest),
        "methods": sorted(
            {
                (one.method, {**OTHER_METHODS, **METHODS}[one.method])
                for _, one in all_figures(outcome)
                if one.method != "none"
            }
        ),
    }
    return page_environment(_PACKAGE).get_template("site.html.j2").render(values)


def _verdicts(outcome: Outcome) -> list[dict[str, str]]:
    return [
        {
            "name": one.name,
            "words": describe(one.name),
            "asked": write_bound(one.name, one.criterion),
            "value": write_value(one.figure, percent=is_share(one.name)),
            "range": write_range(one.figure, percent=is_share(one.name)),
            "n": "" if one.figure is None else str(one.figure.n),
            "word": one.word,
            "tone": {"met": "met", "not met": "unmet", "not shown": "open"}[one.word],
            "why": one.sentence,
        }
        for one in outcome.verdicts
    ]


def _again(outcome: Outcome) -> list[dict[str, str]]:
    rows = (
        ("the same pictures again, every character", outcome.again),
        ("by the other engine, answer", outcome.engines),
    )
    return [
        {
            "name": name,
            "value": write_value(one.same),
            "range": write_range(one.same),
            "n": str(one.same.n),
            "largest": f"{one.largest:.2g}",
        }
        for name, one in rows
        if one is not None
    ]


def _facts(outcome: Outcome, manifest: dict[str, Any]) -> list[tuple[str, str]]:
    plan, run = outcome.site.plan, outcome.site.last("run")
    passes = "; ".join(f"{name}: {own['engine']}, {own['precision']}" for name, own in run.details["passes"].items())
    review = f"a case for review counts as {plan.review_counts_as}"
    return [
        ("use", visible(plan.use) or "not said"),
        (
            "plan",
            f"by {visible(plan.prepared_by)}, {plan.prepared}; SHA-256 {outcome.site.last('cases').files['plan.yaml']}",
        ),
        ("model", f"{visible(plan.bundle.name)} {plan.bundle.version}, bundle.json SHA-256 {plan.bundle.sha256}"),
        ("screened", f"leukolens {run.leukolens}; {passes}"),
        ("answers", f"leukaemia from p_all = {plan.threshold:g} on, of a case's first capture; {review}"),
        ("cases", f"{len(outcome.cases.cases)}, {len(outcome.cases.pictures)} pictures"),
        ("this report", f"leukolens {manifest['leukolens']}, Python {manifest['python']}, {manifest['platform']}"),
        ("notes", visible(plan.notes) or "none"),
    ]
