from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from leukolens.screen.ordered import map_ordered


def test_results_come_in_order_whatever_takes_long() -> None:
    def work(n: int) -> int:
        time.sleep(0.02 if n % 5 == 0 else 0.0)
        return n * n

    assert list(map_ordered(work, range(40), workers=4)) == [n * n for n in range(40)]


def test_nothing_in_nothing_out() -> None:
    assert list(map_ordered(str, [], workers=2)) == []


def test_items_are_read_only_a_little_ahead_of_a_slow_reader() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for n in range(1000):
            taken += 1
            yield n

    for n in map_ordered(abs, items(), workers=2):
        assert taken <= n + 1 + 6
        if n == 50:
            break


def test_several_threads_work_at_once() -> None:
    together = threading.Barrier(3, timeout=20)
    assert len(list(map_ordered(lambda _: together.wait(), range(3), workers=3))) == 3


def test_an_error_comes_where_its_result_would_have_come_and_the_rest_is_dropped() -> None:
    done: list[int] = []

    def work(n: int) -> int:
        if n == 3:
            raise ValueError("three")
        time.sleep(0.005)
        done.append(n)
        return n

    results = map_ordered(work, range(1000), workers=2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)
    assert max(done) < 12


def test_threads_that_wait_for_something_are_freed_before_they_are_waited_for() -> None:
    gate = threading.Event()
    results = map_ordered(lambda n: n == 0 or gate.wait(60), range(9), workers=3, on_end=gate.set)
    assert next(results) is True
    started = time.monotonic()
    results.close()
    assert time.monotonic() - started < 30


def test_closing_early_ends_the_threads() -> None:
    before = threading.active_count()
    results = map_ordered(abs, range(1000), workers=3)
    next(results)
    results.close()
    assert threading.active_count() == before
