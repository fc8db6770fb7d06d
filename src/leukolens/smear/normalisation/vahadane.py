"""Vahadane's normalisation: density as a product of two dyes and their amounts, none negative, most amounts small.

After Vahadane et al. [1]_: ``min 1/2 |V - W H|^2 + lambda |H|_1`` with W, H >= 0 and dyes of unit length. Departures:
it is solved by hierarchical alternating least squares [2]_, one dye at a time, on an even sample of the stained pixels,
from a fixed start, where the paper uses the SPAMS library; the amounts that are scaled are then those of least squares,
as in Macenko's method, and their 99th percentile is that of the stained pixels; the background is measured in each
picture. torchstain has no such method: the tests compare with scikit-learn's dictionary learning.

References
----------
.. [1] Vahadane et al. 2016, Structure-preserving color normalization and sparse stain separation for histological
   images, IEEE Trans Med Imaging 35:1962-1971, doi 10.1109/TMI.2016.2529665.
.. [2] Cichocki & Phan 2009, Fast local algorithms for large scale nonnegative matrix and tensor factorizations, IEICE
   Trans Fundamentals E92-A:708-721, doi 10.1587/transfun.E92.A.708.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from pydantic import Field

from leukolens.smear.normalisation.density import azure_first, evenly, fit_stain, restain, stain_of
from leukolens.smear.normalisation.settings import StainReference, StainSettings
from leukolens.smear.staining import AZURE, EOSIN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]
    Floats = NDArray[np.float64]

ROUNDS: Final = 500
_PIXELS: Final = 4_000
_STILL: Final = 1e-6  # change of the vectors in a round that ends


class Vahadane(StainSettings):
    """Settings of Vahadane's normalisation.

    Attributes
    ----------
    sparsity
        lambda, in units of natural optical density: how much an amount costs.
    """

    kind: Literal["vahadane"] = "vahadane"
    sparsity: float = Field(default=0.1, ge=0.0, le=10.0)


def fit(pictures: Iterable[Picture], step: Vahadane) -> StainReference:
    """Measure the stain of pictures (H, W, 3) uint8; see `fit_stain` for what it raises."""
    return fit_stain(pictures, step, partial(find_vectors, sparsity=step.sparsity))


def transform(rgb: Picture, step: Vahadane) -> Picture:
    """Bring a picture (H, W, 3) uint8 to the reference; see `restain`."""
    return restain(rgb, step, partial(find_vectors, sparsity=step.sparsity), step.kind)


def tells_dyes(rgb: Picture, step: Vahadane) -> bool:
    """Tell whether two dyes can be told apart in a picture (H, W, 3) uint8; see `restain` for what else happens."""
    return stain_of(rgb, step, partial(find_vectors, sparsity=step.sparsity)) is not None


def find_vectors(stained: Floats, sparsity: float = 0.1) -> Floats:
    """Find the two dyes.

    Parameters
    ----------
    stained
        (N, 3) natural optical densities; negative ones count as 0.
    sparsity
        lambda.

    Returns
    -------
    ndarray
        (3, 2) unit vectors without negative numbers, azure first.
    """
    pixels = np.maximum(evenly(stained, _PIXELS), 0.0).T
    dyes = np.array([AZURE, EOSIN]).T
    dyes = dyes / np.linalg.norm(dyes, axis=0)
    amounts = np.maximum(np.linalg.pinv(dyes) @ pixels, 0.0)
    for _ in range(ROUNDS):
        before = dyes.copy()
        for dye in (0, 1):
            other = 1 - dye
            rest = pixels - np.outer(dyes[:, other], amounts[other])
            amounts[dye] = np.maximum(dyes[:, dye] @ rest - sparsity, 0.0)
            # The best vector of unit length for these amounts; one that nothing uses stays.
            pull = np.maximum(rest @ amounts[dye], 0.0)
            length = float(np.linalg.norm(pull))
            dyes[:, dye] = pull / length if length > 0 else dyes[:, dye]
        if np.abs(dyes - before).max() < _STILL:
            break
    return azure_first(dyes)
