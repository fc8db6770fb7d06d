"""What preparing makes of one picture, stage by stage, as pictures with captions."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.smear.prepare import map_back, prepare
from leukolens.smear.resampling import reduce_to
from leukolens.smear.segmentation import SegmentHSV, SegmentKMeans, apply_mask, segment
from leukolens.smear.segmentation.stages import kmeans_stages
from leukolens.smear.steps import tells_dyes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from leukolens.smear.gallery import Tiles
    from leukolens.smear.prepare import Preparation, Prepared
    from leukolens.smear.steps import Normalisation, Segmentation

    Picture = NDArray[np.uint8]

LONGEST: Final = 640
"""Longest side of a stage's picture, px: the picture as given is reduced to it."""

_DONE: Final = {
    "flatten-illumination": "Even light: the surface of the background divided out",
    "reinhard": "Reinhard: means and spreads of L*a*b* brought to those of the reference",
    "macenko": "Macenko: both dyes brought to colour and strength of the reference",
    "vahadane": "Vahadane: both dyes brought to colour and strength of the reference",
    "segment-kmeans": "Mask applied: everything outside it black",
    "segment-hsv": "Mask applied: everything outside it black",
}

_NOT_TOLD: Final = "Two dyes cannot be told apart: only the background brought to that of the reference"


@dataclass(frozen=True)
class Stage:
    """One picture on the way.

    Attributes
    ----------
    name
        Short, for a file's name.
    caption
        What it shows.
    picture
        (H, W, 3) uint8 sRGB, or (H, W) uint8 grey.
    seconds
        How long it took to get there from the stage before, where that was measured.
    told
        False where two dyes could not be told apart, so that only the background was changed.
    """

    name: str
    caption: str
    picture: Picture
    seconds: float | None = None
    told: bool = True


def stages_of(
    rgb: Picture, spec: Preparation, *, second: Segmentation | None = None, aspect: float | None = None
) -> list[Stage]:
    """Prepare a picture and keep every stage.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB, as read.
    spec
        What to do; its steps fitted.
    second
        How the second training sample is cut out of the prepared picture, where there is one.
    aspect
        As `prepare` takes it.

    Returns
    -------
    list of Stage
        As given, marks painted out, prepared, then each step and the second sample; a segmentation with what it makes
        on its way.

    Raises
    ------
    ImageError, UsageError
        As `prepare`.
    """
    start = time.perf_counter()
    bare = prepare(rgb, spec.of_field.model_copy(update={"steps": ()}), aspect=aspect)
    seconds = time.perf_counter() - start
    height, width = rgb.shape[:2]
    stages = [Stage("original", f"As given, {width} × {height} px", reduce_to(rgb, LONGEST))]
    if spec.paint_out_marks:
        found = f"{100 * bare.burned_in:.1f} % of the picture" if bare.burned_in else "none found"
        stages.append(Stage("marks-painted-out", f"Scale bars and other marks painted out: {found}", bare.working))
    stages.append(Stage("prepared", _how_prepared(bare, spec), bare.pixels, seconds))

    def keep(step: Normalisation | Segmentation, before: Picture, after: Picture, took: float) -> None:
        stages.extend(_inner(step, before))
        told = tells_dyes(before, step)
        stages.append(Stage(step.kind, _DONE[step.kind] if told else _NOT_TOLD, after, took, told))

    prepared = prepare(rgb, spec, aspect=aspect, watch=keep)
    if prepared.tiles is not None:
        stages.append(Stage("cells", _how_laid_out(prepared.tiles), prepared.pixels))
    return stages if second is None else [*stages, *_second_sample(prepared.pixels, second)]


def mask_of(
    rgb: Picture, spec: Preparation, *, second: Segmentation | None = None, aspect: float | None = None
) -> NDArray[np.bool_]:
    """Return the mask (H, W) bool of the last segmentation, on the picture as given.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB, as read.
    spec
        What to do; one of its steps is a segmentation, or there is a second sample.
    second
        As `stages_of` takes it; it comes last.
    aspect
        As `prepare` takes it.
    """
    masks: list[NDArray[np.bool_]] = []

    def keep(step: Normalisation | Segmentation, before: Picture, _after: Picture, _took: float) -> None:
        if isinstance(step, (SegmentKMeans, SegmentHSV)):
            masks.append(segment(before, step))

    prepared = prepare(rgb, spec.of_field if second is None else spec, aspect=aspect, watch=keep)
    if second is None:
        left, top, wide, high = prepared.window
        placed = np.zeros(prepared.pixels.shape[:2], np.float32)
        placed[top : top + high, left : left + wide] = masks[-1]
    else:
        placed = segment(prepared.pixels, second).astype(np.float32)
    height, width = rgb.shape[:2]
    return np.asarray(map_back(placed, prepared, width, height) >= 0.5)


def _second_sample(pixels: Picture, second: Segmentation) -> Iterator[Stage]:
    """Yield what training makes of the prepared picture beside it."""
    yield from _inner(second, pixels)
    start = time.perf_counter()
    sample = apply_mask(pixels, segment(pixels, second))
    took = time.perf_counter() - start
    yield Stage("second-sample", f"The second training sample, by {second.kind}: all else black", sample, took)


def _inner(step: Normalisation | Segmentation, before: Picture) -> Iterator[Stage]:
    """Yield what a segmentation makes on its way from the picture `before` it."""
    if isinstance(step, SegmentHSV):
        way = "as the data authors did, red and blue exchanged" if step.channels == "swapped" else "computed rightly"
        yield Stage("hsv-mask", f"Hue, saturation and value within bounds; hue {way}", _white(segment(before, step)))
    if not isinstance(step, SegmentKMeans):
        return
    made = kmeans_stages(before, step)
    low, high = int(made.a.min()), int(made.a.max())
    yield Stage("a-channel", f"a*, green to magenta: {low - 128:+d} dark to {high - 128:+d} bright", _stretched(made.a))
    colours = len(np.unique(made.clustered))
    yield Stage("clusters", f"Each pixel as the centre of its cluster of a*: {colours}", _stretched(made.clustered))
    yield Stage("threshold", f"Clusters above {step.threshold} (a* + 128)", _white(made.above))
    yield Stage("filled", "Holes filled", _white(made.filled))
    yield Stage("cleaned", f"Objects under {step.min_object} px dropped", _white(made.cleaned))
    yield Stage("mask", f"Holes under {step.min_hole} px filled: the mask", _white(made.mask))


def _how_prepared(prepared: Prepared, spec: Preparation) -> str:
    height, width = prepared.pixels.shape[:2]
    size = f"Prepared, {width} × {height} px"
    if spec.shape == "stretch":
        return f"{size}, stretched to that shape"
    factor = prepared.squeeze.factor
    return f"{size}, in true shapes" + (f": a squeeze by {factor:.3f} undone" if abs(factor - 1) > 0.005 else "")


def _how_laid_out(tiles: Tiles) -> str:
    if not len(tiles.corners):
        return "White cells laid out: none found"
    return f"White cells laid out alone: {tiles.rows * tiles.columns} tiles"


def _stretched(grey: Picture) -> Picture:
    low, high = int(grey.min()), int(grey.max())
    return np.asarray((grey.astype(np.float32) - low) * (255.0 / max(1, high - low)), np.uint8)


def _white(mask: NDArray[np.bool_]) -> Picture:
    return mask.astype(np.uint8) * np.uint8(255)
