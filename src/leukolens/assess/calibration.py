"""How far confidence and accuracy lie apart: the expected calibration error, with an interval."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.assess.bootstrap import REPLICATES, SEED, bca_limits, resample
from leukolens.assess.losses import confidence_gaps
from leukolens.assess.means import bounded_mean, correlation
from leukolens.assess.paired import difference_of
from leukolens.statistics.grouped import group_count, group_sums, spread
from leukolens.statistics.intervals import LEVEL, Estimate, critical_value, proportion, share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukolens.assess.predictions import Predictions

BINS: Final = 15
SAME: Final = 1e-12
"""Figures of resamples that differ by less are the same."""


def confidence_bins(predictions: Predictions, bins: int = BINS, *, adaptive: bool = False) -> NDArray[np.intp]:
    """Return (N,) the bin of each image's highest probability, 0 to `bins` - 1.

    Equally wide and closed above; `adaptive`: with equally many images each, as far as equal confidences allow, which
    stay together in the bin of the first of them (Nixon et al. 2019, arXiv 1904.01685).
    """
    confidence = predictions.probabilities.max(axis=1)
    if adaptive:
        ranks = np.searchsorted(np.sort(confidence), confidence, "left")
        places: NDArray[np.intp] = ranks * bins // len(confidence)
        return places
    which: NDArray[np.intp] = np.clip(np.ceil(confidence * bins).astype(np.intp) - 1, 0, bins - 1)
    return which


def binned_gaps(predictions: Predictions, bins: int = BINS, *, adaptive: bool = False) -> NDArray[np.float64]:
    """Return (N, B): each image's confidence minus 1 where right, 0 where wrong, in the column of its bin."""
    table = np.zeros((len(predictions), bins))
    table[np.arange(len(predictions)), confidence_bins(predictions, bins, adaptive=adaptive)] = confidence_gaps(
        predictions
    )
    return table


def ece(predictions: Predictions, bins: int = BINS, *, adaptive: bool = False) -> float:
    """Return the expected calibration error, 0 to 1.

    Parameters
    ----------
    predictions
        What was said.
    bins
        Number of bins of confidence, the highest probability.
    adaptive
        Bins of equally many images instead of equal width, see `confidence_bins`.

    Notes
    -----
    Mean over the bins, weighted by their images, of |mean confidence - accuracy| (Guo et al. 2017,
    arXiv 1706.04599). It is above 0 by chance alone, the more so the fewer images a bin has: small differences between
    networks mean nothing without the interval.
    """
    return float(np.abs(binned_gaps(predictions, bins, adaptive=adaptive).sum(axis=0)).sum() / len(predictions))


def ece_estimate(
    predictions: Predictions,
    level: float = LEVEL,
    *,
    bins: int = BINS,
    adaptive: bool = False,
    replicates: int = REPLICATES,
    seed: int = SEED,
) -> Estimate:
    """Return the expected calibration error with a bootstrap interval.

    Parameters
    ----------
    predictions
        What was said; whole groups are resampled.
    level, replicates, seed
        Coverage of the interval; replicates and seed of the bootstrap.
    bins, adaptive
        As in `ece`.

    Returns
    -------
    Estimate
        Method "ece-bootstrap".

    Notes
    -----
    A sample has a larger error than the truth, and a resample a larger one than the sample. The BCa interval corrects
    for that where the network is clearly off; where it is nearly calibrated it does not reach down far enough (0 of 100
    intervals held the truth in the worst case simulated). Departures:

    - The low end is put no higher than the error less the (1 + `level`) / 2 quantile of what chance alone gives, with
      the bins' mean gaps taken out (triangle inequality).
    - Not stratified by class: where a class is all right or all wrong, nothing of it would vary.
    - A bootstrap cannot draw errors that it has not seen: with 0 to 3 of them it held the truth as seldom as 57 times
      in 100. So neither end is put further in than square-and-add allows (`_score_ends`), the upper one less the bias
      that the resamples show.
    """
    groups = predictions.groups
    which = confidence_bins(predictions, bins, adaptive=adaptive)
    gaps = binned_gaps(predictions, bins, adaptive=adaptive)
    sums, sizes = group_sums(gaps, groups), group_sums(np.ones(len(predictions)), groups)
    value, n, count = ece(predictions, bins, adaptive=adaptive), len(predictions), group_count(groups)
    centred = _centred(gaps, which, groups)
    errors, chances = [], []
    for counts in resample(np.zeros(len(sums), np.intp), replicates, seed):
        drawn = counts @ sizes
        errors.append(np.abs(counts @ sums).sum(axis=1) / drawn)
        chances.append(np.abs(counts @ centred).sum(axis=1) / drawn)
    draws = np.concatenate(errors)
    if len(sums) < 2:
        return Estimate(value, 0.0, 1.0, "ece-bootstrap", n, count, "nothing to resample")
    low, high = value, value
    left_out = np.abs(sums.sum(axis=0) - sums).sum(axis=1) / (sizes.sum() - sizes)
    if min(np.ptp(draws), np.ptp(left_out)) > SAME:
        low, high = bca_limits(value, draws, left_out, level)
    down, up = _score_ends(predictions, gaps, which, level)
    low = min(low, value - down, value - float(np.quantile(np.concatenate(chances), 0.5 + level / 2)))
    high = max(high, value + up - max(0.0, float(draws.mean()) - value))
    return Estimate(value, max(0.0, min(low, value)), min(1.0, max(high, value)), "ece-bootstrap", n, count)


def confidence_gap(predictions: Predictions, level: float = LEVEL) -> Estimate:
    """Return mean confidence minus accuracy, -1 to 1: above 0 for a network that is too sure of itself.

    Notes
    -----
    The gap is the share of wrong images less the mean of 1 - confidence. Each has an interval of Wilson's shape, and
    square-and-add joins them with the correlation of what images add to both, drawn towards 0 as by one more unit with
    errors: from a handful of these it comes out too strong.
    """
    wrong = (predictions.predicted != predictions.labels).astype(np.float64)
    doubt = 1.0 - predictions.probabilities.max(axis=1)
    labels, groups, n = predictions.labels, predictions.groups, len(predictions)
    errors = share(wrong > 0, np.ones(n, np.bool_), groups, labels, level)
    doubts = bounded_mean(doubt, labels, groups, (0.0, 1.0), level)
    pulls = np.stack([wrong - wrong.mean(), doubt - doubt.mean()], axis=1)
    related = float(correlation(pulls, groups, np.eye(2))[0, 1])
    known = spread(pulls[:, 0], groups, labels).informative
    return replace(difference_of(errors, doubts, related * known / (known + 1), groups=groups), method="mover")


def _score_ends(
    predictions: Predictions, gaps: NDArray[np.float64], which: NDArray[np.intp], level: float
) -> tuple[float, float]:
    """Return how far the error can lie below and above its value, by square-and-add.

    The bins where the network is too sure of itself, and those where it is not sure enough, are two shares of right
    images with Wilson intervals; the spread of the confidence is added. Where such a share can lie on the other side of
    its confidence, the error can be as large there.
    """
    sides = np.sign(gaps.sum(axis=0))[which]
    confidence, right = predictions.probabilities.max(axis=1), predictions.predicted == predictions.labels
    groups, n = predictions.groups, len(predictions)
    down = up = 0.0
    for over in (True, False):
        inside = (sides > 0) == over
        if not inside.any():
            continue
        share = proportion(right[inside], None if groups is None else groups[inside], level)
        gap = abs(float((confidence[inside] - right[inside]).mean()))
        below, above = right[inside].mean() - share.low, share.high - right[inside].mean()
        rise, fall = (below, above) if over else (above, below)
        up += float(inside.mean() * max(rise, fall - 2 * gap)) ** 2
        down += float(inside.mean() * fall) ** 2
    count = group_count(groups)
    varied = group_sums(sides * (confidence - confidence.mean()), groups)
    spread_end = critical_value(level, (n if count is None else count) - 1) ** 2 * float((varied**2).sum()) / n**2
    return math.sqrt(down + spread_end), math.sqrt(up + spread_end)


def _centred(
    gaps: NDArray[np.float64], which: NDArray[np.intp], groups: NDArray[np.intp] | None
) -> NDArray[np.float64]:
    """Return (U, B): the gaps as if every bin were calibrated, summed over each unit of resampling."""
    inside = np.eye(gaps.shape[1])[which]
    means = gaps.sum(axis=0) / np.maximum(inside.sum(axis=0), 1)
    return group_sums(gaps - inside * means, groups)
