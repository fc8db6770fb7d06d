"""A form filled from facts and answers: what is known and where from, and what is open and who can close it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from leukolens.cards.facts import Statement
from leukolens.cards.forms import Form, Item, Section, load_topics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leukolens.cards.facts import FactBook

Status = Literal["filled", "partly", "open"]
STATUSES: Final[tuple[Status, ...]] = ("filled", "partly", "open")
_REMEDIES: Final = {
    "evaluation.external": "an evaluation on images of a laboratory that it did not learn from (leukolens evaluate, "
    "then --evaluation)",
    "external.": "a report on laboratories that it has never seen (leukolens external, then --evaluation)",
    "evaluation.stress": "an evaluation under stress (leukolens evaluate --stress all, then --evaluation)",
    "stress.": "a report of leukolens stress (--evaluation)",
    "evaluation.": "an evaluation of this bundle (leukolens evaluate, then --evaluation)",
    "run.": "the training run's folder (--run)",
    "audit.": "an audit of the data (leukolens audit, then --audit)",
    "openings": "the log of looks at the test side, kept since leukolens writes one (evaluate or export again)",
    "figures.": "figures on a held-out side (export from a run with a test side)",
    "data.": "the data set itself (leukolens card DATA)",
}


@dataclass(frozen=True)
class Gap:
    """What is missing: a topic that a person must speak to, or a file that would say it."""

    ask: str
    topic: str | None = None


@dataclass(frozen=True)
class FilledItem:
    """An item with what is known of it and what is not."""

    item: Item
    statements: tuple[Statement, ...]
    gaps: tuple[Gap, ...]

    @property
    def status(self) -> Status:
        """Filled where nothing is missing, open where nothing is known."""
        if not self.statements:
            return "open"
        return "partly" if self.gaps else "filled"


@dataclass(frozen=True)
class FilledForm:
    """A form with its items filled as far as can be."""

    form: Form
    sections: tuple[tuple[Section, tuple[FilledItem, ...]], ...]

    @property
    def items(self) -> tuple[FilledItem, ...]:
        """All items in order."""
        return tuple(item for _, items in self.sections for item in items)

    def counts(self) -> dict[Status, int]:
        """Return the number of items by status."""
        return {status: sum(item.status == status for item in self.items) for status in STATUSES}


def fill(form: Form, book: FactBook, answers: Mapping[str, Statement] | None = None) -> FilledForm:
    """Fill a form.

    Parameters
    ----------
    form
        What is asked.
    book
        What the manifests know.
    answers
        What people or the publications of a known data set say, by topic.
    """
    return FilledForm(
        form,
        tuple(
            (section, tuple(_fill(item, book, answers or {}) for item in section.items)) for section in form.sections
        ),
    )


def _fill(item: Item, book: FactBook, answers: Mapping[str, Statement]) -> FilledItem:
    statements = [statement for name in item.facts for statement in book.get(name)]
    statements += [answers[topic] for topic in item.topics if topic in answers]
    topics = load_topics()
    gaps = [Gap(remedy(name)) for name in item.needs if not book.known([name])]
    gaps += [
        Gap(topics[topic].question, topic)
        for topic in item.topics
        if topic not in answers and not book.known(topics[topic].unless)
    ]
    if not statements and not gaps:
        gaps = [Gap(one) for one in dict.fromkeys(remedy(name) for name in item.facts)]
    return FilledItem(item, tuple(dict.fromkeys(statements)), tuple(dict.fromkeys(gaps)))


def remedy(fact: str) -> str:
    """Say what would make a fact known."""
    for prefix, words in _REMEDIES.items():
        if fact.startswith(prefix):
            return f"Needs {words}."
    return "Not known: the bundle does not say."


def open_topics(forms: tuple[FilledForm, ...]) -> tuple[str, ...]:
    """Return the topics that nobody has spoken to, each once."""
    gaps = (gap for form in forms for item in form.items for gap in item.gaps)
    return tuple(dict.fromkeys(gap.topic for gap in gaps if gap.topic is not None))
