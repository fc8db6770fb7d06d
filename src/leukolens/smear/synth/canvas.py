"""The sheet that cells are drawn on: amounts of dye per pixel, the label image, and the truth about each cell.

Everything is placed in micrometres, so the same seed at half the micrometres per pixel and twice the pixels is the
same scene, drawn finer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DYES: Final = ("chromatin", "azure", "eosin", "orange", "haemoglobin")
"""What absorbs light: azure-eosin on DNA (purple), azure on RNA (blue), eosin (pink), eosin on eosinophil granules
(orange), and the stained red cell."""

CHROMATIN, AZURE, EOSIN, ORANGE, HAEMOGLOBIN = range(len(DYES))
FAR_OUTSIDE: Final = -1e3
PAD: Final = 2
"""Pixels of the sheet beyond the picture, on each side."""

_Any = TypeVar("_Any", bound=np.generic)


@dataclass(frozen=True)
class Frame:
    """Size of the picture in pixels, and the side of one pixel in micrometres."""

    width: int
    height: int
    um_per_px: float

    @property
    def size_um(self) -> tuple[float, float]:
        """Width and height in micrometres."""
        return self.width * self.um_per_px, self.height * self.um_per_px


@dataclass(frozen=True)
class Window:
    """The part of the sheet around one cell.

    ``x`` (1, w) and ``y`` (h, 1) are micrometres from the cell's centre, none farther than about ``reach``.
    """

    rows: slice
    cols: slice
    x: NDArray[np.float32]
    y: NDArray[np.float32]
    um_per_px: float
    reach: float

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.y.shape[0], self.x.shape[1]


@dataclass(frozen=True)
class TrueCell:
    """The truth about one cell, taken from the shape that was drawn, before any blur.

    Attributes
    ----------
    kind
        A name of ``leukolens.finding.CELL_KINDS``, or "red cell" or "platelet".
    box
        (x0, y0, x1, y1) in pixels, half open: encloses `mask`.
    mask
        (h, w) bool: the whole cell as far as it lies in the picture, also where another cell lies over it.
    nucleus
        (h, w) bool on the same crop, or None where the kind has no nucleus.
    truncated
        Whether the border of the picture cuts the cell.
    """

    kind: str
    box: tuple[int, int, int, int]
    mask: NDArray[np.bool_]
    nucleus: NDArray[np.bool_] | None
    truncated: bool

    @property
    def offset(self) -> tuple[int, int]:
        """(x, y) of the crop's first pixel in the picture."""
        return self.box[0], self.box[1]

    def area_um2(self, um_per_px: float) -> float:
        """Area of `mask` in square micrometres."""
        return float(self.mask.sum()) * um_per_px**2


@dataclass
class Canvas:
    """What has been drawn so far.

    The arrays are `PAD` pixels larger than the picture on each side, so that a cell which the border cuts is known by
    its pixels beyond the border. ``dyes`` (H, W, 5) float32 holds amounts (1 is a usual depth of that dye), ``labels``
    (H, W) int32 the 1-based index of the uppermost cell, ``white`` (H, W) float32 the depth in um inside a white cell
    (negative outside).
    """

    frame: Frame
    dyes: NDArray[np.float32] = field(init=False)
    labels: NDArray[np.int32] = field(init=False)
    white: NDArray[np.float32] = field(init=False)
    cells: list[TrueCell] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        shape = (self.frame.height + 2 * PAD, self.frame.width + 2 * PAD)
        self.dyes = np.zeros((*shape, len(DYES)), np.float32)
        self.labels = np.zeros(shape, np.int32)
        self.white = np.full(shape, FAR_OUTSIDE, np.float32)

    def window(self, centre: tuple[float, float], reach: float) -> Window | None:
        """Return the part of the sheet within `reach` um of `centre` (um), or None where there is none."""
        scale = self.frame.um_per_px
        cols = _span(centre[0], reach, scale, self.frame.width + 2 * PAD)
        rows = _span(centre[1], reach, scale, self.frame.height + 2 * PAD)
        if cols.start >= cols.stop or rows.start >= rows.stop:
            return None
        x = (np.arange(cols.start, cols.stop) - PAD + 0.5) * scale - centre[0]
        y = (np.arange(rows.start, rows.stop) - PAD + 0.5) * scale - centre[1]
        return Window(rows, cols, x.astype(np.float32)[None, :], y.astype(np.float32)[:, None], scale, reach)

    def whole(self) -> Window:
        """Return the window of the whole sheet, about the picture's middle."""
        width, height = self.frame.size_um
        window = self.window((width / 2, height / 2), max(width, height))
        assert window is not None
        return window

    def stain(self, window: Window, dye: int, amount: NDArray[np.float32]) -> None:
        """Add `amount` (h, w) of one dye."""
        self.dyes[window.rows, window.cols, dye] += amount

    def record(
        self, window: Window, kind: str, mask: NDArray[np.bool_], nucleus: NDArray[np.bool_] | None = None
    ) -> None:
        """Lay a cell (masks as large as the window) on top and note its truth, if any pixel of it is in the picture."""
        self.labels[window.rows, window.cols][mask] = len(self.cells) + 1
        inside = np.zeros(window.shape, np.bool_)
        inside[self._picture_in(window)] = True
        seen = mask & inside
        rows, cols = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
        if not len(rows):
            self.labels[window.rows, window.cols][mask] = 0
            return
        crop = np.s_[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
        x0, y0 = window.cols.start - PAD + int(cols[0]), window.rows.start - PAD + int(rows[0])
        box = (x0, y0, x0 + int(cols[-1] - cols[0]) + 1, y0 + int(rows[-1] - rows[0]) + 1)
        inner = None if nucleus is None else (nucleus & seen)[crop]
        self.cells.append(TrueCell(kind, box, seen[crop], inner, truncated=bool((mask & ~inside).any())))

    def _picture_in(self, window: Window) -> tuple[slice, slice]:
        """Return rows and columns of the window that lie in the picture."""
        rows = slice(max(PAD - window.rows.start, 0), max(PAD + self.frame.height - window.rows.start, 0))
        cols = slice(max(PAD - window.cols.start, 0), max(PAD + self.frame.width - window.cols.start, 0))
        return rows, cols


def picture(array: NDArray[_Any]) -> NDArray[_Any]:
    """Return the part of a sheet's array that is the picture."""
    return array[PAD:-PAD, PAD:-PAD]


def _span(centre: float, reach: float, scale: float, size: int) -> slice:
    start = int(np.floor((centre - reach) / scale)) + PAD
    stop = int(np.ceil((centre + reach) / scale)) + PAD + 1
    return slice(max(start, 0), min(stop, size))
