"""Shifts of stain, lamp, camera and geometry, in several strengths, for `leukolens stress`.

Those of stain and lamp are calibrated: strength 1 moves a picture by the median difference between two of six real
laboratories (`assess.laboratory`), one property at a time; "laboratory" moves all of them at once. What no laboratory
tells (blur, noise, JPEG, resolution, crop, turn) has fixed strengths, lengths as shares of the picture's width.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from leukolens.assess.laboratory import typical_differences
from leukolens.smear.perturb import blur, jpeg, noise, shift_lamp, shift_stain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]
    Shift = Callable[[Picture], Picture]

LABORATORY_STRENGTHS: Final = (0.5, 1.0, 2.0)
"""Of the median difference between two laboratories."""

_MOST_FALL_OFF: Final = 0.9

LAMPS: Final = {
    "lamp-warm": ("warmth", (0.5, 0.0, -0.5)),
    "lamp-cold": ("warmth", (-0.5, 0.0, 0.5)),
    "lamp-green": ("tint", (-1 / 3, 2 / 3, -1 / 3)),
    "lamp-magenta": ("tint", (1 / 3, -2 / 3, 1 / 3)),
    "lamp-dark": ("brightness", (-1.0, -1.0, -1.0)),
    "lamp-bright": ("brightness", (1.0, 1.0, 1.0)),
}
"""Which difference moves the logarithms of the gains of red, green and blue, and by which share of it."""

STAINS: Final = {
    "nuclei-strong": ("nucleus_density", 1.0),
    "nuclei-pale": ("nucleus_density", -1.0),
    "nuclei-redder": ("nucleus_hue", 1.0),
    "nuclei-bluer": ("nucleus_hue", -1.0),
    "red-cells-strong": ("red_cell_density", 1.0),
    "red-cells-pale": ("red_cell_density", -1.0),
}
"""Which difference moves the stain, and in which direction."""


def stain_shift(name: str, strength: float) -> Shift:
    """Return the shift of one property of the stain; `name` is a key of `STAINS`."""
    of, direction = STAINS[name]
    by = direction * strength * typical_differences()[of]
    if of == "nucleus_hue":
        return partial(shift_stain, hue_deg=by)
    factor = math.exp(by)
    if of == "nucleus_density":
        return partial(shift_stain, azure=factor)
    return partial(shift_stain, eosin=factor, residual=factor)


def lamp_shift(name: str, strength: float) -> Shift:
    """Return the shift of one property of the lamp; `name` is a key of `LAMPS`, or "lamp-fall-off"."""
    apart = typical_differences()
    if name == "lamp-fall-off":
        return partial(shift_lamp, vignette=min(strength * apart["fall_off"], _MOST_FALL_OFF))
    of, shares = LAMPS[name]
    red, green, blue = (math.exp(strength * share * apart[of]) for share in shares)
    return partial(shift_lamp, gains=(red, green, blue))


def laboratory_shift(name: str, strength: float) -> Shift:
    """Return the shift of all properties at once, "laboratory-a" or "laboratory-b".

    a: paler and bluer nuclei, stronger red cells, under a darker, warmer, greener lamp that falls off. b: the
    opposite, but for the brightness, which stays: more light would clip, and hide what else is changed.
    """
    sign = 1.0 if name == "laboratory-a" else -1.0
    apart = typical_differences()
    gains = np.zeros(3)
    for lamp in ("lamp-warm", "lamp-green"):
        of, shares = LAMPS[lamp]
        gains += sign * strength * apart[of] * np.array(shares)
    gains -= max(sign, 0.0) * strength * apart["brightness"]
    red, green, blue = (float(value) for value in np.exp(gains))
    stain = partial(
        shift_stain,
        azure=math.exp(-sign * strength * apart["nucleus_density"]),
        eosin=math.exp(sign * strength * apart["red_cell_density"]),
        residual=math.exp(sign * strength * apart["red_cell_density"]),
        hue_deg=-sign * strength * apart["nucleus_hue"],
    )
    fall_off = min(strength * apart["fall_off"], _MOST_FALL_OFF) if sign > 0 else 0.0
    return lambda rgb: shift_lamp(stain(rgb), gains=(red, green, blue), vignette=fall_off)


# --- camera, file and geometry: strength is what the unit says -----------------------------------------------------


def blur_by(rgb: Picture, percent: float) -> Picture:
    """Blur with a Gaussian whose sigma is `percent` of the picture's width."""
    return blur(rgb, percent / 100.0 * rgb.shape[1])


def add_noise(rgb: Picture, levels: float) -> Picture:
    """Add normal noise of that many grey levels."""
    return noise(rgb, levels)


def save_as_jpeg(rgb: Picture, quality: float) -> Picture:
    """Encode as JPEG of that quality and decode again."""
    return jpeg(rgb, round(quality))


def lose_resolution(rgb: Picture, factor: float) -> Picture:
    """Reduce by `factor` and enlarge again: what is finer is lost, the size stays."""
    height, width = rgb.shape[:2]
    size = (max(1, round(width / factor)), max(1, round(height / factor)))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def crop_middle(rgb: Picture, percent: float) -> Picture:
    """Keep the middle `percent` of width and of height."""
    height, width = rgb.shape[:2]
    rows, columns = (max(1, round(percent / 100.0 * side)) for side in (height, width))
    top, left = (height - rows) // 2, (width - columns) // 2
    return np.ascontiguousarray(rgb[top : top + rows, left : left + columns])


def turn(rgb: Picture, degrees: float) -> Picture:
    """Turn anticlockwise: by right angles exactly, else within the frame, the corners filled with mirror images."""
    if degrees % 90 == 0:
        return np.ascontiguousarray(np.rot90(rgb, int(degrees // 90)))
    height, width = rgb.shape[:2]
    matrix = cv2.getRotationMatrix2D((0.5 * (width - 1), 0.5 * (height - 1)), degrees, 1.0)
    turned = cv2.warpAffine(rgb, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(turned, np.uint8)


def flip_across(rgb: Picture, _: float = 1.0) -> Picture:
    """Exchange left and right."""
    return np.ascontiguousarray(rgb[:, ::-1])


def flip_down(rgb: Picture, _: float = 1.0) -> Picture:
    """Exchange top and bottom."""
    return np.ascontiguousarray(rgb[::-1])


FIXED: Final[dict[str, tuple[Callable[[Picture, float], Picture], tuple[float, ...], str]]] = {
    "blur": (blur_by, (0.25, 0.5, 1.0), "% of the width"),
    "noise": (add_noise, (4.0, 8.0, 16.0), "grey levels"),
    "jpeg": (save_as_jpeg, (75.0, 40.0, 15.0), "quality"),
    "resolution": (lose_resolution, (1.5, 2.0, 3.0), "times coarser"),
    "crop": (crop_middle, (90.0, 75.0, 50.0), "% of the sides kept"),
    "turn": (turn, (15.0, 90.0, 180.0, 270.0), "degrees"),
    "flip-across": (flip_across, (1.0,), ""),
    "flip-down": (flip_down, (1.0,), ""),
}
"""Function, strengths and their unit; the strengths from the mildest to the hardest, but for turns."""


def laboratory_families() -> Iterator[tuple[str, Callable[[str, float], Shift]]]:
    """Yield the name of each calibrated shift, and what makes it."""
    yield from ((name, stain_shift) for name in STAINS)
    yield from ((name, lamp_shift) for name in (*LAMPS, "lamp-fall-off"))
    yield from ((name, laboratory_shift) for name in ("laboratory-a", "laboratory-b"))
