"""What is published of known data sets, by the topics that people would otherwise be asked: ``forms/taleqani.json``."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Final

from leukolens.cards.facts import Source, Statement
from leukolens.data.catalogue import TALEQANI_LAYOUT

if TYPE_CHECKING:
    from leukolens.engine.spec import Provenance

TALEQANI_DOI: Final = "10.34740/KAGGLE/DSV/2175623"
_OF_TRAINING: Final = ("setting", "data-origin", "acquisition", "reference-standard", "data-availability")
"""What belongs into a model's card; who made the data set, and what else it served, does not."""


def known_answers(layout: str) -> dict[str, Statement]:
    """Return what is published of a data set of this layout, by topic; nothing for others."""
    if layout != TALEQANI_LAYOUT:
        return {}
    text = (resources.files("leukolens.cards") / "forms" / "taleqani.json").read_text("utf-8")
    return {
        topic: Statement(told["text"], tuple(Source("literature", name) for name in told["sources"]))
        for topic, told in json.loads(text).items()
    }


def known_of_training(provenance: Provenance) -> dict[str, Statement]:
    """Return what is published of the data that a bundle learned from, where its citations name a known data set."""
    named = " ".join((provenance.terms, *provenance.citations))
    if TALEQANI_DOI.lower() not in named.lower():
        return {}
    answers = known_answers(TALEQANI_LAYOUT)
    return {topic: answers[topic] for topic in _OF_TRAINING}
