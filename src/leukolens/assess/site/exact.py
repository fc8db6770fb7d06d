"""How many cases are needed before the exact interval of their share can show anything.

A laboratory decides by one end of an interval, so it wants one that is never too narrow:
`leukolens.statistics.intervals.clopper_pearson`.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from leukolens.statistics.intervals import LEVEL

MOST_CASES: Final = 5000
"""Beyond this number of cases nothing is searched for."""


def least_hits(n: int, bound: float, level: float = LEVEL) -> int | None:
    """Return the smallest number of hits among `n` cases whose lower limit reaches `bound`; None where none does."""
    needed = int(_least_hits(np.array([n]), bound, level)[0])
    return needed if needed <= n else None


def cases_needed(bound: float, errors: int = 0, level: float = LEVEL) -> int | None:
    """Return the smallest number of cases that show `bound` with that many errors; None beyond `MOST_CASES`."""
    n = np.arange(errors + 1, MOST_CASES + 1)
    enough = np.flatnonzero(_least_hits(n, bound, level) <= n - errors)
    return int(n[enough[0]]) if len(enough) else None


def chance_to_show(n: int, bound: float, true_share: float, level: float = LEVEL) -> float:
    """Return the probability that `n` cases will show `bound` where the share is really `true_share` (the power)."""
    return float(_chances(np.array([n]), bound, true_share, level)[0])


def cases_for_chance(bound: float, true_share: float, chance: float = 0.8, level: float = LEVEL) -> int | None:
    """Return the number of cases from which on the power never falls below `chance` again; None beyond `MOST_CASES`.

    The power of an exact test goes up and down as cases are added (Chernick and Liu 2002, doi
    10.1198/000313002317572835); a number that only just reaches it would be a bad plan.
    """
    if true_share <= bound:
        return None
    n = np.arange(1, MOST_CASES + 1)
    short = np.flatnonzero(_chances(n, bound, true_share, level) < chance)
    first = int(short[-1]) + 2 if len(short) else 1
    return first if first <= MOST_CASES else None


def _least_hits(n: np.ndarray, bound: float, level: float) -> np.ndarray:
    """Hits whose lower limit reaches `bound`: those that a share of `bound` gives at most (1 - level) / 2 of the time.

    A number beyond n means that not even n hits of n do.
    """
    from scipy.stats import binom

    if bound <= 0:
        return np.zeros(len(n), dtype=int)
    if bound >= 1:
        return n + 1
    tail = (1 - level) / 2 * (1 + 1e-12)  # a tie counts as reached, whichever way it was rounded
    return np.asarray(binom.isf(tail, n, bound), dtype=int) + 1


def _chances(n: np.ndarray, bound: float, true_share: float, level: float) -> np.ndarray:
    from scipy.stats import binom

    return np.asarray(binom.sf(_least_hits(n, bound, level) - 1, n, true_share), dtype=float)
