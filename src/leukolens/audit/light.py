"""Sharpness, light and content of each picture, judged by fixed limits and against the rest of the data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from leukolens.audit.robust import EXTREME, robust_z
from leukolens.smear.quality import measure_quality
from leukolens.smear.squeeze import recognise_squeeze

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from leukolens.audit.picture import Picture

MEASURES: Final = ("focus", "exposure")
_LIMITS: Final = frozenset({"out of focus", "under-exposed", "over-exposed", "clipped"})
_WORDS: Final = {
    ("focus", -1): "more blurred than the others",
    ("exposure", -1): "darker than the others",
    ("exposure", 1): "brighter than the others",
}


class Light(NamedTuple):
    """Measures of one picture, see `leukolens.smear.quality`.

    Attributes
    ----------
    focus
        Sharpness, 0 to 1.
    exposure
        Mean L*, 0 to 100.
    clipped, stain, red_cells, white_cells, burned_in
        Shares of the picture, 0 to 1.
    squeeze
        Factor on the width that gives true shapes, as recognised in the picture: 1 or 4/3.
    flags
        Measures beyond fixed limits, in words.
    """

    focus: float
    exposure: float
    clipped: float
    stain: float
    red_cells: float
    white_cells: float
    burned_in: float
    squeeze: float
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LightOutlier:
    """A picture that is blurred, too dark or too bright.

    Attributes
    ----------
    index
        Its number.
    focus, exposure, clipped
        As in `Light`.
    z
        The most extreme of the robust z scores of focus (towards blurred only) and exposure, signed.
    why
        In words: fixed limits that it is beyond, and measures that stand out in the data set.
    """

    index: int
    focus: float
    exposure: float
    clipped: float
    z: float
    why: tuple[str, ...]


def measure_light(picture: Picture) -> Light:
    """Measure sharpness, light and content of a picture, on its reduced copy without marks."""
    squeeze = recognise_squeeze(picture.small)
    burned_in = float(picture.marks.mean())
    found = measure_quality(picture.small, burned_in=burned_in, squeeze=squeeze)
    return Light(
        focus=found.focus,
        exposure=found.exposure,
        clipped=found.clipped_fraction,
        stain=found.stain,
        red_cells=found.red_cells,
        white_cells=found.white_cells,
        burned_in=burned_in,
        squeeze=squeeze.factor,
        flags=tuple(found.flags),
    )


def light_scores(lights: Sequence[Light]) -> NDArray[np.float64]:
    """Return robust z scores (n, 2) of `MEASURES` within the data set; focus is compared on the scale of its logit."""
    values = np.array([(one.focus, one.exposure) for one in lights], np.float64).reshape(-1, 2)
    focus = np.clip(values[:, 0], 1e-3, 1 - 1e-3)
    return np.column_stack([robust_z(np.log(focus / (1 - focus))), robust_z(values[:, 1])])


def light_outliers(lights: Sequence[Light]) -> list[LightOutlier]:
    """Find pictures that are blurred, too dark, too bright or clipped, the worst first.

    Parameters
    ----------
    lights
        Of every picture.

    Returns
    -------
    list of LightOutlier
        Those beyond a fixed limit of `leukolens.smear.quality`, or more than 3.5 robust standard deviations out.
        Clipping is judged by its limit alone: most pictures have none, and any spread of it is that of a few.
    """
    found = []
    for index, (light, z) in enumerate(zip(lights, light_scores(lights), strict=True)):
        sides = [(name, -1 if score < 0 else 1, float(score)) for name, score in zip(MEASURES, z, strict=True)]
        bad = [(_WORDS[name, side], score) for name, side, score in sides if (name, side) in _WORDS]
        why = [flag for flag in light.flags if flag in _LIMITS]
        why += [word for word, score in bad if abs(score) > EXTREME]
        if why:
            extreme = max((score for _, score in bad), key=abs, default=0.0)
            found.append(LightOutlier(index, light.focus, light.exposure, light.clipped, extreme, tuple(why)))
    return sorted(found, key=lambda one: (-abs(one.z), one.index))
