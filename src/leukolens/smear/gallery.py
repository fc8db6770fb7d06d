"""A field as a gallery of its white cells: each cut out, on flat ground, larger than in the field; and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from leukolens.smear.backgrounds import FLAT_GROUND, on_flat_ground, typical_radius
from leukolens.smear.segmentation.white_cells import white_cells

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]
    Picture = NDArray[np.uint8]

_APART: Final = 1.7  # least distance between two cells' middles, against the typical radius of the cells
_SLIM: Final = 0.35  # least inscribed radius of what counts as a cell, against the typical one


class Gallery(BaseModel):
    """How the white cells of a field are laid out for a network that is to judge nothing else. Part of a bundle.

    The prepared picture is parted into tiles of equal size, and each shows one cell in its middle, on flat ground.

    Attributes
    ----------
    rows, columns
        Of tiles.
    field
        Width in px at which the field is laid before cells are cut from it: with the tiles' size it says how large
        cells appear. Its height is three quarters of that.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int = Field(default=2, ge=1, le=32)
    columns: int = Field(default=4, ge=1, le=32)
    field: int = Field(default=448, ge=64, le=4096)

    @property
    def height(self) -> int:
        """Height in px of the field from which cells are cut."""
        return round(0.75 * self.field)


@dataclass(frozen=True)
class Tiles:
    """Which place of a field each tile of a gallery shows.

    Attributes
    ----------
    corners
        (N, 2) int, left and top of each tile's place in the field, px; may lie beyond its border.
    cells
        (H, W) bool, the field's white cells.
    rows, columns
        Of the gallery.
    """

    corners: NDArray[np.intp]
    cells: Mask
    rows: int
    columns: int


def lay_out(
    field: Picture, gallery: Gallery, size: tuple[int, int], window: tuple[int, int, int, int] | None = None
) -> tuple[Picture, Tiles]:
    """Lay out the white cells of a field.

    Parameters
    ----------
    field
        (H, W, 3) uint8 sRGB, in true shapes.
    gallery
        How many tiles.
    size
        Width and height of the whole, px: multiples of columns and rows.
    window
        Left, top, width and height of the picture in the field, px: cells are looked for there alone, for what was
        filled around it is no smear. None: all of it.

    Returns
    -------
    picture : ndarray
        (height, width, 3) uint8. A field with fewer cells than tiles shows them again and again, so that a mean over
        the picture is about one over its cells; of more cells than tiles, those of evenly spread sizes are shown. Flat
        ground alone where no white cell is found.
    tiles : Tiles
        None of them, (0, 2), where no white cell is found.
    """
    left, top, width, height = window or (0, 0, field.shape[1], field.shape[0])
    cells = np.zeros(field.shape[:2], np.bool_)
    inner = np.ascontiguousarray(field[top : top + height, left : left + width])
    cells[top : top + height, left : left + width] = white_cells(inner)
    wide, high = size[0] // gallery.columns, size[1] // gallery.rows
    middles = find_middles(cells)
    number = gallery.rows * gallery.columns
    if not len(middles):
        empty = np.full((size[1], size[0], 3), FLAT_GROUND, np.uint8)
        return empty, Tiles(np.zeros((0, 2), np.intp), cells, gallery.rows, gallery.columns)
    if len(middles) > number:
        middles = middles[np.linspace(0, len(middles) - 1, number).round().astype(np.intp)]
    corners = np.resize(middles - (wide // 2, high // 2), (number, 2))
    grown = cv2.copyMakeBorder(
        on_flat_ground(field, cells), high, high, wide, wide, cv2.BORDER_CONSTANT, value=FLAT_GROUND
    )
    shown = [grown[top + high : top + 2 * high, left + wide : left + 2 * wide] for left, top in corners]
    rows = [np.hstack(shown[first : first + gallery.columns]) for first in range(0, number, gallery.columns)]
    return np.ascontiguousarray(np.vstack(rows)), Tiles(corners, cells, gallery.rows, gallery.columns)


def find_middles(cells: Mask) -> NDArray[np.intp]:
    """Find the middles of white cells, touching ones apart where each bulges.

    Parameters
    ----------
    cells
        (H, W) bool.

    Returns
    -------
    ndarray
        (N, 2) int, x and y in px, by falling inscribed radius.
    """
    radius = typical_radius(cells)
    if radius == 0.0:
        return np.zeros((0, 2), np.intp)
    depth = cv2.distanceTransform(cells.view(np.uint8), cv2.DIST_L2, 5)
    smooth = cv2.GaussianBlur(depth, (0, 0), max(0.5, 0.12 * radius))
    reach = 2 * round(_APART * radius / 2) + 1
    highest = smooth >= cv2.dilate(smooth, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    # A ridge of equal depth has many highest places: one is enough.
    _, found, _, centroids = cv2.connectedComponentsWithStats((highest & cells).view(np.uint8))
    labels = np.asarray(found, np.intp)
    middles = np.rint(centroids[1:]).astype(np.intp)
    if not len(middles):
        return np.zeros((0, 2), np.intp)
    depths = np.zeros(len(middles))
    np.maximum.at(depths, labels[labels > 0] - 1, depth[labels > 0])
    kept = np.flatnonzero(depths >= _SLIM * radius)
    order = kept[np.argsort(-depths[kept], kind="stable")]
    return middles[order]


def to_field(values: NDArray[np.float32], tiles: Tiles, size: tuple[int, int]) -> NDArray[np.float32]:
    """Bring a coarse map over a gallery back onto the field.

    Parameters
    ----------
    values
        (h, w) float32, cells of equal size that cover the gallery.
    tiles
        Of that gallery.
    size
        Width and height of the gallery, px.

    Returns
    -------
    ndarray
        (H, W) float32: the sum over all tiles that show a place, on white cells alone; 0 elsewhere.
    """
    wide, high = size[0] // tiles.columns, size[1] // tiles.rows
    large = _enlarged(values, tiles, size)
    field = np.zeros(tiles.cells.shape, np.float32)
    for number, (left, top) in enumerate(tiles.corners):
        row, column = divmod(number, tiles.columns)
        tile = large[row * high : (row + 1) * high, column * wide : (column + 1) * wide]
        low, near = max(0, -top), max(0, -left)
        within = field[max(0, top) : top + high, max(0, left) : left + wide]
        within += tile[low : low + within.shape[0], near : near + within.shape[1]]
    return field * tiles.cells


def _enlarged(values: NDArray[np.float32], tiles: Tiles, size: tuple[int, int]) -> NDArray[np.float32]:
    """Enlarge a map tile by tile, for neighbours show places far apart; as a whole where it does not part so."""
    if values.shape[0] % tiles.rows or values.shape[1] % tiles.columns:
        return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_LINEAR), np.float32)
    wide, high = size[0] // tiles.columns, size[1] // tiles.rows
    rows = [
        np.hstack([cv2.resize(tile, (wide, high), interpolation=cv2.INTER_LINEAR) for tile in row])
        for row in (np.split(part, tiles.columns, axis=1) for part in np.split(values, tiles.rows))
    ]
    return np.asarray(np.vstack(rows), np.float32)
