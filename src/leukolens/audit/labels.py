"""Likely label errors: labels that contradict what a classifier learned from the other pictures.

The classifier is a logistic regression on the features of `leukolens.audit.features`. Each picture is judged by one
that learned from the other folds only, and all pictures of a group (copies, captures of one field, a patient) are in
one fold, so that copies do not vouch for each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.audit.confident import Chance, Confidence, expected_by_chance, learn_confidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FOLDS: Final = 5
LEAST_PICTURES: Final = 20
LEAST_GROUPS: Final = FOLDS
_STRENGTH: Final = 1.0  # inverse of the penalty


@dataclass(frozen=True, eq=False)
class Judgement:
    """What the classifier says of the labels.

    Attributes
    ----------
    classes
        Names of the classes that were compared, in the order of the columns.
    left_out
        Classes with too few pictures or groups to be learned.
    indices
        (m,) numbers of the pictures that were judged, those of `classes`.
    labels
        (m,) int: their labels among `classes`.
    probabilities
        (m, k): by the classifier that did not learn from the picture's group.
    confidence, chance
        From `leukolens.audit.confident`.
    """

    classes: tuple[str, ...]
    left_out: tuple[str, ...]
    indices: NDArray[np.intp]
    labels: NDArray[np.intp]
    probabilities: NDArray[np.float64]
    confidence: Confidence
    chance: Chance

    @property
    def accuracy(self) -> float:
        """Share of the labels that the classifier calls right, 0 to 1."""
        return float((self.probabilities.argmax(axis=1) == self.labels).mean())


def judge_labels(
    features: NDArray[np.float32], labels: Sequence[str], classes: Sequence[str], groups: Sequence[int], seed: int
) -> Judgement | str:
    """Judge every label by pictures of other groups.

    Parameters
    ----------
    features
        (n, d).
    labels
        Of the n pictures.
    classes
        All labels, in order.
    groups
        (n,) number of the group that must not be divided.
    seed
        Of the division into folds.

    Returns
    -------
    Judgement or str
        Where it cannot be done, a sentence that says why and what would be needed.
    """
    named, grouped = np.asarray(labels, object), np.asarray(groups)
    kept = [name for name in classes if _enough(grouped[named == name])]
    left_out = tuple(name for name in classes if name not in kept and (named == name).any())
    if len(kept) < 2:
        return _reason(named, grouped, classes)
    indices = np.flatnonzero(np.isin(named, kept))
    numbers = np.array([kept.index(name) for name in named[indices]], np.intp)
    probabilities = held_out_probabilities(features[indices], numbers, grouped[indices], seed)
    confidence = learn_confidence(probabilities, numbers)
    chance = expected_by_chance(probabilities, numbers, confidence)
    return Judgement(tuple(kept), left_out, indices, numbers, probabilities, confidence, chance)


def held_out_probabilities(
    features: NDArray[np.float32], labels: NDArray[np.intp], groups: NDArray[np.intp], seed: int
) -> NDArray[np.float64]:
    """Return for each picture the probabilities (n, k) of a classifier that learned from other folds.

    Parameters
    ----------
    features, labels, groups
        (n, d), (n,) from 0 to k - 1, (n,).
    seed
        Of the division into folds.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    found = np.zeros((len(labels), int(labels.max()) + 1))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    for train, test in folds.split(features, labels, groups):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=_STRENGTH, max_iter=2000))
        model.fit(features[train], labels[train])
        found[np.ix_(test, model.classes_)] = model.predict_proba(features[test])
    return found


def _enough(groups: NDArray[np.intp]) -> bool:
    return len(groups) >= LEAST_PICTURES and len(np.unique(groups)) >= LEAST_GROUPS


def _reason(named: NDArray[np.object_], groups: NDArray[np.intp], classes: Sequence[str]) -> str:
    counts = {name: (int((named == name).sum()), len(np.unique(groups[named == name]))) for name in classes}
    told = ", ".join(f"{name}: {pictures} in {own}" for name, (pictures, own) in counts.items())
    needed = f"at least two classes with {LEAST_PICTURES} pictures in {LEAST_GROUPS} groups each are needed"
    if len(counts) < 2:
        return f"All pictures have the same label, so none can be told to be wrong: {needed}."
    return f"Too few pictures to learn the classes from: {needed}, and there are {told}."
