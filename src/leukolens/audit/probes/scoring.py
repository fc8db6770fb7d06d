"""One probe under one scheme of folds: its score, the interval of it, and what labels dealt anew would give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.audit.probes.dealing import Dealing, drawn_labels
from leukolens.audit.probes.discriminant import CrossValidation, balanced_accuracies
from leukolens.statistics.shares import balanced_accuracy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

LEVEL: Final = 0.95
MEMORY_DRAWS: Final = 39


@dataclass(frozen=True, eq=False)
class Scheme:
    """Folds, and everything about labels that all probes share.

    Attributes
    ----------
    dealing
        The folds.
    labels
        (N,) int, 0 to C - 1.
    classes
        C.
    groups
        (N,) int or None: what the interval takes for alike.
    drawn
        (B, N) int, labels under the null.
    whole_groups
        (D, N) int, for random folds: labels of whole groups dealt anew over all of them; None without groups.
    """

    dealing: Dealing
    labels: Ints
    classes: int
    groups: Ints | None
    drawn: Ints
    whole_groups: Ints | None = None


@dataclass(frozen=True, eq=False)
class Score:
    """What one probe reaches.

    Attributes
    ----------
    value, low, high
        Balanced accuracy over all images, each tested once, with its interval.
    null
        (B,) the same where labels were dealt anew.
    memory
        Mean of the same where the labels of whole groups were dealt anew but folds are random; None elsewhere.
    predicted
        (N,) int.
    """

    value: float
    low: float
    high: float
    null: Floats
    memory: float | None
    predicted: Ints

    @property
    def p(self) -> float:
        """Share of the drawings, the data's own among them, that reach the value (Phipson and Smyth 2010)."""
        return (1 + int(np.count_nonzero(self.null >= self.value - 1e-12))) / (1 + len(self.null))

    @property
    def null_high(self) -> float:
        """The upper quantile of the null at `LEVEL`, an order statistic: one of its values."""
        return float(np.quantile(self.null, LEVEL, method="higher"))

    @property
    def gives_away(self) -> bool:
        """Whether the whole interval lies above what dealing labels anew gives at most."""
        return self.low > self.null_high


def make_scheme(
    dealing: Dealing, labels: Ints, groups: Ints | None, permutations: int, seed: int, *, memory: Dealing | None = None
) -> Scheme:
    """Draw the labels of the null, the same for every probe."""
    whole = None
    if memory is not None:
        anywhere = Dealing(memory.unit, memory.labels, np.zeros_like(memory.folds))
        whole = drawn_labels(anywhere, MEMORY_DRAWS, seed + 1)
    drawn = drawn_labels(dealing, permutations, seed)
    return Scheme(dealing, labels, int(labels.max()) + 1, groups, drawn, whole)


def score(basis: Floats, scheme: Scheme) -> Score:
    """Score one probe.

    Parameters
    ----------
    basis
        (N, M) from `embed`.
    scheme
        Folds and labels.
    """
    folds = CrossValidation(basis, scheme.dealing.image_folds)
    predicted = folds.predict(scheme.labels[None], scheme.classes)[0]
    null = balanced_accuracies(scheme.drawn, folds.predict(scheme.drawn, scheme.classes), scheme.classes)
    memory = None
    if scheme.whole_groups is not None:
        whole = folds.predict(scheme.whole_groups, scheme.classes)
        memory = float(balanced_accuracies(scheme.whole_groups, whole, scheme.classes).mean())
    value, low, high = _estimate(predicted, scheme, LEVEL)
    return Score(value, low, high, null, memory, predicted)


def _estimate(predicted: Ints, scheme: Scheme, level: float) -> tuple[float, float, float]:
    """Return the balanced accuracy and its interval, over groups where there are any.

    The folds share most of their training images, so that an interval which takes the classifiers as given is too
    narrow for what such a probe reaches. It is widened by the factor of Nadeau and Bengio 2003 (doi
    10.1023/A:1024068626366), 1.5 for five folds; the tests tell what it holds with that and without.
    """
    told = balanced_accuracy(scheme.labels, predicted, scheme.groups, level)
    value, folds = told.value or 0.0, scheme.dealing.count
    wider = float(np.sqrt(1.0 + folds / (folds - 1)))
    return value, max(0.0, value - wider * (value - told.low)), min(1.0, value + wider * (told.high - value))


def worst_of(scores: Sequence[Score], scheme: Scheme) -> Score:
    """Return the highest of several scores, honest about having been chosen.

    The null is that of the highest, over the same drawings (Westfall and Young 1993), and the interval is that of the
    chosen one at a level with the error divided by the number of scores (Bonferroni).
    """
    best = max(scores, key=lambda one: one.value)
    level = 1.0 - (1.0 - LEVEL) / len(scores)
    value, low, high = _estimate(best.predicted, scheme, level)
    null = np.max([one.null for one in scores], axis=0)
    memory = None if best.memory is None else max(one.memory or 0.0 for one in scores)
    return Score(value, low, high, null, memory, best.predicted)
