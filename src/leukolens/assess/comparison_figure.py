"""The picture of a comparison: accuracy with its interval against what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from leukolens.assess.comparison_cells import write_count
from leukolens.assess.figures import COLOURS, Drawing, draw
from leukolens.smear.sources import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from leukolens.assess.comparison import Comparison, Entry

NAME: Final = "comparison"
_LINE: Final = 0.19
"""Height of a line of names, inches."""


class _Point(NamedTuple):
    name: str
    cost: float
    value: float
    low: float
    high: float
    apart: bool


def draw_comparison(comparison: Comparison, source: str) -> Drawing | None:
    """Draw the accuracy of each run against pictures a second, or multiply-accumulates where not all were timed.

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
    return draw(
        NAME,
        "Accuracy against cost",
        f"Share of test images whose class is right, with 95 % intervals, against {axis.partition(' (')[0]}.{apart} "
        "Where intervals overlap widely, the order of the points means nothing.",
        lambda axes: _paint(axes, points, axis, timed=timed),
        source,
        (9.0, max(4.4, 1.6 + _LINE * len(points))),
    )


def _point(entry: Entry, *, timed: bool) -> _Point | None:
    accuracy, speed = entry.figures["accuracy"], entry.costs.speed
    cost = (speed.value if speed is not None else None) if timed else entry.costs.macs
    if not cost or accuracy.value is None:
        return None
    ends = (100 * accuracy.value, 100 * accuracy.low, 100 * accuracy.high)
    return _Point(printable(entry.name), float(cost), *ends, bool(entry.note))


def _paint(axes: Axes, points: Sequence[_Point], axis: str, *, timed: bool) -> None:
    axes.set_xscale("log")
    costs = np.array([point.cost for point in points])
    # A log axis of one decade at least; room on the right for the names, which lines lead to.
    middle, span = np.sqrt(costs.min() * costs.max()), max(np.log10(costs.max() / costs.min()), 0.8)
    left, right = middle * 10 ** (-0.65 * span), middle * 10 ** (0.65 * span)
    low, high = min(point.low for point in points), max(point.high for point in points)
    margin = max(0.05 * (high - low), 0.05)
    axes.set(xlim=(left, right), ylim=(low - margin, high + margin))
    order = sorted(points, key=lambda point: point.value)
    bottom, top = axes.get_ylim()
    heights = spread([(point.value - bottom) / (top - bottom) for point in order], min(0.06, 1 / len(order)))
    places = beside([point.cost for point in order], 0.02 * span)
    for number, (point, height, place) in enumerate(zip(order, heights, places, strict=True)):
        colour = COLOURS[number % len(COLOURS)]
        axes.errorbar(
            place,
            point.value,
            yerr=[[point.value - point.low], [point.high - point.value]],
            fmt="o",
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
    axes.grid(color="#eceaf0")
    axes.set_axisbelow(True)
    axes.set_xlabel(axis)
    axes.set_ylabel("accuracy, %")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}" if timed else write_count(round(value)))
    axes.minorticks_off()
    _ticks(axes, left, right)


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
