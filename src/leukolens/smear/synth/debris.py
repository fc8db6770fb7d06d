"""What lies between the cells: platelets and their clumps, smudge cells, precipitated stain, specks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from leukolens.smear.synth.canvas import AZURE, CHROMATIN, EOSIN
from leukolens.smear.synth.noise import fractal, texture
from leukolens.smear.synth.shapes import coverage, disc, intersect, polar, radial_outline, unite
from leukolens.smear.synth.white_cells import scatter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukolens.smear.synth.canvas import Canvas, Window

Centre = tuple[float, float]


def draw_platelet(canvas: Canvas, centre: Centre, rng: np.random.Generator) -> None:
    """Draw one platelet of 1.5 to 3.5 um: a pale blue margin about purple grains."""
    window = canvas.window(centre, 4.0)
    radius = float(np.clip(rng.normal(1.25, 0.28), 0.8, 2.0))
    radii = radial_outline(rng, radius, elongation=1 + float(rng.gamma(1.5, 0.15)), roughness=0.09)
    if window is not None:
        _stain_platelets(canvas, window, polar(window, radii)[0], "platelet", rng)


def draw_platelet_clump(canvas: Canvas, centre: Centre, rng: np.random.Generator) -> None:
    """Draw a heap of platelets that has run together."""
    window = canvas.window(centre, 10.0)
    places = np.cumsum(rng.normal(0, 1.2, (int(rng.integers(5, 13)), 2)), axis=0)
    places = np.clip(places - places.mean(0), -6, 6)
    sizes = rng.uniform(0.8, 1.5, len(places))
    if window is None:
        return
    inside = disc(window.x, window.y, places[0], float(sizes[0]))
    for place, size in zip(places[1:], sizes[1:], strict=True):
        inside = unite(inside, disc(window.x, window.y, place, float(size)), 0.6)
    _stain_platelets(canvas, window, inside, "platelet clump", rng)


def _stain_platelets(
    canvas: Canvas, window: Window, inside: NDArray[np.float32], kind: str, rng: np.random.Generator
) -> None:
    inside = inside + np.float32(0.18) * texture(window, rng, 0.6)
    inside = intersect(inside, -canvas.white[window.rows, window.cols], 0.3)
    body = coverage(inside, 0.5, window.um_per_px)
    core = coverage(inside - np.float32(0.35), 1.1, window.um_per_px)
    grains = np.clip(0.8 + np.float32(0.3) * texture(window, rng, 0.4), 0, 1.5)
    depth = float(rng.uniform(0.7, 1.3))
    canvas.stain(window, AZURE, body * np.float32(0.4 * depth))
    canvas.stain(window, CHROMATIN, np.asarray(core * grains * np.float32(0.5 * depth), np.float32))
    canvas.record(window, kind, inside > 0)


def draw_smudge_cell(canvas: Canvas, centre: Centre, radius: float, rng: np.random.Generator) -> None:
    """Draw the spread remains of a burst nucleus: pale, spongy, without a clear border."""
    radii = radial_outline(rng, radius, elongation=float(rng.uniform(1.05, 1.6)), roughness=0.1)
    window = canvas.window(centre, float(radii.max()) + 4.0)
    if window is None:
        return
    inside = polar(window, radii)[0] + np.float32(1.3) * texture(window, rng, 2.6)
    inside = inside + np.float32(0.3) * fractal(window, rng, 1.0)
    inside = intersect(inside, -canvas.white[window.rows, window.cols] - np.float32(0.2), 0.6)
    body = coverage(inside, 1.8, window.um_per_px)
    sponge = 1 + np.float32(0.16) * fractal(window, rng, 0.7) + np.float32(0.14) * texture(window, rng, 2.5)
    strands = np.float32(0.1) * np.maximum(texture(window, rng, 0.6, stretch=3.0), 0)
    amount = float(rng.uniform(0.2, 0.42)) * body * (np.clip(sponge, 0.2, None) + strands)
    fringe = coverage(inside + np.float32(2.2), 4.0, window.um_per_px) * strands * np.float32(0.5)
    canvas.stain(window, CHROMATIN, np.asarray(amount + fringe, np.float32))
    canvas.stain(window, EOSIN, np.asarray(0.35 * amount, np.float32))
    known = canvas.white[window.rows, window.cols]
    np.maximum(known, inside, out=known)
    canvas.record(window, "smudge cell", inside > 0)


def draw_artefact(canvas: Canvas, centre: Centre, rng: np.random.Generator) -> None:
    """Draw a heap of precipitated stain: dark grains on one another."""
    window = canvas.window(centre, 8.0)
    number = int(rng.integers(15, 60))
    places = rng.normal(0, rng.uniform(1.0, 2.2), (number, 2))
    sizes = rng.uniform(0.25, 0.6, number)
    if window is None:
        return
    inside = disc(window.x, window.y, places[0], float(sizes[0]))
    for place, size in zip(places[1:], sizes[1:], strict=True):
        inside = np.maximum(inside, disc(window.x, window.y, place, float(size)))
    inside = np.asarray(inside, np.float32)
    body = coverage(inside, 0.35, window.um_per_px)
    canvas.stain(window, CHROMATIN, body * np.float32(1.2))
    canvas.stain(window, AZURE, body * np.float32(1.0))
    canvas.record(window, "artefact", inside > 0)


def draw_specks(canvas: Canvas, number: int, rng: np.random.Generator) -> None:
    """Strew `number` specks of stain, some in swarms, over the picture. They are dirt: no truth is kept of them."""
    width, height = canvas.frame.size_um
    if not number:
        return
    places = rng.uniform(0, 1, (number, 2)) * (width, height)
    swarm = rng.random(number) < 0.4
    places[swarm] = places[0] + rng.normal(0, 4.0, (int(swarm.sum()), 2))
    places -= (width / 2, height / 2)
    window = canvas.whole()
    sizes = rng.choice([0.16, 0.26, 0.4], number, p=[0.55, 0.33, 0.12])
    strength = rng.uniform(0.4, 1.3, number)
    for size in (0.16, 0.26, 0.4):
        chosen = sizes == size
        if chosen.any():
            sigma = max(size / window.um_per_px, 0.4)
            spots = cv2.GaussianBlur(scatter(window, places[chosen], strength[chosen]), (0, 0), sigma)
            spots = np.asarray(spots * np.float32(2 * np.pi * sigma**2), np.float32)
            canvas.stain(window, CHROMATIN, spots * np.float32(0.6))
            canvas.stain(window, AZURE, spots * np.float32(0.3))
