"""What a bundle must know beside the weights: temperature, conformal threshold, distance to the training features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from torch import Tensor, nn

from leukolens.engine.spec import Calibration, Conformal, Novelty
from leukolens.networks.field import FieldNetwork
from leukolens.train.predict import softmax

DIMENSIONS: Final = 128
"""Principal directions of the features that are scaled one by one; the rest shares one variance."""


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int64], source: str) -> Calibration:
    """Fit the temperature that makes the validation's log loss least (Guo et al. 2017, arXiv 1706.04599).

    Parameters
    ----------
    logits
        (N, C) of pictures that were not trained on.
    labels
        (N,) class indices.
    source
        Which pictures these are, in words.

    Returns
    -------
    Calibration
        With a temperature between 0.25 and 8. A network that is right everywhere has no finite best temperature; the
        bound keeps it from claiming certainty.
    """

    def log_loss(log_temperature: float) -> float:
        probabilities = softmax(logits, float(np.exp(log_temperature)))
        return float(-np.log(np.clip(probabilities[np.arange(len(labels)), labels], 1e-12, None)).mean())

    found = minimize_scalar(log_loss, bounds=(np.log(0.25), np.log(8.0)), method="bounded")
    return Calibration(temperature=round(float(np.exp(found.x)), 6), n=len(labels), source=source)


ALPHAS: Final = (0.01, 0.05, 0.1)
"""Shares of prediction sets that may miss the truth, the wanted one first."""


def fit_conformal(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64], source: str, alphas: Sequence[float] = ALPHAS
) -> Conformal | None:
    """Find the threshold of prediction sets that hold the truth with probability 1 - alpha (Sadinle et al. 2019).

    Parameters
    ----------
    probabilities
        (N, C), calibrated, of pictures that were not trained on.
    labels
        (N,) class indices.
    source
        Which pictures these are, in words.
    alphas
        Shares of sets that may miss the truth, for pictures exchangeable with these. The first for which N pictures
        can promise anything is taken: 0.01 needs 99 of them. It must lie well below the share of wrong answers, or
        even a set of one label misses the truth less often than alpha, and no picture ever gets two.

    Returns
    -------
    Conformal or None
        None where N is too small for all of them.
    """
    scores = np.sort(1 - probabilities[np.arange(len(labels)), labels])
    n = len(scores)
    for alpha in alphas:
        rank = int(np.ceil((n + 1) * (1 - alpha) - 1e-9))  # 10 * (1 - 0.1) is a little above 9
        if rank <= n:
            return Conformal(alpha=alpha, threshold=_round_up(float(scores[rank - 1])), n=n, source=source)
    return None


def _round_up(threshold: float) -> float:
    return min(1.0, float(np.ceil(threshold * 1e6)) / 1e6)


class FeatureDistance(nn.Module):
    """Distance of pooled features to those of the training pictures.

    Each class has its mean; all share one covariance, in the form of probabilistic PCA (Tipping & Bishop 1999,
    doi 10.1111/1467-9868.00196): the first `DIMENSIONS` principal directions each with its variance, the rest with one.
    The distance is the root of the smallest Mahalanobis distance to a class, over the number of features (after Lee et
    al. 2018, arXiv 1807.03888, who use the full covariance), so that a typical training picture has about 1.
    """

    means: Tensor
    axes: Tensor
    precision: Tensor
    rest_precision: Tensor

    def __init__(self, means: Tensor, axes: Tensor, variances: Tensor, rest_variance: Tensor) -> None:
        super().__init__()
        self.register_buffer("means", means)
        self.register_buffer("axes", axes)
        self.register_buffer("precision", 1 / variances)
        self.register_buffer("rest_precision", 1 / rest_variance)

    def forward(self, features: Tensor) -> Tensor:
        """Return distances (N,) of features (N, D)."""
        centred = features[:, None, :] - self.means
        projected = centred @ self.axes
        inside = (projected.square() * self.precision).sum(-1)
        # The residual itself, not the difference of two squares, which would lose what is small in float32.
        rest = (centred - projected @ self.axes.T).square().sum(-1) * self.rest_precision
        return ((inside + rest) / features.shape[1]).amin(1).clamp_min(0).sqrt()


def fit_distance(features: NDArray[np.float32], labels: NDArray[np.int64], classes: int) -> FeatureDistance:
    """Fit the distance to training features.

    Parameters
    ----------
    features
        (N, D) pooled features of training pictures.
    labels
        (N,) class indices; every class occurs.
    classes
        Number of classes.
    """
    means = np.stack([features[labels == number].mean(0) for number in range(classes)])
    centred = (features - means[labels]).astype(np.float64)
    dimensions = min(DIMENSIONS, len(features) - classes - 1, features.shape[1] - 1)
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    variances = singular**2 / max(len(features) - classes, 1)
    rest = variances[dimensions:].sum() / (features.shape[1] - dimensions)
    floor = max(rest, 1e-9)
    return FeatureDistance(
        torch.tensor(means, dtype=torch.float32),
        torch.tensor(axes[:dimensions].T.copy(), dtype=torch.float32),
        torch.tensor(np.maximum(variances[:dimensions], floor), dtype=torch.float32),
        torch.tensor(floor, dtype=torch.float32),
    )


def fit_novelty(distances: NDArray[np.float32], varied: NDArray[np.float32], source: str) -> Novelty:
    """Say which distances are usual, and where the domain ends.

    Parameters
    ----------
    distances
        (N,) of validation pictures as they are: their percentiles turn a distance into a novelty of 0 to 1.
    varied
        (M,) of the same pictures after the changes that the network was trained to bear, or as they are if there are
        none: 98 % of these lie inside the domain.
    source
        Which pictures these are, in words.
    """
    quantiles = np.maximum.accumulate(np.quantile(distances.astype(np.float64), np.linspace(0, 1, 101)))
    limit = float(np.quantile(varied.astype(np.float64), 0.98))
    return Novelty(quantiles=tuple(np.round(quantiles, 6).tolist()), limit=round(limit, 6), source=source)


class ExportedField(nn.Module):
    """The network as it goes into a bundle: logits, class map, features, and distance to the training features."""

    def __init__(self, network: FieldNetwork, distance: FeatureDistance) -> None:
        super().__init__()
        self.network = network
        self.distance = distance

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Take (N, H, W, 3) uint8; return logits, class map, features, distance."""
        output = self.network(images)
        return output.logits, output.class_map, output.features, self.distance(output.features)
