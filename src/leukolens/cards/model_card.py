"""The model card of a bundle: one text, whether ``leukolens export`` or ``leukolens card`` writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leukolens.cards.bundle_facts import add_bundle_facts
from leukolens.cards.facts import FactBook
from leukolens.cards.fill import fill
from leukolens.cards.forms import MODEL_CARD, load_form
from leukolens.cards.known import known_of_training
from leukolens.cards.markdown import card_text

if TYPE_CHECKING:
    from leukolens.engine.spec import BundleSpec


def model_card(spec: BundleSpec) -> str:
    """Return ``MODEL_CARD.md`` of a bundle: what its ``bundle.json`` alone knows, and all that is open.

    ``leukolens card`` fills the same form with evaluations, reports and people's answers besides.
    """
    book = FactBook()
    add_bundle_facts(book, spec, spec.to_json().encode())
    return card_text(
        fill(load_form(MODEL_CARD), book, known_of_training(spec.provenance)), subject_of(spec), book.inputs
    )


def subject_of(spec: BundleSpec) -> str:
    """Return what cards call a bundle."""
    return f"{spec.name} {spec.version}"
