"""What a classifier said of labelled images, checked once so that every metric may rely on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukolens.finding import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

SUM_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Predictions:
    """Labels and probabilities of N images in C classes.

    Attributes
    ----------
    labels
        (N,) int, index of the true class, 0 to C - 1.
    probabilities
        (N, C) float64, each row sums to 1.
    classes
        The C names.
    groups
        (N,) int, 0 to G - 1: images of one group (patient, slide, session) are not independent. None where every
        image stands for itself.
    """

    labels: NDArray[np.intp]
    probabilities: NDArray[np.float64]
    classes: tuple[str, ...]
    groups: NDArray[np.intp] | None

    @property
    def predicted(self) -> NDArray[np.intp]:
        """(N,) int, the class of the highest probability; the first one of a tie."""
        winners: NDArray[np.intp] = np.argmax(self.probabilities, axis=1)
        return winners

    @property
    def support(self) -> NDArray[np.intp]:
        """(C,) int, images of each class."""
        counts: NDArray[np.intp] = np.bincount(self.labels, minlength=len(self.classes)).astype(np.intp)
        return counts

    @property
    def present(self) -> NDArray[np.intp]:
        """Indices of the classes that have images; macro averages go over these."""
        return np.flatnonzero(self.support)

    def __len__(self) -> int:
        return len(self.labels)


def check_predictions(
    labels: Sequence[str] | ArrayLike,
    probabilities: ArrayLike,
    classes: Sequence[str],
    groups: Sequence[str] | ArrayLike | None = None,
) -> Predictions:
    """Check labels and probabilities, and number the groups.

    Parameters
    ----------
    labels
        (N,) names or indices of the true classes.
    probabilities
        (N, C), finite, 0 to 1, rows that sum to 1 within 0.001; the rest is divided out.
    classes
        The C names, at least two.
    groups
        (N,) any names: images of one group are not independent. Groups of one image each are the same as none.

    Returns
    -------
    Predictions

    Raises
    ------
    DataError
        Nothing to judge, shapes that do not fit, an unknown class, or numbers that are no probabilities.
    """
    names = tuple(classes)
    values = np.asarray(probabilities, dtype=np.float64)
    if len(names) < 2 or len(set(names)) != len(names):
        raise DataError("Metrics need classes", expected="at least two different names", found=str(list(names)))
    if values.ndim != 2 or values.shape[0] == 0 or values.shape[1] != len(names):
        raise DataError(
            "The probabilities have the wrong shape",
            expected=f"(N, {len(names)}) with N of at least 1",
            found=str(values.shape),
        )
    indices = _as_indices(labels, names)
    if indices.shape != (len(values),):
        raise DataError("Labels and probabilities disagree", expected=f"{len(values)} labels", found=str(indices.shape))
    return Predictions(indices, _as_probabilities(values), names, _as_groups(groups, len(values)))


def _as_indices(labels: Sequence[str] | ArrayLike, classes: tuple[str, ...]) -> NDArray[np.intp]:
    array = np.asarray(labels)
    if array.dtype.kind in "US":
        position = {name: index for index, name in enumerate(classes)}
        unknown = sorted({str(name) for name in array.tolist()} - position.keys())
        if unknown:
            raise DataError("Labels that are no class", expected=", ".join(classes), found=", ".join(unknown))
        return np.array([position[str(name)] for name in array.tolist()], dtype=np.intp)
    if array.dtype.kind not in "iu" or (array.size and (array.min() < 0 or array.max() >= len(classes))):
        raise DataError(
            "Labels must be names or indices of classes",
            expected=f"integers 0 to {len(classes) - 1}",
            found=f"{array.dtype} from {array.min()} to {array.max()}" if array.size else str(array.dtype),
        )
    return array.astype(np.intp)


def _as_probabilities(values: NDArray[np.float64]) -> NDArray[np.float64]:
    sums = values.sum(axis=1)
    wrong = ~np.isfinite(values).all(axis=1) | (values < 0).any(axis=1) | ~(np.abs(sums - 1) <= SUM_TOLERANCE)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise DataError(
            f"Row {row} of the probabilities is no distribution",
            expected="finite numbers from 0 to 1 that sum to 1",
            found=str(values[row].tolist()),
        )
    normalised: NDArray[np.float64] = values / sums[:, None]
    return normalised


def _as_groups(groups: Sequence[str] | ArrayLike | None, n: int) -> NDArray[np.intp] | None:
    if groups is None:
        return None
    _, numbers = np.unique(np.asarray(groups), return_inverse=True)
    if numbers.shape != (n,):
        raise DataError("Groups and probabilities disagree", expected=f"{n} groups", found=str(numbers.shape))
    return None if numbers.max() + 1 == n else numbers.astype(np.intp)
