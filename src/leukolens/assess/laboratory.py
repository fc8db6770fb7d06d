"""How a laboratory's pictures look, in the terms in which stain and lamp can be changed, and how far they differ.

The measured differences between real laboratories stand in ``laboratories.json`` beside this file, written by
``benchmarks/laboratories.py``. They calibrate the shifts of ``leukolens stress``: strength 1 is the median difference
between two laboratories.
"""

from __future__ import annotations

import json
import math
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from leukolens.smear.resampling import reduce_to
from leukolens.smear.segmentation.nuclear_dye import measure_dye

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

LOOK: Final = {
    "brightness": "log of the ground's mean channel, against white",
    "warmth": "log of red over blue of the ground",
    "tint": "log of green over the geometric mean of red and blue of the ground",
    "fall_off": "share of light lost from the middle to the corners of the ground",
    "nucleus_density": "log of the optical density of nuclei",
    "nucleus_hue": "hue of the optical density of nuclei about the grey axis, degrees; more is redder",
    "red_cell_density": "log of the optical density of red cells",
    "red_cell_hue": "hue of the optical density of red cells about the grey axis, degrees",
}
"""What is measured of a picture, and in which unit."""

DATA_FILE: Final = "laboratories.json"
_SIDE: Final = 320  # px
_FEWEST: Final = 40  # px of a part of which a median is taken
_MIDDLE, _CORNERS = 0.4, 0.8  # of the half diagonal


def measure_look(rgb: Picture) -> dict[str, float]:
    """Measure stain and lamp of one picture.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB.

    Returns
    -------
    dict
        For each name in `LOOK` a value, NaN where the picture does not show it.
    """
    small = reduce_to(rgb, _SIDE)
    dye = measure_dye(small)
    # A margin around cells: their blurred rim is no ground.
    ground = cv2.erode((~dye.stands).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    light = np.maximum(small.astype(np.float64), 1.0) / 255.0
    look = dict.fromkeys(LOOK, math.nan)
    if np.count_nonzero(ground) >= _FEWEST:
        red, green, blue = (float(value) for value in np.median(light[ground], axis=0))
        look["brightness"] = math.log((red + green + blue) / 3.0)
        look["warmth"] = math.log(red / blue)
        look["tint"] = math.log(green / math.sqrt(red * blue))
        look["fall_off"] = _fall_off(light[..., 1], ground)
    parts = {"red_cell": dye.stands & (dye.amount < 0.15 * dye.typical)} if dye.typical else {"red_cell": dye.stands}
    if dye.typical:
        parts["nucleus"] = dye.amount > 0.6 * dye.typical
    for name, part in parts.items():
        if np.count_nonzero(part) >= _FEWEST:
            vector = np.median(dye.above[part], axis=0)
            look[f"{name}_density"] = math.log(max(float(np.linalg.norm(vector)), 1e-3))
            look[f"{name}_hue"] = hue_of_density(vector)
    return look


def hue_of_density(vector: NDArray[np.floating[Any]]) -> float:
    """Give the angle in degrees, -180 to 180, of an optical density (3,) about the grey axis; 0 absorbs green alone.

    It rises as blue is absorbed rather than red: what is left looks redder. It is the angle by which
    `leukolens.smear.perturb.shift_stain` turns azure.
    """
    red, green, blue = (float(value) for value in vector)
    return math.degrees(math.atan2(math.sqrt(3.0) * (blue - red), 2.0 * green - red - blue))


def _fall_off(light: NDArray[np.float64], ground: NDArray[np.bool_]) -> float:
    height, width = light.shape
    rows = (np.arange(height) - 0.5 * (height - 1)) / (0.5 * height)
    columns = (np.arange(width) - 0.5 * (width - 1)) / (0.5 * width)
    away = np.hypot(rows[:, None], columns[None, :]) / math.sqrt(2.0)
    middle, corners = light[ground & (away < _MIDDLE)], light[ground & (away > _CORNERS)]
    if min(middle.size, corners.size) < _FEWEST:
        return math.nan
    return 1.0 - float(np.median(corners)) / float(np.median(middle))


def differences(looks: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Compare laboratories two by two.

    Parameters
    ----------
    looks
        For each laboratory its look; NaN where it is not known.

    Returns
    -------
    dict
        For each name in `LOOK` the `median`, the `least` and the `greatest` absolute difference between two
        laboratories, and the number of `pairs`.
    """
    found = {}
    for name in LOOK:
        values = np.array([look[name] for look in looks.values()])
        values = values[np.isfinite(values)]
        first, second = np.triu_indices(len(values), 1)
        apart = np.abs(values[first] - values[second])
        if name.endswith("_hue"):
            apart = np.minimum(apart, 360.0 - apart)
        found[name] = {
            "median": float(np.median(apart)),
            "least": float(apart.min()),
            "greatest": float(apart.max()),
            "pairs": float(len(apart)),
        }
    return found


@lru_cache(maxsize=1)
def typical_differences() -> dict[str, float]:
    """Return for each name in `LOOK` the median difference between two real laboratories, as it was measured."""
    content = json.loads(files("leukolens.assess").joinpath(DATA_FILE).read_text("utf-8"))
    return {name: float(content["differences"][name]["median"]) for name in LOOK}
