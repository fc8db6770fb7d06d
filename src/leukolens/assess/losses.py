"""How good the probabilities are: log loss, Brier score, gap between confidence and accuracy, reliability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.statistics.intervals import LEVEL, Estimate, proportion

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukolens.assess.predictions import Predictions

SMALLEST: Final = float(np.finfo(np.float32).eps)
"""A probability of 0 given to the true class counts as this: the networks compute in float32."""

LARGEST_LOG_LOSS: Final = float(-np.log(SMALLEST))


def log_losses(predictions: Predictions) -> NDArray[np.float64]:
    """Return (N,) the negative natural logarithm of each true class's probability, 0 to 15.9."""
    given = predictions.probabilities[np.arange(len(predictions)), predictions.labels]
    return -np.log(np.clip(given, SMALLEST, 1.0))


def brier_losses(predictions: Predictions) -> NDArray[np.float64]:
    """Return (N,) the squared distance of the probabilities to the truth, summed over classes (Brier 1950), 0 to 2."""
    truth = np.eye(len(predictions.classes))[predictions.labels]
    squares: NDArray[np.float64] = ((predictions.probabilities - truth) ** 2).sum(axis=1)
    return squares


def confidence_gaps(predictions: Predictions) -> NDArray[np.float64]:
    """Return (N,) highest probability minus 1 where the class is right, minus 0 where wrong; -1 to 1.

    The mean is above 0 for a network that is too sure of itself, below 0 for one that is not sure enough.
    """
    right = predictions.predicted == predictions.labels
    gaps: NDArray[np.float64] = predictions.probabilities.max(axis=1) - right
    return gaps


@dataclass(frozen=True)
class ReliabilityBin:
    """Images of about the same confidence: how sure the network was on average, and how often it was right."""

    low: float
    high: float
    confidence: float
    accuracy: Estimate


def reliability(predictions: Predictions, bins: int = 10, level: float = LEVEL) -> list[ReliabilityBin]:
    """Return accuracy by confidence (the highest probability), for a reliability diagram.

    Parameters
    ----------
    predictions
        What was said.
    bins
        Number of equally wide bins of confidence, 0 to 1; those without an image are left out.
    level
        Coverage of the intervals.

    Returns
    -------
    list of ReliabilityBin
    """
    right = predictions.predicted == predictions.labels
    return reliability_of(predictions.probabilities.max(axis=1), right, predictions.groups, bins, level)


def reliability_of(
    probability: NDArray[np.float64],
    happened: NDArray[np.bool_],
    groups: NDArray[np.intp] | None = None,
    bins: int = 10,
    level: float = LEVEL,
) -> list[ReliabilityBin]:
    """Return how often something happened by the probability that was given to it.

    Parameters
    ----------
    probability
        (N,) float, 0 to 1.
    happened
        (N,) bool.
    groups
        (N,) int or None.
    bins, level
        As in `reliability`.

    Returns
    -------
    list of ReliabilityBin
    """
    which = np.clip(np.ceil(probability * bins).astype(int) - 1, 0, bins - 1)
    result = []
    for index in np.unique(which):
        inside = which == index
        share = proportion(happened[inside], None if groups is None else groups[inside], level)
        result.append(ReliabilityBin(index / bins, (index + 1) / bins, float(probability[inside].mean()), share))
    return result
