"""A threshold for leukaemia that was fixed before the evaluated images were looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.assess.predictions import check_predictions
from leukolens.assess.scores import leukaemia_scores
from leukolens.finding import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from leukolens.assess.past import PastEvaluation

KEPT: Final = 0.99
"""Sensitivity to keep where none is asked for."""
_ROUNDED: Final = 2e-6
"""What six decimals a class, in predictions.csv, can take from a probability of leukaemia."""


@dataclass(frozen=True)
class ThresholdSource:
    """Where a threshold comes from.

    Attributes
    ----------
    rule
        In words.
    evaluation, sha256
        Folder of the evaluation that it was chosen on, and SHA-256 of its ``metrics.json``; None where it was stated.
    split
        The kind of split, fold and side of that evaluation.
    images, positives
        What it rests on.
    sensitivity, specificity
        Of those images at this threshold; they say nothing of others.
    """

    rule: str
    evaluation: str | None = None
    sha256: str | None = None
    split: str | None = None
    images: int | None = None
    positives: int | None = None
    sensitivity: float | None = None
    specificity: float | None = None


STATED: Final = ThresholdSource("stated before the images were judged")


def check_threshold(threshold: float) -> float:
    """Return a threshold that can be one.

    Raises
    ------
    UsageError
        It is not above 0 and at most 1.
    """
    if not 0 < threshold <= 1:
        raise UsageError(
            "That is no threshold",
            expected="a probability of leukaemia above 0 and at most 1, such as --threshold 0.5",
            found=f"{threshold:g}",
        )
    return threshold


def choose_threshold(positive: NDArray[np.bool_], p_all: NDArray[np.float64], sensitivity: float = KEPT) -> float:
    """Return the highest threshold that keeps a sensitivity.

    Parameters
    ----------
    positive
        (N,) bool, whether the image is of leukaemia; at least one is.
    p_all
        (N,) float, probability of leukaemia, with six decimals.
    sensitivity
        Share of the positive images that must reach the threshold, above 0 and at most 1.

    Returns
    -------
    float
        A few millionths below the probability of the last image that must reach it, so that rounding loses none.
    """
    ranked = np.sort(p_all[positive])[::-1]
    needed = int(np.ceil(sensitivity * len(ranked) - 1e-9))
    return float(max(ranked[max(needed, 1) - 1] - _ROUNDED, _ROUNDED))


def threshold_from(
    past: PastEvaluation,
    sensitivity: float,
    *,
    bundle_sha256: str,
    negative_classes: Sequence[str],
    images: Collection[str],
) -> tuple[float, ThresholdSource]:
    """Choose a threshold on an evaluation of other images by the same model.

    Parameters
    ----------
    past
        Usually of the validation side.
    sensitivity
        To be kept there.
    bundle_sha256
        Of the model that is evaluated.
    negative_classes
        Classes that mean no leukaemia.
    images
        SHA-256 of the images that are to be evaluated.

    Returns
    -------
    tuple
        The threshold, and where it comes from.

    Raises
    ------
    UsageError
        `sensitivity` is no share, or no class means no leukaemia.
    DataError
        Another model, the same images, a test side, or no image of leukaemia among them.
    """
    if not 0 < sensitivity <= 1:
        raise UsageError("That is no sensitivity", expected="--keep-sensitivity above 0 and at most 1")
    if not negative_classes:
        raise UsageError("A threshold needs classes that mean no leukaemia", todo="name them with --negative")
    _check_apart(past, bundle_sha256, images)
    probabilities = np.array([row.probabilities for row in past.rows])
    known = check_predictions([row.label for row in past.rows], probabilities, past.classes)
    positive, p_all = leukaemia_scores(known, negative_classes)
    if not positive.any():
        raise DataError(
            f"The evaluation {past.name!r} cannot choose a threshold",
            expected="images of leukaemia, whose sensitivity is to be kept",
            found=f"{len(past.rows)} images, none of leukaemia",
        )
    threshold = choose_threshold(positive, p_all, sensitivity)
    called = p_all >= threshold
    source = ThresholdSource(
        rule=f"the highest that keeps a sensitivity of {sensitivity:g} on the evaluation {past.name!r}",
        evaluation=past.name,
        sha256=past.sha256,
        split=past.split,
        images=len(past.rows),
        positives=int(positive.sum()),
        sensitivity=float(called[positive].mean()),
        specificity=None if positive.all() else float((~called[~positive]).mean()),
    )
    return threshold, source


def _check_apart(past: PastEvaluation, bundle_sha256: str, images: Collection[str]) -> None:
    if past.bundle_sha256 != bundle_sha256:
        raise DataError(
            f"The threshold's evaluation {past.name!r} is of another model",
            expected=f"a bundle with SHA-256 {bundle_sha256[:12]}...",
            found=f"{past.bundle}, {past.bundle_sha256[:12]}...",
            todo="evaluate this model on its validation side first",
        )
    shared = {row.sha256 for row in past.rows} & set(images)
    if shared:
        raise DataError(
            "A threshold must not be chosen on the images that it is judged by",
            expected="an evaluation of other images, such as those of --side validation",
            found=f"{len(shared)} of the {len(set(images))} images in the evaluation {past.name!r} too",
        )
    if past.side == "test":
        raise DataError(
            "A threshold must not be chosen on a test side",
            expected="an evaluation of --side validation",
            found=f"{past.split} in {past.name!r}",
        )
