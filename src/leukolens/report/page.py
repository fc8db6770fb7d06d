"""The page: one HTML file that opens without a network, written piece by piece so that memory stays small."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from leukolens import __version__
from leukolens.explain import FULL_SCALE, MAP_NOTE, scale_colours
from leukolens.finding import CLASS_NOTE, RESEARCH_USE, Case, Finding, OutputError
from leukolens.report.cards import Card, Row, make_card, make_row
from leukolens.report.figures import figure_rows
from leukolens.report.summary import Summary, summarise
from leukolens.report.templating import asset, csp_hash, page_environment
from leukolens.report.thumbnails import View, embed
from leukolens.report.words import case_rank, conclusion_word, probability_text, review_rank, visible

if TYPE_CHECKING:
    from pathlib import Path

    from leukolens.engine.spec import BundleSpec

_PACKAGE: Final = "leukolens.report"

PICTURES: Final = 200
"""How many pictures the page shows unless told otherwise."""

_CARD_BYTES: Final = 160_000
_ROW_BYTES: Final = 1_000

ViewOf = Callable[[Finding], View | None]


@dataclass(frozen=True)
class About:
    """What made the findings.

    Attributes
    ----------
    spec
        The bundle's specification; None where it is not at hand.
    bundle_sha256
        SHA-256 of its ``bundle.json``.
    created
        When; now if None.
    """

    spec: BundleSpec | None = None
    bundle_sha256: str | None = None
    created: datetime | None = None


@dataclass(frozen=True)
class _Numbered:
    number: int
    finding: Finding
    case: str


@dataclass(frozen=True)
class _Section:
    """One case with the cards of its pictures, which are made while the page is written."""

    case: Case
    name: str
    answer: str
    p_all: str
    review: bool
    reasons: tuple[str, ...]
    left_out: int
    cards: Iterator[Card]


def write_report(
    path: Path,
    findings: Iterable[Finding],
    cases: Sequence[Case],
    *,
    case_of: Callable[[str], str],
    view_of: ViewOf | None = None,
    about: About | None = None,
    pictures: int = PICTURES,
) -> Summary:
    """Write the page.

    Parameters
    ----------
    path
        The file; written whole or not at all.
    findings
        In the order of the inputs. Outlines of cells are not kept.
    cases
        What is said of each case.
    case_of
        Name of the case by the source of a finding.
    view_of
        Gives the picture of a finding, or None where it is gone. Called once for each picture shown, in the order of
        the page. None: the page has no pictures.
    about
        What made the findings.
    pictures
        How many pictures are shown at most: those for review first, then by falling probability of lymphoblasts.
        All others are in the table only.

    Returns
    -------
    Summary
        What the page counts.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    entries = [
        _Numbered(number, finding.model_copy(update={"cells": []}), case_of(finding.source))
        for number, finding in enumerate(findings, start=1)
    ]
    summary = summarise(entry.finding for entry in entries)
    shown = _choose(entries, pictures)
    values = _values(entries, cases, shown, view_of, about or About()) | {"summary": summary}
    _write(path, page_environment(_PACKAGE).get_template("report.html.j2").generate(values))
    return summary


def space_needed(count: int, pictures: int = PICTURES) -> int:
    """Return how many bytes a page may take, on the high side.

    Parameters
    ----------
    count
        Number of findings.
    pictures
        How many are shown at most.
    """
    return min(count, pictures) * _CARD_BYTES + count * _ROW_BYTES


def _choose(entries: Sequence[_Numbered], pictures: int) -> set[int]:
    """Return the numbers of the entries that get a card."""
    readable = [entry for entry in entries if entry.finding.status != "error"]
    readable.sort(key=lambda entry: review_rank(entry.finding))
    return {entry.number for entry in readable[: max(0, pictures)]}


def _values(
    entries: Sequence[_Numbered], cases: Sequence[Case], shown: set[int], view_of: ViewOf | None, about: About
) -> dict[str, Any]:
    """Return what the template needs, everything as text or as an iterator of it."""
    script, style = asset(_PACKAGE, "report.js"), asset(_PACKAGE, "report.css")
    network = about.spec.networks.get("field") if about.spec else None
    return {
        "title": "Smear screening report",
        "version": __version__,
        "created": (about.created or datetime.now(UTC).astimezone()).strftime("%Y-%m-%d %H:%M %Z").strip(),
        "research_use": RESEARCH_USE,
        "class_note": CLASS_NOTE,
        "map_note": MAP_NOTE,
        "full_scale": f"{FULL_SCALE:g}",
        "scale": ["#{:02x}{:02x}{:02x}".format(*colour) for colour in scale_colours(8).tolist()],
        "script": script,
        "style": style,
        "script_hash": csp_hash(script),
        "style_hash": csp_hash(style),
        "sections": _sections(entries, cases, shown, view_of),
        "rows": _rows(entries, shown),
        "shown": len(shown),
        "errors": [entry for entry in entries if entry.finding.status == "error"],
        "visible": visible,
        "models": _models(entries),
        "spec": about.spec,
        "bundle_sha256": about.bundle_sha256,
        "conformal": network.conformal if network else None,
        "figures": figure_rows(about.spec.provenance.figures) if about.spec else [],
    }


def _sections(
    entries: Sequence[_Numbered], cases: Sequence[Case], shown: set[int], view_of: ViewOf | None
) -> list[_Section]:
    members: dict[str, list[_Numbered]] = {}
    for entry in entries:
        members.setdefault(entry.case, []).append(entry)
    sections = []
    for case in sorted(cases, key=case_rank):
        chosen = [entry for entry in members.get(case.case, []) if entry.number in shown]
        chosen.sort(key=lambda entry: review_rank(entry.finding))
        sections.append(
            _Section(
                case=case,
                name=visible(case.case),
                answer=conclusion_word(case.conclusion),
                p_all=probability_text(case.p_all),
                review=case.decision == "review",
                reasons=tuple(visible(reason) for reason in case.reasons),
                left_out=len(members.get(case.case, [])) - len(chosen),
                cards=_cards(chosen, view_of),
            )
        )
    return sections


def _cards(entries: Sequence[_Numbered], view_of: ViewOf | None) -> Iterator[Card]:
    for entry in entries:
        view = view_of(entry.finding) if view_of else None
        quality = entry.finding.quality
        thumbnails = embed(view, quality.squeeze if quality else 1.0) if view else None
        yield make_card(entry.number, entry.finding, thumbnails)


def _rows(entries: Sequence[_Numbered], shown: set[int]) -> Iterator[Row]:
    for entry in entries:
        yield make_row(entry.number, entry.finding, entry.case, has_card=entry.number in shown)


def _models(entries: Sequence[_Numbered]) -> list[str]:
    """Return every network that took part, once."""
    used = dict.fromkeys(
        (model.role, model.name, model.version, model.sha256, model.engine, model.precision)
        for entry in entries
        for model in entry.finding.models
    )
    return [
        visible(f"{role} network {name} {version}, SHA-256 {sha256}, run by {engine} in {precision}")
        for role, name, version, sha256, engine, precision in used
    ]


def _write(path: Path, pieces: Iterable[str]) -> None:
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as stream:
            stream.writelines(pieces)
        part.replace(path)
    except OSError as error:
        raise OutputError(
            f"The report {str(path)!r} cannot be written", found=str(error), todo="make room or give another --out"
        ) from error
    finally:
        part.unlink(missing_ok=True)
