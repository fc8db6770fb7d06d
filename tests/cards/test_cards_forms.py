"""The forms: every item of both checklists and every part of the cards is there once, and something can fill it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

import leukolens.cards
from leukolens.cards.fill import remedy
from leukolens.cards.forms import Item, choose_checklists, load_form, load_topics, topics_of
from leukolens.cards.known import known_answers
from leukolens.finding import UsageError

ALL = ("model-card", "datasheet", "tripod-ai", "claim")
TRIPOD = [
    "1",
    "2",
    "3a",
    "3b",
    "3c",
    "4",
    "5a",
    "5b",
    "6a",
    "6b",
    "6c",
    "7",
    "8a",
    "8b",
    "8c",
    "9a",
    "9b",
    "9c",
    "10",
    "11",
    "12a",
    "12b",
    "12c",
    "12d",
    "12e",
    "12f",
    "12g",
    "13",
    "14",
    "15",
    "16",
    "17",
    "18a",
    "18b",
    "18c",
    "18d",
    "18e",
    "18f",
    "19",
    "20a",
    "20b",
    "20c",
    "21",
    "22",
    "23a",
    "23b",
    "24",
    "25",
    "26",
    "27a",
    "27b",
    "27c",
]
TRIPOD_OF_DEVELOPMENT = ["9a", "12a", "12b", "12c", "15", "22", "27a", "27b"]
TRIPOD_OF_EVALUATION = ["12f", "12g", "20c", "24"]
FACT = re.compile(r'book\.add\(\s*f?"([a-z.{}-]+)"')


def known_facts() -> set[str]:
    """The names of all facts that any module of the room can add."""
    text = "\n".join(path.read_text("utf-8") for path in Path(leukolens.cards.__file__).parent.glob("*_facts.py"))
    text += (Path(leukolens.cards.__file__).parent / "software.py").read_text("utf-8")
    names = set(FACT.findall(text))
    kinds = ("stress", "external", "benchmark", "compare", "other")
    return {made for name in names for made in ([name.replace("{name}", kind) for kind in kinds])}


def test_every_item_of_tripod_ai_is_there_once() -> None:
    items = load_form("tripod-ai").items
    assert [item.id for item in items] == TRIPOD
    assert len(TRIPOD) == 52
    assert len({re.match(r"\d+", item.id)[0] for item in items}) == 27  # type: ignore[index]
    applies = {item.id: item.applies for item in items}
    assert [name for name, value in applies.items() if value == "D"] == TRIPOD_OF_DEVELOPMENT
    assert [name for name, value in applies.items() if value == "E"] == TRIPOD_OF_EVALUATION
    assert set(applies.values()) == {"D", "E", "D;E"}


def test_every_item_of_claim_is_there_once() -> None:
    assert [item.id for item in load_form("claim").items] == [str(number) for number in range(1, 45)]


def test_all_sections_of_the_model_card_and_all_groups_of_the_datasheet() -> None:
    assert [section.title for section in load_form("model-card").sections] == [
        "Model details",
        "Intended use",
        "Factors",
        "Metrics",
        "Evaluation data",
        "Training data",
        "Quantitative analyses",
        "Ethical considerations",
        "Caveats and recommendations",
    ]
    sections = load_form("datasheet").sections
    assert [section.title.split(",")[0] for section in sections] == [
        "Motivation",
        "Composition",
        "Collection process",
        "Preprocessing",
        "Uses",
        "Distribution",
        "Maintenance",
    ]
    assert [len(section.items) for section in sections] == [3, 15, 11, 3, 5, 6, 7]


@pytest.mark.parametrize("key", ALL)
def test_whatever_a_form_asks_can_be_filled(key: str) -> None:
    form, facts, topics = load_form(key), known_facts(), load_topics()
    assert len({item.id for item in form.items}) == len(form.items)
    for item in form.items:
        assert set(item.facts) <= facts, item.id
        assert set(item.topics) <= topics.keys(), item.id
        for topic in item.topics:  # what answers instead of a person must be shown there
            assert not topics[topic].unless or set(topics[topic].unless) & set(item.facts), (item.id, topic)
    assert form.doi.startswith("10.")


def test_no_topic_is_asked_in_vain() -> None:
    asked = set(topics_of(load_form(key) for key in ALL))
    assert asked == set(load_topics())
    assert set(known_answers("taleqani")) <= asked
    assert known_answers("class folders") == {}


def test_no_fact_is_gathered_in_vain() -> None:
    shown = {fact for key in ALL for item in load_form(key).items for fact in item.facts}
    unused = known_facts() - shown
    assert not {name for name in unused if not re.fullmatch(r"[a-z]+[.](summary|never-seen)", name)}


def test_every_fact_that_is_needed_has_a_remedy() -> None:
    needed = {fact for key in ALL for item in load_form(key).items for fact in item.needs}
    assert remedy("evaluation.external") != remedy("evaluation.figures")
    assert all(remedy(fact).endswith(".") for fact in needed)


def test_an_item_that_nothing_could_fill_is_no_item() -> None:
    with pytest.raises(ValidationError, match="nothing could fill it"):
        Item(id="1", title="x", asks="y")
    with pytest.raises(ValidationError, match="does not show"):
        Item(id="1", title="x", asks="y", facts=("a",), needs=("b",))


def test_the_choice_of_checklists() -> None:
    assert choose_checklists(None) == ()
    assert choose_checklists("all") == ("tripod-ai", "claim")
    assert choose_checklists("claim") == ("claim",)
    with pytest.raises(UsageError, match="Did you mean 'tripod-ai'"):
        choose_checklists("tripod")
