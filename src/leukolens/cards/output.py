"""The files of cards: each form as Markdown, HTML and JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leukolens.cards.forms import CHECKLISTS
from leukolens.cards.markdown import card_text, checklist_text
from leukolens.cards.page import json_text, page_text
from leukolens.finding import OutputError
from leukolens.finding.output import put_file, try_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from leukolens.cards.facts import FactBook
    from leukolens.cards.fill import FilledForm

_TODO: Final = "make room, or choose another --out"
_ENDINGS: Final = (".md", ".html", ".json")
_ROOM: Final = 1 << 20


@dataclass(frozen=True)
class Cards:
    """All forms about one subject, and the facts that they were filled from."""

    subject: str
    forms: tuple[FilledForm, ...]
    book: FactBook


def claim_card_folder(folder: Path, keys: Iterable[str], *, overwrite: bool) -> None:
    """See before the work that cards can be written to a folder, and that none is there.

    Parameters
    ----------
    folder
        Where it is missing, the first file makes it.
    keys
        Of the forms that will be written.
    overwrite
        Let cards that are there be written over.

    Raises
    ------
    OutputError
        It cannot be written to, or holds one of them already.
    """
    try_folder(folder, todo=_TODO, size=_ROOM)
    there = [name for key in keys for name in _names(key) if (folder / name).exists()]
    if there and not overwrite:
        raise OutputError(
            f"The folder {str(folder)!r} holds a card already",
            found=", ".join(there),
            todo="choose another --out, or write over it with --overwrite",
        )


def write_cards(folder: Path, cards: Cards) -> list[str]:
    """Write each form three times, each file whole or not at all, and return the names.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    written = []
    for filled in cards.forms:
        texts = (markdown_of(filled, cards), page_text(filled, cards.subject, cards.book.inputs))
        for name, text in zip(
            _names(filled.form.key), (*texts, json_text(filled, cards.subject, cards.book)), strict=True
        ):
            put_file(folder / name, text.encode(), todo=_TODO)
            written.append(name)
    return written


def markdown_of(filled: FilledForm, cards: Cards) -> str:
    """Return a form as Markdown: checklists as tables, cards in sections."""
    write = checklist_text if filled.form.key in CHECKLISTS else card_text
    return write(filled, cards.subject, cards.book.inputs)


def _names(key: str) -> Sequence[str]:
    return [f"{key}{ending}" for ending in _ENDINGS]
