"""The level that parts a histogram in two: Otsu 1979, doi 10.1109/TSMC.1979.4310076."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def otsu_level(counts: NDArray[Any]) -> int:
    """Return the last level of the lower one of the two classes that part a histogram best.

    Parameters
    ----------
    counts
        (n,) number of values at each level, whole or float.

    Returns
    -------
    int
        0 to n - 1: where the variance between the classes is greatest; 0 where all lie at one level.
    """
    below = np.cumsum(counts, dtype=np.float64)
    moment = np.cumsum(counts * np.arange(counts.size), dtype=np.float64)
    product = below * (below[-1] - below)
    between = np.square(moment[-1] * below - moment * below[-1])
    variance = np.divide(between, product, out=np.zeros_like(between), where=product > 0)
    return int(variance.argmax())
