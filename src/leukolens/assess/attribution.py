"""How much of a score comes from the cells: a game of two players, the cells and their background.

The value v of a set of players is the balanced accuracy where only these are shown: v(both) on the pictures as they
are, v(cells) where each picture's background is exchanged for that of another one drawn from all classes alike,
v(background) where the cells are removed, and v(nothing) = 1 / C, what guessing one of C classes gives. The Shapley
value [1]_ of the cells is

    phi(cells) = 1/2 [v(both) - v(background)] + 1/2 [v(cells) - v(nothing)],

and the two values add up to v(both) - v(nothing), so that the cells' share of the score is

    share = 1/2 + 1/2 [v(cells) - v(background)] / [v(both) - v(nothing)].

It is 1 where the cells alone give the whole score and the background alone gives chance, 0 the other way round, and 1/2
where each alone gives as much as the other, whether that is all or nothing. Outside 0 to 1, one player misleads.

References
----------
.. [1] Shapley 1953, A value for n-person games, Contributions to the Theory of Games II, 307-317.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.assess.bootstrap import REPLICATES, SEED, bca_limits, resample
from leukolens.assess.differences import paired_difference_by_class
from leukolens.finding import DataError
from leukolens.statistics.grouped import group_count, strata_of_units
from leukolens.statistics.intervals import LEVEL, Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

METHOD: Final = "attribution-bootstrap"
METHOD_NOTE: Final = (
    "expanded BCa bootstrap (Efron 1987, Hesterberg 2015), stratified by class, over groups where there are any; never "
    "narrower than the paired interval of cells alone minus background alone, at the score as it is"
)
LEAST_SCORE: Final = 0.05
"""Balanced accuracy above chance below which there is nothing to share out."""


@dataclass(frozen=True)
class Attribution:
    """What each player is worth.

    Attributes
    ----------
    share
        Of the score above chance that comes from the cells; may lie outside 0 to 1.
    both, cells, background, nothing
        Balanced accuracy with these shown, 0 to 1.
    phi_cells, phi_background
        Shapley values: balanced accuracy, adding up to `both` - `nothing`.
    """

    share: Estimate
    both: float
    cells: float
    background: float
    nothing: float
    phi_cells: float
    phi_background: float


def attribute(
    labels: NDArray[np.intp],
    credit: dict[str, Floats],
    groups: NDArray[np.intp] | None = None,
    *,
    level: float = LEVEL,
    replicates: int = REPLICATES,
    seed: int = SEED,
) -> Attribution:
    """Share the score out between the cells and the background.

    Parameters
    ----------
    labels
        (N,) int, class of each image.
    credit
        For "both", "cells" and "background" (N,) float: 1 where the answer is right, 0 where it is wrong, and 1 / C
        where the model says that it sees no white cells, which is worth as much as guessing.
    groups
        (N,) int or None; whole groups are resampled.
    level, replicates, seed
        Of the interval.

    Returns
    -------
    Attribution
        `share` has no value where the pictures as they are give less than `LEAST_SCORE` above chance.

    Raises
    ------
    DataError
        Fewer than two classes.
    """
    present = np.unique(labels)
    if len(present) < 2:
        raise DataError("A score cannot be shared out", expected="images of two classes or more", found="one class")
    nothing = 1.0 / len(present)
    hits = np.stack([credit["both"], credit["cells"], credit["background"]], axis=1)
    inside = (labels[:, None] == present).astype(np.float64)
    both, cells, background = (float(value) for value in _balanced(np.ones((1, len(labels))), hits, inside)[0])
    share = _share(labels, hits, inside, groups, level, replicates, seed)
    return Attribution(
        share,
        both,
        cells,
        background,
        nothing,
        0.5 * ((both - background) + (cells - nothing)),
        0.5 * ((both - cells) + (background - nothing)),
    )


def _share(
    labels: NDArray[np.intp],
    hits: Floats,
    inside: Floats,
    groups: NDArray[np.intp] | None,
    level: float,
    replicates: int,
    seed: int,
) -> Estimate:
    n, count, nothing = len(labels), group_count(groups), 1.0 / inside.shape[1]
    values = _balanced(np.ones((1, n)), hits, inside)
    if values[0, 0] - nothing < LEAST_SCORE:
        return Estimate(None, 0.0, 1.0, METHOD, n, count, "the pictures as they are give hardly more than chance")
    value = float(_ratio(values, nothing)[0])
    unit = np.arange(n) if groups is None else np.unique(groups, return_inverse=True)[1]
    strata = strata_of_units(labels, None if groups is None else unit)
    drawn = [_balanced(weights[:, unit], hits, inside) for weights in resample(strata, replicates, seed)]
    draws = _ratio(np.concatenate(drawn), nothing)
    draws = draws[np.isfinite(draws)]
    apart = paired_difference_by_class(hits[:, 1] - hits[:, 2], labels, groups, level)
    scale = 0.5 / (values[0, 0] - nothing)
    low, high = 0.5 + scale * apart.low, 0.5 + scale * apart.high
    units = len(strata)
    if units > 2 and np.ptp(draws) > 1e-9:
        left_out = _ratio(_balanced(1.0 - np.eye(units)[:, unit], hits, inside), nothing)
        if np.isfinite(left_out).all() and np.ptp(left_out) > 1e-12:
            below, above = bca_limits(value, draws, left_out, level)
            low, high = min(low, below), max(high, above)
    return Estimate(value, min(low, value), max(high, value), METHOD, n, count)


def _balanced(weights: Floats, hits: Floats, inside: Floats) -> Floats:
    """Return the balanced accuracy (B, K) of K sets of hits (N, K), images counting `weights` (B, N) times."""
    with np.errstate(invalid="ignore", divide="ignore"):
        recalls = [(weights * own) @ hits / (weights @ own)[:, None] for own in inside.T]
    return np.asarray(np.mean(recalls, axis=0), np.float64)


def _ratio(values: Floats, nothing: float) -> Floats:
    """Return the cells' share (B,) of balanced accuracies (B, 3): both, cells, background."""
    return np.asarray(0.5 + 0.5 * (values[:, 1] - values[:, 2]) / np.maximum(values[:, 0] - nothing, 1e-6))
