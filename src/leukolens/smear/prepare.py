"""The one implementation of preprocessing: training, evaluation, command line and Python all go through `prepare`."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from leukolens.finding import UsageError
from leukolens.smear.gallery import Gallery, Tiles, lay_out, to_field
from leukolens.smear.ground import Placing, ground_colour
from leukolens.smear.marks import find_marks, paint_out
from leukolens.smear.pixels import check_pixels
from leukolens.smear.resampling import reduce_picture, resample
from leukolens.smear.squeeze import Squeeze, recognise_squeeze
from leukolens.smear.steps import Step, apply_steps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukolens.smear.steps import Watch


class Preparation(BaseModel):
    """What is done to a picture before a network sees it. Part of a bundle.

    Attributes
    ----------
    width, height
        Size of the prepared picture in px.
    shape
        "true": in true shapes, the rest filled. "stretch": to width and height whatever the picture's shape, never
        turned, as the thesis does.
    paint_out_marks
        Whether burned-in scale bars, text and marks are painted out.
    squeeze
        "recognise": undo the squeeze found in the picture; "none": take every picture as true.
    landscape
        Whether portrait pictures are turned by 90 degrees. A smear has no up.
    pad
        What fills the rest where the picture's shape is not that of the prepared one: its own background colour.
    steps
        What is done to the prepared pixels at the very end: normalisation, segmentation (`smear.steps`). They do not
        see what is filled, which then gets the colour that they give to the background.
    gallery
        Lays out the field's white cells, after the steps, so that a network sees them alone and larger; None: the field
        as it is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int = Field(default=224, ge=16, le=4096)
    height: int = Field(default=168, ge=16, le=4096)
    paint_out_marks: bool = True
    squeeze: Literal["recognise", "none"] = "recognise"
    landscape: bool = True
    pad: Literal["background"] = "background"
    shape: Literal["true", "stretch"] = "true"
    steps: tuple[Step, ...] = ()
    gallery: Gallery | None = None

    @field_validator("shape", mode="before")
    @classmethod
    def _shape_in_yaml(cls, value: object) -> object:
        """Take true as YAML reads it."""
        return "true" if value is True else value

    @field_validator("gallery")
    @classmethod
    def _whole_tiles(cls, value: Gallery | None, info: ValidationInfo) -> Gallery | None:
        if value is None:
            return value
        width, height = info.data.get("width", 0), info.data.get("height", 0)
        if width % value.columns or height % value.rows:
            raise ValueError(f"{value.columns} x {value.rows} tiles of equal size do not fill {width} x {height} px")
        if info.data.get("shape") == "stretch":
            raise ValueError("a gallery shows cells in their true shapes: set preparation.shape=true")
        wide, high = width // value.columns, height // value.rows
        least = max(wide, -(-4 * high // 3))
        if value.field < least:
            raise ValueError(
                f"a field of {value.field} x {value.height} px is smaller than one tile of {wide} x {high} px: "
                f"set preparation.gallery.field to {least} or more"
            )
        return value

    @property
    def of_field(self) -> Preparation:
        """How the field itself is prepared, before its cells are laid out; the same where they are not."""
        if self.gallery is None:
            return self
        size = {"width": self.gallery.field, "height": self.gallery.height}
        return self.model_copy(update={**size, "gallery": None})


@dataclass(frozen=True)
class Prepared:
    """A picture as a network sees it, and the way back.

    Attributes
    ----------
    pixels
        (height, width, 3) uint8, sRGB, true shapes.
    matrix
        (2, 3) float64. Takes (x, y, 1) of a prepared pixel to (x, y) of the image as given; whole numbers are the
        centres of pixels in both. Of a pixel of the prepared field where cells are laid out.
    squeeze
        What was found or declared.
    burned_in
        Share of the pixels that were painted out, 0 to 1.
    working
        (h, w, 3) uint8: the picture as given, marks painted out, longest side at most 640 px. It may be the given array
        itself.
    window
        Left, top, width and height of the picture in the prepared one, px; the rest is filled. In the prepared field
        where cells are laid out.
    tiles
        Which place of the prepared field each tile of a gallery shows; None where `pixels` are the field.
    """

    pixels: NDArray[np.uint8]
    matrix: NDArray[np.float64]
    squeeze: Squeeze
    burned_in: float
    working: NDArray[np.uint8]
    window: tuple[int, int, int, int]
    tiles: Tiles | None = None

    @property
    def bare(self) -> bool:
        """Whether white cells alone are shown, and there are none: what a network says of it means nothing."""
        return self.tiles is not None and not len(self.tiles.corners)


class _Frame(NamedTuple):
    size: tuple[int, int]
    """Width and height that the picture takes in the prepared one, px."""
    corner: tuple[int, int]
    """Its left and its top there, px."""
    turned: bool


def prepare(
    rgb: NDArray[np.uint8],
    spec: Preparation,
    *,
    aspect: float | None = None,
    placing: Placing | None = None,
    watch: Watch | None = None,
) -> Prepared:
    """Bring a picture into the size and the true shapes that a network expects. Nothing is cropped, nor stretched.

    Unless `spec` says to stretch.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8, sRGB.
    spec
        What to do.
    aspect
        True width of the whole picture divided by its true height, where it is known; otherwise the squeeze is
        recognised from the picture.
    placing
        Lays the picture smaller than fits, at a scale (`leukolens.smear.scale`).
    watch
        Called after each of the steps of `spec`, see `apply_steps`.

    Returns
    -------
    Prepared

    Raises
    ------
    ImageError
        `rgb` is not a picture of that form.
    UsageError
        `aspect` implies a squeeze that cannot be, a step is not fitted, or `spec` stretches what is to be placed.
    """
    if spec.gallery is not None:
        field = prepare(rgb, spec.of_field, aspect=aspect, placing=placing, watch=watch)
        pixels, tiles = lay_out(field.pixels, spec.gallery, (spec.width, spec.height), field.window)
        return replace(field, pixels=pixels, tiles=tiles)
    check_pixels(rgb, "prepared")
    height, width = rgb.shape[:2]
    working, burned_in = _without_marks(reduce_picture(rgb), spec)
    squeeze = _squeeze_of(working, spec, None if aspect is None else aspect * height / width)
    frame = _fit(width, height, squeeze.factor, spec, math.inf if placing is None else placing.scale)
    upright = np.ascontiguousarray(np.rot90(working)) if frame.turned else working
    inner = resample(upright, frame.size, squeezed=spec.shape == "true")
    done = apply_steps(inner, spec.steps, watch)
    pixels = _place(inner, done, frame, spec, placing)
    return Prepared(pixels, _back(width, height, frame), squeeze, burned_in, working, (*frame.corner, *frame.size))


def map_back(values: NDArray[np.float32], prepared: Prepared, width: int, height: int) -> NDArray[np.float32]:
    """Bring a coarse map over the prepared picture back onto the image as given.

    Parameters
    ----------
    values
        (h, w) float32, cells of equal size that cover the prepared picture.
    prepared
        The picture that the map belongs to.
    width, height
        Size of the image as given, px.

    Returns
    -------
    NDArray
        (height, width) float32, linearly interpolated; 0 where the map says nothing, which is everywhere but on white
        cells where these are laid out.
    """
    high, wide = prepared.pixels.shape[:2]
    if prepared.tiles is not None:
        values = to_field(np.ascontiguousarray(values, np.float32), prepared.tiles, (wide, high))
        high, wide = values.shape
    rows, columns = values.shape
    step_x, step_y = wide / columns, high / rows
    # One more ring of cells, so that pixels beyond the outermost centres keep the outermost value.
    grown = cv2.copyMakeBorder(np.ascontiguousarray(values, np.float32), 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    to_prepared = np.array([[step_x, 0, -step_x / 2 - 0.5], [0, step_y, -step_y / 2 - 0.5], [0, 0, 1]])
    matrix = prepared.matrix @ to_prepared
    mapped = cv2.warpAffine(grown, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(mapped, np.float32)


def _without_marks(working: NDArray[np.uint8], spec: Preparation) -> tuple[NDArray[np.uint8], float]:
    """Return the picture with its marks painted out, and the share of it that they took."""
    if not spec.paint_out_marks:
        return working, 0.0
    marks = find_marks(working)
    if not marks.any():
        return working, 0.0
    return paint_out(working, marks), float(marks.mean())


def _squeeze_of(working: NDArray[np.uint8], spec: Preparation, declared: float | None) -> Squeeze:
    if declared is None and spec.squeeze == "none":
        return Squeeze(1.0, None, 1.0, "shape")
    if declared is not None and not 0.2 <= declared <= 5.0:
        raise UsageError(
            "The aspect cannot be that of this picture",
            expected="true width / true height within a factor of 5 of the picture's own",
            found=f"a squeeze by {declared:.3g}",
            todo="leave it out to have the squeeze recognised",
        )
    return recognise_squeeze(working, declared)


def _fit(width: int, height: int, factor: float, spec: Preparation, most: float) -> _Frame:
    """Return where the whole picture lies in the prepared one, at a scale of at most `most`."""
    if spec.shape == "stretch":
        if most < math.inf:
            raise UsageError("A bundle that stretches its pictures has no one scale", todo="leave the scale out")
        return _Frame((spec.width, spec.height), (0, 0), turned=False)
    true_width, true_height = width * factor, float(height)
    turned = spec.landscape and true_width < true_height
    if turned:
        true_width, true_height = true_height, true_width
    scale = min(spec.width / true_width, spec.height / true_height, most)
    wide = min(spec.width, max(1, round(true_width * scale)))
    high = min(spec.height, max(1, round(true_height * scale)))
    return _Frame((wide, high), ((spec.width - wide) // 2, (spec.height - high) // 2), turned)


def _place(
    inner: NDArray[np.uint8], done: NDArray[np.uint8], frame: _Frame, spec: Preparation, placing: Placing | None
) -> NDArray[np.uint8]:
    """Lay `done`, which the steps made of `inner`, into the prepared picture."""
    (wide, high), (left, top) = frame.size, frame.corner
    if frame.size == (spec.width, spec.height):
        return np.ascontiguousarray(done)
    canvas = np.empty((spec.height, spec.width, 3), np.uint8)
    canvas[:] = ground_colour(inner, done, placing)
    canvas[top : top + high, left : left + wide] = done
    return canvas


def _back(width: int, height: int, frame: _Frame) -> NDArray[np.float64]:
    """Return the matrix from centres of prepared pixels to centres of pixels of the image as given."""
    left, top = frame.corner
    if frame.turned:
        # np.rot90 turns anticlockwise: the columns of the turned picture are rows of the given one, its rows run back.
        per_x, per_y = height / frame.size[0], width / frame.size[1]
        return np.array([[0.0, -per_y, width - 0.5 - (0.5 - top) * per_y], [per_x, 0.0, (0.5 - left) * per_x - 0.5]])
    per_x, per_y = width / frame.size[0], height / frame.size[1]
    return np.array([[per_x, 0.0, (0.5 - left) * per_x - 0.5], [0.0, per_y, (0.5 - top) * per_y - 0.5]])
