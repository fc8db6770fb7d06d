"""A field, rendered from a seed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.smear.synth import debris
from leukolens.smear.synth.bar import draw_bar, parse_bar
from leukolens.smear.synth.canvas import Canvas, Frame, TrueCell, picture
from leukolens.smear.synth.content import REFERENCE_UM2, Content
from leukolens.smear.synth.layout import Place, lay_out
from leukolens.smear.synth.optics import photograph
from leukolens.smear.synth.red_cells import draw_red_cell
from leukolens.smear.synth.style import Style
from leukolens.smear.synth.white_cells import draw_white_cell

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_SIDE: Final = 8
GREATEST_SIDE: Final = 16_384
SCALES: Final = (0.01, 5.0)
_LAYOUT, _DRAWING, _DIRT, _OPTICS, _CHOICE = range(5)


@dataclass(frozen=True)
class RenderedField:
    """A rendered picture and the truth about it.

    Attributes
    ----------
    pixels
        (H, W, 3) uint8, sRGB.
    cells
        From the lowest to the uppermost: a later cell lies on top of an earlier one.
    label_image
        (H, W) int32: 0 where there is no cell, else k + 1 where ``cells[k]`` is uppermost.
    bar_box
        (x0, y0, x1, y1) of the burned-in scale bar with its text, or None.
    um_per_px
        Side of a pixel, um.
    seed, style, content
        What it was rendered from.
    """

    pixels: NDArray[np.uint8]
    cells: tuple[TrueCell, ...]
    label_image: NDArray[np.int32]
    bar_box: tuple[int, int, int, int] | None
    um_per_px: float
    seed: int
    style: Style
    content: Content

    def visible(self, index: int) -> NDArray[np.bool_]:
        """Return where ``cells[index]`` is uppermost, on the crop of its mask."""
        x0, y0, x1, y1 = self.cells[index].box
        return np.equal(self.label_image[y0:y1, x0:x1], index + 1)

    def of_kind(self, kind: str) -> tuple[TrueCell, ...]:
        """Return the cells of one kind."""
        return tuple(cell for cell in self.cells if cell.kind == kind)


def render_field(
    seed: int,
    *,
    width: int = 1024,
    height: int = 768,
    um_per_px: float = 0.12,
    style: Style | None = None,
    content: Content | None = None,
    scale_bar: str | None = None,
) -> RenderedField:
    """Render a field of a stained smear, with exact truth.

    The same arguments give the same bytes with the same versions of NumPy and OpenCV. The scene is placed in
    micrometres: half `um_per_px` with twice `width` and `height` shows the same cells, finer.

    Parameters
    ----------
    seed
        0 or more.
    width, height
        Pixels, 8 to 16384.
    um_per_px
        Micrometres per pixel, 0.01 to 5.
    style
        Look of the laboratory; None draws one from the seed.
    content
        What lies in the field; None draws one from the seed.
    scale_bar
        "100 pixel" (black on a white box), "red 100 pixel", "black 20 um", ...; None for no bar.

    Returns
    -------
    RenderedField

    Raises
    ------
    ValueError
        For an argument out of range, or a scale bar that does not fit.
    """
    _check(seed, width, height, um_per_px)
    choice = np.random.default_rng((seed, _CHOICE))
    drawn_style, drawn_content = Style.sample(choice), Content.sample(choice)
    style, content = style or drawn_style, content or drawn_content
    bar = None if scale_bar is None else parse_bar(scale_bar, um_per_px)
    canvas = Canvas(Frame(width, height, float(um_per_px)))
    places = lay_out(content, canvas.frame.size_um, np.random.default_rng((seed, _LAYOUT)))
    _draw_cells(canvas, places, style, seed)
    rng = np.random.default_rng((seed, _DIRT))
    area = canvas.frame.size_um[0] * canvas.frame.size_um[1]
    debris.draw_specks(canvas, int(rng.poisson(content.dirt * area / REFERENCE_UM2)), rng)
    pixels = photograph(canvas, style, np.random.default_rng((seed, _OPTICS)))
    box = None
    if bar is not None:
        pixels, box = draw_bar(pixels, bar)
    labels = np.ascontiguousarray(picture(canvas.labels))
    return RenderedField(pixels, tuple(canvas.cells), labels, box, float(um_per_px), seed, style, content)


def _draw_cells(canvas: Canvas, places: list[Place], style: Style, seed: int) -> None:
    for index, place in enumerate(places):
        _draw(canvas, place, style, np.random.default_rng((seed, _DRAWING, index)))


def _draw(canvas: Canvas, place: Place, style: Style, rng: np.random.Generator) -> None:
    centre = (place.x, place.y)
    if place.kind == "red cell":
        draw_red_cell(canvas, centre, rng, style.stain)
    elif place.kind == "smudge cell":
        debris.draw_smudge_cell(canvas, centre, place.radius, rng)
    elif place.kind == "platelet":
        debris.draw_platelet(canvas, centre, rng)
    elif place.kind == "platelet clump":
        debris.draw_platelet_clump(canvas, centre, rng)
    elif place.kind == "artefact":
        debris.draw_artefact(canvas, centre, rng)
    else:
        draw_white_cell(canvas, place.kind, centre, place.radius, rng)


def _check(seed: int, width: int, height: int, um_per_px: float) -> None:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"seed: expected a whole number from 0 up, found {seed!r}")
    for name, side in (("width", width), ("height", height)):
        whole = isinstance(side, int | np.integer) and not isinstance(side, bool)
        if not whole or not LEAST_SIDE <= side <= GREATEST_SIDE:
            raise ValueError(f"{name}: expected {LEAST_SIDE} to {GREATEST_SIDE} pixels, found {side!r}")
    number = isinstance(um_per_px, int | float | np.floating) and math.isfinite(um_per_px)
    if not number or not SCALES[0] <= um_per_px <= SCALES[1]:
        raise ValueError(f"um_per_px: expected {SCALES[0]} to {SCALES[1]} micrometres, found {um_per_px!r}")
