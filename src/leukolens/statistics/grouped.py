"""Images in groups (patients, slides, sittings) that err together: how much less they tell than independent ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

HALF: Final = 0.5
"""Units that the worst case counts as, where the units with an error are counted out, see `shrink`."""


def group_count(groups: NDArray[np.intp] | None) -> int | None:
    """Return the number of different groups, None for none."""
    return None if groups is None else len(np.unique(groups))


def group_sums(values: NDArray[np.float64], groups: NDArray[np.intp] | None) -> NDArray[np.float64]:
    """Add up `values` (N,) or (N, K) over each group; without groups they are returned as they are."""
    if groups is None:
        return values
    numbers = np.unique(groups, return_inverse=True)[1]
    if values.ndim == 1:
        return np.bincount(numbers, weights=values).astype(np.float64)
    return np.stack([np.bincount(numbers, weights=column) for column in values.T], axis=1)


def kish(groups: NDArray[np.intp] | None) -> float:
    """Return the design effect of images that are alike within their group (Kish 1965): sum of squares over sum."""
    if groups is None or len(groups) == 0:
        return 1.0
    sizes = np.unique(groups, return_counts=True)[1].astype(np.float64)
    return float((sizes**2).sum() / sizes.sum())


def shrink(measured: float, largest: float, informative: float, imagined: float = 1.0) -> float:
    """Pull a measured factor of variance towards the largest possible one, as strongly as some more units would.

    With few errors the variance between groups is itself hardly known and mostly too small: a single wrong image says
    nothing about whether its neighbours would be wrong too. `informative` units speak for the measurement, `imagined`
    ones, wholly alike within, for the worst case; on the scale of logarithms.
    """
    if measured <= 0 or informative <= 0:
        return largest
    known = informative * np.log(measured) + imagined * np.log(largest)
    return float(np.exp(known / (informative + imagined)))


def strata_of_units(labels: NDArray[np.intp], groups: NDArray[np.intp] | None) -> NDArray[np.intp]:
    """Return the stratum of each unit of resampling: an image, or a group of images.

    Parameters
    ----------
    labels
        (N,) int, class of each image.
    groups
        (N,) int or None.

    Returns
    -------
    ndarray
        (U,) int. A unit's stratum is the class of most of its images. A stratum of one unit would never vary; such
        units share one stratum, and if only one is left it joins the largest.
    """
    if groups is None:
        strata = labels.copy()
    else:
        counts = group_sums(np.eye(int(labels.max()) + 1)[labels], groups)
        strata = np.argmax(counts, axis=1)
    names, sizes = np.unique(strata, return_counts=True)
    single = np.isin(strata, names[sizes == 1])
    if single.sum() == 1 and len(names) > 1:
        strata[single] = names[np.argmax(sizes)]
    else:
        strata[single] = -1
    return strata


@dataclass(frozen=True)
class Spread:
    """How well a figure is known, from what each image adds to it.

    Attributes
    ----------
    variance
        Of the figure, by the delta method.
    certainty
        Degrees of freedom that the variance itself has: as many as there are units, images or groups, where their sums
        are normal; twice the number of those that hold the errors, where these are few. 0 where nothing varies.
    degrees
        Of freedom for Student's t; None without groups.
    """

    variance: float
    certainty: float
    degrees: float | None

    @property
    def informative(self) -> float:
        """Units that speak for the variance, see `shrink`: of k equal errors among many right units, k."""
        return self.certainty / 2


def spread(
    pulls: NDArray[np.float64], groups: NDArray[np.intp] | None = None, labels: NDArray[np.intp] | None = None
) -> Spread:
    """Return the variance of a figure, and how far that itself can be trusted.

    Parameters
    ----------
    pulls
        (N,) float: by how much each image pulls the figure from its value; they sum to 0. Images that the figure does
        not count have 0, and belong in here: that their group has none of the counted is part of how groups differ.
    groups
        (N,) int or None.
    labels
        (N,) int, class of each image. Groups vary about the mean of those of their class, as a data set has so many
        patients of each class by design; None: about 0.

    Returns
    -------
    Spread

    Notes
    -----
    Variance V over groups within strata, with the correction G / (G - 1) of each. A sum of squares d^2 has by
    Satterthwaite (1946, doi 10.2307/3002019) 2 V^2 / Var(V) degrees of freedom; here Var(V) comes from the groups
    themselves, the sum of d^4 less V^2 / G. Where a few patients hold the errors, that is far less than the number of
    groups less one that is usual for clusters; with those, a correlation of 0.5 left 90 %.
    """
    sums = group_sums(pulls, groups)
    counted = int(np.count_nonzero(sums))
    if groups is None:
        return Spread(float((sums**2).sum()), _certainty(sums, counted), None)
    strata = np.zeros(len(sums), np.intp) if labels is None else strata_of_units(labels, groups)
    deviations = _within(sums, strata)
    certainty = _certainty(deviations, counted)
    degrees = min(max(1.0, counted - 1.0), certainty) if certainty > 0 else max(1.0, len(sums) - 1.0)
    return Spread(float((deviations**2).sum()), certainty, max(1.0, degrees))


def _within(sums: NDArray[np.float64], strata: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return (U,) each sum less the mean of its stratum, scaled so that the squares add up to the variance."""
    _, own, sizes = np.unique(strata, return_inverse=True, return_counts=True)
    means = np.bincount(own, weights=sums) / sizes
    scale = np.where(sizes > 1, sizes / np.maximum(sizes - 1, 1), 1.0)
    centred = np.where(sizes[own] > 1, sums - means[own], sums)
    deviations: NDArray[np.float64] = centred * np.sqrt(scale[own])
    return deviations


def _certainty(deviations: NDArray[np.float64], counted: int) -> float:
    squares = deviations**2
    total, fourth = float(squares.sum()), float((squares**2).sum())
    if fourth <= 0 or total <= 0:
        return 0.0
    return min(float(counted), 2 / max(fourth / total**2 - 1 / counted, 1e-12))


def design_effect(
    hits: NDArray[np.float64],
    counted: NDArray[np.bool_],
    groups: NDArray[np.intp] | None,
    labels: NDArray[np.intp] | None = None,
) -> tuple[float, float | None]:
    """Return by how much groups raise the variance of a mean over some of the images, and the degrees of freedom.

    Parameters
    ----------
    hits
        (N,) float, one number an image.
    counted
        (N,) bool, the images that the mean is over; at least one.
    groups, labels
        As in `spread`.

    Returns
    -------
    tuple
        The factor: 1 without groups; otherwise the variance of the ratio estimator over that of independent images, at
        least 1, shrunk towards `kish` by half a group (see `shrink`); only groups that depart from the common value
        are informative. Degrees of freedom for Student's t, None without groups.
    """
    if groups is None:
        return 1.0, None
    own = groups[counted]
    alike, units = kish(own), len(np.unique(own))
    pulls = np.where(counted, hits - hits[counted].mean(), 0.0)
    independent = float((pulls**2).sum())
    if independent <= 0 or units < 2:
        return alike, max(1.0, units - 1.0)
    found = spread(pulls, groups, labels)
    measured = max(1.0, found.variance / independent)
    typical = np.median(hits[counted])
    informative = int(np.count_nonzero(group_sums((hits[counted] != typical).astype(np.float64), own)))
    degrees = min(units - 1.0, found.degrees or 1.0)
    return shrink(measured, max(measured, alike), informative, HALF), max(1.0, degrees)
