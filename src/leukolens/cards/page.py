"""A filled form as one HTML page that opens offline, and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from leukolens import __version__
from leukolens.cards.facts import shown_together
from leukolens.cards.forms import CHECKLISTS
from leukolens.finding import CLASS_NOTE, RESEARCH_USE
from leukolens.report.templating import page_environment, page_values
from leukolens.report.words import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leukolens.cards.facts import FactBook, Input
    from leukolens.cards.fill import FilledForm, FilledItem

_PACKAGE: Final = "leukolens.cards"


def page_text(filled: FilledForm, subject: str, inputs: Sequence[Input]) -> str:
    """Return the page: style inside, no script, nothing loaded from elsewhere.

    Parameters
    ----------
    filled
        The form.
    subject
        What it is about.
    inputs
        The files that it rests on.
    """
    values = page_values(_PACKAGE, "card.css") | {
        "form": filled.form,
        "subject": visible(subject),
        "counts": filled.counts(),
        "total": len(filled.items),
        "inputs": [(visible(one.name), one.sha256) for one in inputs],
        "numbered": filled.form.key in CHECKLISTS,
        "sections": [
            {"title": section.title, "name": f"s{number}", "items": [_item(one) for one in items]}
            for number, (section, items) in enumerate(filled.sections, start=1)
        ],
    }
    return page_environment(_PACKAGE).get_template("card.html.j2").render(values)


def _item(item: FilledItem) -> dict[str, Any]:
    return {
        "id": item.item.id,
        "title": item.item.title,
        "applies": item.item.applies,
        "asks": item.item.asks,
        "status": item.status,
        "gaps": item.gaps,
        "statements": [
            {
                "text": visible(one.text),
                "person": any(source.kind == "person" for source in one.sources),
                "sources": [visible(source) for source in shown_together(one.sources)],
                "table": None if one.table is None or not one.table.rows else _table(one.table.columns, one.table.rows),
            }
            for one in item.statements
        ],
    }


def _table(columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> dict[str, Any]:
    return {"columns": [visible(name) for name in columns], "rows": [[visible(cell) for cell in row] for row in rows]}


def json_text(filled: FilledForm, subject: str, book: FactBook) -> str:
    """Return the form as JSON: items with status, statements, sources and gaps, and the files that they rest on."""
    form = filled.form
    kind = "checklist" if form.key in CHECKLISTS else form.title.lower()
    content = {
        "schema": "1",
        "kind": f"leukolens {kind}",
        "use": RESEARCH_USE,
        "class_note": CLASS_NOTE,
        "form": {"key": form.key, "title": form.title, "citation": form.citation, "doi": form.doi, "note": form.note},
        "subject": subject,
        "leukolens": __version__,
        "inputs": [asdict(one) for one in book.inputs],
        "counts": filled.counts(),
        "sections": [
            {"title": section.title, "items": [_content(one) for one in items]} for section, items in filled.sections
        ],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _content(item: FilledItem) -> dict[str, Any]:
    told = {"id": item.item.id, "title": item.item.title, "asks": item.item.asks, "status": item.status}
    applies = {"applies": item.item.applies} if item.item.applies else {}
    return (
        told
        | applies
        | {
            "statements": [asdict(one) for one in item.statements],
            "open": [asdict(one) for one in item.gaps],
        }
    )
