"""The picture of a comparison: accuracy with its interval against what it costs."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from leukolens.assess.comparison_cells import write_count
from leukolens.assess.drawing import COLOURS, INK, Drawing, draw
from leukolens.smear.sources import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from leukolens.assess.comparison import Comparison, Entry

NAME: Final = "comparison"
_LINE: Final = 0.19
"""Height of a line of names, inches."""


MARKERS: Final = "osD^vPX*"
"""One more than there are colours, so that 56 runs look different."""
_STRIP: Final = 0.24
"""Height of a row of numbers under the points, inches."""
_NUMBER: Final = 0.025
"""Width of a number, of the width of the axes."""


class _Point(NamedTuple):
    name: str
    cost: float
    value: float
    low: float
    high: float
    apart: bool


class _Waiting(NamedTuple):
    number: int
    name: str
    cost: float


def draw_comparison(comparison: Comparison, source: str) -> Drawing | None:
    """Draw the accuracy of each run against pictures a second, or multiply-accumulates where not all were timed.

    Networks without a run have hollow marks at their cost, in a strip under the points.

    Parameters
    ----------
    comparison
        With costs.
    source
        What it is of, in a line; it stands in the picture, which may travel alone.

    Returns
    -------
    Drawing or None
        None where the cost of no run is known.
    """
    trained = comparison.trained
    timed = all(entry.costs.speed is not None for entry in trained)
    points = [point for entry in trained if (point := _point(entry, timed=timed)) is not None]
    if not points:
        return None
    axis = (
        "pictures per second on the CPU, one a request (log; right is cheaper)"
        if timed
        else "multiply-accumulates for one picture (log; left is cheaper)"
    )
    apart = " Hollow: not comparable with the first run." if any(one.apart for one in points) else ""
    apart += " Points of one cost stand beside each other." if len({one.cost for one in points}) < len(points) else ""
    waiting = _waiting(comparison, timed=timed)
    strip = f" Hollow triangles: the cost of {len(waiting)} networks that no run trained." if waiting else ""
    places = rows_of([one.cost for one in waiting], _limits(points, waiting))
    return draw(
        NAME,
        "Accuracy against cost",
        f"Share of test images whose class is right, with 95 % intervals, against {axis.partition(' (')[0]}.{apart}"
        f"{strip} Where intervals overlap widely, the order of the points means nothing.",
        lambda axes: _paint(axes, points, waiting, axis, timed=timed),
        source,
        (9.0, _height(points, places)),
    )


def _waiting(comparison: Comparison, *, timed: bool) -> list[_Waiting]:
    """Return the networks without a run whose cost is known, numbered from the least cost on."""
    costs = {
        printable(entry.name): cost
        for entry in comparison.entries
        if entry.run is None and (cost := _cost(entry, timed=timed))
    }
    ordered = sorted(costs.items(), key=lambda item: item[1])
    return [_Waiting(number, name, cost) for number, (name, cost) in enumerate(ordered, start=1)]


def _cost(entry: Entry, *, timed: bool) -> float | None:
    speed = entry.costs.speed
    cost = (None if speed is None else speed.value) if timed else entry.costs.macs
    return float(cost) if cost else None


def _point(entry: Entry, *, timed: bool) -> _Point | None:
    accuracy, cost = entry.figures["accuracy"], _cost(entry, timed=timed)
    if cost is None or accuracy.value is None:
        return None
    ends = (100 * accuracy.value, 100 * accuracy.low, 100 * accuracy.high)
    return _Point(printable(entry.name), cost, *ends, bool(entry.note))


def _limits(points: Sequence[_Point], waiting: Sequence[_Waiting]) -> tuple[float, float]:
    """Return the ends of the axis of costs: a log axis of one decade at least."""
    costs = np.array([*(one.cost for one in points), *(one.cost for one in waiting)])
    middle, span = np.sqrt(costs.min() * costs.max()), max(np.log10(costs.max() / costs.min()), 0.8)
    return float(middle * 10 ** (-0.65 * span)), float(middle * 10 ** (0.65 * span))


def _strip(rows: Sequence[int]) -> float:
    return _STRIP * (max(rows) + 2) if rows else 0.0


def _height(points: Sequence[_Point], rows: Sequence[int]) -> float:
    """Return the height of the picture, inches."""
    return max(4.4, 1.6 + _LINE * len(points)) + _strip(rows)


def _paint(axes: Axes, points: Sequence[_Point], waiting: Sequence[_Waiting], axis: str, *, timed: bool) -> None:
    left, right = _limits(points, waiting)
    low, high = min(point.low for point in points), max(point.high for point in points)
    margin = max(0.05 * (high - low), 0.05)
    rows = rows_of([one.cost for one in waiting], (left, right))
    strip = _strip(rows) / (_height(points, rows) - 1.6)  # of the height of the axes, which labels lessen
    bottom, top = low - margin, high + margin
    axes.set_xscale("log")
    axes.set(xlim=(left, right), ylim=(top - (top - bottom) / (1 - strip), top))
    axes.set_yticks([tick for tick in axes.get_yticks() if bottom <= tick <= top])
    _paint_points(axes, points, strip)
    _paint_waiting(axes, waiting, rows, strip)
    axes.grid(color="#eceaf0")
    axes.set_axisbelow(True)
    names = ", ".join(f"{one.number} {one.name}".replace(" ", "\N{NO-BREAK SPACE}") for one in waiting)
    legend = textwrap.fill(f"no run yet: {names}", 100, break_on_hyphens=False) if waiting else ""
    axes.set_xlabel(f"{axis}\n{legend}".rstrip())
    axes.set_ylabel("accuracy, %")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}" if timed else write_count(round(value)))
    axes.minorticks_off()
    _ticks(axes, left, right)


def _paint_points(axes: Axes, points: Sequence[_Point], strip: float) -> None:
    """Paint each run; lines lead to the names, which stand on the right."""
    order = sorted(points, key=lambda point: point.value)
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    room = min(0.06, (1 - strip) / len(order))
    heights = spread([(point.value - bottom) / (top - bottom) for point in order], room)
    places = beside([point.cost for point in order], 0.015 * np.log10(right / left))
    for number, (point, height, place) in enumerate(zip(order, heights, places, strict=True)):
        colour = COLOURS[number % len(COLOURS)]
        axes.errorbar(
            place,
            point.value,
            yerr=[[point.value - point.low], [point.high - point.value]],
            fmt=MARKERS[number % len(MARKERS)],
            color=colour,
            markerfacecolor="white" if point.apart else colour,
            markersize=6,
            linewidth=1.4,
            capsize=3,
        )
        axes.annotate(
            point.name,
            (place, point.value),
            xytext=(1.02, float(height)),
            textcoords="axes fraction",
            fontsize=8.5,
            color=colour,
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "alpha": 0.35, "linewidth": 0.7, "relpos": (0, 0.5)},
        )


def _paint_waiting(axes: Axes, waiting: Sequence[_Waiting], rows: Sequence[int], strip: float) -> None:
    """Paint a hollow mark at each cost, its number above it in a row where it has room."""
    if not waiting:
        return
    step, place = strip / (max(rows) + 2), axes.get_xaxis_transform()
    axes.axhline(axes.transLimits.inverted().transform((0, strip))[1], color="#dbd7e0", linewidth=0.8)
    for one, row in zip(waiting, rows, strict=True):
        height = step * (row + 1.1)
        axes.plot([one.cost] * 2, [0, height], color="#b9b4c2", linewidth=0.6, transform=place, zorder=1)
        axes.text(
            one.cost,
            height,
            str(one.number),
            fontsize=7.5,
            ha="center",
            va="center",
            transform=place,
            zorder=4,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
        )
    costs = [one.cost for one in waiting]
    axes.plot(
        costs,
        [0.3 * step] * len(costs),
        "^",
        markersize=5,
        markerfacecolor="white",
        markeredgecolor=INK,
        markeredgewidth=0.9,
        transform=place,
        zorder=3,
    )


def rows_of(costs: Sequence[float], limits: tuple[float, float]) -> list[int]:
    """Return for each of rising costs the lowest row, from 0 on, in which its number touches no other."""
    ends: list[float] = []
    rows = []
    for cost in costs:
        place = np.log(cost / limits[0]) / np.log(limits[1] / limits[0])
        row = next((number for number, end in enumerate(ends) if end + _NUMBER <= place), len(ends))
        ends[row : row + 1] = [place]
        rows.append(row)
    return rows


def beside(costs: list[float], step: float) -> list[float]:
    """Move points of one cost beside each other by `step` of a decade, evenly to both sides."""
    places = []
    for number, cost in enumerate(costs):
        before, same = costs[:number].count(cost), costs.count(cost)
        places.append(cost * 10 ** (step * (before - (same - 1) / 2)))
    return places


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """Push rising heights between 0 and 1 apart until each lies `gap` above the one before, or nearly so."""
    placed = list(heights)
    for number in range(1, len(placed)):
        placed[number] = max(placed[number], placed[number - 1] + gap)
    highest = 1.0
    for number in reversed(range(len(placed))):
        placed[number] = highest = min(placed[number], highest)
        highest -= gap
    return placed


def _ticks(axes: Axes, left: float, right: float) -> None:
    """Put ticks at 1, 2 and 5 times the powers of ten; a decade may hold none of the powers itself."""
    powers = 10.0 ** np.arange(np.floor(np.log10(left)), np.ceil(np.log10(right)) + 1)
    ticks = np.sort(np.concatenate([powers, 2 * powers, 5 * powers]))
    axes.set_xticks(ticks[(ticks >= left) & (ticks <= right)])
