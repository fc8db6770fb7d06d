"""Sessions are recovered from look, order and shared fields."""

from __future__ import annotations

import numpy as np
import pytest

from leukolens.audit.changes import partition
from leukolens.audit.session_features import NAMES, SessionFeatures, describe_session
from leukolens.audit.sessions import LEAST_TOGETHER, find_sessions
from leukolens.audit.streams import find_streams

pytest.importorskip("sklearn")
LOOKS = len(NAMES)


def drawn(levels: list[float], *, noise: float = 1.0, seed: int = 0) -> list[SessionFeatures]:
    """Pictures with a look each, all features moved by the level."""
    rng = np.random.default_rng(seed)
    return [SessionFeatures((level + noise * rng.normal(size=LOOKS)).astype(np.float32)) for level in levels]


def sessions_of(levels: list[float], fields: list[int] | None = None, labels: list[str] | None = None, **options: int):
    features = drawn(levels, **options)
    count = len(levels)
    return find_sessions(features, labels or ["a"] * count, fields or list(range(count)))


def test_stretches_of_one_look_are_sessions() -> None:
    found, (listing,) = sessions_of([0.0] * 30 + [6.0] * 20 + [0.0] * 25)
    assert found == [0] * 30 + [1] * 20 + [2] * 25
    assert (listing.streams, listing.stretches, listing.sessions) == (1, 3, 3)
    assert np.isnan(listing.together)


def test_noise_alone_makes_one_session() -> None:
    for seed in range(10):
        found, _ = sessions_of([0.0] * 120, seed=seed)
        assert found == [0] * 120


def test_interleaved_sequences_are_told_apart_and_cut_each() -> None:
    levels = [level for at in range(60) for level in (0.0, 20.0 if at < 30 else 30.0)]
    found, (listing,) = sessions_of(levels)
    assert listing.streams >= 2
    assert found[0::2] == [0] * 60
    assert found[1::2] == [1] * 30 + [2] * 30


def test_two_halves_of_one_look_each_are_not_interleaved() -> None:
    looks = np.array([one.look for one in drawn([0.0] * 50 + [20.0] * 50)], np.float64)
    assert find_streams(looks, [], seed=0) == [0] * 100
    assert find_streams(looks[:5], [], seed=0) == [0] * 5
    assert find_streams(np.zeros((40, LOOKS)), [], seed=0) == [0] * 40


def test_streams_that_part_captures_of_one_field_are_not_believed() -> None:
    looks = np.array([one.look for one in drawn([0.0, 20.0] * 40)], np.float64)
    assert len(set(find_streams(looks, [], seed=0))) == 2
    assert set(find_streams(looks, [(at, at + 1) for at in range(0, 80, 2)], seed=0)) == {0}


def test_a_field_across_a_cut_goes_to_one_session() -> None:
    fields = list(range(60))
    fields[30] = fields[28] = fields[29]
    found, (listing,) = sessions_of([0.0] * 30 + [8.0] * 30, fields)
    assert listing.sessions == 2
    assert found[28] == found[29] == found[30] == found[0]
    assert found[31] == found[59] != found[0]


def test_stretches_that_share_fields_far_apart_are_one_session_and_a_stray_file_is_moved() -> None:
    levels = [0.0] * 30 + [8.0] * 30 + [0.5] * 30
    fields = list(range(90))
    for one, other in ((3, 70), (9, 75), (15, 80)):
        fields[other] = fields[one]
    found, _ = sessions_of(levels, fields)
    assert found == [0] * 30 + [1] * 30 + [0] * 30
    lone = list(range(90))
    lone[75] = lone[9]
    found, _ = sessions_of(levels, lone)
    assert len(set(found)) == 3
    assert found[75] == found[9]


def test_cuts_that_part_captures_of_one_field_make_cuts_rarer() -> None:
    levels = [4.0 * (at // 10 % 2) for at in range(120)]
    assert len(set(sessions_of(levels)[0])) == 12
    fields = list(range(120))
    for cut in range(10, 120, 10):  # every cut has captures of one field on both sides
        for step in range(5):
            fields[cut + step] = fields[cut - 1 - step]
    found, (listing,) = sessions_of(levels, fields)
    assert listing.penalty > 4
    assert listing.together >= LEAST_TOGETHER
    assert set(found) == {0}


def test_no_field_is_in_two_sessions_even_of_two_classes() -> None:
    fields = list(range(80))
    fields[60] = fields[5]
    found, listings = sessions_of([0.0] * 40 + [9.0] * 40, fields, ["a"] * 40 + ["b"] * 40)
    assert found == [0] * 80
    assert [one.label for one in listings] == ["a", "b"]
    assert sessions_of([0.0] * 40 + [9.0] * 40, None, ["a"] * 40 + ["b"] * 40)[0] == [0] * 40 + [1] * 40


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_handful_of_pictures_is_one_session(count: int) -> None:
    assert sessions_of([float(at) for at in range(count)])[0] == [0] * count


def test_nothing_has_no_session() -> None:
    assert find_sessions([], [], []) == ([], [])


def brute_force(values: np.ndarray, penalty: float, shortest: int) -> float:
    """The least cost over all ways to cut, tried one by one."""
    count = len(values)
    best = [0.0] + [np.inf] * count
    for stop in range(1, count + 1):
        for start in range(stop - shortest + 1):
            part = values[start:stop]
            best[stop] = min(best[stop], best[start] + ((part - part.mean(0)) ** 2).sum() + penalty)
    return best[count]


def test_partition_finds_the_least_cost() -> None:
    rng = np.random.default_rng(5)
    for _ in range(30):
        count, shortest = int(rng.integers(6, 25)), int(rng.integers(1, 4))
        values = rng.normal(size=(count, 2)) + rng.integers(0, 4, (count, 1)) + 1e4
        found = partition(values, penalty=3.0, shortest=shortest)
        assert [one.start for one in found] == [0, *(one.stop for one in found[:-1])]
        assert found[-1].stop == count
        assert all(len(one) >= shortest for one in found)
        cost = sum(
            ((values[one.start : one.stop] - values[one.start : one.stop].mean(0)) ** 2).sum() + 3 for one in found
        )
        assert cost == pytest.approx(brute_force(values, 3.0, shortest), rel=1e-6)


def test_a_look_is_measured() -> None:
    height, width = 120, 160
    x = np.linspace(-1, 1, width)
    ground = np.full((height, width, 3), (200.0, 210, 220)) * np.exp(0.05 * x)[None, :, None]
    picture = ground.astype(np.uint8)
    picture[40:80, 50:90] = (90, 60, 150)
    marks = np.zeros((height, width), np.bool_)
    marks[110:115, 140:155] = True
    picture[marks] = 0
    look = dict(zip(NAMES, describe_session(picture, marks).look, strict=True))
    assert look["nuclei red"] == 90
    assert look["nuclei blue"] == 150
    assert look["background green"] == pytest.approx(218, abs=4)
    assert look["lamp left to right"] == pytest.approx(0.05, abs=0.02)
    assert abs(look["lamp top to bottom"]) < 0.01
    assert look["mark size"] == pytest.approx(75 / (height * width) * 1000, rel=1e-4)
    large = np.kron(picture, np.ones((4, 4, 1), np.uint8))
    reduced = describe_session(large, np.kron(marks, np.ones((4, 4), np.bool_))).look
    assert np.abs(reduced[:3] - describe_session(picture, marks).look[:3]).max() < 3


def test_a_picture_that_is_all_mark_or_black_has_a_look() -> None:
    for picture in (np.zeros((8, 8, 3), np.uint8), np.full((1, 2, 3), 255, np.uint8)):
        marked = describe_session(picture, np.ones(picture.shape[:2], np.bool_))
        assert np.isfinite(marked.look).all()
