"""Outlines as signed distances: micrometres inside (positive) or outside (negative) of a border."""

from __future__ import annotations

from functools import reduce
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from leukolens.smear.synth.canvas import Window

ANGLES: Final = 1024
_THETA: Final = np.arange(ANGLES) * (2 * np.pi / ANGLES)


def radial_outline(
    rng: np.random.Generator, radius: float, *, elongation: float = 1.0, roughness: float = 0.02, order: int = 6
) -> NDArray[np.float32]:
    """Return the radius at 1024 angles of an ellipse with random waves on it.

    Parameters
    ----------
    rng
        Source of the numbers.
    radius
        Radius of the disc of the same area, um.
    elongation
        Long axis over short axis, at least 1.
    roughness
        Standard deviation of the waves, as a share of the radius.
    order
        Number of waves around the outline, from 2 to this.

    Returns
    -------
    ndarray, (1024,), float32
        Radii in um; the outline's area is pi * radius**2.
    """
    turn = rng.uniform(0, 2 * np.pi)
    ratio = np.sqrt(elongation)
    radii = 1 / np.hypot(np.cos(_THETA - turn) / ratio, np.sin(_THETA - turn) * ratio)
    orders = np.arange(2, order + 1)
    strength = roughness * rng.standard_normal(len(orders)) / (orders - 1) ** 0.75
    phases = rng.uniform(0, 2 * np.pi, len(orders))
    radii = radii * (1 + (strength * np.cos(orders * _THETA[:, None] + phases)).sum(1))
    return scale_to_area(radii, radius)


def scale_to_area(radii: NDArray[np.floating], radius: float) -> NDArray[np.float32]:
    """Return the outline, scaled to the area of a disc of `radius`."""
    return np.asarray(radii * (radius / np.sqrt(np.mean(radii**2))), np.float32)


def crenate(rng: np.random.Generator, radii: NDArray[np.float32], depth: float, radius: float) -> NDArray[np.float32]:
    """Return the outline with 10 to 18 uneven points, as on an echinocyte. `depth` is a share of the radius."""
    points = int(rng.integers(10, 19))
    wobble = 0.35 * np.sin(_THETA * rng.integers(2, 4) + rng.uniform(0, 6.28))
    wave = np.cos(points * _THETA + 2 * wobble + rng.uniform(0, 6.28))
    heights = np.interp(_THETA, np.linspace(0, 2 * np.pi, points + 1), _closed(rng.uniform(0.3, 1.3, points)))
    return scale_to_area(radii * (1 + depth * heights * wave), radius)


def teardrop(rng: np.random.Generator, radii: NDArray[np.float32], length: float, radius: float) -> NDArray[np.float32]:
    """Return the outline with one tail, as on a dacrocyte. `length` is a share of the radius."""
    away = np.angle(np.exp(1j * (_THETA - rng.uniform(0, 2 * np.pi))))
    return scale_to_area(radii * (1 + length * np.exp(-((away / 0.3) ** 2))), radius)


def _closed(values: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.append(values, values[0])


def _length(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.sqrt(x * x + y * y)


def polar(
    window: Window, radii: NDArray[np.float32], shift: tuple[float, float] = (0.0, 0.0)
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the distance inside the outline (um), and the distance from its centre as a share of the radius there.

    The distance is measured along the ray from the centre: for a star-shaped outline its sign is exact, its size is an
    upper bound.
    """
    x, y = window.x - np.float32(shift[0]), window.y - np.float32(shift[1])
    r = _length(x, y)
    position = np.arctan2(y, x) * np.float32(ANGLES / (2 * np.pi))
    border = radii[np.rint(position).astype(np.int32) % ANGLES]
    return border - r, r / border


def disc(x: NDArray[np.float32], y: NDArray[np.float32], centre: Sequence[float], radius: float) -> NDArray[np.float32]:
    """Return the distance inside a disc."""
    return np.float32(radius) - _length(x - np.float32(centre[0]), y - np.float32(centre[1]))


def tube(
    x: NDArray[np.float32], y: NDArray[np.float32], line: Sequence[Sequence[float]], radius: float
) -> NDArray[np.float32]:
    """Return the distance inside a tube of `radius` about the broken line through the points `line`."""
    away = reduce(np.minimum, (_to_segment(x, y, a, b) for a, b in pairwise(line)))
    return np.asarray(np.float32(radius) - away, np.float32)


def _to_segment(
    x: NDArray[np.float32], y: NDArray[np.float32], a: Sequence[float], b: Sequence[float]
) -> NDArray[np.float32]:
    """Return the distance to the straight line from `a` to `b`, or to its nearer end."""
    px, py = x - np.float32(a[0]), y - np.float32(a[1])
    dx, dy = np.float32(b[0] - a[0]), np.float32(b[1] - a[1])
    along = np.clip(
        (px * dx + py * dy) / np.float32(max(float(dx) ** 2 + float(dy) ** 2, 1e-9)), np.float32(0), np.float32(1)
    )
    return _length(np.asarray(px - along * dx, np.float32), np.asarray(py - along * dy, np.float32))


def unite(a: NDArray[np.float32], b: NDArray[np.float32], smooth: float) -> NDArray[np.float32]:
    """Return the union of two shapes, rounded over about `smooth` um where they meet."""
    blend = np.maximum(np.float32(smooth) - np.abs(a - b), 0) / np.float32(smooth)
    return np.asarray(np.maximum(a, b) + blend * blend * np.float32(smooth / 4), np.float32)


def intersect(a: NDArray[np.float32], b: NDArray[np.float32], smooth: float) -> NDArray[np.float32]:
    """Return what two shapes share, rounded over about `smooth` um."""
    return -unite(-a, -b, smooth)


def coverage(distance: NDArray[np.float32], softness: float, um_per_px: float) -> NDArray[np.float32]:
    """Return how full a pixel is, 0 to 1: one half on the border, rising over `softness` um or one pixel.

    Parameters
    ----------
    distance
        um inside the border.
    softness
        Width of the rise, um.
    um_per_px
        Side of a pixel; no border is drawn sharper than that.
    """
    share = np.clip(distance / np.float32(max(softness, um_per_px)) + np.float32(0.5), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)
