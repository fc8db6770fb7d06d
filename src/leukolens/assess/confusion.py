"""Metrics of the decision: accuracy, recall, precision, specificity and F1, of each class and of all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from leukolens.statistics.grouped import group_count
from leukolens.statistics.intervals import LEVEL, Estimate, share
from leukolens.statistics.shares import mean_limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from leukolens.assess.predictions import Predictions


Masks = tuple[NDArray[np.bool_], NDArray[np.bool_]]


@dataclass(frozen=True)
class Confusion:
    """Images of one class that were taken for another, and their share of the class."""

    label: str
    predicted: str
    count: int
    share: Estimate


def confusion_matrix(labels: NDArray[np.intp], predicted: NDArray[np.intp], classes: int) -> NDArray[np.int64]:
    """Count images by true class (row) and predicted class (column).

    Parameters
    ----------
    labels, predicted
        (N,) int, 0 to `classes` - 1.
    classes
        Number of classes C.

    Returns
    -------
    ndarray
        (C, C) int64.
    """
    flat = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return flat.reshape(classes, classes).astype(np.int64)


def confusions(predictions: Predictions, matrix: NDArray[np.int64], level: float = LEVEL) -> tuple[Confusion, ...]:
    """Return the pairs of classes taken for each other, most images first."""
    found = []
    for row, column in np.argwhere(matrix > 0).tolist():
        if row == column:
            continue
        inside = predictions.labels == row
        own = share(predictions.predicted == column, inside, predictions.groups, predictions.labels, level)
        found.append(Confusion(predictions.classes[row], predictions.classes[column], int(matrix[row, column]), own))
    return tuple(sorted(found, key=lambda pair: (-pair.count, pair.label, pair.predicted)))


def accuracy(predictions: Predictions, level: float = LEVEL) -> Estimate:
    """Return the share of images whose class is right."""
    hits = predictions.predicted == predictions.labels
    return share(hits, np.ones(len(hits), np.bool_), predictions.groups, predictions.labels, level)


def _share(predictions: Predictions, masks: Masks, level: float) -> Estimate:
    return share(masks[1], masks[0], predictions.groups, predictions.labels, level)


def recall(predictions: Predictions, class_index: int, level: float = LEVEL) -> Estimate:
    """Return TP / (TP + FN), the sensitivity: the share of a class's images that are found."""
    return _say_why(_share(predictions, _recall_masks(predictions, class_index), level), "no image of this class")


def precision(predictions: Predictions, class_index: int, level: float = LEVEL) -> Estimate:
    """Return TP / (TP + FP): the share of the images called this class that are of it, at the prevalence given.

    Not defined where all images are of the class: nothing could be called so wrongly.
    """
    if (predictions.labels == class_index).all():
        return Estimate(None, 0.0, 1.0, "wilson", 0, group_count(predictions.groups), "no image of another class")
    return _say_why(
        _share(predictions, _precision_masks(predictions, class_index), level), "no image was called this class"
    )


def specificity(predictions: Predictions, class_index: int, level: float = LEVEL) -> Estimate:
    """Return TN / (TN + FP): the share of the other classes' images that are not called this class."""
    return _say_why(
        _share(predictions, _specificity_masks(predictions, class_index), level), "no image of another class"
    )


def f1(predictions: Predictions, class_index: int, level: float = LEVEL) -> Estimate:
    """Return 2 TP / (2 TP + FP + FN).

    F1 is a rising function of the Jaccard index J = TP / (TP + FP + FN), the share of hits among the images that are
    of the class or called so; the interval is that of J, carried over.
    """
    jaccard = _share(predictions, _f1_masks(predictions, class_index), level)
    if jaccard.value is None:
        return replace(jaccard, method="wilson-jaccard", note="no image of this class, and none called so")
    value, low, high = (2 * j / (1 + j) for j in (jaccard.value, jaccard.low, jaccard.high))
    return replace(jaccard, value=value, low=low, high=high, method="wilson-jaccard")


def _say_why(estimate: Estimate, reason: str) -> Estimate:
    """Say why a figure is not defined, where it is not."""
    return replace(estimate, note=reason) if estimate.value is None else estimate


def _recall_masks(predictions: Predictions, index: int) -> Masks:
    return predictions.labels == index, predictions.predicted == index


def _precision_masks(predictions: Predictions, index: int) -> Masks:
    return predictions.predicted == index, predictions.labels == index


def _specificity_masks(predictions: Predictions, index: int) -> Masks:
    return predictions.labels != index, predictions.predicted != index


def _f1_masks(predictions: Predictions, index: int) -> Masks:
    true, called = predictions.labels == index, predictions.predicted == index
    return true | called, true & called


@dataclass(frozen=True)
class ClassMetric:
    """A metric of one class against the others, as hits among counted images.

    `slope` is the derivative of the metric by the share of hits: 1 where it is that share.
    """

    estimate: Callable[[Predictions, int, float], Estimate]
    masks: Callable[[Predictions, int], Masks]
    slope: Callable[[float], float] = lambda _: 1.0


CLASS_METRICS: dict[str, ClassMetric] = {
    "recall": ClassMetric(recall, _recall_masks),
    "precision": ClassMetric(precision, _precision_masks),
    "specificity": ClassMetric(specificity, _specificity_masks),
    "f1": ClassMetric(f1, _f1_masks, lambda jaccard: 2 / (1 + jaccard) ** 2),
}


_AGAINST_OTHERS: Final = frozenset({"precision", "specificity"})
"""Metrics that mean nothing where all images are of one class."""


def one_class(method: str, predictions: Predictions) -> Estimate:
    """Return a mean over classes that is not defined, since images of one class alone are there."""
    count = group_count(predictions.groups)
    return Estimate(None, 0.0, 1.0, method, len(predictions), count, "one class: needs images of two")


def macro(predictions: Predictions, name: str, level: float = LEVEL) -> Estimate:
    """Return the mean over the classes that have images of a metric in `CLASS_METRICS`.

    The macro recall is the balanced accuracy. A class that is never called has no precision; it counts as 0.

    Parameters
    ----------
    predictions
        What was said.
    name
        Key of `CLASS_METRICS`.
    level
        Coverage of the interval.

    Returns
    -------
    Estimate
        Without a value for precision and specificity where images of one class alone are there.
    """
    if name in _AGAINST_OTHERS and len(predictions.present) < 2:
        return one_class("score-linearised", predictions)
    metric = CLASS_METRICS[name]
    present = [int(index) for index in predictions.present]
    values = [metric.estimate(predictions, index, level).value for index in present]
    masks = [metric.masks(predictions, index) for index in present]
    mean = float(np.mean([value or 0.0 for value in values]))
    low, high = mean_limits(
        masks, [value or 0.0 for value in values], predictions.groups, predictions.labels, level, metric.slope
    )
    undefined = values.count(None)
    note = f"{undefined} of {len(values)} classes not defined, counted as 0" if undefined else ""
    groups = group_count(predictions.groups)
    return Estimate(mean, low, high, "score-linearised", len(predictions), groups, note)
