"""Drawings of how far probabilities can be believed: reliability, and what is wrong where only the surest count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.assess.calibration import BINS
from leukolens.assess.drawing import COLOURS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from leukolens.assess.evaluation import Evaluation
    from leukolens.assess.losses import ReliabilityBin

ORDER_COLOURS: Final = {"confidence": COLOURS[0], "novelty": COLOURS[1]}


def paint_reliability(axes: Axes, evaluation: Evaluation) -> None:
    """Draw accuracy by confidence, and write the calibration error into it."""
    _reliability(axes, evaluation.reliability)
    wide, adaptive = (evaluation.scores.overall[name].value for name in ("ece", "ece_adaptive"))
    words = f"ECE {wide:.4f} over {BINS} bins of equal width, {adaptive:.4f} of equally many images"
    axes.set_xlabel(f"confidence (highest probability)\n{words}")
    axes.set_ylabel("share of right classes")


def paint_leukaemia_reliability(axes: Axes, evaluation: Evaluation) -> None:
    """Draw the share of leukaemia by its probability, and the threshold."""
    _reliability(axes, evaluation.reliability_leukaemia)
    axes.axvline(evaluation.settings.threshold, color="#8a8494", linewidth=1)
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel("probability of leukaemia (line: threshold)")
    axes.set_ylabel("share of leukaemia")


def _reliability(axes: Axes, bins: Sequence[ReliabilityBin]) -> None:
    probability = [one.confidence for one in bins]
    share = np.array([one.accuracy.value for one in bins], dtype=np.float64)
    below = share - [one.accuracy.low for one in bins]
    above = np.array([one.accuracy.high for one in bins]) - share
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
        probability, share, yerr=[below, above], fmt="o", color=COLOURS[0], markersize=6, linewidth=1.3, capsize=3
    )
    left = max(0.0, min(one.low for one in bins) - 0.05)
    axes.set(xlim=(left, 1.02), ylim=(-0.02, 1.03))


def paint_risk_coverage(axes: Axes, evaluation: Evaluation) -> None:
    """Draw the share of wrong images among the surest ones, by each order that is known."""
    curves = evaluation.scores.selective
    for order, curve in curves.items():
        area = curve.figures["aurc"].value
        label = f"the surest by {order} first: AURC {area:.4f}"
        axes.plot(curve.coverage, curve.risk, color=ORDER_COLOURS[order], linewidth=1.7, label=label)
        marked = [(int(name.rpartition("_")[2]) / 100, own) for name, own in curve.figures.items() if "risk" in name]
        values = np.array([own.value for _, own in marked], dtype=np.float64)
        ends = np.array([[own.low for _, own in marked], [own.high for _, own in marked]])
        offset = 0.004 * (list(curves).index(order))
        axes.errorbar(
            [place + offset for place, _ in marked],
            values,
            yerr=np.abs(ends - values),
            fmt="o",
            color=ORDER_COLOURS[order],
            markersize=4,
            capsize=2.5,
            linewidth=1,
        )
    everything = next(iter(curves.values())).risk[-1]
    axes.axhline(everything, color="#c4bfcc", linewidth=1, linestyle=(0, (4, 3)))
    highest = max(own.high for curve in curves.values() for name, own in curve.figures.items() if "risk" in name)
    axes.set(xlim=(0, 1.02), ylim=(-0.02 * highest, 1.15 * max(highest, float(everything), 1e-3)))
    axes.set_xlabel("coverage: share of images that are answered")
    axes.set_ylabel("risk: share of these that are wrong")
    axes.legend(frameon=False, fontsize=8.5, loc="upper left")
