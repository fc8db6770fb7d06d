"""A field parted into white cells and background: cells on flat ground, on another field's background, or removed.

Masks are (H, W) bool, nucleus and cytoplasm, as `smear.segmentation.white_cells` gives them. "Background" is all but
the white cells: empty ground, red cells, platelets, scale bar. The same arguments give the same picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from leukolens.finding import UsageError
from leukolens.smear.marks import find_marks
from leukolens.smear.painting import paint_out
from leukolens.smear.pixels import check_pixels
from leukolens.smear.quilting import quilt
from leukolens.smear.segmentation.objects import inscribed_radii, number_objects
from leukolens.smear.staining import background_colour

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]
    Picture = NDArray[np.uint8]

FLAT_GROUND: Final = (240, 238, 240)
"""Colour of flat ground: about that of empty glass in most laboratories, and the same for all."""

_EDGE: Final = 0.06  # softness of a cell's edge against the typical radius of the cells
_HALO: Final = 0.22  # width of the blurred rim around a cell that goes with it, against that radius
_LEAST_HALO: Final = 2  # px


def on_flat_ground(rgb: Picture, mask: Mask, ground: tuple[int, int, int] = FLAT_GROUND) -> Picture:
    """Cut the cells out and lay them on ground of one colour.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB.
    mask
        (H, W) bool, the white cells.
    ground
        Red, green, blue, 0 to 255. The same for all pictures by default, so that it says nothing of the laboratory.

    Returns
    -------
    ndarray
        (H, W, 3) uint8; one colour where there are no cells.
    """
    _check(rgb, mask)
    flat = np.broadcast_to(np.asarray(ground, np.uint8), rgb.shape)
    return _laid_over(rgb, mask, flat)


def remove_cells(rgb: Picture, mask: Mask, seed: int = 0) -> Picture:
    """Replace the cells by the picture's own background, red cells and all.

    The mask is widened by the blurred rim of the cells. It is filled with pieces of the rest (`smear.quilting`),
    none of which holds a cell or a scale bar; what no piece fits is painted with the colour and grain of the empty
    ground.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB.
    mask
        (H, W) bool, the white cells.
    seed
        For the choice between pieces that fit about equally.

    Returns
    -------
    ndarray
        (H, W, 3) uint8, a new picture; flat ground where cells fill all of it.
    """
    _check(rgb, mask)
    if not mask.any():
        return rgb.copy()
    halo = max(_LEAST_HALO, round(_HALO * typical_radius(mask)))
    hole = _widened(mask, halo)
    if hole.all():
        return np.ascontiguousarray(np.broadcast_to(np.asarray(FLAT_GROUND, np.uint8), rgb.shape))
    filled, left = quilt(rgb, hole, _widened(hole, 1) | find_marks(rgb), seed)
    if left.any():
        filled = paint_out(filled, left)
    # The outer half of the widened rim is background already: it is where old and new meet.
    depth = cv2.distanceTransform(hole.view(np.uint8), cv2.DIST_L2, 5)
    share = np.clip(depth / max(1.0, 0.5 * halo), 0.0, 1.0)[..., None]
    return _mixed(filled, rgb, share)


def swap_background(
    rgb: Picture, mask: Mask, other_rgb: Picture, other_mask: Mask, *, relight: bool = False, seed: int = 0
) -> Picture:
    """Lay this picture's cells on another picture's background, from which its own cells are removed.

    Parameters
    ----------
    rgb, mask
        (H, W, 3) uint8 sRGB, and (H, W) bool: the picture whose cells stay.
    other_rgb, other_mask
        The same of the picture whose background is shown, of any size: cut to the middle where it is larger, mirrored
        onwards where it is smaller. Its scale bar comes along.
    relight
        Bring the cells to the light of the new ground, channel by channel, so that they look as if photographed there.
        False leaves their pixels as they are.
    seed
        See `remove_cells`.

    Returns
    -------
    ndarray
        (H, W, 3) uint8.
    """
    _check(rgb, mask)
    ground = _fitted(remove_cells(other_rgb, other_mask, seed), rgb.shape[:2])
    if relight:
        gains = background_colour(ground) / background_colour(rgb)
        rgb = np.clip(rgb * gains + 0.5, 0, 255).astype(np.uint8)
    return _laid_over(rgb, mask, ground)


def typical_radius(mask: Mask) -> float:
    """Give the median radius in px of the largest circles within the objects of a mask; 0.0 for an empty one."""
    labels, number = number_objects(mask)
    return float(np.median(inscribed_radii(mask, labels, number)[1:])) if number > 1 else 0.0


def soft_share(mask: Mask) -> NDArray[np.float32]:
    """Give the share (H, W), 0 to 1, by which cells lie over another ground: soft at the edges, nothing beyond."""
    if not mask.any():
        return np.zeros(mask.shape, np.float32)
    sigma = max(0.7, _EDGE * typical_radius(mask))
    share = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    # Soft inwards only: beyond the mask lies the old background.
    return np.asarray(np.clip(2.0 * share - 1.0, 0.0, 1.0) * mask, np.float32)


def _laid_over(rgb: Picture, mask: Mask, ground: Picture) -> Picture:
    return lay_over(rgb, soft_share(mask), ground)


def lay_over(rgb: Picture, share: NDArray[np.float32], ground: Picture) -> Picture:
    """Lay one picture over another of its size by shares (H, W), 0 to 1."""
    return _mixed(rgb, ground, share[..., None])


def _mixed(upper: Picture, lower: Picture, share: NDArray[np.float32]) -> Picture:
    low = lower.astype(np.float32)
    return np.asarray(low + share * (upper - low) + 0.5, np.uint8)


def _widened(mask: Mask, by: int) -> Mask:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * by + 1, 2 * by + 1))
    return np.asarray(cv2.dilate(mask.view(np.uint8), kernel).view(np.bool_))


def _fitted(picture: Picture, shape: tuple[int, int]) -> Picture:
    """Cut the middle out of a picture, or mirror it onwards, to (H, W)."""
    for axis, side in enumerate(shape):
        spare = picture.shape[axis] - side
        if spare > 0:
            picture = picture.take(range(spare // 2, spare // 2 + side), axis=axis)
        elif spare < 0:
            around = [(0, 0)] * 3
            around[axis] = (-spare // 2, -spare - (-spare // 2))
            picture = np.pad(picture, around, mode="symmetric")
    return np.ascontiguousarray(picture)


def _check(rgb: Picture, mask: Mask) -> None:
    check_pixels(rgb, "parted into cells and background")
    if mask.shape != rgb.shape[:2] or mask.dtype != np.bool_:
        raise UsageError(
            "mask does not belong to the picture",
            expected=f"bool of shape {rgb.shape[:2]}",
            found=f"{mask.dtype} of shape {mask.shape}",
            todo="take the mask that white_cells gives for this picture",
        )
