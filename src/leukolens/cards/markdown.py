"""A filled form as Markdown: every statement with its source, every gap with what closes it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from leukolens.cards.facts import shown_together
from leukolens.cards.software import version_line
from leukolens.finding import RESEARCH_USE
from leukolens.report.words import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from leukolens.cards.facts import Input, Statement, Table
    from leukolens.cards.fill import FilledForm, FilledItem

MARKS: Final = {"filled": "filled", "partly": "partly", "open": "**open**"}
_OPEN: Final = "What is missing, and who can say it. A word in code font is the key in a file of answers (`--answers`)."
_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>|#])")
_WORD: Final = re.compile(r"(?<=[A-Za-z0-9])\\_(?=[A-Za-z0-9])")


def card_text(filled: FilledForm, subject: str, inputs: Sequence[Input]) -> str:
    """Return a card: sections, statements with their sources, then all that is open.

    Parameters
    ----------
    filled
        The form.
    subject
        What the card is about, such as the name and version of a bundle.
    inputs
        The files that it rests on.
    """
    lines = [f"# {filled.form.title}: {escape(subject)}", "", f"**{RESEARCH_USE}**", "", *_about(filled)]
    for section, items in filled.sections:
        lines += ["", f"## {section.title}"]
        for item in items:
            lines += ["", f"### {item.item.title}", "", *_statements(item)]
    return "\n".join([*lines, *_open_list(filled), *_files(inputs), "", version_line()]) + "\n"


def checklist_text(filled: FilledForm, subject: str, inputs: Sequence[Input]) -> str:
    """Return a checklist as one table a section: number, what is asked, status, what is known and what is open."""
    lines = [f"# {filled.form.title}: {escape(subject)}", "", f"**{RESEARCH_USE}**", "", *_about(filled)]
    for section, items in filled.sections:
        lines += ["", f"## {section.title}", "", "| item | asks | status | what is known, and where it stands |"]
        lines += ["| --- | --- | --- | --- |", *(_row(item) for item in items)]
    return "\n".join([*lines, *_files(inputs), "", version_line()]) + "\n"


def _files(inputs: Sequence[Input]) -> Iterator[str]:
    yield from ["", "## Files", "", "What this rests on, by SHA-256.", ""]
    for one in inputs:
        yield f"- `{_plain(one.name)}` {one.sha256}"


def _about(filled: FilledForm) -> Iterator[str]:
    form, counts = filled.form, filled.counts()
    yield f"After {escape(form.citation)} (doi {form.doi}). {escape(form.note)}".rstrip()
    yield ""
    yield (
        f"Of {len(filled.items)} items {counts['filled']} are filled, {counts['partly']} in part, {counts['open']} are "
        "open. What stands here without a name was taken from files or is what the program does; what people said is "
        "marked as said."
    )


def _statements(item: FilledItem) -> Iterator[str]:
    for number, statement in enumerate(item.statements):
        if number:
            yield ""
        yield f"{escape(statement.text)} {_sources(statement)}".rstrip()
        if statement.table is not None and statement.table.rows:
            yield ""
            yield from _table(statement.table)
    if item.gaps:
        yield from ["", *(_gaps(item))] if item.statements else _gaps(item)


def _gaps(item: FilledItem) -> Iterator[str]:
    for gap in item.gaps:
        yield f"- *Open:* {escape(gap.ask)}" + (f" (`{gap.topic}`)" if gap.topic else "")


def _row(item: FilledItem) -> str:
    told = [f"{escape(one.text)}{_short(one.table)} {_sources(one)}" for one in item.statements]
    told += [f"*Open:* {escape(gap.ask)}" + (f" (`{gap.topic}`)" if gap.topic else "") for gap in item.gaps]
    applies = f" ({item.item.applies})" if item.item.applies else ""
    asks = f"**{escape(item.item.title)}**{applies}. {escape(item.item.asks)}"
    return f"| {item.item.id} | {asks} | {MARKS[item.status]} | {'<br>'.join(told)} |"


def _short(table: Table | None) -> str:
    """Write a table into one cell: its first rows."""
    if table is None or not table.rows:
        return ""
    shown = "; ".join(" ".join(filter(None, map(escape, row[:3]))) for row in table.rows[:6])
    more = f"; {len(table.rows) - 6} more rows" if len(table.rows) > 6 else ""
    return f" {shown}{more}."


def _table(table: Table) -> Iterator[str]:
    yield f"| {' | '.join(map(escape, table.columns))} |"
    yield f"|{' --- |' * len(table.columns)}"
    for row in table.rows:
        yield f"| {' | '.join(map(escape, row))} |"


def _sources(statement: Statement) -> str:
    if any(source.kind == "person" for source in statement.sources):
        return f"[said by {escape(', '.join(shown_together(statement.sources)))}]"
    return " ".join(f"[`{_plain(one)}`]" for one in shown_together(statement.sources))


def _plain(name: str) -> str:
    return visible(name).replace("`", "'").replace("|", "/")


def _open_list(filled: FilledForm) -> Iterator[str]:
    open_items = [item for item in filled.items if item.gaps]
    if not open_items:
        return
    yield from [
        "",
        "## Open",
        "",
        "What is missing, and who can say it. A word in code font is the key in a file of answers (`--answers`).",
        "",
    ]
    for item in open_items:
        for gap in item.gaps:
            yield f"- {escape(item.item.title)}: {escape(gap.ask)}" + (f" (`{gap.topic}`)" if gap.topic else "")


def escape(text: str) -> str:
    r"""Return text that Markdown shows as it is, on one line.

    Examples
    --------
    >>> escape("a|b <c> *d* snake_case _e_")
    'a\\|b \\<c\\> \\*d\\* snake_case \\_e\\_'
    """
    return _WORD.sub("_", _SPECIAL.sub(r"\\\1", visible(" ".join(text.split()))))
