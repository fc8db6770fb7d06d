"""Drawings of a stress test: what each strength costs, and what cells and background are worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.assess.drawing import COLOURS, INK, Drawing, draw
from leukolens.assess.stress_outcome import PLAIN
from leukolens.assess.stress_words import by_group

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from leukolens.assess.stress_outcome import StressResult, StressTest

_STYLES: Final = ("o-", "s--", "^-", "D--", "v-", "P--", "X-", "*--")
_LINE: Final = 0.3  # height of a row of bars, inches
_CURVES: Final = ("stain", "lamp", "laboratory", "camera", "geometry")


def draw_stresses(test: StressTest, source: str) -> list[Drawing]:
    """Draw the strength curves of each group, and one line a stress for those of one strength.

    Parameters
    ----------
    test
        All that was found.
    source
        Model, data and kind of split in a line; it stands in each picture, which may travel alone.
    """
    level = f"{100 * test.settings.level:g} %"
    drawings = []
    for name, meaning, results in by_group(test):
        families = _families(results)
        curves = {family: own for family, own in families.items() if len(own) > 1}
        if name in _CURVES and curves:
            drawings.append(
                draw(
                    f"stress-{name}",
                    f"Balanced accuracy by strength: {name}",
                    f"{meaning} Balanced accuracy at each strength, with {level} intervals; 0 is the pictures as they "
                    "are.",
                    lambda axes, curves=curves: _curves(axes, test.results[0], curves),  # type: ignore[misc]
                    source,
                    (7.6, 5.0),
                )
            )
    single = [one for _, _, own in by_group(test) for one in own if len(_families(own)[_family(one)]) == 1]
    if single:
        drawings.append(
            draw(
                "stress-cells",
                "Cells, background, scale bar, colour",
                f"Balanced accuracy with {level} intervals. Dashed: the pictures as they are; dotted: chance.",
                lambda axes: _bars(axes, [test.results[0], *single]),
                source,
                (7.6, 1.6 + _LINE * len(single)),
            )
        )
    return drawings


def _family(result: StressResult) -> str:
    return PLAIN if result.stress is None else result.stress.family


def _families(results: Sequence[StressResult]) -> dict[str, list[StressResult]]:
    families: dict[str, list[StressResult]] = {}
    for one in results:
        families.setdefault(_family(one), []).append(one)
    return families


def _ends(results: Sequence[StressResult]) -> tuple[np.ndarray, np.ndarray]:
    """Return values (K,) in percent, and how far the intervals reach below and above (2, K)."""
    figures = [one.balanced_accuracy for one in results]
    values = 100 * np.array([figure.value for figure in figures], dtype=np.float64)
    return values, np.array(
        [[value - 100 * figure.low, 100 * figure.high - value] for value, figure in zip(values, figures, strict=True)]
    ).T


def _curves(axes: Axes, plain: StressResult, curves: dict[str, list[StressResult]]) -> None:
    """One line a family over the steps of its strengths; families of unlike units share the steps, not the numbers."""
    longest = max(len(own) for own in curves.values())
    units = {one.stress.unit for own in curves.values() for one in own if one.stress is not None}
    # Else the strengths have no 0 to start from, as a quality of 40 or a crop of 75 %.
    alike = len(units) == 1 and all("laboratories" in unit for unit in units)
    for index, (family, own) in enumerate(curves.items()):
        values, reach = _ends([plain, *own])
        strengths = [0.0, *(one.stress.strength for one in own if one.stress is not None)]
        places = np.array(strengths if alike else range(len(strengths)), dtype=np.float64)
        # Beside each other, so that intervals can be told apart.
        places[1:] += 0.012 * (places.max() or 1.0) * (index - (len(curves) - 1) / 2)
        told = "" if alike else f" ({', '.join(f'{one:g}' for one in strengths[1:])} {_unit(own)})"
        axes.errorbar(
            places,
            values,
            yerr=reach,
            fmt=_STYLES[index % len(_STYLES)],
            color=COLOURS[index % len(COLOURS)],
            markersize=5,
            linewidth=1.3,
            capsize=2,
            label=f"{family}{told}",
        )
    lowest = min(100 * one.balanced_accuracy.low for own in curves.values() for one in own)
    axes.set_ylim(max(0.0, 5 * np.floor((lowest - 3) / 5)), 101)
    axes.set_ylabel("balanced accuracy, %")
    if alike:
        axes.set_xlabel(f"strength, times the median {units.pop().removeprefix('x ')}")
    else:
        axes.set_xticks(range(longest + 1), ["as it is", *(f"step {step}" for step in range(1, longest + 1))])
    axes.grid(axis="y", color="#eceaf0")
    axes.set_axisbelow(True)
    axes.legend(frameon=False, fontsize=8, loc="lower left")


def _unit(results: Sequence[StressResult]) -> str:
    return results[0].stress.unit if results[0].stress is not None else ""


def _bars(axes: Axes, results: Sequence[StressResult]) -> None:
    places = np.arange(len(results))[::-1]
    values, reach = _ends(results)
    axes.errorbar(values, places, xerr=reach, fmt="o", color=COLOURS[0], markersize=6, capsize=3, linewidth=1.4)
    classes = len(results[0].predictions.present)
    axes.axvline(values[0], color=INK, linewidth=0.9, linestyle=(0, (5, 3)))
    axes.axvline(100 / classes, color=INK, linewidth=0.9, linestyle=(0, (1, 2)))
    axes.set_yticks(places, [one.name for one in results])
    axes.set_ylim(-0.6, len(results) - 0.4)
    axes.set_xlim(0, 102)
    axes.set_xlabel("balanced accuracy, %")
    axes.grid(axis="x", color="#eceaf0")
    axes.set_axisbelow(True)
