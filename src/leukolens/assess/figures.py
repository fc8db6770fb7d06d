"""Pictures of an evaluation, as PNG and SVG: confusion matrix, ROC, precision-recall, stress and more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from leukolens.assess.bands import LEUKAEMIA_CURVE
from leukolens.assess.drawing import COLOURS, INK, Drawing, draw
from leukolens.assess.probability_figures import (
    paint_leukaemia_reliability,
    paint_reliability,
    paint_risk_coverage,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from leukolens.assess.bands import BandPoint
    from leukolens.assess.evaluation import Evaluation

NEARLY_PERFECT: Final = 0.97


def draw_all(evaluation: Evaluation, source: str) -> list[Drawing]:
    """Draw every picture of an evaluation.

    Parameters
    ----------
    evaluation
        All that was found.
    source
        Model, data and kind of split in a line; it stands in each picture, which may travel alone.

    Returns
    -------
    list of Drawing
        The stress picture only where there was a stress, that of leukaemia only where classes mean none.
    """
    level = f"{100 * evaluation.settings.level:g} %"
    drawings = [
        draw(
            "confusion",
            "Confusion matrix",
            "Images of each true class (row) by the class they were given (column): count and share of the row.",
            lambda axes: _confusion(axes, evaluation),
            source,
        ),
        draw(
            "roc",
            "ROC curves",
            f"Recall against false-positive rate, each class against the rest; shaded: {level} interval of the recall "
            "at each threshold.",
            lambda axes: _roc(axes, evaluation),
            source,
        ),
        draw(
            "precision-recall",
            "Precision-recall curves",
            f"Precision against recall, each class against the rest; shaded: {level} interval of the precision at "
            "each threshold.",
            lambda axes: _precision_recall(axes, evaluation),
            source,
        ),
        draw(
            "reliability",
            "Reliability",
            f"How often the class is right, by the probability given to it, with {level} intervals; on the diagonal "
            "the two agree. Bars: images by confidence.",
            lambda axes: paint_reliability(axes, evaluation),
            source,
        ),
        draw(
            "risk-coverage",
            "Risk and coverage",
            f"Share of wrong images among those answered, when only the surest are; with {level} intervals at 80, 90 "
            "and 95 % of the images. Dashed: all images answered.",
            lambda axes: paint_risk_coverage(axes, evaluation),
            source,
        ),
    ]
    if evaluation.reliability_leukaemia:
        drawings.append(
            draw(
                "reliability-leukaemia",
                "Reliability of the probability of leukaemia",
                f"How often an image is of leukaemia, by the probability given to it, with {level} intervals. Bars: "
                "images by probability.",
                lambda axes: paint_leukaemia_reliability(axes, evaluation),
                source,
            )
        )
    if evaluation.stressed:
        drawings.append(
            draw(
                "stress",
                "Loss under stress",
                f"Points of accuracy and balanced accuracy lost when the same images are perturbed, with paired "
                f"{level} intervals.",
                lambda axes: _stress(axes, evaluation),
                source,
            )
        )
    return drawings


def _confusion(axes: Axes, evaluation: Evaluation) -> None:
    matrix, classes = evaluation.scores.matrix, evaluation.scores.classes
    totals = matrix.sum(axis=1, keepdims=True)
    shares = np.divide(matrix, totals, out=np.zeros(matrix.shape), where=totals > 0)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1.15)
    for row, column in np.ndindex(*matrix.shape):
        share, count = shares[row, column], matrix[row, column]
        colour = "white" if share > 0.6 else INK if count else "#a7a2b0"
        text = f"{count}\n{100 * share:.1f} %" if count else "0"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=9, linespacing=1.35)
    ticks = range(len(classes))
    axes.set_xticks(
        ticks, classes, rotation=30 if len(classes) > 3 else 0, ha="right" if len(classes) > 3 else "center"
    )
    axes.set_yticks(ticks, [f"{name}\nn = {total}" for name, total in zip(classes, totals[:, 0], strict=True)])
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xticks(np.arange(len(classes) - 1) + 0.5, minor=True)
    axes.set_yticks(np.arange(len(classes) - 1) + 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="minor", length=0)


def _colours(evaluation: Evaluation) -> dict[str, str]:
    colours = {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(evaluation.predictions.classes)}
    return colours | {LEUKAEMIA_CURVE: INK}


def _roc(axes: Axes, evaluation: Evaluation) -> None:
    curves = {name: own.roc for name, own in evaluation.curves.items()}
    areas = _areas(evaluation, "auc")
    axes.plot([0, 1], [0, 1], color="#c4bfcc", linewidth=1, linestyle=(0, (4, 3)))
    _lines(axes, curves, areas, _colours(evaluation), steps=False)
    axes.set_xlabel("false-positive rate (1 - specificity)")
    axes.set_ylabel("recall (sensitivity)")
    if areas and min(areas.values()) > NEARLY_PERFECT:
        inset = axes.inset_axes((0.30, 0.40, 0.56, 0.44))
        _lines(inset, curves, None, _colours(evaluation), steps=False)
        _zoom(inset, (0, 0.1), (0.9, 1.003))


def _precision_recall(axes: Axes, evaluation: Evaluation) -> None:
    curves = {name: own.precision_recall for name, own in evaluation.curves.items()}
    areas = _areas(evaluation, "average_precision")
    _lines(axes, curves, areas, _colours(evaluation), steps=True)
    axes.set_xlabel("recall (sensitivity)")
    axes.set_ylabel("precision (PPV at the prevalence of these images)")
    if areas and min(areas.values()) > NEARLY_PERFECT:
        inset = axes.inset_axes((0.14, 0.40, 0.56, 0.44))
        _lines(inset, curves, None, _colours(evaluation), steps=True)
        _zoom(inset, (0.9, 1.003), (0.9, 1.003))


def _zoom(inset: Axes, across: tuple[float, float], up: tuple[float, float]) -> None:
    inset.set(xlim=across, ylim=up)
    inset.tick_params(labelsize=7.5)
    inset.spines[:].set_visible(True)
    inset.set_title("corner, 10 times enlarged", fontsize=7.5, fontweight="normal", color="#5a5565")


def _areas(evaluation: Evaluation, metric: str) -> dict[str, float]:
    figures = dict(evaluation.scores.by_class)
    if evaluation.scores.leukaemia is not None:
        figures[LEUKAEMIA_CURVE] = evaluation.scores.leukaemia.figures
    values = {name: own[metric].value for name, own in figures.items()}
    return {name: value for name, value in values.items() if value is not None}


def _lines(
    axes: Axes,
    curves: dict[str, list[BandPoint]],
    areas: dict[str, float] | None,
    colours: dict[str, str],
    *,
    steps: bool,
) -> None:
    for name, points in curves.items():
        if not points:
            continue
        x = [point.x for point in points]
        y = [np.nan if point.y.value is None else point.y.value for point in points]
        low, high = [point.y.low for point in points], [point.y.high for point in points]
        label = None if areas is None or name not in areas else f"{name}  {areas[name]:.4f}"
        wide = name == LEUKAEMIA_CURVE
        axes.fill_between(x, low, high, color=colours[name], alpha=0.07, linewidth=0, step="pre" if steps else None)
        shape: Any = {"drawstyle": "steps-pre" if steps else "default", "color": colours[name], "zorder": 3}
        axes.plot(x, y, linewidth=1.2 if wide else 1.7, label=label, **shape)
        if steps:  # the first step starts at recall 0
            axes.plot([0, x[0]], [y[0], y[0]], color=colours[name], linewidth=1.2 if wide else 1.7, zorder=3)
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02))
    if areas is not None and axes.get_legend_handles_labels()[1]:
        place: Any = "lower left" if steps else "lower right"
        axes.legend(loc=place, frameon=False, fontsize=8.5, title="area under the curve", title_fontsize=8)


def _stress(axes: Axes, evaluation: Evaluation) -> None:
    names = [one.name for one in evaluation.stressed]
    places = np.arange(len(names))[::-1]
    kinds = (("accuracy", COLOURS[0], 0.14, "o"), ("balanced accuracy", COLOURS[1], -0.14, "s"))
    for label, colour, offset, marker in kinds:
        losses = [
            one.loss.accuracy if label == "accuracy" else one.loss.balanced_accuracy for one in evaluation.stressed
        ]
        values = 100 * np.array([loss.value for loss in losses], dtype=np.float64)
        ends = 100 * np.array([[loss.low, loss.high] for loss in losses]).T
        spread = np.abs(ends - values)
        axes.errorbar(
            values, places + offset, xerr=spread, fmt=marker, color=colour, markersize=5, capsize=2, label=label
        )
    axes.axvline(0, color="#8a8494", linewidth=1)
    axes.set_yticks(places, names)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.set_xlabel("points lost (100 x difference; right of 0 is worse)")
    axes.grid(axis="x", color="#eceaf0")
    axes.set_axisbelow(True)
    axes.legend(frameon=False, fontsize=8.5, loc="best")
