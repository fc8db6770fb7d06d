"""Two dyes in optical density: their amounts in each pixel, their strengths, and a picture stained anew.

What Macenko and Vahadane share; they differ in how they find the two vectors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import cv2
import numpy as np

from leukolens.finding import ImageError
from leukolens.smear.normalisation.settings import StainReference, are_two_dyes, not_fitted
from leukolens.smear.pixels import check_pixels
from leukolens.smear.staining import AZURE, background_colour

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from leukolens.smear.normalisation.settings import StainSettings

    Picture = NDArray[np.uint8]
    Floats = NDArray[np.float64]
    FindVectors = Callable[[Floats], Floats]

Scalar = TypeVar("Scalar", bound=np.generic)

ENOUGH: Final = 50
"""Fewer stained pixels than this tell nothing of a stain."""
_SAMPLE: Final = 20_000  # stained pixels that a fit takes of all pictures together
_STRENGTH: Final = 99.0  # percentile


def fit_stain(pictures: Iterable[Picture], step: StainSettings, find: FindVectors) -> StainReference:
    """Measure the stain of several pictures together.

    Parameters
    ----------
    pictures
        (H, W, 3) uint8 each. An even sample of the stained pixels of each is taken, 20,000 of all together: a picture
        with more of them than its part counts as much as any other, one with fewer counts less, by what it has, and
        one with under `ENOUGH` says nothing.
    step
        Settings.
    find
        From densities (N, 3) to unit vectors (3, 2).

    Returns
    -------
    StainReference

    Raises
    ------
    ImageError
        In none of them two dyes can be told apart, or one is no array of that form.
    """
    grounds, densities = [], []
    for rgb in pictures:
        check_pixels(rgb, "normalised")
        ground = ground_of(rgb, step)
        stained = keep_stained(optical_density(rgb, ground), step)
        if len(stained) >= ENOUGH:
            grounds.append(ground)
            densities.append(stained)
    share = max(ENOUGH, _SAMPLE // max(1, len(densities)))
    together = np.concatenate([evenly(one, share) for one in densities]) if densities else np.empty((0, 3))
    measured = measure(together, np.median(grounds, axis=0) if grounds else np.full(3, 255.0), find)
    if measured is None:
        raise ImageError(
            "No stain can be measured",
            expected="pictures in which two dyes can be told apart",
            found=f"{len(together)} stained pixels",
            todo="fit on stained smears in colour, of one laboratory",
        )
    return measured


def restain(rgb: Picture, step: StainSettings, find: FindVectors, kind: str) -> Picture:
    """Bring a picture to the stain and the background of the reference.

    Amounts of the picture's own dyes (least squares, as in [1]_) are scaled so that their 99th percentiles are those of
    the reference, and mixed anew with its vectors. What lies outside the plane of the two dyes is dropped or kept, as
    `step.residual` says.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB.
    step
        Settings with a reference.
    find
        From densities (N, 3) to unit vectors (3, 2).
    kind
        Name of the step, for the error.

    Returns
    -------
    ndarray
        (H, W, 3) uint8, a new picture. Where two dyes cannot be told apart (an empty field, a grey picture), only
        its background is brought to the reference's.

    Raises
    ------
    ImageError
        `rgb` is not a picture of that form.
    UsageError
        The step has no reference.

    References
    ----------
    .. [1] Macenko et al. 2009, A method for normalizing histology slides for quantitative analysis, ISBI, 1107-1110.
    """
    if step.reference is None:
        raise not_fitted(kind)
    check_pixels(rgb, "normalised")
    target = step.reference
    ground = ground_of(rgb, step)
    density = optical_density(rgb, ground)
    own = measure(keep_stained(density, step), ground, find)
    if own is not None:
        density = density @ _turn(own, target, keep=step.residual == "keep").T
    light = (np.asarray(target.ground) + 1.0) * np.exp(-density) - 1.0
    return np.asarray(np.clip(light + 0.5, 0.0, 255.0), np.uint8).reshape(rgb.shape)


def stain_of(rgb: Picture, step: StainSettings, find: FindVectors) -> StainReference | None:
    """Return the stain of one picture (H, W, 3) uint8, or None where two dyes cannot be told apart in it."""
    ground = ground_of(rgb, step)
    return measure(keep_stained(optical_density(rgb, ground), step), ground, find)


def _turn(own: StainReference, target: StainReference, *, keep: bool) -> Floats:
    """Return the matrix (3, 3) from densities of one stain to those of another."""
    mine, theirs = np.array(own.vectors).T, np.array(target.vectors).T
    strengths = np.array(own.strengths)
    # Which dye is which is settled by the reference: two that take equally much red away would change places at random.
    if (mine * theirs).sum() < (mine[:, ::-1] * theirs).sum():
        mine, strengths = mine[:, ::-1], strengths[::-1]
    unmix = np.linalg.pinv(mine)
    turn: Floats = theirs @ np.diag(target.strengths / strengths) @ unmix
    return turn + np.eye(3) - mine @ unmix if keep else turn


def measure(stained: Floats, ground: Floats, find: FindVectors) -> StainReference | None:
    """Return the stain of densities (N, 3), or None where two dyes cannot be told apart in them."""
    if len(stained) < ENOUGH:
        return None
    vectors = find(stained)
    if not are_two_dyes(vectors):
        return None
    amounts = np.percentile(stained @ np.linalg.pinv(vectors).T, _STRENGTH, axis=0)
    if amounts.min() <= 1e-3:
        return None
    first, second = (tuple(map(float, vectors[:, dye])) for dye in (0, 1))
    return StainReference(
        vectors=(first, second),  # three numbers each
        strengths=(float(amounts[0]), float(amounts[1])),
        ground=tuple(map(float, ground)),
    )


def ground_of(rgb: Picture, step: StainSettings) -> Floats:
    """Return the brightness (3,) of the empty background, as set or as measured."""
    return np.asarray(background_colour(rgb) if step.ground is None else step.ground, np.float64)


def optical_density(rgb: Picture, ground: Floats) -> Floats:
    """Return the natural optical density (H W, 3) against the background (3,); one level more keeps 0 finite."""
    levels = np.arange(256, dtype=np.float64)[:, None]
    table = -np.log((levels + 1.0) / (ground + 1.0))
    return np.asarray(cv2.LUT(rgb, np.ascontiguousarray(table[None])), np.float64).reshape(-1, 3)


def keep_stained(density: Floats, step: StainSettings) -> Floats:
    """Return the rows (n, 3) of densities (N, 3) that are stained."""
    measured = density.mean(axis=1) if step.stained == "mean" else density.min(axis=1)
    kept: Floats = density[measured >= step.beta]
    return kept


def evenly(rows: NDArray[Scalar], most: int) -> NDArray[Scalar]:
    """Return at most `most` rows, at even distances."""
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).round().astype(np.intp)]


def azure_first(vectors: Floats) -> Floats:
    """Return unit vectors (3, 2) with the one nearer to azure B on chromatin first."""
    towards = np.asarray(AZURE) @ vectors
    return vectors if towards[0] >= towards[1] else vectors[:, ::-1]
