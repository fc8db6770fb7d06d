"""From nuclei to whole cells: a watershed of the picture between nuclei, red cells and the empty ground.

Meyer's watershed [1]_ gives each pixel to what it can be reached from over the least change of colour. The ground is
closed to it beforehand: pale cytoplasm differs less from the ground than from its own nucleus.

References
----------
.. [1] Meyer 1992, Color image segmentation, Int Conf Image Processing and its Applications, 303-306.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from leukolens.smear.segmentation.objects import fill_outlines, inscribed_radii, number_objects

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukolens.smear.segmentation.nuclear_dye import Dye

    Floats = NDArray[np.float32]
    Mask = NDArray[np.bool_]
    Picture = NDArray[np.uint8]

_FARTHEST: Final = 1.2  # reach of cytoplasm from its nucleus, against the nucleus' radius
_GROUND: Final = 0.4  # density of the emptiest cytoplasm against that of red cells
_RED_DENSITY: Final = 0.7  # least density of a red cell against the typical one
_RED_DYE: Final = 0.05  # most of the nuclei's dye in a red cell, against a typical nucleus
_NEAREST_RED: Final = 0.2  # distance from a nucleus, against its radius, up to which all is cytoplasm
_RIM: Final = 2  # px around the nucleus from which cytoplasm grows
_TONGUE: Final = 0.25  # half width, against the radius of nuclei, below which a protrusion is cut off
_CELL, _RED_CELL, _EMPTY = 2, 1, 3


def grow_cells(rgb: Picture, dye: Dye, core: Mask) -> Mask:
    """Add the cytoplasm to nuclei.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB.
    dye
        What `measure_dye` gives for it.
    core
        (H, W) bool, nuclei and what is surely cell, some pixels at least.

    Returns
    -------
    ndarray
        (H, W) bool, holds `core`.
    """
    radii, groups = _group(core)
    away = _relative_distance(core, radii[groups])
    markers = _markers(dye, core, away)
    scene = rgb.copy()
    scene[markers == _EMPTY] = 0
    found = (cv2.watershed(scene, markers) == _CELL) | core
    side = 2 * max(1, round(_TONGUE * float(np.median(radii[1:])))) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    trimmed = cv2.morphologyEx(found.view(np.uint8), cv2.MORPH_OPEN, kernel)
    return fill_outlines(np.asarray(trimmed.view(np.bool_)) | core)


def _markers(dye: Dye, core: Mask, away: Floats) -> NDArray[np.int32]:
    """Say from where cells, red cells and ground grow (H, W); 0 where the watershed decides."""
    small = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    others = dye.density[dye.stands & ~core]
    typical = float(np.median(others)) if others.size else 0.0
    stuff = _opened(dye.density > _GROUND * typical, np.ones((3, 3), np.uint8))
    red = (dye.amount < _RED_DYE * dye.typical) & (dye.density > _RED_DENSITY * typical) & (away > _NEAREST_RED)
    red = (cv2.erode(red.view(np.uint8), small) > 0) | (away > _FARTHEST)
    rim = cv2.dilate(core.view(np.uint8), small, iterations=_RIM) > 0
    markers = np.zeros(core.shape, np.int32)
    markers[rim & stuff] = _CELL
    markers[red & ~core] = _RED_CELL
    markers[~stuff] = _EMPTY
    markers[core] = _CELL
    return markers


def _opened(mask: Mask, kernel: NDArray[Any]) -> Mask:
    return np.asarray(cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_OPEN, kernel).view(np.bool_))


def _relative_distance(core: Mask, radii: Floats) -> Floats:
    """Give the distance (H, W) from the nearest nucleus, against the radius (H, W) of that nucleus."""
    distance, nearest = cv2.distanceTransformWithLabels(
        (~core).view(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    table = np.ones(int(nearest.max()) + 1, np.float32)
    table[nearest[core]] = np.maximum(radii[core], 1.0)
    return np.asarray(distance / table[nearest], np.float32)


def _group(core: Mask) -> tuple[Floats, NDArray[np.int32]]:
    """Join lobes of one nucleus: give the radius (n,) of each group, that of number 0 is 0, and its pixels (H, W).

    The radius is that of a circle of the same area, at most twice the widest lobe: a heap is no large cell.
    """
    labels, number = number_objects(core)
    lobe = float(np.median(inscribed_radii(core, labels, number)[1:]))
    side = 2 * max(1, round(0.5 * lobe)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    joined = np.asarray(cv2.dilate(core.view(np.uint8), kernel).view(np.bool_))
    groups, number = number_objects(joined)
    groups = np.where(core, groups, 0).astype(np.int32)
    areas = np.bincount(groups.ravel(), minlength=number)
    areas[0] = 0
    radii = np.minimum(np.sqrt(areas / np.pi), 2.0 * inscribed_radii(core, groups, number))
    return np.asarray(radii, np.float32), groups
