"""Where the cells lie. All in micrometres; the picture's upper left corner is (0, 0)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.smear.synth.content import PLATELET, PLATELET_CLUMP, RED_CELL, REFERENCE_UM2, SMUDGE_CELL
from leukolens.smear.synth.red_cells import RADIUS_UM
from leukolens.smear.synth.white_cells import draw_radius

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukolens.smear.synth.content import Content

_CANDIDATES: Final = 24
_TOUCHING: Final = 0.3  # share of the red cells outside of rows that lie against another
_MARGIN: Final = {RED_CELL: 5.0, PLATELET: 2.0}
_WIDE_MARGIN: Final = 8.0
_LOOSE_RADIUS: Final = {PLATELET: 1.2, PLATELET_CLUMP: 3.5, "artefact": 2.5}


@dataclass(frozen=True)
class Place:
    """One cell to be drawn: kind, centre and radius, um."""

    kind: str
    x: float
    y: float
    radius: float


def lay_out(content: Content, size_um: tuple[float, float], rng: np.random.Generator) -> list[Place]:
    """Return the cells of a field, lowest first: white cells, then red cells, then what lies on top.

    White cells are placed first, each where it overlaps the others least; red cells then fill the room between them,
    alone, against one another, or in rows. Drawing notches a red cell where a white one lies, so that no red cell
    overlaps a white one.
    """
    numbers = {kind: _count(kind, content, size_um, rng) for kind in content.numbers}
    white = [kind for kind in numbers if kind not in _LOOSE_RADIUS and kind != RED_CELL for _ in range(numbers[kind])]
    order = sorted(rng.permutation(len(white)), key=lambda k: white[k] == SMUDGE_CELL)  # they spread round the others
    placed = _place_white([white[k] for k in order], content, size_um, rng)
    red = _place_red(numbers.get(RED_CELL, 0), placed, content, size_um, rng)
    loose = [kind for kind in _LOOSE_RADIUS for _ in range(numbers.get(kind, 0))]
    return placed + red + _place_loose(loose, placed, red, content, size_um, rng)


def _count(kind: str, content: Content, size_um: tuple[float, float], rng: np.random.Generator) -> int:
    if content.exact:
        return int(content.numbers[kind])
    margin = _margin(kind, content)
    area = (size_um[0] + 2 * margin) * (size_um[1] + 2 * margin)
    return int(rng.poisson(content.numbers[kind] * area / REFERENCE_UM2))


def _margin(kind: str, content: Content) -> float:
    """How far beyond the border a centre may lie, um."""
    return 0.0 if content.exact else _MARGIN.get(kind, _WIDE_MARGIN)


def _anywhere(
    number: int, margin: float, size_um: tuple[float, float], rng: np.random.Generator
) -> NDArray[np.float64]:
    return rng.uniform(0, 1, (number, 2)) * (np.array(size_um) + 2 * margin) - margin


def _place_white(
    kinds: list[str], content: Content, size_um: tuple[float, float], rng: np.random.Generator
) -> list[Place]:
    placed: list[Place] = []
    for kind in kinds:
        radius = float(rng.uniform(6.0, 10.0)) if kind == SMUDGE_CELL else draw_radius(kind, rng)
        margin = _margin(kind, content)
        candidates = _anywhere(_CANDIDATES, margin, size_um, rng)
        if placed and rng.random() < content.gathering:
            hosts = rng.integers(0, len(placed), _CANDIDATES)
            candidates = np.array([_beside(placed[k], radius, rng) for k in hosts])
        candidates = np.clip(candidates, -margin, np.array(size_um) + margin)
        best = candidates[int(np.argmin(_overlap(candidates, radius, placed, margin=0.3)))]
        placed.append(Place(kind, float(best[0]), float(best[1]), radius))
    return placed


def _beside(host: Place, radius: float, rng: np.random.Generator) -> tuple[float, float]:
    angle, far = rng.uniform(0, 2 * np.pi), host.radius + radius + float(rng.uniform(-0.9, 0.4))
    return host.x + far * float(np.cos(angle)), host.y + far * float(np.sin(angle))


def _overlap(candidates: NDArray[np.float64], radius: float, placed: list[Place], margin: float) -> NDArray[np.float64]:
    """Return by how much (um, summed) a disc at each candidate would overlap the discs that are placed."""
    if not placed:
        return np.zeros(len(candidates))
    others = np.array([(p.x, p.y, p.radius) for p in placed])
    apart = np.hypot(candidates[:, :1] - others[:, 0], candidates[:, 1:] - others[:, 1])
    return np.asarray(np.maximum(others[:, 2] + radius - margin - apart, 0).sum(1))


def _place_red(
    number: int, white: list[Place], content: Content, size_um: tuple[float, float], rng: np.random.Generator
) -> list[Place]:
    """Place red cells: some continue a row, some touch another, the rest lie where there is room."""
    margin = _margin(RED_CELL, content)
    placed: list[Place] = []
    heading = 0.0
    for _ in range(number):
        mode = rng.random() if placed else 1.0
        candidates, allowed = _red_candidates(mode, placed, heading, content, size_um, rng)
        candidates = np.clip(candidates, -margin, np.array(size_um) + margin)
        cost = _overlap(candidates, RADIUS_UM, placed, allowed) + 4 * _overlap(candidates, RADIUS_UM, white, 0.5)
        x, y = (float(v) for v in candidates[int(np.argmin(cost))])
        in_row = mode < content.rouleaux
        heading = float(np.arctan2(y - placed[-1].y, x - placed[-1].x) if in_row else rng.uniform(0, 2 * np.pi))
        placed.append(Place(RED_CELL, x, y, RADIUS_UM))
    return placed


def _red_candidates(
    mode: float,
    placed: list[Place],
    heading: float,
    content: Content,
    size_um: tuple[float, float],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], float]:
    """Return centres to choose from, and how far (um) the cell may overlap others before that counts against it."""
    if mode < content.rouleaux:
        turns = heading + rng.normal(0, 0.5, _CANDIDATES)
        return _step(placed[-1], turns, RADIUS_UM * rng.uniform(0.9, 1.75, _CANDIDATES)), 1.1 * RADIUS_UM
    if mode < content.rouleaux + _TOUCHING * (1 - content.rouleaux):
        host, turns = placed[int(rng.integers(len(placed)))], rng.uniform(0, 2 * np.pi, _CANDIDATES)
        return _step(host, turns, RADIUS_UM * rng.uniform(1.6, 2.05, _CANDIDATES)), 0.45 * RADIUS_UM
    return _anywhere(_CANDIDATES, _margin(RED_CELL, content), size_um, rng), 0.1


def _step(start: Place, turns: NDArray[np.float64], steps: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack([start.x + steps * np.cos(turns), start.y + steps * np.sin(turns)])


def _place_loose(
    kinds: list[str],
    white: list[Place],
    red: list[Place],
    content: Content,
    size_um: tuple[float, float],
    rng: np.random.Generator,
) -> list[Place]:
    placed: list[Place] = []
    for kind in kinds:
        radius = _LOOSE_RADIUS[kind]
        candidates = _anywhere(6, _margin(kind, content), size_um, rng)
        cost = 5 * _overlap(candidates, radius, white, 0.0) + _overlap(candidates, radius, red + placed, 0.3)
        best = candidates[int(np.argmin(cost))]
        placed.append(Place(kind, float(best[0]), float(best[1]), radius))
    return placed
