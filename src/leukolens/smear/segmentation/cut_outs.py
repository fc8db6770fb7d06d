"""Cells that were cut out and laid on plain ground: there are no red cells to set them apart from, and no need to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from leukolens.smear.segmentation.objects import fill_outlines, inscribed_radii, number_objects, weighted_median

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]
    Picture = NDArray[np.uint8]

_PLAIN: Final = 0.25  # share of the pixels, and of neighbours, that have one and the same colour
_CLIPPED: Final = (6, 249)  # a photograph may be that dark or bright all over the same
_DIFFERS: Final = 12  # levels of any channel by which a cell stands out
_SLIM: Final = 0.35  # least inscribed radius of a cell against the typical one; below lie crumbs
_NUCLEUS: Final = 0.6  # least optical density of a nucleus in green, against that of the cells' darker quarter


def plain_ground(rgb: Picture) -> NDArray[np.uint8] | None:
    """Return the one colour (3,) on which a picture's cells lie, None for photographs of a smear.

    A lens and a sensor never give a quarter of a picture one exact colour, unless they clip it: grounds of black or
    white are therefore not told from photographs.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB.
    """
    same = (rgb[:, 1:] == rgb[:, :-1]).all(axis=2)
    if not same.size or same.mean() < _PLAIN:
        return None
    flat = rgb[:, 1:][same].astype(np.int32)
    colours, counts = np.unique(flat @ np.array([65536, 256, 1]), return_counts=True)
    most = int(colours[counts.argmax()])
    colour = np.array([most >> 16, most >> 8 & 255, most & 255], np.uint8)
    clipped = colour.min() < _CLIPPED[0] or colour.max() > _CLIPPED[1]
    return None if clipped or (rgb == colour).all(axis=2).mean() < _PLAIN else colour


def cut_out_cells(rgb: Picture, ground: NDArray[np.uint8]) -> tuple[Mask, Mask]:
    """Return cells and their nuclei, each (H, W) bool, of cells that lie on plain ground.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB.
    ground
        From `plain_ground`.
    """
    away = np.abs(rgb.astype(np.int16) - ground).max(axis=2)
    found = fill_outlines(away > _DIFFERS)
    labels, number = number_objects(found)
    radii = inscribed_radii(found, labels, number)
    areas = np.bincount(labels.ravel(), minlength=number).astype(np.float64)
    areas[0] = 0.0
    kept = radii >= max(_SLIM * weighted_median(radii, areas), 1.5)
    kept[0] = False
    cells = kept[labels]
    green = cv2.GaussianBlur(rgb[..., 1], (3, 3), 0.8).astype(np.float32)
    density = np.log10(max(1.0, float(ground[1])) / np.maximum(green, 2.0))
    dark = float(np.quantile(density[cells], 0.75)) if cells.any() else 0.0
    return cells, cells & (density > _NUCLEUS * dark)
