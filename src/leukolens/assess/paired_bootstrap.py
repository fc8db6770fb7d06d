"""The figures of a network on resampled images; two networks meet the same resamples, which pairs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.assess.bootstrap import SEED, resample
from leukolens.assess.calibration import binned_gaps
from leukolens.assess.ranking import weighted_auc
from leukolens.statistics.grouped import strata_of_units

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukolens.assess.predictions import Predictions

FIGURES: Final = ("balanced_accuracy", "f1", "auc", "ece")
REPLICATES: Final = 1000
"""Resamples; a correlation needs fewer than quantiles do."""

Draws = dict[str, "NDArray[np.float64]"]


def figure_draws(predictions: Predictions, replicates: int = REPLICATES, seed: int = SEED) -> Draws:
    """Compute the figures on resampled images.

    Parameters
    ----------
    predictions
        What was said; whole groups are resampled, stratified by class.
    replicates, seed
        Of the bootstrap. The same seed on the same images in the same order gives the same resamples.

    Returns
    -------
    dict
        For each name in `FIGURES` (B,) float64; NaN where a resample lacks a class.
    """
    units = len(predictions) if predictions.groups is None else int(predictions.groups.max()) + 1
    unit = np.arange(units) if predictions.groups is None else predictions.groups
    strata = strata_of_units(predictions.labels, predictions.groups)
    parts = [_figures(predictions, counts[:, unit]) for counts in resample(strata, replicates, seed)]
    return {name: np.concatenate([part[name] for part in parts]) for name in FIGURES}


def _figures(predictions: Predictions, weights: NDArray[np.float64]) -> Draws:
    """Return each figure (B,) of images that count `weights` (B, N) times."""
    classes = np.eye(len(predictions.classes))
    true, called = classes[predictions.labels], classes[predictions.predicted]
    present = predictions.present
    hits, support, calls = (weights @ table[:, present] for table in (true * called, true, called))
    with np.errstate(invalid="ignore"):
        recall = (hits / support).mean(axis=1)
        f1 = (2 * hits / (support + calls)).mean(axis=1)
    areas = [
        weighted_auc(predictions.labels == index, predictions.probabilities[:, index], weights) for index in present
    ]
    errors = np.abs(weights @ binned_gaps(predictions)).sum(axis=1) / weights.sum(axis=1)
    return {"balanced_accuracy": recall, "f1": f1, "auc": np.mean(areas, axis=0), "ece": errors}


def draws_related(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return the correlation of two figures over the same resamples; 0 where one of them never changes."""
    both = np.isfinite(first) & np.isfinite(second)
    one, other = first[both], second[both]
    if len(one) < 2 or np.ptp(one) < 1e-12 or np.ptp(other) < 1e-12:
        return 0.0
    return float(np.clip(np.corrcoef(one, other)[0, 1], -1.0, 1.0))
