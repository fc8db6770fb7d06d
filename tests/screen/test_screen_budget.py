"""Large pictures wait for each other, small ones do not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest

from leukolens.engine.bundle import open_bundle
from leukolens.screen import Screener, load
from leukolens.screen import budget as budget_module
from leukolens.screen import screener as screener_module
from leukolens.screen.budget import PixelBudget
from leukolens.smear import reading

PIXELS = 168 * 224


class Together:
    """Counts who is inside at once."""

    def __init__(self, pause: float = 0.03) -> None:
        self.now = self.most = self.entered = 0
        self._pause = pause
        self._lock = threading.Lock()

    def around(self, function: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **options: object) -> object:
            with self._lock:
                self.now += 1
                self.entered += 1
                self.most = max(self.most, self.now)
            try:
                time.sleep(self._pause)
                return function(*args, **options)
            finally:
                with self._lock:
                    self.now -= 1

        return call


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> Together:
    """Counts who decodes or prepares."""
    counting = Together()
    monkeypatch.setattr(reading, "to_srgb", counting.around(reading.to_srgb))
    monkeypatch.setattr(screener_module, "prepare", counting.around(screener_module.prepare))
    return counting


@pytest.fixture
def pictures(tmp_path: Path, smears: list[np.ndarray]) -> list[Path]:
    paths = [tmp_path / f"{n}.png" for n in range(8)]
    for n, path in enumerate(paths):
        assert cv2.imwrite(str(path), smears[n % 2][..., ::-1])
    return paths


def with_budget(bundle_folder: Path, pixels: int) -> Screener:
    screener = load(open_bundle(bundle_folder), engine="onnxruntime", threads=4)
    screener._budget = PixelBudget(pixels)
    return screener


@pytest.mark.parametrize(("pixels", "most"), [(PIXELS // 2, 1), (PIXELS * 3 // 2, 1), (PIXELS * 5 // 2, 2)])
def test_no_more_is_decoded_and_prepared_at_once_than_the_budget_allows(
    bundle_folder: Path, pictures: list[Path], together: Together, pixels: int, most: int
) -> None:
    findings = list(with_budget(bundle_folder, pixels).screen_many(pictures))
    assert [Path(finding.source) for finding in findings] == pictures
    assert {finding.status for finding in findings} == {"ok"}
    assert together.most == most


def test_small_pictures_do_not_wait(bundle_folder: Path, pictures: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    meet, real = threading.Barrier(4, timeout=60), screener_module.prepare

    def prepare(*args: object, **options: object) -> object:
        meet.wait()
        return real(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(screener_module, "prepare", prepare)
    screener = load(open_bundle(bundle_folder), engine="onnxruntime", threads=4)
    assert {finding.status for finding in screener.screen_many(pictures)} == {"ok"}


def test_pictures_screened_one_by_one_from_several_threads_wait_too(
    bundle_folder: Path, pictures: list[Path], together: Together
) -> None:
    screener = with_budget(bundle_folder, PIXELS)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(screener.screen, pictures[:4]))
        list(pool.map(screener.field_outputs, pictures[4:]))
    assert together.most == 1


def test_what_cannot_be_decoded_gives_its_room_back(
    bundle_folder: Path, pictures: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("damaged")

    screener = with_budget(bundle_folder, PIXELS)
    with monkeypatch.context() as patch:
        patch.setattr(reading, "to_srgb", fail)
        assert {finding.status for finding in screener.screen_many(pictures)} == {"error"}
    assert {finding.status for finding in screener.screen_many(pictures)} == {"ok"}


def test_a_run_that_is_stopped_does_not_decode_what_waits(
    bundle_folder: Path, pictures: list[Path], together: Together
) -> None:
    screener = with_budget(bundle_folder, PIXELS)
    with closing(screener.stream(pictures * 20)) as results:
        next(results)
        before = together.entered  # of any number that are under way: the first need not have been let in first
    # The one that was inside at the end, and one that slipped in before it was told; twice each.
    assert together.entered <= before + 2 * 2
    assert screener.screen(pictures[0]).status == "ok"
    assert len(list(screener.screen_many(pictures))) == 8


def test_one_that_exceeds_the_budget_goes_alone() -> None:
    budget, let_in = PixelBudget(10), threading.Event()

    def big() -> None:
        with budget.turn() as take:
            take(1000)
            let_in.set()

    with budget.turn() as take:
        take(1)
        thread = threading.Thread(target=big)
        thread.start()
        assert not let_in.wait(0.05)
    assert let_in.wait(60)
    thread.join()


def test_memory_of_large_pictures_goes_back_to_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    given_back = []
    monkeypatch.setattr(budget_module, "_return_memory", lambda: given_back.append(True))
    budget = PixelBudget()
    for pixels, times in ((5_000_000, 0), (64_000_000, 1)):
        with budget.turn() as take:
            take(pixels)
            assert not given_back
        assert len(given_back) == times


def test_who_waits_gives_up_when_stopped() -> None:
    budget, stop, raised = PixelBudget(10), threading.Event(), threading.Event()

    def wait() -> None:
        with pytest.raises(CancelledError), budget.turn(stop) as take:
            take(10)
        raised.set()

    with budget.turn() as take:
        take(10)
        thread = threading.Thread(target=wait)
        thread.start()
        assert not raised.wait(0.05)
        stop.set()
        budget.wake()
        assert raised.wait(60)
    thread.join()
    with budget.turn() as take:
        take(10)
