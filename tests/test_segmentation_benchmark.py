"""The benchmark of the segmentation: what it counts, and that its page says what was found."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the benchmark compares with scikit-learn")
pytest.importorskip("skimage", reason="the benchmark compares with scikit-image")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))

import segmentation
from segmentation import Clock, choose, first_centres, intersection_over_union, judge
from segmentation_table import to_markdown

from leukolens.data.layouts import open_catalogue

pytestmark = pytest.mark.slow


@pytest.fixture
def pictures() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(4):
        rgb = np.full((96, 96, 3), (236, 240, 246), np.uint8)
        for x, y in rng.integers(0, 96, (5, 2)):
            cv2.circle(rgb, (int(x), int(y)), 12, (96, 62, 168), -1, cv2.LINE_AA)
        found.append(np.clip(rgb + rng.normal(0, 3, rgb.shape), 0, 255).astype(np.uint8))
    return found


def test_overlap_by_hand() -> None:
    one, other = np.zeros((2, 4), bool), np.zeros((2, 4), bool)
    assert intersection_over_union(one, other) == 1.0
    one[0], other[:, :2] = True, True
    assert intersection_over_union(one, other) == pytest.approx(2 / 6)


def test_a_clock_weighs_turns_by_their_images(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([0.0, 2.0, 10.0, 13.0])
    monkeypatch.setattr(segmentation.time, "perf_counter", lambda: next(ticks))
    clock = Clock()
    clock.begin_round()
    with clock.share(40, 0.5):  # 20 of 40 images, twice over: 2 s for 40
        pass
    with clock.share(20, 0.5):  # the other 20 once: 3 s
        pass
    assert clock.wall == [pytest.approx(0.5 * 2 / 40 + 0.5 * 3 / 20)]


def test_images_are_chosen_evenly_of_each_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, count in (("a", 9), ("b", 2)):
        (tmp_path / name).mkdir()
        for number in range(count):
            (tmp_path / name / f"{number}.png").write_bytes(b"")
    monkeypatch.setattr(segmentation, "PER_CLASS", 3)
    chosen = choose(open_catalogue(tmp_path))
    assert [item.path for item in chosen.items] == ["a/0.png", "a/4.png", "a/8.png", "b/0.png", "b/1.png"]


def test_a_whole_run_on_drawn_pictures(pictures: list[np.ndarray]) -> None:
    rates = segmentation.measure_rates(pictures, 2)
    agreement = segmentation.measure_agreement(pictures, ["a", "a", "b", "b"])
    same = agreement["ours and literal, same first centres"]
    assert same["mean"] > 0.98
    assert set(same["by_class"]) == {"a", "b"}
    assert rates["wall"]["times"]["literal"]["median"] > 1
    targets = judge(rates, agreement)
    assert [row["target"] for row in targets] == [20, 20, 0.98, 0.98]
    manifest = {"configuration": {"rounds": 2}, "time": "2026-01-01T", "platform": "x", "packages": {}}
    missed = [row | {"measured": 0.5, "met": False} for row in targets]
    page = to_markdown(
        {"images": 4, "size": ["96 x 96"], "rates": rates, "agreement": agreement, "targets": missed,
         "manifest": manifest}
    )  # fmt: skip
    assert page.count("**missed**") == 4
    assert page.count("Target missed") == 4
    assert "ours and literal, n_init=10" in page


def test_first_centres_are_values_of_the_picture(pictures: list[np.ndarray]) -> None:
    found = first_centres(pictures[0], 3)
    a = cv2.cvtColor(pictures[0], cv2.COLOR_RGB2LAB)[..., 1]
    assert len(found) == 7
    assert np.isin(found, a).all()
