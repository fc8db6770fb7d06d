"""Near-duplicates: pictures whose perceptual hashes are nearer than those of unrelated pictures ever come.

Smears resemble each other, so how near is near is read from the data set itself: from the distances of pairs that have
nothing to do with each other. The logarithm of their distribution is concave, as that of a binomial one is; a straight
line through it, from the tail that is well measured on to smaller distances, thus lies above it, and says how many
unrelated pairs come as near at the most.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.audit.hashes import BITS, POSITIONS
from leukolens.audit.links import Link

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Counts = NDArray[np.int64]

RATE: Final = 1e-5
"""Unrelated pairs that may come under the threshold, as a share of all pairs; fewer, where there are many."""
WHOLE: Final = 0.5
"""How many of them may be expected in the whole data set."""

_BLOCK: Final = 512  # rows compared at a time
_ENOUGH: Final = 60  # unrelated pairs from which a distribution is read
_IN_TAIL: Final = 20  # pairs from which a quantile is read
_INNERMOST: Final = 1e-4
_CLEAR_OF_COPIES: Final = 2.0  # least quantile times pictures: some under two labels may hide among unrelated pairs
_APART: Final = 0.25  # of the data set, between files that count as unrelated where labels do not tell
_ASSUMED_BITS: Final = BITS // 2
"""Independent bits assumed where pictures are too few to measure: half, for neighbouring bits say much the same."""


@dataclass(frozen=True)
class Threshold:
    """From which distance on pictures count as near-duplicates, and what that costs.

    Attributes
    ----------
    bits
        Largest distance, of 128 bits.
    rate
        Share of unrelated pairs expected to be as near, at the most.
    expected
        Number of such pairs expected in the whole data set, at the most.
    unrelated
        Pairs that the distribution was read from; 0 where it was assumed.
    median
        Of their distances, in bits; None where it was assumed.
    how
        In words.
    """

    bits: int
    rate: float
    expected: float
    unrelated: int
    median: int | None
    how: str


def find_near(bits: NDArray[np.bool_], kinds: Sequence[object]) -> tuple[Threshold, list[Link]]:
    """Find near-duplicates among all pictures of a data set, however they are turned.

    Parameters
    ----------
    bits
        (n, 8, 128) bool, from `leukolens.audit.hashes`.
    kinds
        For each picture its label (and patient): pairs that differ in it count as unrelated.

    Returns
    -------
    threshold : Threshold
        Read from the unrelated pairs.
    links : list of Link
        Pairs at or below it, in the order of the pictures; `score` is the distance in bits.
    """
    count = len(bits)
    codes = np.unique([str(kind) for kind in kinds], return_inverse=True)[1] if count else np.empty(0, np.int64)
    far = _gap(count, codes)
    histogram = np.zeros(BITS + 1, np.int64)
    for start, block, distances, _ in _blocks(bits):
        numbers = start + np.arange(len(block))
        unrelated = _unrelated(numbers, count, codes, far)
        histogram += np.bincount(distances[unrelated], minlength=BITS + 1)
    threshold = choose_threshold(histogram, count * (count - 1) // 2, by_label=far is None)
    links = []
    for start, _, distances, positions in _blocks(bits):
        for row, column in np.argwhere(distances <= threshold.bits):
            if start + row < column:
                note = POSITIONS[positions[row, column]] if positions[row, column] else ""
                links.append(Link(int(start + row), int(column), "near-duplicate", int(distances[row, column]), note))
    return threshold, links


def choose_threshold(histogram: Counts, pairs: int, *, by_label: bool = True) -> Threshold:
    """Choose the largest distance at which next to no unrelated pair is expected.

    Parameters
    ----------
    histogram
        (129,) int: unrelated pairs at each distance in bits.
    pairs
        All pairs of the data set.
    by_label
        How the unrelated ones were told: by label or patient, or else by their distance in the order of files.

    Returns
    -------
    Threshold
        Expected at most `WHOLE` unrelated pairs in all, and a share of at most `RATE`.
    """
    unrelated = int(histogram.sum())
    goal = min(RATE, WHOLE / max(pairs, 1))
    if unrelated < _ENOUGH:
        bits, rate = _assumed(goal)
        how = (
            f"assumed of {_ASSUMED_BITS} independent bits, since {unrelated} unrelated pairs are too few to measure "
            f"their distances ({_ENOUGH} are needed)"
        )
        return Threshold(bits, rate, rate * pairs, 0, None, how)
    pictures = (1 + math.sqrt(1 + 8 * pairs)) / 2
    inner = max(_INNERMOST, _IN_TAIL / unrelated, _CLEAR_OF_COPIES / pictures)
    outer = min(10 * inner, 0.5)
    low, high = _quantile(histogram, inner), _quantile(histogram, outer)
    slope = math.log(outer / inner) / max(high - low, 1.0)
    bits = max(-1, math.floor(low + math.log(goal / inner) / slope))
    rate = min(goal, inner * math.exp((bits - low) * slope))
    told = "of different labels or patients" if by_label else "far apart in the order of files"
    how = f"read from {unrelated} pairs {told}, log-linear tail through their quantiles {inner:.2g} and {outer:.2g}"
    return Threshold(bits, rate, rate * pairs, unrelated, round(_quantile(histogram, 0.5)), how)


def _assumed(goal: float) -> tuple[int, float]:
    """Return threshold and rate for independent bits, by the binomial distribution and a bound over the positions."""
    tail, chosen = 0.0, (-1, 0.0)
    for distance in range(_ASSUMED_BITS):
        tail += math.comb(_ASSUMED_BITS, distance) * 0.5**_ASSUMED_BITS
        if len(POSITIONS) * tail > goal:
            break
        chosen = (distance * BITS // _ASSUMED_BITS, len(POSITIONS) * tail)
    return chosen


def _quantile(histogram: Counts, share: float) -> float:
    """Return the distance, interpolated within its bit, below which a share of the pairs lies."""
    below = np.concatenate([[0.0], np.cumsum(histogram) / histogram.sum()])
    bit = int(np.searchsorted(below, share, side="left")) - 1
    within = (share - below[bit]) / max(below[bit + 1] - below[bit], 1e-300)
    return bit - 0.5 + float(within)


def _gap(count: int, codes: NDArray[np.int64]) -> int | None:
    """Return how far apart unrelated files lie, where too few pairs differ in label or patient; else None."""
    same = np.bincount(codes, minlength=1).astype(np.int64)
    different = (count * count - int((same**2).sum())) // 2
    return None if different >= _ENOUGH else max(1, round(_APART * count))


def _unrelated(rows: NDArray[np.int64], count: int, codes: NDArray[np.int64], far: int | None) -> NDArray[np.bool_]:
    columns = np.arange(count)
    later = rows[:, None] < columns
    if far is None:
        return np.asarray(later & (codes[rows][:, None] != codes))
    return np.asarray(later & (columns - rows[:, None] > far))


def _blocks(
    bits: NDArray[np.bool_],
) -> Iterator[tuple[int, NDArray[np.bool_], NDArray[np.int16], NDArray[np.int8]]]:
    """Compare rows of pictures with all pictures in all positions; give distance in bits and the nearest position."""
    signs = np.where(bits, np.float32(1.0), np.float32(-1.0))
    for start in range(0, len(bits), _BLOCK):
        rows = signs[start : start + _BLOCK, 0]
        best = np.full((len(rows), len(bits)), BITS + 1, np.int16)
        position = np.zeros(best.shape, np.int8)
        for number in range(len(POSITIONS)):
            # Bits that differ, from the product of signs; exact in float32.
            distance = ((BITS - rows @ signs[:, number].T) / 2).astype(np.int16)
            nearer = distance < best
            best[nearer], position[nearer] = distance[nearer], number
        yield start, bits[start : start + _BLOCK], best, position
