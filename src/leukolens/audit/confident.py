"""Confident learning: which labels a classifier that never saw them is sure to be wrong, and how many by chance.

After Northcutt, Jiang & Chuang 2021 [1]_. The threshold of a class is the mean probability that the pictures labelled
with it are given for it. A picture counts where it reaches the threshold of some class; the most probable of these is
what it shows, by the classifier, and a label that differs is likely an error. The calibrated counts of label against
what is shown estimate the joint distribution, and from it the number of wrong labels.

What the paper does not have is how many are to be expected where every label is right and classes merely overlap
(`expected_by_chance`).

References
----------
.. [1] Confident learning: estimating uncertainty in dataset labels, JAIR 70:1373-1411, doi 10.1613/jair.1.12125.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Indices = NDArray[np.intp]

_EXPONENTS: Final = np.exp(np.linspace(-1.5, 1.5, 61))
_PRIOR: Final = 0.2  # standard deviation of the logarithm of the exponent, before looking
_TINY: Final = 1e-12


@dataclass(frozen=True, eq=False)
class Confidence:
    """What confident learning says of a set of labels.

    Attributes
    ----------
    shown
        (n,) class that each picture is sure to show; its label where it is sure of none.
    thresholds
        (k,) probability from which a class counts as sure; not a number where no picture has the label.
    margin
        (n,) probability of the label minus that of the most probable other class, -1 to 1.
    joint
        (k, k) estimated number of pictures by label (rows) and what they show (columns).
    """

    shown: Indices
    thresholds: Floats
    margin: Floats
    joint: Floats

    def flagged(self, labels: Indices) -> Indices:
        """Return the pictures whose label is likely wrong, the surest first."""
        wrong = np.flatnonzero(self.shown != labels)
        return wrong[np.argsort(self.margin[wrong], kind="stable")]

    @property
    def errors(self) -> float:
        """The estimated number of wrong labels."""
        return float(self.joint.sum() - np.trace(self.joint))


@dataclass(frozen=True)
class Chance:
    """How many labels would be doubted if none were wrong.

    Attributes
    ----------
    expected, low, high
        Mean and 95 % range of the number.
    exponent
        To which the probabilities were raised (posterior mean), so that the classes overlap as they do where nothing is
        sure; above 1 the classifier was too modest there.
    """

    expected: float
    low: float
    high: float
    exponent: float


def learn_confidence(probabilities: Floats, labels: Indices) -> Confidence:
    """Compare labels with the probabilities of a classifier that did not learn from them.

    Parameters
    ----------
    probabilities
        (n, k), rows sum to 1.
    labels
        (n,) int, 0 to k - 1.

    Returns
    -------
    Confidence
    """
    rows, classes = np.arange(len(labels)), probabilities.shape[1]
    thresholds = np.array(
        [probabilities[labels == one, one].mean() if (labels == one).any() else np.nan for one in range(classes)]
    )
    sure = _sure_classes(probabilities, thresholds)
    shown = np.where(sure < 0, labels, sure)
    others = probabilities.copy()
    others[rows, labels] = -1.0
    margin = probabilities[rows, labels] - others.max(axis=1)
    return Confidence(shown, thresholds, margin, _joint(sure, labels, classes))


def _sure_classes(probabilities: Floats, thresholds: Floats) -> Indices:
    """Return the most probable class that reaches its threshold, or -1."""
    reached = probabilities >= np.where(np.isnan(thresholds), np.inf, thresholds) - 1e-6
    best = np.where(reached, probabilities, -1.0).argmax(axis=1)
    return np.where(reached.any(axis=1), best, -1)


def _joint(sure: Indices, labels: Indices, classes: int) -> Floats:
    """Count label against what is shown, scaled so that each row sums to the number of its labels (equation 3)."""
    counted = sure >= 0
    counts = np.zeros((classes, classes))
    np.add.at(counts, (labels[counted], sure[counted]), 1.0)
    of_label = np.bincount(labels, minlength=classes).astype(np.float64)
    sums = counts.sum(axis=1)
    empty = sums == 0
    counts[empty, empty] = 1.0  # nobody is sure of any: taken as they are labelled
    return counts / np.where(empty, 1.0, sums)[:, None] * of_label[:, None]


def expected_by_chance(probabilities: Floats, labels: Indices, found: Confidence) -> Chance:
    """Estimate how many labels would be flagged if all were right and the classes overlap.

    Were each label drawn from the classifier's own probabilities, none would be wrong, and a share of the labels would
    still differ from the class that is sure. These probabilities must fit the overlap and not the errors: they are
    raised to one exponent that is chosen on the pictures where no class is sure, which cannot be flagged, and carried
    over to those that can. Where hardly any are unsure, the exponent stays near 1 by a lognormal prior. Where many
    labels are wrong, some pass for overlap, and too many are expected: the estimate is rather too high than too low.

    Parameters
    ----------
    probabilities, labels
        As for `learn_confidence`.
    found
        What it returned.

    Returns
    -------
    Chance
        The range holds the spread of independent draws and the doubt about the exponent, by their normal limit, with a
        Poisson's width upwards at the least.
    """
    sure = _sure_classes(probabilities, found.thresholds)
    weights = _exponent_weights(probabilities[sure < 0], labels[sure < 0])
    means, variances = np.zeros(len(_EXPONENTS)), np.zeros(len(_EXPONENTS))
    for place, exponent in enumerate(_EXPONENTS):
        raised = _raised(probabilities[sure >= 0], float(exponent))
        missed = 1.0 - raised[np.arange(len(raised)), sure[sure >= 0]]
        means[place], variances[place] = missed.sum(), (missed * (1.0 - missed)).sum()
    expected = float(weights @ means)
    spread = 1.96 * float(np.sqrt(weights @ (variances + (means - expected) ** 2)))
    high = expected + max(spread, 1.96 * expected**0.5)
    return Chance(expected, max(0.0, expected - spread), high, float(weights @ _EXPONENTS))


def _exponent_weights(probabilities: Floats, labels: Indices) -> Floats:
    """Return the posterior probability of each of `_EXPONENTS`, from labels (m,) of which none is sure."""
    rows = np.arange(len(labels))
    scores = np.array(
        [
            np.log(np.maximum(_raised(probabilities, float(exponent))[rows, labels], _TINY)).sum()
            - 0.5 * (np.log(exponent) / _PRIOR) ** 2
            for exponent in _EXPONENTS
        ]
    )
    weights = np.exp(scores - scores.max())
    return np.asarray(weights / weights.sum())


def _raised(probabilities: Floats, exponent: float) -> Floats:
    raised = np.maximum(probabilities, _TINY) ** exponent
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))
