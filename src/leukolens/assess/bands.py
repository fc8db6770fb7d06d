"""ROC and precision-recall curves with a 95 % band: the interval of the height at each threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.assess.ranking import Curve, corners, curve
from leukolens.assess.scores import leukaemia_scores, negative_indices
from leukolens.statistics.intervals import LEVEL, Estimate, proportion, share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from leukolens.assess.predictions import Predictions

LEUKAEMIA_CURVE: Final = "leukaemia"
POINTS: Final = 120
"""Points with an interval on one curve; a curve with more corners is thinned evenly."""


@dataclass(frozen=True)
class BandPoint:
    """One threshold of a curve.

    Attributes
    ----------
    threshold
        An image is called positive at this score and above.
    x
        1 - specificity (ROC) or recall (precision-recall), 0 to 1.
    y
        Recall (ROC) or precision (precision-recall), with its interval.
    """

    threshold: float
    x: float
    y: Estimate


def roc_band(
    positive: NDArray[np.bool_], scores: NDArray[np.float64], groups: NDArray[np.intp] | None, level: float = LEVEL
) -> list[BandPoint]:
    """Return the ROC curve from strict to lenient, each recall with its interval.

    Parameters
    ----------
    positive
        (N,) bool, with both values present.
    scores
        (N,) float.
    groups
        (N,) int or None.
    level
        Coverage at each threshold by itself, not of the whole curve.

    Returns
    -------
    list of BandPoint
        At most `POINTS`; begins at x 0 and ends at x 1.
    """
    points = _thin(corners(curve(positive, scores)))
    of_positives = scores[positive]
    own = None if groups is None else groups[positive]
    start = BandPoint(float("inf"), 0.0, proportion(np.zeros(len(of_positives), dtype=np.bool_), own, level))
    band = [
        BandPoint(float(threshold), float(false / points.negatives), proportion(of_positives >= threshold, own, level))
        for threshold, false in zip(points.thresholds, points.false_positives, strict=True)
    ]
    return [start, *band]


def precision_recall_band(
    positive: NDArray[np.bool_], scores: NDArray[np.float64], groups: NDArray[np.intp] | None, level: float = LEVEL
) -> list[BandPoint]:
    """Return the precision-recall curve from strict to lenient, each precision with its interval.

    Parameters
    ----------
    positive, scores, groups, level
        As in `roc_band`; at least one image is positive.

    Returns
    -------
    list of BandPoint
        At most `POINTS`, of the thresholds where recall grows.
    """
    every = curve(positive, scores)
    grows = np.diff(every.true_positives, prepend=0) > 0
    points = _thin(_select(every, grows))
    band = []
    for threshold, hits in zip(points.thresholds, points.true_positives, strict=True):
        called = scores >= threshold
        precision = share(positive, called, groups, positive.astype(np.intp), level)
        band.append(BandPoint(float(threshold), float(hits / points.positives), precision))
    return band


def _select(points: Curve, keep: NDArray[np.bool_] | NDArray[np.intp]) -> Curve:
    return Curve(
        points.thresholds[keep],
        points.true_positives[keep],
        points.false_positives[keep],
        points.positives,
        points.negatives,
    )


def _thin(points: Curve) -> Curve:
    count = len(points.thresholds)
    if count <= POINTS - 1:
        return points
    return _select(points, np.unique(np.linspace(0, count - 1, POINTS - 1).round().astype(np.intp)))


@dataclass(frozen=True)
class Curves:
    """ROC and precision-recall curve of one class against the rest; empty where they are not defined."""

    roc: list[BandPoint]
    precision_recall: list[BandPoint]


def class_curves(
    predictions: Predictions, negative_classes: Sequence[str] = (), level: float = LEVEL
) -> dict[str, Curves]:
    """Return the curves of each class, and those of all but the negative ones under "leukaemia"."""
    sides = {
        name: (predictions.labels == index, predictions.probabilities[:, index])
        for index, name in enumerate(predictions.classes)
    }
    if negative_indices(predictions.classes, negative_classes):
        sides[LEUKAEMIA_CURVE] = leukaemia_scores(predictions, negative_classes)
    curves = {}
    for name, (positive, scores) in sides.items():
        both = bool(positive.any() and not positive.all())
        curves[name] = Curves(
            roc_band(positive, scores, predictions.groups, level) if both else [],
            precision_recall_band(positive, scores, predictions.groups, level) if both else [],
        )
    return curves
