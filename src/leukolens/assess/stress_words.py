"""The sentences and tables of a stress test, the same on the terminal, on the page and in the drawings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from leukolens.assess.attribution import METHOD, METHOD_NOTE, Attribution
from leukolens.assess.stress_kinds import FLAT, GROUPS, RANDOM, REMOVED, SAME, SWAPPED
from leukolens.assess.stress_outcome import NONE_ENOUGH, StressResult, StressTest
from leukolens.assess.wording import Written, write_figure, write_points
from leukolens.statistics.intervals import METHODS, Estimate

if TYPE_CHECKING:
    from leukolens.data.catalogue import Item

COLUMNS: Final = (
    "accuracy",
    "points lost",
    "balanced accuracy",
    "points lost",
    "sensitivity",
    "specificity",
    "same answer",
)
"""Of each stress; sensitivity and specificity are those of leukaemia."""

MEANINGS: Final = {
    "colour": "Without colour.",
    "stain": "Stain moved by 0.5, 1 and 2 times the median difference between two of six real laboratories.",
    "lamp": "Lamp moved likewise: its colour, its brightness, its fall-off towards the corners.",
    "laboratory": "All of stain and lamp moved at once, in two opposite directions.",
    "camera": "Focus, noise, compression, resolution.",
    "geometry": "A smear has no up: turned or flipped, the answer should stay.",
    "bar": "The scale bar covered, or another class' bar in its place.",
    "cells": "Cells and background taken apart. With the cells removed, the answer must fall.",
}
"""What each group of stresses asks, in a sentence."""


class Shown(NamedTuple):
    """One of the figures about cells and background, with what it means."""

    name: str
    meaning: str
    figure: Written


def methods_used(test: StressTest) -> list[tuple[str, str]]:
    """Return the intervals that occur and what they are."""
    known = METHODS | {METHOD: METHOD_NOTE}
    used = {figure.method for result in test.results for figure in figures_of(result).values()}
    if test.attribution is not None:
        used.add(METHOD)
    return [(name, known[name]) for name in known if name in used]


def figures_of(result: StressResult) -> dict[str, Estimate]:
    """Return every figure of a stress by its name."""
    figures = {
        "accuracy": result.accuracy,
        "balanced_accuracy": result.balanced_accuracy,
        "accuracy_lost": result.loss.accuracy,
        "balanced_accuracy_lost": result.loss.balanced_accuracy,
        "unchanged": result.unchanged,
    }
    optional = {
        "sensitivity": result.sensitivity,
        "specificity": result.specificity,
        "no_white_cells": result.none_seen,
    }
    return figures | {name: figure for name, figure in optional.items() if figure is not None}


def write_row(result: StressResult) -> list[Written | None]:
    """Write one row of the table, in the order of `COLUMNS`; None where a figure does not apply."""
    return [
        write_figure("accuracy", result.accuracy),
        write_points(result.loss.accuracy),
        write_figure("balanced_accuracy", result.balanced_accuracy),
        write_points(result.loss.balanced_accuracy),
        None if result.sensitivity is None else write_figure("sensitivity", result.sensitivity),
        None if result.specificity is None else write_figure("specificity", result.specificity),
        write_figure("accuracy", result.unchanged),
    ]


def by_group(test: StressTest) -> list[tuple[str, str, list[StressResult]]]:
    """Return the groups of stresses that were run: name, meaning, results."""
    groups = []
    for name in GROUPS:
        own = [one for one in test.results if one.stress is not None and one.stress.group == name]
        if own:
            groups.append((name, MEANINGS[name], own))
    return groups


def about_cells(test: StressTest) -> list[Shown]:
    """Return what is known of cells and background, the most important first."""
    lines = {
        FLAT: ("background shown minus background removed", "points that go with the background: cells on flat ground"),
        RANDOM: ("background exchanged at random", "points lost with the background of a picture of any class"),
        SWAPPED: ("background of another class", "points lost where the background speaks for another class"),
        SAME: ("background of the same class", "what the cutting and pasting itself costs: the control of the others"),
    }
    shown = []
    for name, (words, meaning) in lines.items():
        result = test.result(name)
        if result is not None:
            shown.append(Shown(words, meaning, write_points(result.loss.balanced_accuracy)))
    removed = test.result(REMOVED)
    if removed is not None:
        left = write_figure("balanced_accuracy", removed.balanced_accuracy)
        shown.append(
            Shown(
                "cells removed: balanced accuracy that is left",
                f"to fall to {100 * test.fallen_at:.0f} % or below",
                left,
            )
        )
        if removed.none_seen is not None:
            none = write_figure("accuracy", removed.none_seen)
            shown.append(Shown('cells removed: "no white cells"', f"or to be said of {NONE_ENOUGH:.0%}", none))
    return shown


def lead(test: StressTest) -> str:
    """Return the summary in a sentence or two."""
    plain = write_figure("balanced_accuracy", test.results[0].balanced_accuracy)
    sentence = f"{len(test.items)} images, balanced accuracy {plain.value} as they are."
    return f"{sentence} {share_sentence(test.attribution)}"


def share_sentence(attribution: Attribution | None) -> str:
    """Return how much of the score comes from the cells, in words."""
    if attribution is None:
        return "How much of it comes from the cells was not asked, or cannot be told."
    share = attribution.share
    if share.value is None:
        return f"How much of it comes from the cells cannot be told: {share.note}."
    told = f"{100 * share.value:.0f} % ({100 * share.low:.0f} to {100 * share.high:.0f} %)"
    return f"Of the score above chance, {told} comes from the cells, the rest from their background."


def fallen_sentence(test: StressTest) -> str:
    """Say whether the answer falls without cells; empty where that was not tried."""
    if test.fallen is None:
        tried = test.result(REMOVED) is not None
        return (
            "Whether the answer falls without cells cannot be told: it is no better than chance with them."
            if tried
            else ""
        )
    if test.fallen:
        return "With the cells removed the answer falls, as it must."
    return "With the cells removed the answer does NOT fall: it is given by the background."


def find_cautions(test: StressTest) -> list[str]:
    """Return what a reader must know before believing a figure, one sentence each."""
    cautions = []
    items: tuple[Item, ...] = test.items
    if all(item.patient is None for item in items):
        cautions.append(
            "No patients are known. Images of one patient are counted as if they were independent, so the intervals "
            "are narrower than they should be."
        )
    empty = int(np.count_nonzero(test.cell_share == 0.0))
    if empty:
        cautions.append(f"In {empty} of {len(items)} images no white cell was found to cut out or to remove.")
    if test.unread:
        cautions.append(f"{len(test.unread)} of the {len(test.unread) + len(items)} chosen images could not be read.")
    cautions += [f"{name} was left out: {reason}." for name, reason in test.left_out]
    return cautions
