"""A comparison in words and cells, the same on the terminal, in Markdown and on the page."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

from leukolens.assess.comparison import other_split_file
from leukolens.assess.wording import NAMES, Written, write_figure
from leukolens.smear.sources import printable

if TYPE_CHECKING:
    from leukolens.assess.comparison import Comparison, Entry, Pair
    from leukolens.assess.intervals import Estimate

FIGURE_COLUMNS: Final = ("run", "split", "right", "accuracy", "balanced accuracy", "F1, macro", "AUC, macro", "ECE")
COST_COLUMNS: Final = (
    "run",
    "network",
    "head",
    "recipe",
    "parameters",
    "MACs",
    "MB (ONNX, f32)",
    "pictures/s (CPU)",
    "training time",
    "processor time",
)
PAIR_COLUMNS: Final = ("first - second", "images", "only first right", "only second right", "p", "p (Holm)")
ALPHA: Final = 0.05
NOTHING: Final = "not measured"
BUSY: Final = 0.5
"""Load a core from which on a machine counts as busy."""


class Cell(NamedTuple):
    """One cell: what it says, and its interval or what else belongs under it."""

    value: str
    range: str = ""


def figure_cells(entry: Entry) -> list[Cell]:
    """Return the cells of `FIGURE_COLUMNS`."""
    name = Cell(printable(entry.name))
    if entry.run is None:
        return [name, Cell(entry.stamp), *[Cell("")] * (len(FIGURE_COLUMNS) - 2)]
    right = sum(fold.right for fold in entry.run.folds)
    split = Cell(entry.stamp, entry.note.upper() if entry.note else "")
    figures = [_figure(write_figure(key, estimate)) for key, estimate in entry.figures.items()]
    return [name, split, Cell(f"{right} of {len(entry.run.rows)}"), *figures]


def _figure(written: Written) -> Cell:
    return Cell(written.value, written.range)


def cost_cells(entry: Entry) -> list[Cell]:
    """Return the cells of `COST_COLUMNS`."""
    costs, speed = entry.costs, entry.costs.speed
    lacking = costs.reason or NOTHING
    return [
        Cell(printable(entry.name)),
        Cell(printable(entry.network)),
        Cell(printable(entry.head)),
        Cell(printable(entry.recipe)),
        Cell(lacking if costs.parameters is None else write_count(costs.parameters)),
        Cell(NOTHING if costs.macs is None else write_count(costs.macs)),
        _megabytes(costs.onnx_bytes, costs.weight_bytes),
        Cell(lacking if costs.parameters is not None else NOTHING)
        if speed is None
        else Cell(_rate(speed.value), f"{_rate(speed.low)} to {_rate(speed.high)}"),
        Cell("" if entry.run is None else write_time(entry.seconds)),
        Cell("" if entry.run is None else write_time(entry.processor_seconds)),
    ]


def write_count(number: int) -> str:
    """Write a count with three digits: 3.38 M, 11.5 G."""
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number / size:#.3g} {letter}".replace(". ", " ")
    return str(number)


def _megabytes(file: int | None, weights: int | None) -> Cell:
    if file is not None:
        return Cell(f"{file / 1e6:.1f}")
    return Cell(NOTHING if weights is None else f"about {weights / 1e6:.1f}")


def _rate(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def write_time(seconds: float | None) -> str:
    """Write a time in seconds, minutes or hours."""
    if seconds is None:
        return "not recorded"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def write_difference(name: str, difference: Estimate) -> Cell:
    """Write first minus second: shares in points, 100 times the difference, other figures as they are."""
    if difference.value is None:
        return Cell("not defined")
    scale, digits = (100.0, 2) if name in {"accuracy", "balanced_accuracy"} else (1.0, 4)
    value, low, high = (round(scale * one, digits) + 0.0 for one in (difference.value, difference.low, difference.high))
    return Cell(f"{value:+.{digits}f}", f"{low:+.{digits}f} to {high:+.{digits}f}")


def difference_name(name: str) -> str:
    """Return the heading of a column of differences."""
    return f"{NAMES[name]}, points" if name in {"accuracy", "balanced_accuracy"} else NAMES[name]


def write_p(value: float | None) -> str:
    """Write a p value."""
    if value is None:
        return ""
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"


def pair_name(pair: Pair) -> str:
    """Return both names with what stands between them."""
    return f"{printable(pair.first)} - {printable(pair.second)}"


def differs(pair: Pair) -> bool:
    """Tell whether two runs differ in accuracy, after the adjustment for all pairs."""
    return pair.adjusted is not None and pair.adjusted <= ALPHA


def verdict(comparison: Comparison) -> str:
    """Return in a sentence what the tests say."""
    tested = [pair for pair in comparison.pairs if pair.test is not None]
    if len(comparison.trained) < 2:
        return "One run only: there is nothing to test it against."
    if not tested:
        reasons = ", ".join(dict.fromkeys(pair.reason for pair in comparison.pairs))
        return f"No two runs can be tested against each other ({reasons}): do not rank them."
    found = [pair for pair in tested if differs(pair)]
    of = f"{len(tested)} pair{'s' if len(tested) > 1 else ''}"
    if not found:
        return f"Of {of} tested none differs in accuracy (Holm, {ALPHA:g}): the order of these runs means nothing."
    names = "; ".join(pair_name(pair) for pair in found[:5]) + ("; ..." if len(found) > 5 else "")
    return f"Of {of} tested {len(found)} differ{'s' if len(found) == 1 else ''} in accuracy (Holm, {ALPHA:g}): {names}."


def cautions(comparison: Comparison) -> list[str]:
    """Return what a reader must know before believing the table, one sentence each."""
    trained = comparison.trained
    first = trained[0].run if trained else None
    said = []
    leaky = [entry.name for entry in trained if entry.leaky]
    if leaky:
        which = "Every run is" if len(leaky) == len(trained) else ", ".join(map(printable, leaky)) + ":"
        said.append(f"{which} from a LEAKY split: the figures hold for images of the same slides only.")
    said += [f"Images counted together: {words}." for words in dict.fromkeys(entry.counted for entry in trained)]
    apart = [f"{printable(entry.name)} ({entry.note})" for entry in trained if entry.note]
    if apart:
        said.append(f"Not comparable with {printable(trained[0].name)}, and not tested against it: {', '.join(apart)}.")
    files = [one for one in trained if one.run and first and not one.note and other_split_file(first, one.run)]
    if files:
        names = ", ".join(printable(entry.name) for entry in files)
        said.append(
            f"{names}: another split file than {printable(trained[0].name)}, with the same test images and as many "
            "training images in every common fold; tested."
        )
    if len({tuple(fold.number for fold in entry.run.folds) for entry in trained if entry.run}) > 1:
        said.append("The runs cover different folds; two of them are tested on the folds that both have.")
    loads = [entry.costs.speed for entry in comparison.entries if entry.costs.speed is not None]
    if any(speed.load is not None and speed.load > BUSY * (os.cpu_count() or 1) for speed in loads):
        said.append(
            "The machine was busy while pictures per second were measured: they are too low, and not evenly so."
        )
    return said


def fold_words(entry: Entry) -> str:
    """Return right and all images of each fold."""
    folds = entry.run.folds if entry.run else ()
    return ", ".join(f"{fold.number}: {fold.right}/{len(fold.rows)}" for fold in folds)
