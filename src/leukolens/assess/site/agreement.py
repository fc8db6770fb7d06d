"""Coefficients of agreement between readers, each for many weightings of the cases at once.

A weighting is a row of `counts`: how often each case counts. All ones gives the coefficient itself, ones with a zero
the jackknife, and the draws of a bootstrap its replicates; so that one implementation serves all three.

All coefficients are (a - e) / (1 - e): agreement observed, a, against that expected by chance, e, both 0 to 1.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Weighting = Literal["none", "linear", "quadratic"]
MISSING = -1
"""Stands for a reader who gave no answer to a case."""


class Agreement(NamedTuple):
    """Agreement observed and expected by chance, (B,) each. `coefficient` is NaN where chance alone agrees always."""

    observed: NDArray[np.float64]
    expected: NDArray[np.float64]

    @property
    def coefficient(self) -> NDArray[np.float64]:
        """The coefficient: 1 full agreement, 0 that of chance, negative below."""
        room = 1 - self.expected
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(room > 1e-12, (self.observed - self.expected) / room, np.nan)


def agreement_weights(categories: int, weighting: Weighting = "none") -> NDArray[np.float64]:
    """Return how far each pair of answers agrees, (K, K), 1 on the diagonal.

    Parameters
    ----------
    categories
        Number of answers K, in their order.
    weighting
        "none": 0 off the diagonal; "linear" (Cicchetti and Allison 1971) or "quadratic" (Fleiss and Cohen 1973): less
        the farther apart two answers lie.
    """
    if weighting == "none" or categories < 2:
        return np.eye(categories)
    apart = np.abs(np.subtract.outer(np.arange(categories), np.arange(categories))) / (categories - 1)
    return np.asarray(1 - apart ** (1 if weighting == "linear" else 2), dtype=np.float64)


def pair_table(first: NDArray[np.intp], second: NDArray[np.intp], categories: int) -> NDArray[np.float64]:
    """Return how often each pair of answers was given, (K, K), the first reader's by row; a case counts if both did."""
    both = (first != MISSING) & (second != MISSING)
    table = np.zeros((categories, categories))
    np.add.at(table, (first[both], second[both]), 1)
    return table


def cohen(
    first: NDArray[np.intp], second: NDArray[np.intp], weights: NDArray[np.float64], counts: NDArray[np.float64]
) -> Agreement:
    """Return Cohen's kappa of two readers (1960), weighted (1968) by `weights`.

    Parameters
    ----------
    first, second
        (N,) int, number of the answer; both given for every case.
    weights
        (K, K), from `agreement_weights`.
    counts
        (B, N) float, how often each case counts.

    References
    ----------
    Cohen 1960, doi 10.1177/001316446002000104; Cohen 1968, doi 10.1037/h0026256.
    """
    categories = len(weights)
    one, two = np.eye(categories)[first], np.eye(categories)[second]
    total = counts.sum(axis=1)
    observed = counts @ weights[first, second] / total
    margins_one, margins_two = counts @ one / total[:, None], counts @ two / total[:, None]
    expected = np.einsum("bk,kl,bl->b", margins_one, weights, margins_two)
    return Agreement(observed, expected)


def cohen_error(table: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Return the asymptotic standard error of Cohen's kappa, weighted or not; NaN where kappa is not defined.

    Parameters
    ----------
    table
        (K, K) counts, from `pair_table`.
    weights
        (K, K), from `agreement_weights`.

    References
    ----------
    Fleiss, Cohen and Everitt 1969, doi 10.1037/h0028106.
    """
    n = table.sum()
    if n == 0:
        return float("nan")
    shares = table / n
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    observed, expected = float((weights * shares).sum()), float(rows @ weights @ columns)
    if 1 - expected <= 1e-12:
        return float("nan")
    kappa = (observed - expected) / (1 - expected)
    typical = np.add.outer(weights @ columns, weights.T @ rows)
    inner = float((shares * (weights - typical * (1 - kappa)) ** 2).sum())
    variance = (inner - (kappa - expected * (1 - kappa)) ** 2) / (n * (1 - expected) ** 2)
    return float(np.sqrt(max(variance, 0.0)))


def answer_counts(answers: NDArray[np.intp], categories: int) -> NDArray[np.float64]:
    """Return how many readers gave each answer to each case, (N, K), from answers (N, R)."""
    return np.stack([(answers == category).sum(axis=1) for category in range(categories)], axis=1).astype(np.float64)


def fleiss(ratings: NDArray[np.float64], counts: NDArray[np.float64]) -> Agreement:
    """Return Fleiss' kappa of R readers who all answered every case.

    Parameters
    ----------
    ratings
        (N, K) float, from `answer_counts`; every row sums to R, at least 2.
    counts
        (B, N) float, how often each case counts.

    References
    ----------
    Fleiss 1971, doi 10.1037/h0031619.
    """
    readers = ratings.sum(axis=1)
    pairs = (ratings * (ratings - 1)).sum(axis=1) / (readers * (readers - 1))
    total = counts.sum(axis=1)
    shares = counts @ (ratings / readers[:, None]) / total[:, None]
    return Agreement(counts @ pairs / total, (shares**2).sum(axis=1))


def fleiss_error(ratings: NDArray[np.float64]) -> float:
    """Return the asymptotic standard error of Fleiss' kappa with respect to the choice of cases.

    Fleiss' own (1979) holds only where readers agree by chance alone. This is Gwet's, by linearisation (2021,
    doi 10.1177/0013164420973080), without correction for a finite population.
    """
    n = len(ratings)
    readers = ratings.sum(axis=1)
    shares = (ratings / readers[:, None]).mean(axis=0)
    expected = float((shares**2).sum())
    if n < 2 or 1 - expected <= 1e-12:
        return float("nan")
    pairs = (ratings * (ratings - 1)).sum(axis=1) / (readers * (readers - 1))
    own = (pairs - expected) / (1 - expected)
    kappa = own.mean()
    chance = (ratings / readers[:, None]) @ shares
    influence = own - 2 * (1 - kappa) * (chance - expected) / (1 - expected)
    return float(np.sqrt(((influence - kappa) ** 2).sum() / (n * (n - 1))))


def krippendorff(
    ratings: NDArray[np.float64], counts: NDArray[np.float64], metric: Literal["nominal", "ordinal"] = "nominal"
) -> Agreement:
    """Return Krippendorff's alpha, for any number of readers and answers that may be missing.

    Parameters
    ----------
    ratings
        (N, K) float, from `answer_counts`. Cases with fewer than two answers count for nothing.
    counts
        (B, N) float, how often each case counts.
    metric
        "nominal": answers agree or not; "ordinal": the more answers lie between two, the worse they disagree.

    Returns
    -------
    Agreement
        Disagreements are put on a scale of 0 to 1 by the largest possible one, so that alpha is (a - e) / (1 - e).

    References
    ----------
    Krippendorff 2019, Content Analysis, 4th ed., doi 10.4135/9781071878781, chapter 12.
    """
    paired = np.where(ratings.sum(axis=1, keepdims=True) > 1, ratings, 0.0)
    answers = np.maximum(paired.sum(axis=1) - 1, 1.0)
    categories = ratings.shape[1]
    own = np.einsum("nk,nl->nkl", paired, paired) - np.einsum("nk,kl->nkl", paired, np.eye(categories))
    pairs = (counts @ (own / answers[:, None, None]).reshape(len(ratings), -1)).reshape(-1, categories, categories)
    margins = pairs.sum(axis=2)
    total = margins.sum(axis=1)
    apart = _distances(margins, metric)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = apart / np.maximum(apart.max(axis=(1, 2)), 1e-300)[:, None, None]
        found = (pairs * apart).sum(axis=(1, 2)) / total
        chance = np.einsum("bk,bl,bkl->b", margins, margins, apart) / (total * (total - 1))
    return Agreement(1 - found, 1 - chance)


def _distances(margins: NDArray[np.float64], metric: Literal["nominal", "ordinal"]) -> NDArray[np.float64]:
    """Squared distances of any two answers, (B, K, K): by how many answers lie between them, for "ordinal"."""
    categories = margins.shape[1]
    if metric == "nominal":
        return np.broadcast_to(1 - np.eye(categories), (len(margins), categories, categories)).copy()
    middle = np.cumsum(margins, axis=1) - margins / 2
    return np.asarray((middle[:, :, None] - middle[:, None, :]) ** 2, dtype=np.float64)
