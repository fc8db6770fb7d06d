"""Pictures of an evaluation, as PNG and SVG: confusion matrix, ROC, precision-recall, reliability, stress."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from leukolens.assess.evaluation import LEUKAEMIA_CURVE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from leukolens.assess.bands import BandPoint
    from leukolens.assess.evaluation import Evaluation

# Okabe and Ito's colours, told apart with every kind of colour vision; no yellow, which vanishes on white.
COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#7A7A7A")
INK: Final = "#1e1b24"
DOTS_PER_INCH: Final = 160
NEARLY_PERFECT: Final = 0.97


@dataclass(frozen=True)
class Drawing:
    """One picture, named without its ending, with what it shows in a sentence."""

    name: str
    title: str
    description: str
    png: bytes
    svg: bytes


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
        The stress picture only where there was a stress.
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
            lambda axes: _reliability(axes, evaluation),
            source,
        ),
    ]
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


def draw(
    name: str,
    title: str,
    description: str,
    paint: Callable[[Axes], None],
    source: str,
    size: tuple[float, float] = (5.6, 5.2),
) -> Drawing:
    """Draw one picture of `size` inches; `paint` fills the axes, `source` stands in a line under it, see `Drawing`."""
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    style: Any = {
        "font.family": "DejaVu Sans",
        "font.size": 9.5,
        "axes.edgecolor": "#8a8494",
        "axes.labelcolor": INK,
        "axes.titlelocation": "left",
        "axes.titlesize": 11.5,
        "axes.titleweight": "bold",
        "text.color": INK,
        "xtick.color": "#5a5565",
        "ytick.color": "#5a5565",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "svg.hashsalt": name,
        "svg.fonttype": "path",
    }
    with mpl.rc_context(style):
        figure = Figure(figsize=size, layout=ConstrainedLayoutEngine(rect=(0, 0.025, 1, 0.975)))
        axes = figure.subplots()
        paint(axes)
        axes.set_title(title)
        figure.text(0.008, 0.004, source, fontsize=6, color="#5a5565", va="bottom")
        return Drawing(name, title, description, _saved(figure, "png"), _saved(figure, "svg"))


def _saved(figure: Figure, kind: str) -> bytes:
    stream = io.BytesIO()
    # No date in it: the same figures give the same bytes.
    metadata = {"Date": None} if kind == "svg" else {"Software": None}
    figure.savefig(stream, format=kind, dpi=DOTS_PER_INCH, metadata=metadata, facecolor="white")
    return stream.getvalue()


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


def _reliability(axes: Axes, evaluation: Evaluation) -> None:
    bins = evaluation.reliability
    confidence = [one.confidence for one in bins]
    accuracy = np.array([one.accuracy.value for one in bins], dtype=np.float64)
    below = accuracy - [one.accuracy.low for one in bins]
    above = np.array([one.accuracy.high for one in bins]) - accuracy
    counts = axes.twinx()
    counts.bar([one.low for one in bins], [one.accuracy.n for one in bins], width=0.1, align="edge", color="#e8e4ec")
    counts.set_ylim(0, 3 * max(one.accuracy.n for one in bins))
    counts.set_yticks([])
    counts.spines[:].set_visible(False)
    for one in bins:
        counts.text(
            one.low + 0.05, one.accuracy.n, f"{one.accuracy.n}", ha="center", va="bottom", fontsize=7, color="#5a5565"
        )
    axes.set_zorder(counts.get_zorder() + 1)
    axes.patch.set_visible(False)
    axes.plot([0, 1], [0, 1], color="#c4bfcc", linewidth=1, linestyle=(0, (4, 3)))
    axes.errorbar(
        confidence, accuracy, yerr=[below, above], fmt="o", color=COLOURS[0], markersize=6, linewidth=1.3, capsize=3
    )
    left = max(0.0, min(one.low for one in bins) - 0.05)
    axes.set(xlim=(left, 1.02), ylim=(-0.02, 1.03))
    axes.set_xlabel("confidence (highest probability)")
    axes.set_ylabel("share of right classes")


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


def file_names(drawings: Sequence[Drawing]) -> list[str]:
    """Return the names of the files that the drawings are written to."""
    return [f"{drawing.name}.{kind}" for drawing in drawings for kind in ("png", "svg")]
