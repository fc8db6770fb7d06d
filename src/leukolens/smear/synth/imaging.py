"""What a look is made of: stain, lamp and lens, camera, each with the range that its figures may take."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

Rgb = tuple[float, float, float]


@dataclass(frozen=True)
class Stain:
    """Absorbance of each dye (natural logarithm, linear light; red, green, blue) at its usual depth."""

    chromatin: Rgb
    azure: Rgb
    eosin: Rgb
    orange: Rgb
    haemoglobin: Rgb
    plasma: float = 0.02
    """Absorbance of dried plasma between the cells."""
    pallor: float = 0.6
    """How pale the middle of a red cell is, 0 (not at all) to 1 (empty)."""
    flatten: float = 0.5
    """By how much red cells that lie on one another flatten: 0 not at all (their depths add up), 1 to one depth."""
    crenated: float = 0.03
    """Share of red cells with a crenated outline, from drying."""

    def __post_init__(self) -> None:
        _require(self, ("chromatin", "azure", "eosin", "orange", "haemoglobin", "plasma"), 0, math.inf)
        _require(self, ("pallor", "flatten", "crenated"), 0, 1)


@dataclass(frozen=True)
class Lens:
    """Lamp and lens."""

    lamp: Rgb = (0.97, 0.99, 0.98)
    """Colour of the empty field as the camera shows it; above 1 is over-exposed."""
    mired: float = 0.0
    """Shift of the lamp's colour temperature, in mired: above 0 is warmer."""
    vignette: float = 0.1
    """Light lost in the corners, share."""
    uneven: float = 0.02
    """Standard deviation of slow changes of light and of its colour over the field."""
    blur: float = 0.13
    """Standard deviation of the point spread in focus, um."""
    defocus: float = 0.32
    """Standard deviation of the point spread where the field is farthest out of focus, um."""
    fringe: float = 1.5
    """How much wider blue light spreads than red and green."""
    refraction: float = 0.05
    """Bright halo and dark rim at edges of cells; below 0 the other way round."""
    dust: int = 2
    """Specks on the camera's window: grey, soft, at the same places in every picture of a style."""

    def __post_init__(self) -> None:
        _require(self, ("lamp", "uneven", "blur", "defocus", "fringe", "dust"), 0, math.inf)
        _require(self, ("vignette",), 0, 1)
        _require(self, ("mired", "refraction"), -math.inf, math.inf)


@dataclass(frozen=True)
class Camera:
    """Response and noise of the camera."""

    gamma: float = 2.2
    contrast: float = 0.0
    """Strength of an S-shaped tone curve, 0 to 1."""
    saturation: float = 1.0
    noise: float = 0.010
    """Standard deviation of noise at full light, share of full light."""
    colour_noise: float = 0.008
    """The same for blotches of colour some pixels wide."""
    sharpen: float = 0.3
    """Strength of the unsharp mask that cameras apply."""

    def __post_init__(self) -> None:
        _require(self, ("gamma",), 0.1, 10)
        _require(self, ("contrast",), 0, 1)
        _require(self, ("saturation", "noise", "colour_noise", "sharpen"), 0, math.inf)


def _require(part: object, names: Sequence[str], least: float, greatest: float) -> None:
    """Raise ValueError for a figure that is not finite or not in the range."""
    for name in names:
        value = getattr(part, name)
        if not all(math.isfinite(v) and least <= v <= greatest for v in np.ravel(value)):
            raise ValueError(f"{type(part).__name__}.{name}: expected {least} to {greatest}, found {value!r}")
