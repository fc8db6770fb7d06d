"""Patients instead of images: one answer for each, by a rule that was fixed beforehand, with exact intervals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.assess.areas import auc_estimate
from leukolens.finding import DataError
from leukolens.statistics.intervals import LEVEL, Estimate, clopper_pearson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

RULE: Final = "a patient counts as leukaemia where the mean over the images of the probability of leukaemia reaches it"
FIGURES: Final = ("accuracy", "sensitivity", "specificity", "auc")
_NAMED: Final = 5


@dataclass(frozen=True)
class PatientLevel:
    """What was said of the patients.

    Attributes
    ----------
    names
        The P patients, sorted.
    images
        (P,) int, images of each.
    positive
        (P,) bool, whether the patient's images are of leukaemia.
    p_all
        (P,) float, mean of the images' probability of leukaemia.
    threshold
        From which on a patient counts as leukaemia.
    left_out
        Images without a patient.
    figures
        By the names in `FIGURES`.
    """

    names: tuple[str, ...]
    images: NDArray[np.intp]
    positive: NDArray[np.bool_]
    p_all: NDArray[np.float64]
    threshold: float
    left_out: int
    figures: dict[str, Estimate]


def check_patients(patients: Sequence[str | None], positive: Sequence[bool] | NDArray[np.bool_]) -> None:
    """Check that all images of a patient say the same: leukaemia, or none.

    Parameters
    ----------
    patients
        (N,) patient of each image, None where none is known.
    positive
        (N,) bool, whether the image is labelled as leukaemia.

    Raises
    ------
    DataError
        A patient has images of both.
    """
    sides: dict[str, set[bool]] = {}
    for name, own in zip(patients, positive, strict=True):
        if name is not None:
            sides.setdefault(name, set()).add(bool(own))
    torn = sorted(name for name, own in sides.items() if len(own) > 1)
    if torn:
        named = ", ".join(repr(name) for name in torn[:_NAMED]) + (" and more" if len(torn) > _NAMED else "")
        raise DataError(
            "A patient has images with leukaemia and images without",
            expected="one truth for each patient, to give figures over patients",
            found=f"{len(torn)} of {len(sides)} patients with both: {named}",
            todo="mend the labels, name samples instead of patients in that column where the truth changed between two "
            "of them, or leave the patient level out (--no-patient-level)",
        )


def patient_level(
    patients: Sequence[str | None],
    positive: NDArray[np.bool_],
    p_all: NDArray[np.float64],
    *,
    threshold: float,
    level: float = LEVEL,
) -> PatientLevel | None:
    """Decide for each patient, and count how often that is right.

    Parameters
    ----------
    patients
        (N,) patient of each image, None where none is known: such images are left out and counted.
    positive
        (N,) bool, whether the image is of leukaemia.
    p_all
        (N,) float, its probability of leukaemia, 0 to 1.
    threshold
        Fixed beforehand, see `RULE`.
    level
        Coverage of the intervals.

    Returns
    -------
    PatientLevel or None
        None where no patient is known.

    Raises
    ------
    DataError
        See `check_patients`.
    """
    check_patients(patients, positive)
    known = np.array([name is not None for name in patients])
    if not known.any():
        return None
    names, own = np.unique([str(name) for name in patients if name is not None], return_inverse=True)
    images = np.bincount(own)
    mean = np.bincount(own, weights=p_all[known]) / images
    sick = np.bincount(own, weights=positive[known]) > 0
    called = mean >= threshold
    figures = {
        "accuracy": exact_share(called == sick, level),
        "sensitivity": exact_share(called[sick], level),
        "specificity": exact_share(~called[~sick], level),
        "auc": auc_estimate(sick, mean, None, level),
    }
    left_out = int(np.count_nonzero(~known))
    return PatientLevel(
        tuple(str(name) for name in names), images.astype(np.intp), sick, mean, threshold, left_out, figures
    )


def exact_share(hits: NDArray[np.bool_], level: float = LEVEL) -> Estimate:
    """Return the share of hits with its exact interval (Clopper and Pearson 1934, doi 10.1093/biomet/26.4.404).

    Parameters
    ----------
    hits
        (N,) bool. N of 0 gives no value and the interval 0 to 1.
    level
        Coverage of the interval: at least that, and mostly more, as patients can only be counted whole.

    Returns
    -------
    Estimate
    """
    found = clopper_pearson(int(np.count_nonzero(hits)), len(hits), level)
    return found if len(hits) else replace(found, note="no patient to count")
