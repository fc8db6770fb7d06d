"""Red cells: discs with a pale middle, oval, crenated or drawn out, notched where a white cell lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.smear.synth.canvas import HAEMOGLOBIN
from leukolens.smear.synth.noise import texture
from leukolens.smear.synth.shapes import coverage, crenate, intersect, polar, radial_outline, teardrop

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukolens.smear.synth.canvas import Canvas, Window
    from leukolens.smear.synth.imaging import Stain

RADIUS_UM: Final = 3.75
_SPREAD: Final = 0.06  # of radii: a red cell distribution width of about 13 %
_SOFTNESS: Final = 0.9  # um over which the rim rises
_GAP: Final = 0.1  # um between a red cell and the white cell that it lies against


def draw_red_cell(canvas: Canvas, centre: tuple[float, float], rng: np.random.Generator, stain: Stain) -> None:
    """Draw one red cell at `centre` (um) and note its truth.

    The thickness follows the look of dried films, not the biconcave disc in plasma (Evans and Fung 1972): highest
    about 1 um inside the rim, with a pale middle of varying width and depth, or none.
    """
    radius = RADIUS_UM * float(np.exp(_SPREAD * rng.standard_normal()))
    radii = _outline(rng, radius, stain.crenated)
    reach = float(radii.max()) + _SOFTNESS
    window = canvas.window(centre, reach)
    thickness = _thickness_parameters(rng, stain.pallor)
    if window is None:
        return
    inside, share = polar(window, radii)
    inside = intersect(inside, -canvas.white[window.rows, window.cols] - np.float32(_GAP), 0.8)
    body = coverage(inside, _SOFTNESS, window.um_per_px) * _profile(window, share, *thickness)
    red = canvas.dyes[window.rows, window.cols, HAEMOGLOBIN]
    body *= 1 + np.float32(0.035) * texture(window, rng, 1.2)
    canvas.stain(window, HAEMOGLOBIN, body - _lost_in_overlap(red, body, inside, stain.flatten))
    canvas.record(window, "red cell", inside > 0)


def _lost_in_overlap(
    below: NDArray[np.float32], body: NDArray[np.float32], inside: NDArray[np.float32], flatten: float
) -> NDArray[np.float32]:
    """Return the depth that is missing where a cell lies on others: they flatten, and thin out along the border."""
    shared = np.minimum(below, 1) * body
    seam = np.exp(-(((inside - np.float32(0.1)) / np.float32(0.35)) ** 2)) * np.minimum(below, 1)
    return np.asarray(flatten * (shared + np.float32(0.3) * seam), np.float32)


def _outline(rng: np.random.Generator, radius: float, crenated: float) -> NDArray[np.float32]:
    oval = 1 + float(rng.gamma(1.6, 0.06)) + (float(rng.uniform(0.15, 0.5)) if rng.random() < 0.06 else 0.0)
    radii = radial_outline(rng, radius, elongation=oval, roughness=0.028, order=5)
    chance = rng.random()
    if chance < crenated:
        return crenate(rng, radii, float(rng.uniform(0.02, 0.075)), radius)
    if chance > 0.985:
        return teardrop(rng, radii, float(rng.uniform(0.25, 0.6)), radius)
    return radii


def _thickness_parameters(rng: np.random.Generator, pallor: float) -> tuple[float, float, float, float, float, float]:
    """Return depth, pallor, where the pale middle begins and ends (share of the radius), and its shift (um)."""
    depth = float(np.exp(0.1 * rng.standard_normal()))
    pale = float(np.clip(pallor + 0.22 * rng.standard_normal(), 0.0, 0.97))
    start = float(rng.uniform(0.0, 0.3))
    stop = float(rng.uniform(0.6, 0.85))
    shift = 0.35 * rng.standard_normal(2)
    return depth, pale, start, stop, float(shift[0]), float(shift[1])


def _profile(
    window: Window,
    share: NDArray[np.float32],
    depth: float,
    pale: float,
    start: float,
    stop: float,
    dx: float,
    dy: float,
) -> NDArray[np.float32]:
    tilt = (window.x * np.float32(dx) + window.y * np.float32(dy)) * np.float32(0.06 / RADIUS_UM)
    ramp = np.clip((share + tilt * 3 - np.float32(start)) / np.float32(stop - start), 0, 1)
    rise = ramp * ramp * (3 - 2 * ramp)
    return np.asarray(depth * (1 - np.float32(pale) * (1 - rise)) * (1 + tilt), np.float32)
