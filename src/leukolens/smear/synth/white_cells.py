"""White cells with a nucleus, drawn from their recipes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from leukolens.smear.synth.canvas import AZURE, CHROMATIN, EOSIN
from leukolens.smear.synth.noise import fractal, texture
from leukolens.smear.synth.nuclei import draw_nucleus
from leukolens.smear.synth.recipes import RECIPES
from leukolens.smear.synth.shapes import coverage, disc, intersect, polar, radial_outline, tube, unite

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukolens.smear.synth.canvas import Canvas, Window
    from leukolens.smear.synth.recipes import Chromatin, Granules, Recipe

_CELL_SOFTNESS: Final = 0.35  # um
_NUCLEUS_SOFTNESS: Final = 0.3
_MARGIN: Final = 2.0  # um around the cell in which its distance is known, for cells that lie against it
_GAP: Final = 0.08


def draw_radius(kind: str, rng: np.random.Generator) -> float:
    """Draw the radius of a cell of that kind, um."""
    mean, spread, least, greatest = RECIPES[kind].diameter
    return float(np.clip(rng.normal(mean, spread), least, greatest)) / 2


def draw_white_cell(
    canvas: Canvas, kind: str, centre: tuple[float, float], radius: float, rng: np.random.Generator
) -> None:
    """Draw one white cell of `radius` (um, of the disc of its area) at `centre` and note its truth.

    A cell that lies against one drawn before is flattened there: white cells never overlap.
    """
    recipe = RECIPES[kind]
    elongation = 1 + (recipe.elongation - 1) * float(rng.gamma(2.0, 0.5))
    radii = radial_outline(rng, radius, elongation=elongation, roughness=recipe.roughness)
    reach = float(radii.max()) * 1.15 + _MARGIN
    window = canvas.window(centre, reach)
    if window is None:
        return
    cell = _cell_body(window, radii, recipe, rng)
    known = canvas.white[window.rows, window.cols]
    cell = intersect(cell, -known - np.float32(_GAP), 0.6)
    nucleus = draw_nucleus(window, cell, radii, recipe, rng)
    np.maximum(known, cell, out=known)
    whole = coverage(cell, _CELL_SOFTNESS, window.um_per_px)
    kernel = coverage(nucleus, _NUCLEUS_SOFTNESS, window.um_per_px)
    _stain_cytoplasm(canvas, window, recipe, cell, whole, kernel, rng)
    _stain_nucleus(canvas, window, recipe, nucleus, kernel, rng)
    for granules in recipe.granules:
        canvas.stain(window, granules.dye, _granules(window, granules, rng) * whole * _room(granules, kernel))
    canvas.record(window, kind, cell > 0, (nucleus > 0) & (cell > 0))


def _cell_body(
    window: Window, radii: NDArray[np.float32], recipe: Recipe, rng: np.random.Generator
) -> NDArray[np.float32]:
    body = polar(window, radii)[0]
    if rng.random() < recipe.blebs:
        radius = float(radii.mean())
        for angle in rng.uniform(0, 6.28) + rng.normal(0, 0.5, int(rng.integers(1, 4))):
            size, far = float(rng.uniform(0.5, 1.0)), radius * float(rng.uniform(0.93, 1.04))
            body = unite(body, disc(window.x, window.y, (far * np.cos(angle), far * np.sin(angle)), size), 0.8)
    return body


def _stain_cytoplasm(
    canvas: Canvas,
    window: Window,
    recipe: Recipe,
    cell: NDArray[np.float32],
    whole: NDArray[np.float32],
    kernel: NDArray[np.float32],
    rng: np.random.Generator,
) -> None:
    """Stain the cytoplasm: cloudy, deeper towards the cell's border, paler in vacuoles and beside the nucleus."""
    cloud = 1 + np.float32(0.16) * fractal(window, rng, 0.9)
    rim = 1 + np.float32(0.5) * np.exp(-np.maximum(cell, 0) / np.float32(0.6))
    empty = _vacuoles(window, recipe, cell, rng)
    depth = float(np.exp(0.2 * rng.standard_normal()))
    body = whole * cloud * rim * (1 - empty) * (1 - np.float32(0.45) * kernel)
    for dye, amount in recipe.cytoplasm:
        canvas.stain(window, dye, np.asarray(body * np.float32(amount * depth), np.float32))


def _vacuoles(
    window: Window, recipe: Recipe, cell: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return how empty each pixel is, 0 to 1."""
    empty = np.zeros(window.shape, np.float32)
    radius = recipe.diameter[0] / 2
    for _ in range(int(rng.poisson(recipe.vacuoles))):
        angle, far = rng.uniform(0, 6.28), radius * float(np.sqrt(rng.uniform(0.3, 0.9)))
        hole = disc(window.x, window.y, (far * np.cos(angle), far * np.sin(angle)), float(rng.uniform(0.25, 0.6)))
        hole = np.minimum(hole, cell - np.float32(0.4))
        empty = np.maximum(empty, np.float32(0.8) * coverage(hole, 0.3, window.um_per_px))
    return empty


def _stain_nucleus(
    canvas: Canvas,
    window: Window,
    recipe: Recipe,
    nucleus: NDArray[np.float32],
    kernel: NDArray[np.float32],
    rng: np.random.Generator,
) -> None:
    chromatin = recipe.chromatin
    depth = chromatin.depth * float(np.exp(0.13 * rng.standard_normal()))
    pink = 0.3 * depth * float(rng.beta(1.0, 2.0))
    amount = depth * _chromatin(window, chromatin, nucleus, rng)
    blue = np.zeros(window.shape, np.float32)
    radius = recipe.diameter[0] / 2 * float(np.sqrt(recipe.share[0]))
    for _ in range(int(rng.integers(recipe.nucleoli[0], recipe.nucleoli[1] + 1))):
        spot, ring = _nucleolus(window, nucleus, radius, rng)
        amount *= 1 - np.float32(0.3) * spot + np.float32(0.12) * ring
        blue += np.float32(0.22) * spot
    if rng.random() < 0.4 and recipe.nucleus == "round":
        amount *= 1 - np.float32(0.16) * _crease(window, radius, rng)
    canvas.stain(window, CHROMATIN, np.asarray(amount * kernel, np.float32))
    canvas.stain(window, AZURE, blue * kernel)
    canvas.stain(window, EOSIN, kernel * np.float32(pink))


def _chromatin(
    window: Window, chromatin: Chromatin, nucleus: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the depth of the chromatin, about 1: fine grain, clumps, pale gaps, slow clouds, a darker border."""
    clumps = np.tanh(1.3 * texture(window, rng, chromatin.grain))
    gaps = np.clip(texture(window, rng, 0.85 * chromatin.grain) - np.float32(0.8), 0, 1)
    clouds = texture(window, rng, 2.2)
    fine = texture(window, rng, 0.22)
    border = np.exp(-((np.maximum(nucleus, 0) / np.float32(0.35)) ** 2))
    dome = np.clip(nucleus / np.float32(3.0), 0, 1)
    return np.asarray(
        (1 + chromatin.contrast * clumps - chromatin.flecks * gaps * 1.6)
        * (1 + np.float32(0.06) * clouds + np.float32(0.03) * fine)
        * (0.94 + np.float32(chromatin.membrane) * border + np.float32(0.08) * dome),
        np.float32,
    )


def _nucleolus(
    window: Window, nucleus: NDArray[np.float32], radius: float, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return a pale spot and the condensed chromatin around it, 0 to 1 each."""
    angle, far = rng.uniform(0, 6.28), 0.65 * radius * float(np.sqrt(rng.random()))
    radii = radial_outline(rng, float(rng.uniform(0.6, 1.2)), elongation=1.2, roughness=0.08)
    inside = polar(window, radii, (far * np.cos(angle), far * np.sin(angle)))[0]
    inside = np.minimum(inside, nucleus - np.float32(0.5))
    spot = coverage(inside, 0.5, window.um_per_px)
    return spot, np.asarray(np.exp(-((inside / np.float32(0.35)) ** 2)) * (1 - spot), np.float32)


def _crease(window: Window, radius: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return a fold or cleft across the nucleus, 0 to 1."""
    angle = rng.uniform(0, 6.28)
    ends = radius * np.array([rng.uniform(-0.2, 0.3), rng.uniform(0.6, 1.1)])
    bend = 0.25 * radius * float(rng.standard_normal())
    middle = ends.mean()
    points = [(ends[0], 0.0), (middle, bend), (ends[1], 0.0)]
    cos, sin = float(np.cos(angle)), float(np.sin(angle))
    line = [(cos * u - sin * v, sin * u + cos * v) for u, v in points]
    return coverage(tube(window.x, window.y, line, 0.2), 0.5, window.um_per_px)


def _room(granules: Granules, kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ones_like(kernel) if granules.over_nucleus else 1 - np.float32(0.92) * kernel


def _granules(window: Window, granules: Granules, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the amount of dye in granules strewn fairly evenly over the window."""
    reach = window.reach
    step = 1 / np.sqrt(granules.per_um2)
    places = np.stack(np.meshgrid(*[np.arange(-reach, reach, step)] * 2), -1).reshape(-1, 2)
    places = places + rng.normal(0, 0.35 * step, places.shape)
    strength = rng.uniform(0.3, 1.2, len(places))
    sigma = granules.diameter / 2.6 / window.um_per_px
    spots = scatter(window, places, strength)
    if sigma > 0.2:
        spots = np.asarray(cv2.GaussianBlur(spots, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT), np.float32)
    peak = granules.amount * 2 * np.pi * max(sigma, 0.4) ** 2
    return np.asarray(np.minimum(spots * np.float32(peak), np.float32(1.25 * granules.amount)), np.float32)


def scatter(window: Window, places: NDArray[np.float64], strength: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return an image of points: each point's strength is shared between the four pixels about it.

    Parameters
    ----------
    window
        Where.
    places
        (n, 2) micrometres from the window's centre.
    strength
        (n,).
    """
    height, width = window.shape
    u = (places[:, 0] - float(window.x[0, 0])) / window.um_per_px
    v = (places[:, 1] - float(window.y[0, 0])) / window.um_per_px
    i, j = np.floor(v).astype(int), np.floor(u).astype(int)
    image = np.zeros((height + 2, width + 2))
    for di, dj in ((0, 0), (0, 1), (1, 0), (1, 1)):
        weight = strength * np.abs(1 - di - (v - i)) * np.abs(1 - dj - (u - j))
        inside = (i + di >= 0) & (j + dj >= 0) & (i + di < height) & (j + dj < width)
        np.add.at(image, (i[inside] + di, j[inside] + dj), weight[inside])
    return image[:height, :width].astype(np.float32)
