"""What the page says of one picture, ready to be laid out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leukolens.report.words import (
    SQUEEZE_SOURCES,
    answer,
    answer_sentence,
    probability_of_label,
    probability_text,
    visible,
    what_was_done,
    why_review,
)

if TYPE_CHECKING:
    from leukolens.finding import Finding, Quality
    from leukolens.report.thumbnails import Thumbnails


@dataclass(frozen=True)
class Bar:
    """One probability as a bar: `width` is 0 to 100."""

    label: str
    text: str
    width: float
    chosen: bool


@dataclass(frozen=True)
class Row:
    """One picture in the compact table. `tone` picks its colour, `card` is the anchor of its card if it has one."""

    number: int
    name: str
    case: str
    answer: str
    tone: str
    p_all: str
    p_sort: float
    label: str
    prediction_set: str
    decision: str
    novelty: str
    novelty_sort: float
    why: str
    card: str | None


@dataclass(frozen=True)
class Card:
    """One picture in full."""

    anchor: str
    name: str
    answer: str
    tone: str
    sentence: str
    review: bool
    reasons: tuple[str, ...]
    steps: tuple[str, ...]
    bars: tuple[Bar, ...]
    bars_in_domain: bool
    prediction_set: str
    p_all: str
    novelty: str
    measures: tuple[tuple[str, str], ...]
    flags: tuple[str, ...]
    models: tuple[str, ...]
    sha256: str
    size: str
    thumbnails: Thumbnails | None


def anchor(number: int) -> str:
    """Return the anchor of the card of the picture with that number."""
    return f"p{number}"


def make_row(number: int, finding: Finding, case: str, *, has_card: bool) -> Row:
    """Put a finding into one row of the table.

    Parameters
    ----------
    number
        Position among the inputs, from 1.
    finding
        What is said of the picture.
    case
        Name of its case.
    has_card
        Whether the page holds a card of it.
    """
    return Row(
        number=number,
        name=visible(finding.source),
        case=visible(case),
        answer=answer(finding),
        tone=tone(finding),
        p_all=probability_text(finding.p_all),
        p_sort=-1.0 if finding.p_all is None else finding.p_all,
        label=visible(probability_of_label(finding)),
        prediction_set=visible(", ".join(finding.prediction_set)) or "–",
        decision=finding.decision,
        novelty=_number(finding.novelty),
        novelty_sort=-1.0 if finding.novelty is None else finding.novelty,
        why=visible("; ".join(why_review(finding))),
        card=anchor(number) if has_card else None,
    )


def make_card(number: int, finding: Finding, thumbnails: Thumbnails | None) -> Card:
    """Put a finding into a card.

    Parameters
    ----------
    number
        Position among the inputs, from 1.
    finding
        What is said of the picture.
    thumbnails
        Its small pictures, or None where it cannot be shown.
    """
    in_domain = finding.probabilities is not None
    return Card(
        anchor=anchor(number),
        name=visible(finding.source),
        answer=answer(finding),
        tone=tone(finding),
        sentence=answer_sentence(finding),
        review=finding.decision == "review",
        reasons=tuple(visible(reason) for reason in why_review(finding)),
        steps=tuple(visible(step) for step in what_was_done(finding)),
        bars=_bars(finding),
        bars_in_domain=in_domain,
        prediction_set=visible(", ".join(finding.prediction_set)),
        p_all=probability_text(finding.p_all),
        novelty=_number(finding.novelty),
        measures=() if finding.quality is None else _measures(finding.quality),
        flags=() if finding.quality is None else tuple(visible(flag) for flag in finding.quality.flags),
        models=tuple(
            visible(
                f"{model.role}: {model.name} {model.version} ({model.sha256[:12]}), {model.engine}, {model.precision}"
            )
            for model in finding.models
        ),
        sha256=finding.sha256 or "–",
        size="–" if finding.width is None else f"{finding.width} × {finding.height} px",
        thumbnails=thumbnails,
    )


def tone(finding: Finding) -> str:
    """Return the name of the colour of an answer: ``blasts``, ``clear``, ``open``, ``refused`` or ``error``."""
    if finding.status != "ok":
        return finding.status
    return {"lymphoblasts": "blasts", "none seen": "clear"}.get(finding.conclusion or "", "open")


def _bars(finding: Finding) -> tuple[Bar, ...]:
    """Return the class probabilities as bars; outside the domain those of the field network, which count for little."""
    probabilities = finding.probabilities or (finding.field.probabilities if finding.field else {})
    return tuple(
        Bar(visible(label), probability_text(value), round(100.0 * value, 1), label == finding.label)
        for label, value in probabilities.items()
    )


def _measures(quality: Quality) -> tuple[tuple[str, str], ...]:
    squeeze = "none" if abs(quality.squeeze - 1.0) < 0.005 else f"{quality.squeeze:.3f}"
    return (
        ("Focus, 0 to 1", f"{quality.focus:.2f}"),
        ("Lightness L*", f"{quality.exposure:.0f}"),
        ("Clipped", _percent(quality.clipped_fraction)),
        ("Nuclear stain", _percent(quality.stain)),
        ("Red cells cover", _percent(quality.red_cells)),
        ("Nuclei of white cells cover", _percent(quality.white_cells)),
        ("Painted out (bar, marks)", _percent(quality.burned_in)),
        ("Squeeze", f"{squeeze}, {SQUEEZE_SOURCES[quality.squeeze_source]}"),
    )


def _percent(share: float) -> str:
    return f"{100.0 * share:.1f} %"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
