"""Forms: the questions of the model card, the datasheet and the checklists, as data in the package."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from leukolens.finding import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

MODEL_CARD: Final = "model-card"
DATASHEET: Final = "datasheet"
CHECKLISTS: Final = ("tripod-ai", "claim")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Item(_Strict):
    """One question of a form.

    Attributes
    ----------
    id, title, asks
        Its number in the publication (or a name of ours where that has none), and what it asks in our own words.
    facts
        Facts that speak to it, in the order in which they are shown.
    needs
        Those without which it is not filled.
    topics
        What people must say, by the keys of ``topics.json``.
    """

    id: str
    title: str
    asks: str
    facts: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    applies: str = ""

    @model_validator(mode="after")
    def _shown(self) -> Item:
        hidden = [name for name in self.needs if name not in self.facts]
        if hidden:
            raise ValueError(f"needs {hidden}, which it does not show")
        if not self.facts and not self.topics:
            raise ValueError("nothing could fill it")
        return self


class Section(_Strict):
    """Items under one heading."""

    title: str
    items: tuple[Item, ...] = Field(min_length=1)


class Form(_Strict):
    """A whole form; `citation` and `doi` name the publication, `note` what a reader must know of our wording."""

    key: str
    title: str
    citation: str
    doi: str
    note: str = ""
    sections: tuple[Section, ...]

    @property
    def items(self) -> tuple[Item, ...]:
        """All items in order."""
        return tuple(item for section in self.sections for item in section.items)

    @property
    def topics(self) -> tuple[str, ...]:
        """The keys of all that people are asked, each once, in order."""
        return tuple(dict.fromkeys(topic for item in self.items for topic in item.topics))


class Topic(_Strict):
    """What only people can say; `unless` names facts that answer it as well."""

    question: str
    unless: tuple[str, ...] = ()


@cache
def load_form(key: str) -> Form:
    """Return a form of the package."""
    return Form.model_validate_json(_text(key))


@cache
def load_topics() -> dict[str, Topic]:
    """Return what people are asked, by key."""
    return {key: Topic.model_validate(value) for key, value in json.loads(_text("topics")).items()}


def choose_checklists(asked: str | None) -> tuple[str, ...]:
    """Return the keys of the checklists named in ``tripod-ai``, ``claim`` or ``all``.

    Raises
    ------
    UsageError
        An unknown name.
    """
    if asked is None:
        return ()
    if asked == "all":
        return CHECKLISTS
    if asked not in CHECKLISTS:
        raise UsageError(f"There is no checklist {asked!r}", todo=nearest(asked, [*CHECKLISTS, "all"]))
    return (asked,)


def topics_of(forms: Iterable[Form]) -> dict[str, Topic]:
    """Return what people are asked by these forms, in the order in which it comes up."""
    known = load_topics()
    return {key: known[key] for form in forms for key in form.topics}


def _text(key: str) -> str:
    return (resources.files("leukolens.cards") / "forms" / f"{key}.json").read_text("utf-8")
