from __future__ import annotations

import numpy as np
import pytest

from leukolens.audit.hashes import BITS
from leukolens.audit.near import WHOLE, choose_threshold, find_near


def random_bits(count: int, seed: int, alike: float = 0.0) -> np.ndarray:
    """Bits of unrelated pictures that share a share of their bits, as smears do."""
    rng = np.random.default_rng(seed)
    common = rng.random(BITS) < 0.5
    own = rng.random((count, 8, BITS)) < 0.5
    return np.where(rng.random((count, 1, BITS)) < alike, common, own)


def with_flips(bits: np.ndarray, flips: int, seed: int) -> np.ndarray:
    changed = bits.copy()
    places = np.random.default_rng(seed).choice(BITS, flips, replace=False)
    changed[..., places] ^= True
    return changed


def test_copies_are_found_with_their_distance_and_position() -> None:
    bits = random_bits(200, 1)
    bits[50] = with_flips(bits[10], 6, 2)
    bits[120, 5] = with_flips(bits[30, 0], 4, 3)
    threshold, links = find_near(bits, [number % 2 for number in range(200)])
    assert [(link.first, link.second, link.score, link.note) for link in links] == [
        (10, 50, 6, ""),
        (30, 120, 4, "mirrored top to bottom"),
    ]
    assert threshold.unrelated == 100 * 100
    assert threshold.expected <= WHOLE


@pytest.mark.parametrize("alike", [0.0, 0.3, 0.6])
def test_unrelated_pictures_are_hardly_ever_merged_however_alike_they_are(alike: float) -> None:
    """At most half a false pair is promised in a whole set, so ten sets may have five at the most; they have fewer."""
    merged = 0
    for seed in range(10):
        threshold, links = find_near(random_bits(120, seed, alike), [number % 3 for number in range(120)])
        assert threshold.bits >= 0
        merged += len(links)
    assert merged <= 5


def test_a_fixed_threshold_would_merge_what_is_alike() -> None:
    """What the one read from the data is for."""
    plain, _ = find_near(random_bits(120, 0), [number % 3 for number in range(120)])
    alike, _ = find_near(random_bits(120, 0, 0.6), [number % 3 for number in range(120)])
    assert alike.bits <= plain.bits - 5


def test_the_promised_rate_bounds_the_true_one() -> None:
    """The promise is read from the tail of 20,000 pairs and held against 2 million others."""
    small, _ = find_near(random_bits(200, 4, 0.3), [number % 2 for number in range(200)])
    signs = np.where(random_bits(2000, 5, 0.3), np.float32(1), np.float32(-1))
    best = np.min([(BITS - signs[:, 0] @ signs[:, place].T) / 2 for place in range(8)], axis=0)
    distances = best[np.triu_indices(2000, 1)]
    assert (distances <= small.bits).mean() <= small.rate
    assert (distances <= small.bits + 12).mean() > small.rate  # and it is no promise that anything would keep


def test_contradicting_copies_do_not_move_the_threshold() -> None:
    bits = random_bits(200, 6)
    before, _ = find_near(bits, [number % 2 for number in range(200)])
    for number in range(20):
        bits[2 * number + 1] = bits[2 * number]
    after, links = find_near(bits, [number % 2 for number in range(200)])
    assert abs(after.bits - before.bits) <= 2
    assert {(link.first, link.second) for link in links} >= {(2 * number, 2 * number + 1) for number in range(20)}


def test_one_class_is_compared_over_files_far_apart() -> None:
    bits = random_bits(150, 7)
    bits[4] = with_flips(bits[3], 3, 8)
    threshold, links = find_near(bits, ["A"] * 150)
    assert [(link.first, link.second) for link in links] == [(3, 4)]
    assert "far apart" in threshold.how
    assert threshold.unrelated > 0


@pytest.mark.parametrize("count", [1, 2, 9])
def test_too_few_pictures_get_an_assumed_threshold_and_are_told_so(count: int) -> None:
    bits = random_bits(count, 9)
    if count > 1:
        bits[1] = with_flips(bits[0], 5, 10)
    threshold, links = find_near(bits, list(range(count)))
    assert threshold.unrelated == 0
    assert threshold.median is None
    assert "assumed" in threshold.how
    assert threshold.rate <= 1e-5
    assert [(link.first, link.second) for link in links] == ([(0, 1)] if count > 1 else [])


def test_pictures_that_are_all_the_same_leave_no_threshold_above_them() -> None:
    """Where unrelated pictures cannot be told apart, hashes find nothing rather than everything."""
    histogram = np.zeros(BITS + 1, np.int64)
    histogram[0] = 1000
    assert choose_threshold(histogram, 2000).bits < 0


def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    bits = random_bits(70, 11)
    bits[60] = bits[5]
    kinds = [number % 2 for number in range(70)]
    whole = find_near(bits, kinds)
    monkeypatch.setattr("leukolens.audit.near._BLOCK", 7)
    assert find_near(bits, kinds) == whole
