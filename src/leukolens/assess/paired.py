"""Two networks on the same images: is the one better, and by how much."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.finding import DataError
from leukolens.statistics.grouped import group_count, group_sums
from leukolens.statistics.intervals import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from leukolens.assess.predictions import Predictions

TESTS: Final = {
    "mcnemar": "McNemar's exact test with the mid-p value (Fagerland, Lydersen and Laake 2013), over images",
    "sign-flip": (
        "exact permutation test, mid-p: the two networks change places in whole groups (patients, duplicates); "
        "with groups of one image it is McNemar's"
    ),
}
"""What the word in `PairedTest.method` means."""


@dataclass(frozen=True)
class PairedTest:
    """Whether two networks are right equally often on the same images.

    Attributes
    ----------
    first_only, second_only
        Images that only the one of them has right.
    p
        Two-sided, 0 to 1, not adjusted for further tests.
    method
        A key of `TESTS`.
    """

    first_only: int
    second_only: int
    p: float
    method: str


def check_same_images(first: Predictions, second: Predictions) -> None:
    """Check that two networks were asked the same.

    Raises
    ------
    DataError
        Other classes, other labels, or another number of images.
    """
    if first.classes != second.classes or not np.array_equal(first.labels, second.labels):
        raise DataError(
            "A paired test needs the same images twice",
            expected=f"{len(first)} images of {', '.join(first.classes)} with the same labels",
            found=f"{len(second)} images of {', '.join(second.classes)}",
        )


def gains(first: Predictions, second: Predictions) -> NDArray[np.float64]:
    """Return (N,) 1 where only the first is right, -1 where only the second is, 0 elsewhere."""
    check_same_images(first, second)
    hits = [(one.predicted == one.labels).astype(np.float64) for one in (first, second)]
    difference: NDArray[np.float64] = hits[0] - hits[1]
    return difference


def paired_test(first: Predictions, second: Predictions) -> PairedTest:
    """Test whether two networks are right equally often.

    Parameters
    ----------
    first, second
        The same images in the same order; the groups are those of `first`.

    Returns
    -------
    PairedTest

    Raises
    ------
    DataError
        Not the same images.

    Notes
    -----
    Without groups, each image that only one of the two has right is as likely to be either's: the exact conditional
    McNemar test. Its mid-p value, which counts the outcome itself half, holds its level on average and is less timid
    than the exact one (Fagerland et al. 2013, doi 10.1186/1471-2288-13-91). Images of one group do not err
    independently, and McNemar's p is then too small; there the two networks are exchanged in whole groups, and all 2^G
    exchanges are counted.
    """
    gained = gains(first, second)
    sums = group_sums(gained, first.groups)
    method = "mcnemar" if first.groups is None else "sign-flip"
    counts = [int(np.count_nonzero(gained == sign)) for sign in (1, -1)]
    return PairedTest(counts[0], counts[1], flip_p_value(np.rint(sums).astype(np.int64)), method)


def flip_p_value(differences: NDArray[np.int64]) -> float:
    """Return the two-sided mid-p value of a sum whose terms are as likely with the other sign.

    Parameters
    ----------
    differences
        (U,) int, one number a unit.

    Returns
    -------
    float
        Chance of a sum farther from 0 than this one, and half that of one as far; 1 for a sum of 0. Exact: the
        distribution over all 2^U choices of signs is convolved term by term.
    """
    steps = np.abs(differences[differences != 0])
    total = abs(int(differences.sum()))
    if total == 0:
        return 1.0
    reach = int(steps.sum())
    chances = np.zeros(2 * reach + 1)  # of the sums from -reach to reach
    chances[reach] = 1.0
    for step in steps.tolist():
        moved = np.zeros_like(chances)
        moved[step:] += chances[:-step] / 2
        moved[:-step] += chances[step:] / 2
        chances = moved
    beyond = chances[reach + total + 1 :].sum()
    return float(min(1.0, 2 * beyond + chances[reach + total]))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p values for their number, so that all of them together err as seldom as one would (Holm 1979).

    Parameters
    ----------
    p_values
        M numbers, 0 to 1.

    Returns
    -------
    list of float
        In the same order; valid whatever the tests have to do with each other.
    """
    values = np.asarray(p_values, np.float64)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(stepped, 1.0)
    return [float(value) for value in adjusted]


def difference_of(
    first: Estimate, second: Estimate, related: float, *, groups: NDArray[np.intp] | None = None
) -> Estimate:
    """Return `first` minus `second` with a square-and-add interval.

    Parameters
    ----------
    first, second
        A figure of two networks on the same images.
    related
        Correlation of their errors, -1 to 1, from the paired bootstrap; 0 where that knows nothing is cautious.
    groups
        As in `Predictions`.

    Returns
    -------
    Estimate
        Method "paired-mover"; without a value where one of the two has none.

    Notes
    -----
    MOVER (Zou and Donner 2008, doi 10.1002/sim.3095). The bootstrap's own quantiles collapse where both networks are
    right nearly everywhere; the intervals of the two figures do not, and only the correlation is taken from the
    bootstrap.
    """
    count = group_count(groups)
    if first.value is None or second.value is None:
        return Estimate(None, -1.0, 1.0, "paired-mover", first.n, count, first.note or second.note)
    value = first.value - second.value
    ends = [
        _root_of(first.value - first.low, second.high - second.value, related),
        _root_of(first.high - first.value, second.value - second.low, related),
    ]
    return Estimate(value, max(-1.0, value - ends[0]), min(1.0, value + ends[1]), "paired-mover", first.n, count)


def _root_of(own: float, other: float, related: float) -> float:
    return math.sqrt(max(0.0, own**2 + other**2 - 2 * related * own * other))
