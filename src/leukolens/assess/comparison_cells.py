"""The cells of a comparison's tables, the same on the terminal, in Markdown and on the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from leukolens.assess.run_figures import FIGURES
from leukolens.assess.wording import NAMES, NOT_RECORDED, Written, write_figure
from leukolens.smear.sources import printable

if TYPE_CHECKING:
    from leukolens.assess.comparison import Entry
    from leukolens.assess.run_pairs import Pair
    from leukolens.statistics.intervals import Estimate

FIGURE_COLUMNS: Final = ("run", "split", "right", "accuracy", "balanced accuracy", "F1, macro", "AUC, macro", "ECE")
COST_COLUMNS: Final = (
    "run",
    "network",
    "head",
    "recipe",
    "picture, px",
    "parameters",
    "MACs",
    "MB (ONNX, f32)",
    "pictures/s (CPU)",
    "training time",
    "processor time",
)
_IN_POINTS: Final = frozenset({"accuracy", "balanced_accuracy"})
PAIR_COLUMNS: Final = (
    *("first - second", "images", "only first right", "only second right", "p", "p (Holm)"),
    *(f"{NAMES[name]}, points" if name in _IN_POINTS else NAMES[name] for name in FIGURES),
)
NOTHING: Final = "not measured"


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
        Cell("" if costs.picture is None else "{} x {}".format(*costs.picture)),
        Cell(lacking if costs.parameters is None else write_count(costs.parameters)),
        Cell(NOTHING if costs.macs is None else write_count(costs.macs)),
        _megabytes(costs.onnx_bytes, costs.weight_bytes),
        Cell(lacking if costs.parameters is not None else NOTHING)
        if speed is None
        else Cell(_rate(speed.value), f"{_rate(speed.low)} to {_rate(speed.high)}"),
        _training(entry),
        Cell("" if entry.run is None else write_time(entry.processor_seconds)),
    ]


def _training(entry: Entry) -> Cell:
    """Return the time by the clock, and under it on what: times of different devices say nothing about networks."""
    if entry.run is None:
        return Cell("")
    return Cell(write_time(entry.seconds), f"on {entry.device}" if entry.device else f"device {NOT_RECORDED}")


def pair_cells(pair: Pair) -> list[Cell]:
    """Return the cells of `PAIR_COLUMNS` of a pair that was tested; of another one its name."""
    if pair.test is None:
        return [Cell(pair_name(pair))]
    counts = (pair.images, pair.test.first_only, pair.test.second_only)
    return [
        Cell(pair_name(pair)),
        *(Cell(str(count)) for count in counts),
        Cell(write_p(pair.test.p)),
        Cell(write_p(pair.adjusted)),
        *(write_difference(name, pair.differences[name]) for name in FIGURES),
    ]


def write_count(number: int) -> str:
    """Write a count with three digits: 3.38 M, 11.5 G; what rounds to 1000 of a letter takes the next."""
    if number < 1000:
        return str(number)
    for size, letter in ((10**3, "k"), (10**6, "M"), (10**9, "G"), (10**12, "T")):
        written = f"{number / size:#.3g} {letter}".replace(". ", " ")
        if "e" not in written:
            break
    return written


def _megabytes(file: int | None, weights: int | None) -> Cell:
    if file is not None:
        return Cell(f"{file / 1e6:.1f}")
    return Cell(NOTHING if weights is None else f"about {weights / 1e6:.1f}")


def _rate(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def write_time(seconds: float | None) -> str:
    """Write a time in seconds, minutes or hours."""
    if seconds is None:
        return NOT_RECORDED
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def write_difference(name: str, difference: Estimate) -> Cell:
    """Write first minus second: shares in points, 100 times the difference, other figures as they are."""
    if difference.value is None:
        return Cell("not defined")
    scale, digits = (100.0, 2) if name in _IN_POINTS else (1.0, 4)
    value, low, high = (round(scale * one, digits) + 0.0 for one in (difference.value, difference.low, difference.high))
    return Cell(f"{value:+.{digits}f}", f"{low:+.{digits}f} to {high:+.{digits}f}")


def write_p(value: float | None) -> str:
    """Write a p value."""
    if value is None:
        return ""
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"


def pair_name(pair: Pair) -> str:
    """Return both names with what stands between them."""
    return f"{printable(pair.first)} - {printable(pair.second)}"
