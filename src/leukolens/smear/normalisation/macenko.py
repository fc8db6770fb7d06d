"""Macenko's normalisation: the two dyes are the outermost directions in the plane that holds most of the density.

After Macenko et al. [1]_. Departures: the background is measured in each picture instead of taken as white; a pixel
counts as stained by its mean density (see `StainSettings`); the 99th percentile of the amounts is that of the stained
pixels, since a field may be nearly empty; which dye is which is settled by the reference's vectors. With
``ground=(239, 239, 239), stained="every"`` and no empty background it is what torchstain computes.

On Taleqani fields the two directions are not azure and eosin: the one is the violet of chromatin, the other a grey that
absorbs red, green and blue about alike, as haemoglobin and thick cytoplasm do.

References
----------
.. [1] Macenko et al. 2009, A method for normalizing histology slides for quantitative analysis, ISBI, 1107-1110,
   doi 10.1109/ISBI.2009.5193250.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from leukolens.smear.normalisation.density import azure_first, fit_stain, restain, stain_of
from leukolens.smear.normalisation.settings import StainReference, StainSettings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]
    Floats = NDArray[np.float64]


class Macenko(StainSettings):
    """Settings of Macenko's normalisation.

    Attributes
    ----------
    alpha
        Percentile of the angles, and 100 less it, at which the two vectors lie.
    """

    kind: Literal["macenko"] = "macenko"
    alpha: float = Field(default=1.0, ge=0.0, lt=50.0)


def fit(pictures: Iterable[Picture], step: Macenko) -> StainReference:
    """Measure the stain of pictures (H, W, 3) uint8; see `fit_stain` for what it raises."""
    return fit_stain(pictures, step, partial(find_vectors, alpha=step.alpha))


def transform(rgb: Picture, step: Macenko) -> Picture:
    """Bring a picture (H, W, 3) uint8 to the reference; see `restain`."""
    return restain(rgb, step, partial(find_vectors, alpha=step.alpha), step.kind)


def tells_dyes(rgb: Picture, step: Macenko) -> bool:
    """Tell whether two dyes can be told apart in a picture (H, W, 3) uint8; see `restain` for what else happens."""
    return stain_of(rgb, step, partial(find_vectors, alpha=step.alpha)) is not None


def find_vectors(stained: Floats, alpha: float = 1.0) -> Floats:
    """Find the two dyes.

    Parameters
    ----------
    stained
        (N, 3) natural optical densities.
    alpha
        Percentile of the angles.

    Returns
    -------
    ndarray
        (3, 2) unit vectors, azure first.
    """
    _, axes = np.linalg.eigh(np.cov(stained.T))
    plane = axes[:, [2, 1]]
    # Eigenvectors have no sign of their own: the first points into the light that is taken away.
    plane = plane * np.where(plane.sum(axis=0) < 0, -1.0, 1.0)
    angles = np.arctan2(stained @ plane[:, 1], stained @ plane[:, 0])
    ends = np.percentile(angles, [alpha, 100.0 - alpha])
    return azure_first(plane @ np.stack([np.cos(ends), np.sin(ends)]))
