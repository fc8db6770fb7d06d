"""White cells by colour, without training: nuclei by their own dye, then the cells around them.

It finds what `nuclear_dye` sets apart from red cells, keeps what is wide enough to be a nucleus, and grows the rest of
the cell from there (`cytoplasm`). All sizes are taken from the cells of the picture, none from its pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import cv2
import numpy as np

from leukolens.smear.pixels import check_pixels
from leukolens.smear.resampling import reduce_to
from leukolens.smear.segmentation.cut_outs import cut_out_cells, plain_ground
from leukolens.smear.segmentation.cytoplasm import grow_cells
from leukolens.smear.segmentation.nuclear_dye import Dye, measure_dye
from leukolens.smear.segmentation.objects import fill_outlines, inscribed_radii, number_objects, weighted_median

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]
    Picture = NDArray[np.uint8]

SIDE: Final = 320
"""Longer side in px to which a picture is reduced before looking."""

_NUCLEUS: Final = 0.6  # least dye of a nucleus against the typical one
_TINTED: Final = 0.33  # the same of cytoplasm and of smudge cells
_SLIM: Final = 0.45  # least inscribed radius of a nucleus, or of a lobe, against the typical one
_PLATELET: Final = 0.4  # the same against that of red cells; below lie platelets
_SMUDGE: Final = 0.5  # least inscribed radius of what is only tinted, against nuclei and red cells


class WhiteCells(NamedTuple):
    """What is found, each (H, W) bool.

    Attributes
    ----------
    cells
        Nucleus and cytoplasm of every white cell, smudge cells too.
    nuclei
        Their nuclei; smudge cells may have none.
    """

    cells: Mask
    nuclei: Mask


def white_cells(rgb: Picture) -> Mask:
    """Return where white cells lie, nucleus and cytoplasm: `white_cell_parts` without the nuclei."""
    return white_cell_parts(rgb).cells


def white_cell_parts(rgb: Picture) -> WhiteCells:
    """Find white cells and their nuclei in a field of any Romanowsky stain.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB, any size; sought at `SIDE` px at most.

    Returns
    -------
    WhiteCells
        All false where nothing stands apart from the red cells.

    Raises
    ------
    ImageError
        `rgb` is not a picture of that form.

    Notes
    -----
    Touching cells are not parted. Platelets and specks that lie on a cell count to it. Where the light changes its
    colour across the field more than cells do, as under strong vignetting, faint nuclei are missed. On plain ground, on
    which cells were laid (`cut_outs`), all that stands out and is wide enough is a cell.
    """
    check_pixels(rgb, "searched for white cells")
    small, size = reduce_to(rgb, SIDE), (rgb.shape[1], rgb.shape[0])
    ground = plain_ground(small)
    if ground is not None:
        return WhiteCells(*(_enlarged(mask, size) for mask in cut_out_cells(small, ground)))
    dye = measure_dye(small)
    if dye.typical == 0.0:
        return WhiteCells(np.zeros(rgb.shape[:2], np.bool_), np.zeros(rgb.shape[:2], np.bool_))
    nuclei, core = _find_nuclei(dye)
    cells = grow_cells(small, dye, core) if core.any() else core
    return WhiteCells(_enlarged(cells, size), _enlarged(nuclei, size))


def _enlarged(mask: Mask, size: tuple[int, int]) -> Mask:
    if mask.shape == size[::-1]:
        return mask
    return np.asarray(cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_LINEAR) > 0.5)


def _find_nuclei(dye: Dye) -> tuple[Mask, Mask]:
    """Return the nuclei, and these with what is tinted around them or wide enough by itself, each (H, W)."""
    strong, tinted = dye.amount > _NUCLEUS * dye.typical, dye.amount > _TINTED * dye.typical
    red = _red_cell_radius(dye.stands & ~tinted)
    labels, number = number_objects(strong)
    radii = inscribed_radii(strong, labels, number)
    areas = np.bincount(labels.ravel(), minlength=number).astype(np.float64)
    areas[0] = 0.0
    typical = weighted_median(radii, areas)
    kept = radii >= max(_SLIM * typical, _PLATELET * red, 1.5)
    kept[0] = False
    nuclei = kept[labels]
    labels, number = number_objects(tinted)
    kept = inscribed_radii(tinted, labels, number) >= max(_SMUDGE * typical, _SMUDGE * red, 2.0)
    kept[labels[nuclei]] = True
    kept[0] = False
    return fill_outlines(nuclei), kept[labels] | nuclei


def _red_cell_radius(cells: Mask) -> float:
    """Give the typical half width of cells (H, W) in px; 0.0 where there are hardly any."""
    filled = fill_outlines(cells)
    depth = cv2.distanceTransform(filled.view(np.uint8), cv2.DIST_L2, 3)
    peaks = depth[(depth >= cv2.dilate(depth, np.ones((5, 5), np.uint8))) & (depth >= 2.0)]
    return float(np.quantile(peaks, 0.35)) if peaks.size > 3 else 0.0
