"""Forms of nuclei, as signed distances inside the cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leukolens.smear.synth.noise import texture
from leukolens.smear.synth.shapes import disc, intersect, polar, radial_outline, tube, unite

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukolens.smear.synth.canvas import Window
    from leukolens.smear.synth.recipes import Recipe

_MEMBRANE = 0.12  # um of cytoplasm that are left around any nucleus


def draw_nucleus(
    window: Window, cell: NDArray[np.float32], radii: NDArray[np.float32], recipe: Recipe, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the distance inside the nucleus (um).

    Parameters
    ----------
    window
        Around the cell.
    cell
        (h, w) distance inside the cell, um.
    radii
        The cell's outline, um.
    recipe
        Form of the nucleus and its share of the cell.
    rng
        Source of the numbers.
    """
    radius = float(np.sqrt(np.mean(radii**2)))
    share = float(rng.uniform(*recipe.share))
    if recipe.nucleus in {"round", "indented"}:
        nucleus = _round(window, radii, share, rng)
        if recipe.nucleus == "indented" or rng.random() < 0.12:
            nucleus = _indent(window, nucleus, radius * np.sqrt(share), rng)
    else:
        x, y = _warped(window, rng, 0.2)
        draw = {"folded": _folded, "band": _band, "lobed": _lobed}[recipe.nucleus]
        nucleus = draw(x, y, radius, share, recipe, rng)
    return intersect(nucleus, cell - np.float32(_MEMBRANE), 0.3)


def _round(window: Window, radii: NDArray[np.float32], share: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return a nucleus that half follows the cell's outline, off its middle as far as there is room."""
    radius = float(np.sqrt(np.mean(radii**2)))
    scale = np.sqrt(share)
    own = radial_outline(rng, radius, elongation=1 + abs(0.05 * float(rng.standard_normal())), roughness=0.02)
    outline = scale * (0.6 * radii + 0.4 * own).astype(np.float32)
    room = max(radius - float(np.sqrt(np.mean(outline**2))) - _MEMBRANE, 0.0)
    angle, far = rng.uniform(0, 2 * np.pi), room * float(rng.uniform(0.3, 0.95))
    return polar(window, np.asarray(outline, np.float32), (far * np.cos(angle), far * np.sin(angle)))[0]


def _indent(
    window: Window, nucleus: NDArray[np.float32], radius: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    angle, size = rng.uniform(0, 2 * np.pi), radius * float(rng.uniform(0.5, 1.1))
    far = radius + size * float(rng.uniform(0.6, 0.9))
    dent = disc(window.x, window.y, (far * np.cos(angle), far * np.sin(angle)), size)
    return intersect(nucleus, -dent, 1.2)


def _arc(radius: float, span: float, start: float, points: int = 12) -> list[tuple[float, float]]:
    angles = start + np.linspace(-span / 2, span / 2, points)
    return [(radius * float(np.cos(a)), radius * float(np.sin(a))) for a in angles]


def _folded(
    x: NDArray[np.float32], y: NDArray[np.float32], radius: float, share: float, _: Recipe, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return a kidney: a thick arc, broad at one end."""
    area = share * np.pi * radius**2
    bend = radius * float(rng.uniform(0.34, 0.46))
    span = float(rng.uniform(1.9, 3.4))
    line = _moved(_arc(bend, span, start := float(rng.uniform(0, 6.28))), start, -0.25 * radius)
    length = bend * span
    width = (-length + np.sqrt(length**2 + np.pi * area)) / np.pi
    body = tube(x, y, line, float(width))
    return unite(body, disc(x, y, line[0], float(width * rng.uniform(1.0, 1.2))), 1.0)


def _band(
    x: NDArray[np.float32], y: NDArray[np.float32], radius: float, share: float, _: Recipe, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return a horseshoe of even width."""
    area = share * np.pi * radius**2
    bend = radius * float(rng.uniform(0.48, 0.56))
    span = float(rng.uniform(3.0, 4.4))
    start = float(rng.uniform(0, 6.28))
    length = bend * span
    width = (-length + np.sqrt(length**2 + np.pi * area)) / np.pi
    line = _moved(_arc(bend, span, start), start, -0.1 * radius)
    body = tube(x, y, line, float(width) * 0.95)
    for end in (line[0], line[-1]):
        body = unite(body, disc(x, y, end, float(width * rng.uniform(1.0, 1.2))), 0.8)
    return body


def _lobed(
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    radius: float,
    share: float,
    recipe: Recipe,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Return lobes in a bent row, joined by thin bridges."""
    number = int(rng.integers(recipe.lobes[0], recipe.lobes[1] + 1))
    size = radius * np.sqrt(share / number)
    bend = max(radius * float(rng.uniform(0.42, 0.52)), 0.9 * size)
    step = float(rng.uniform(1.95, 2.4)) * size / bend
    start = float(rng.uniform(0, 6.28))
    row = [(start + (k - (number - 1) / 2) * step, bend * float(rng.uniform(0.85, 1.15))) for k in range(number)]
    middles = [(r * float(np.cos(a)), r * float(np.sin(a))) for a, r in row]
    body = tube(x, y, [*middles, middles[-1]], 0.32) if number > 1 else disc(x, y, middles[0], size)
    for (angle, _), (cx, cy) in zip(row, middles, strict=True):
        long, turn = float(rng.uniform(0.0, 0.55)) * size, angle + float(rng.normal(1.57, 0.6))
        dx, dy = long * np.cos(turn), long * np.sin(turn)
        lobe = tube(x, y, [(cx - dx, cy - dy), (cx + dx, cy + dy)], float(size * rng.uniform(0.85, 1.05) - 0.3 * long))
        body = unite(body, lobe, 0.45)
    return body


def _moved(line: list[tuple[float, float]], angle: float, by: float) -> list[tuple[float, float]]:
    return [(px + by * float(np.cos(angle)), py + by * float(np.sin(angle))) for px, py in line]


def _warped(
    window: Window, rng: np.random.Generator, strength: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the coordinates, shaken slowly from place to place, so that no lobe stays a perfect capsule."""
    x = window.x + np.float32(strength) * texture(window, rng, 1.8)
    y = window.y + np.float32(strength) * texture(window, rng, 1.8)
    return x, y
