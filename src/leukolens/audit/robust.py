"""How far values stand out of their kind, measured so that those which do cannot hide themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXTREME: Final = 3.5
"""Robust z score beyond which a value stands out (Iglewicz & Hoaglin 1993, How to detect and handle outliers)."""
BY_CHANCE: Final = 2.3263e-4
"""Share of normally distributed values above `EXTREME`, on one side."""

_NORMAL: Final = 1.4826  # median absolute deviation to standard deviation of a normal distribution
_AT_LEAST: Final = 1 / 3  # of the ordinary standard deviation
_LEAST: Final = 5  # values from which a spread is read


def robust_z(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance of each value from the median in robust standard deviations.

    Parameters
    ----------
    values
        (n,).

    Returns
    -------
    ndarray
        (n,): a standard deviation is 1.4826 times the median absolute deviation, but a third of the ordinary one at
        the least, without which values that are nearly always the same would stand out at the slightest change. 0 where
        all are equal or fewer than 5.
    """
    if len(values) < _LEAST:
        return np.zeros(len(values))
    away = values - np.median(values)
    spread = max(_NORMAL * float(np.median(np.abs(away))), float(values.std()) * _AT_LEAST)
    return away / spread if spread > 0.0 else np.zeros(len(values))
