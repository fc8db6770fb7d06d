"""Images in clusters whose true figures are known, for simulations of what intervals promise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import special

from leukolens.assess.predictions import Predictions, check_predictions

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLASSES: Final = ("Benign", "Early Pre-B", "Pre-B", "Pro-B")
OVERSURE: Final = 1.25
"""The logits of a network that knows its skill are multiplied by this: it is too sure of itself by a few points."""


@dataclass(frozen=True)
class Setting:
    """One kind of data set and network.

    Attributes
    ----------
    clusters
        Number of clusters (patients, slides, sittings), a quarter of them of each class.
    sizes
        Images of a cluster: least and most, all numbers between are as likely.
    accuracy
        Share of right images in the long run, 0 to 1.
    alike
        Intraclass correlation of being right, 0 to 1.
    """

    clusters: int
    sizes: tuple[int, int]
    accuracy: float
    alike: float

    @property
    def name(self) -> str:
        """A line for tables."""
        low, high = self.sizes
        images = f"{low}" if low == high else f"{low} to {high}"
        return f"{self.clusters} clusters of {images}, accuracy {self.accuracy:g}, correlation {self.alike:g}"


def draw(setting: Setting, seed: int, clusters: int | None = None) -> Predictions:
    """Draw a data set and what a network says of it.

    Parameters
    ----------
    setting
        What kind.
    seed
        Of the generator.
    clusters
        Another number of clusters, for the truth of a very large sample.

    Returns
    -------
    Predictions
        Logits are normal with variance 1, of which clusters share a part, plus the skill on the true class.
    """
    rng = np.random.default_rng(seed)
    count = clusters or setting.clusters
    sizes = rng.integers(setting.sizes[0], setting.sizes[1] + 1, count)
    numbers = np.repeat(np.arange(count), sizes)
    labels = (np.arange(count) % len(CLASSES))[numbers]
    shared_part = shared_variance(setting.accuracy, setting.alike)
    own = rng.standard_normal((len(numbers), len(CLASSES)))
    shared = rng.standard_normal((count, len(CLASSES)))[numbers]
    logits = np.sqrt(shared_part) * shared + np.sqrt(1 - shared_part) * own
    height = skill(setting.accuracy)
    logits[np.arange(len(numbers)), labels] += height
    return check_predictions(labels, special.softmax(OVERSURE * height * logits, axis=1), CLASSES, numbers)


@cache
def skill(accuracy: float) -> float:
    """Return how much higher the true class's logit must be for this accuracy."""
    points = np.linspace(-9, 16, 4001)

    def share(height: float) -> float:
        density = np.exp(-((points - height) ** 2) / 2) / np.sqrt(2 * np.pi)
        return float(np.trapezoid(density * special.ndtr(points) ** (len(CLASSES) - 1), points))

    return _bisect(share, accuracy, 0.0, 8.0)


@cache
def shared_variance(accuracy: float, alike: float) -> float:
    """Return which part of the logits' variance clusters must share for this correlation of being right."""
    rng = np.random.default_rng(4)
    shared, first, second = rng.standard_normal((3, 400_000, len(CLASSES)))
    height = skill(accuracy) * np.eye(len(CLASSES))[0]

    def correlation(part: float) -> float:
        one, other = (
            _right(np.sqrt(part) * shared + np.sqrt(1 - part) * own + height).astype(float) for own in (first, second)
        )
        return float(np.corrcoef(one, other)[0, 1])

    return _bisect(correlation, alike, 0.0, 0.999, steps=14)


def _right(logits: NDArray[np.float64]) -> NDArray[np.bool_]:
    right: NDArray[np.bool_] = np.argmax(logits, axis=1) == 0
    return right


def _bisect(rising: object, wanted: float, low: float, high: float, steps: int = 40) -> float:
    assert callable(rising)
    for _ in range(steps):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < wanted else (low, middle)
    return (low + high) / 2
