"""Metrics of the ranking: ROC and precision-recall curves and the areas under them, one class against the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Curve:
    """Points of a ROC or precision-recall curve, from the highest threshold to the lowest.

    Attributes
    ----------
    thresholds
        (T,) falling; an image is called positive when its score is at least the threshold.
    true_positives, false_positives
        (T,) counts at that threshold.
    positives, negatives
        Images of the class and of the others.
    """

    thresholds: NDArray[np.float64]
    true_positives: NDArray[np.int64]
    false_positives: NDArray[np.int64]
    positives: int
    negatives: int


def curve(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> Curve:
    """Count hits and false alarms at every different score.

    Parameters
    ----------
    positive
        (N,) bool, is the image of the class.
    scores
        (N,) float, higher means more likely.

    Returns
    -------
    Curve
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.flatnonzero(np.append(np.diff(ranked) != 0, True)) if len(ranked) else np.array([], dtype=np.intp)
    hits = np.cumsum(positive[order])[last]
    total = int(np.count_nonzero(positive))
    return Curve(ranked[last], hits.astype(np.int64), (last + 1 - hits).astype(np.int64), total, len(scores) - total)


def corners(points: Curve) -> Curve:
    """Leave out the points of a ROC curve that lie on the straight line between their neighbours."""
    x = np.concatenate([[0], points.false_positives])
    y = np.concatenate([[0], points.true_positives])
    before, after = (np.diff(x)[:-1], np.diff(y)[:-1]), (np.diff(x)[1:], np.diff(y)[1:])
    keep = np.append(before[0] * after[1] != before[1] * after[0], True)
    return Curve(
        points.thresholds[keep],
        points.true_positives[keep],
        points.false_positives[keep],
        points.positives,
        points.negatives,
    )


def placements(
    positive: NDArray[np.bool_], scores: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where each image lies among the images of the other side (DeLong 1988).

    Parameters
    ----------
    positive
        (N,) bool, with both values present.
    scores
        (N,) float.

    Returns
    -------
    tuple of ndarray
        (P,) share of the negatives below each positive; (M,) share of the positives above each negative; ties count
        half. Either mean is the area under the ROC curve.
    """
    above, below = scores[positive], scores[~positive]
    ranked = np.sort(below)
    of_positives = (np.searchsorted(ranked, above, "left") + np.searchsorted(ranked, above, "right")) / 2
    ranked = np.sort(above)
    of_negatives = (np.searchsorted(ranked, below, "left") + np.searchsorted(ranked, below, "right")) / 2
    return of_positives / len(below), 1 - of_negatives / len(above)


def area_under_roc(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Return the chance that a positive image scores higher than a negative one, ties counted half (Mann-Whitney)."""
    return float(placements(positive, scores)[0].mean())


def weighted_auc(
    positive: NDArray[np.bool_], scores: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the area under the ROC curve of images that count several times or not at all.

    Parameters
    ----------
    positive
        (N,) bool.
    scores
        (N,) float.
    weights
        (B, N) float, how often each image counts.

    Returns
    -------
    ndarray
        (B,) float64, 0 to 1; NaN where one side has no image.
    """
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(scores[order]) != 0))
    ranked = weights[:, order]
    above = np.add.reduceat(ranked * positive[order], starts, axis=1)
    below = np.add.reduceat(ranked * ~positive[order], starts, axis=1)
    beaten = np.cumsum(below, axis=1) - below / 2
    with np.errstate(invalid="ignore"):
        area: NDArray[np.float64] = (above * beaten).sum(axis=1) / (above.sum(axis=1) * below.sum(axis=1))
    return area


def average_precision(
    positive: NDArray[np.bool_], scores: NDArray[np.float64], weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Return the area under the precision-recall curve as the sum of precision times gain in recall.

    Parameters
    ----------
    positive
        (N,) bool.
    scores
        (N,) float.
    weights
        (..., N) float, how often each image counts; None: once.

    Returns
    -------
    ndarray
        (...) float64, 0 to 1; NaN where no positive image counts.

    Notes
    -----
    Steps, not trapezoids: between two points a precision-recall curve is not straight (Davis and Goadrich 2006).
    """
    counts = np.ones(len(scores)) if weights is None else weights
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.flatnonzero(np.append(np.diff(ranked) != 0, True))
    hits = np.cumsum(counts[..., order] * positive[order], axis=-1)[..., last]
    called = np.cumsum(counts[..., order], axis=-1)[..., last]
    gains = np.diff(hits, axis=-1, prepend=0.0)
    share = np.divide(hits, called, out=np.zeros_like(hits), where=called > 0)
    total = hits[..., -1]
    area = (share * gains).sum(axis=-1)
    return np.asarray(np.divide(area, total, out=np.full_like(total, np.nan), where=total > 0))


def precision_pulls(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return by how much each image pulls the average precision from its value (the delta method).

    Parameters
    ----------
    positive
        (N,) bool, at least one.
    scores
        (N,) float.

    Returns
    -------
    ndarray
        (N,) float64: the derivative of `average_precision` by the image's weight; they sum to 0.

    Notes
    -----
    With T(s) positives and C(s) images at score s or above, the area is the mean over the positives of T / C at their
    own score. An image moves it by its own term, and by (1 if positive else 0 - T / C) / C at each lower positive.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.flatnonzero(np.append(np.diff(ranked) != 0, True))
    block = np.cumsum(np.append(0, np.diff(ranked) != 0))
    hits, called = np.cumsum(positive[order])[last].astype(np.float64), (last + 1).astype(np.float64)
    share, gains = hits / called, np.diff(hits, prepend=0.0)
    by_hit, by_call = (np.cumsum(terms[::-1])[::-1] for terms in (gains / called, gains * share / called))
    area = float((share * gains).sum() / hits[-1])
    own = positive[order].astype(np.float64)
    pulls = np.empty(len(scores))
    pulls[order] = (own * (share[block] - area) + own * by_hit[block] - by_call[block]) / hits[-1]
    return pulls
