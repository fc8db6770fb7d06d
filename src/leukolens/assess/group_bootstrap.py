"""Every figure on resampled images, whole groups at a time: percentile intervals that stand beside the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leukolens.assess.bootstrap import REPLICATES, SEED, resample
from leukolens.assess.calibration import binned_gaps
from leukolens.assess.losses import brier_losses, confidence_gaps, log_losses
from leukolens.assess.prevalence import prevalence_name
from leukolens.assess.ranking import average_precision, weighted_auc
from leukolens.assess.selective import COVERAGES
from leukolens.statistics.grouped import strata_of_units
from leukolens.statistics.intervals import LEVEL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from leukolens.assess.predictions import Predictions

    Weights = NDArray[np.float64]
    Draws = dict[str, NDArray[np.float64]]


def bootstrap_limits(
    predictions: Predictions,
    leukaemia: tuple[NDArray[np.bool_], NDArray[np.float64]] | None = None,
    *,
    threshold: float = 0.5,
    prevalences: Sequence[float] = (),
    sureness: Mapping[str, NDArray[np.float64]] | None = None,
    level: float = LEVEL,
    replicates: int = REPLICATES,
    seed: int = SEED,
) -> dict[str, tuple[float, float]]:
    """Return the percentile interval of every figure over images.

    Parameters
    ----------
    predictions
        What was said; whole groups are drawn, stratified by class (`strata_of_units`).
    leukaemia
        From `leukaemia_scores`: whether each image is of leukaemia, and its probability; None leaves those figures out.
    threshold, prevalences
        Of the figures of leukaemia.
    sureness
        By the name of an order, (N,) by which images are answered first, see `selective.risk_curve`.
    level, replicates, seed
        Coverage of the intervals; of the bootstrap.

    Returns
    -------
    dict
        Low and high by the names of `Scores.flat`; a figure that no resample defines is missing.

    Notes
    -----
    Efron and Tibshirani 1993, chapter 13. Simulation (docs/results/coverage.md) shows how often these intervals hold
    the truth: too seldom where few images are wrong, and never where none is.
    """
    units = len(predictions) if predictions.groups is None else int(predictions.groups.max()) + 1
    unit = np.arange(units) if predictions.groups is None else predictions.groups
    strata = strata_of_units(predictions.labels, predictions.groups)
    parts = [
        weighted_figures(
            predictions, counts[:, unit], leukaemia, threshold=threshold, prevalences=prevalences, sureness=sureness
        )
        for counts in resample(strata, replicates, seed)
    ]
    tails = (0.5 - level / 2, 0.5 + level / 2)
    limits = {}
    for name in parts[0]:
        draws = np.concatenate([part[name] for part in parts])
        if np.isfinite(draws).any():
            low, high = np.nanquantile(draws, tails)
            limits[name] = (float(low), float(high))
    return limits


def weighted_figures(
    predictions: Predictions,
    weights: Weights,
    leukaemia: tuple[NDArray[np.bool_], NDArray[np.float64]] | None = None,
    *,
    threshold: float = 0.5,
    prevalences: Sequence[float] = (),
    sureness: Mapping[str, NDArray[np.float64]] | None = None,
) -> Draws:
    """Return every figure of images that count several times or not at all.

    Parameters
    ----------
    predictions, leukaemia, threshold, prevalences, sureness
        As in `bootstrap_limits`.
    weights
        (B, N) float, how often each image counts; whole numbers.

    Returns
    -------
    dict
        (B,) float64 by the names of `Scores.flat`; NaN where a figure is not defined.
    """
    figures = _decisions(predictions, weights) | _probabilities(predictions, weights)
    if leukaemia is not None:
        figures |= _two_sided(*leukaemia, threshold, prevalences, weights)
    for order, sure in (sureness or {}).items():
        figures |= _selective(predictions.predicted != predictions.labels, sure, order, weights)
    return figures


def _over(top: Weights, bottom: Weights) -> Weights:
    """Divide; NaN where there is nothing to count."""
    return np.asarray(np.divide(top, bottom, out=np.full(np.shape(top), np.nan), where=bottom > 0))


def _decisions(predictions: Predictions, weights: Weights) -> Draws:
    classes = np.eye(len(predictions.classes))
    true, called = classes[predictions.labels], classes[predictions.predicted]
    hits, support, calls = (weights @ table for table in (true * called, true, called))
    total = weights.sum(axis=1, keepdims=True)
    by_name = {
        "recall": _over(hits, support),
        "precision": _over(hits, calls),
        "specificity": _over(total - support - calls + hits, total - support),
        "f1": _over(2 * hits, support + calls),
    }
    present = predictions.present
    draws = {
        f"{name}.{label}": own[:, i] for name, own in by_name.items() for i, label in enumerate(predictions.classes)
    }
    draws |= {name: np.nan_to_num(own[:, present]).mean(axis=1) for name, own in by_name.items()}
    return draws | {"accuracy": hits.sum(axis=1) / total[:, 0], "balanced_accuracy": draws["recall"]}


def _probabilities(predictions: Predictions, weights: Weights) -> Draws:
    draws: Draws = {}
    for index, label in enumerate(predictions.classes):
        positive, scores = predictions.labels == index, predictions.probabilities[:, index]
        draws[f"auc.{label}"] = weighted_auc(positive, scores, weights)
        draws[f"average_precision.{label}"] = average_precision(positive, scores, weights)
    for name in ("auc", "average_precision"):
        draws[name] = np.mean([draws[f"{name}.{predictions.classes[index]}"] for index in predictions.present], axis=0)
    total = weights.sum(axis=1)
    means = {"log_loss": log_losses, "brier": brier_losses, "confidence_gap": confidence_gaps}
    draws |= {name: weights @ values(predictions) / total for name, values in means.items()}
    for name, adaptive in (("ece", False), ("ece_adaptive", True)):
        gaps = binned_gaps(predictions, adaptive=adaptive)
        draws[name] = np.abs(weights @ gaps).sum(axis=1) / total
    return draws


def _two_sided(
    positive: NDArray[np.bool_],
    probability: NDArray[np.float64],
    threshold: float,
    prevalences: Sequence[float],
    weights: Weights,
) -> Draws:
    called = probability >= threshold
    cells = {(one, other): weights @ ((positive == one) & (called == other)) for one in (0, 1) for other in (0, 1)}
    sensitivity = _over(cells[1, 1], cells[1, 1] + cells[1, 0])
    specificity = _over(cells[0, 0], cells[0, 0] + cells[0, 1])
    draws = {
        "auc": weighted_auc(positive, probability, weights),
        "average_precision": average_precision(positive, probability, weights),
        "sensitivity": sensitivity,
        "specificity": specificity,
        "ppv": _over(cells[1, 1], cells[1, 1] + cells[0, 1]),
        "npv": _over(cells[0, 0], cells[0, 0] + cells[1, 0]),
    }
    for share in prevalences:
        found, missed = share * sensitivity, share * (1 - sensitivity)
        cleared, alarmed = (1 - share) * specificity, (1 - share) * (1 - specificity)
        draws[f"ppv_at_{prevalence_name(share)}"] = _over(found, found + alarmed)
        draws[f"npv_at_{prevalence_name(share)}"] = _over(cleared, cleared + missed)
    return {f"leukaemia.{name}": own for name, own in draws.items()}


def _selective(wrong: NDArray[np.bool_], sureness: NDArray[np.float64], order: str, weights: Weights) -> Draws:
    ranked = np.argsort(-sureness, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(sureness[ranked]) != 0))
    images = np.add.reduceat(weights[:, ranked], starts, axis=1)
    errors = np.add.reduceat(weights[:, ranked] * wrong[ranked], starts, axis=1)
    last, found = np.cumsum(images, axis=1).round().astype(np.intp), np.cumsum(errors, axis=1)
    n, total = last[:, -1], found[:, -1]
    harmonic = np.append(0.0, np.cumsum(1 / np.arange(1, int(n.max()) + 1)))
    before = last - images.round().astype(np.intp)
    step = harmonic[last] - harmonic[before]
    # Of m equally sure images after k others, e of them wrong: the risks sum to E step + e / m (m - k step).
    rate = np.divide(errors, images, out=np.zeros_like(errors), where=images > 0)
    area = ((found - errors) * step + rate * (images - before * step)).sum(axis=1) / n
    right = n - total.round().astype(np.intp)
    smallest = (total - right * (harmonic[n] - harmonic[right])) / n
    draws = {"aurc": area, "excess_aurc": area - smallest}
    for percent in COVERAGES:
        kept = np.ceil(percent / 100 * n - 1e-9)
        block = np.argmax(last >= kept[:, None], axis=1)
        row = np.arange(len(n))
        inside = found[row, block] - rate[row, block] * (last[row, block] - kept)
        draws[f"risk_at_{percent}"] = inside / kept
    return {f"selective.{order}.{name}": own for name, own in draws.items()}
