from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("resource", reason="the benchmark needs Linux or macOS")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))

import bench_rounds
from bench_estimates import estimate, ratio
from bench_images import fill_folder, find_pictures
from bench_process import check_findings, run_fresh
from bench_results import collect, is_busy
from bench_rounds import COLD, END_TO_END, FOLDER, NETWORK, ManyRun, Series
from bench_table import missed, to_markdown
from bench_workers import Worker, pictures_for

from leukolens.finding import UsageError

OURS = ("leukolens openvino", "leukolens onnxruntime")
RESNET, SAME = "ResNet152V2 eager", "efficientnet-lite0 eager"


def test_estimate_is_median_interval_and_range():
    found = estimate([3.0, 1.0, 2.0, 5.0, 4.0])
    assert found.median == 3.0
    assert (found.least, found.most) == (1.0, 5.0)
    assert found.values == (3.0, 1.0, 2.0, 5.0, 4.0)
    assert found.least <= found.low < found.median < found.high <= found.most


def test_interval_holds_the_true_median_about_as_often_as_it_says():
    rng = np.random.default_rng(5)
    found = [estimate(rng.gamma(4.0, 1.0, 15)) for _ in range(100)]
    true = 3.672  # median of the gamma distribution of shape 4
    assert 0.88 <= np.mean([one.low <= true <= one.high for one in found]) <= 0.99


@pytest.mark.parametrize("values", [[], [1.0, float("nan")], [float("inf")]])
def test_estimate_refuses_what_is_no_measurement(values):
    with pytest.raises(ValueError, match="finite"):
        estimate(values)


def test_ratio_is_taken_within_rounds_so_that_drift_cancels():
    speed = np.array([1.0, 0.5, 0.25, 0.8])  # of the machine, round by round
    found = ratio((60 * speed).tolist(), (5 * speed).tolist())
    assert found.median == pytest.approx(12.0)
    assert found.high - found.low == pytest.approx(0.0)


def test_ratio_refuses_other_numbers_of_rounds_and_zeros():
    with pytest.raises(ValueError, match="as many"):
        ratio([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="over 0"):
        ratio([1.0], [0.0])


@pytest.mark.parametrize(
    ("seconds", "took", "done", "unit", "expected"),
    [(2.0, 1.0, 8, 1, 16), (2.0, 1.0, 8, 64, 64), (2.0, 8.0, 32, 32, 32), (3.0, 1.0, 64, 64, 192)],
)
def test_pictures_for_fills_the_time_with_whole_units(seconds, took, done, unit, expected):
    assert pictures_for(seconds, took, done, unit) == expected


def test_folder_is_filled_with_each_picture_as_often_as_needed(tmp_path):
    files = [tmp_path / name for name in ("a.jpg", "b.png")]
    for file in files:
        file.write_bytes(file.name.encode())
    names = fill_folder(tmp_path / "folder", files, 5)
    assert [path.name for path in names] == ["00000.jpg", "00001.png", "00002.jpg", "00003.png", "00004.jpg"]
    assert [path.read_bytes() for path in names] == [b"a.jpg", b"b.png", b"a.jpg", b"b.png", b"a.jpg"]


def test_own_pictures_are_spread_over_their_folder_and_named_without_its_path(tmp_path):
    slides = tmp_path / "slides"
    for name in ("1/a.JPG", "1/b.jpg", "2/c.jpg", "2/d.jpg"):
        (slides / name).parent.mkdir(parents=True, exist_ok=True)
        (slides / name).write_bytes(name.encode())
    found = find_pictures(slides, tmp_path / "copies", 2)
    assert [path.read_bytes() for path in found.files] == [b"1/a.JPG", b"2/c.jpg"]
    assert found.source == "2 different pictures of the folder slides"
    assert len(find_pictures(slides, tmp_path / "all", 100).files) == 4
    with pytest.raises(UsageError):
        find_pictures(tmp_path / "missing", tmp_path / "none", 2)


def line(status: str = "ok", engine: str = "openvino 2026.4", precision: str = "f32") -> str:
    models = [{"engine": engine, "precision": precision}]
    return json.dumps({"status": status, "reason": "torn", "models": models})


def test_findings_of_a_measured_run_are_checked():
    assert check_findings([line(), line(), ""], 2, "openvino")["precision"] == "f32"
    for lines, what in (
        ([line()], "expected 2 findings, found 1"),
        ([line(), line("error")], "torn"),
        ([line(), line(engine="onnxruntime 1.32")], "expected openvino in f32"),
        ([line(), line(precision="bf16")], "bf16"),
    ):
        with pytest.raises(RuntimeError, match=what):
            check_findings(lines, 2, "openvino")


def test_a_command_that_fails_is_no_measurement():
    with pytest.raises(RuntimeError, match="ended with 3: gone"):
        run_fresh([sys.executable, "-c", "import sys; sys.stderr.write('gone'); sys.exit(3)"])


def test_a_command_that_hangs_is_ended():
    with pytest.raises(RuntimeError, match=r"had not ended after 0.3 s"):
        run_fresh([sys.executable, "-c", "import time; time.sleep(60)"], limit=0.3)


def test_a_peak_below_that_of_the_starting_process_is_not_believed():
    # This process has tests and libraries in it; a bare interpreter inherits its peak on Linux, or stays below it.
    with pytest.raises(RuntimeError, match="cannot be told"):
        run_fresh([sys.executable, "-S", "-c", "pass"])


def test_workers_answer_and_tell_what_went_wrong():
    with Worker("collections", "Counter", "abca") as worker:
        assert worker.call("most_common", 1) == [("a", 2)]
        with pytest.raises(RuntimeError, match="AttributeError"):
            worker.call("no_such_method")
    with Worker("os", "_exit", 7) as worker, pytest.raises(RuntimeError, match="ended with 7"):
        worker.call("anything")


def test_each_round_measures_everything_once_and_begins_elsewhere():
    order: list[str] = []

    def series(name: str) -> Series:
        return Series(name, NETWORK, "pictures/s", 1, lambda: float(order.append(name) or len(order)))

    every = [series(name) for name in "abc"]
    bench_rounds.measure(every, 3)
    assert order == list("abcbcacab")
    assert [one.values for one in every] == [[1.0, 6.0, 8.0], [2.0, 4.0, 9.0], [3.0, 5.0, 7.0]]


def measured(*, cold: float = 1.0, network: float = 200.0, peak: int = 500_000_000) -> dict:
    values = {(name, COLD): cold for name in OURS} | {(name, NETWORK): network for name in OURS}
    values |= {(name, task): 100.0 for name in OURS for task in (FOLDER, END_TO_END)}
    values |= {(RESNET, task): 8.0 for task in (END_TO_END, NETWORK)}
    values |= {(SAME, task): 50.0 for task in (END_TO_END, NETWORK)}
    series = [
        Series(name, task, "s" if task == COLD else "pictures/s", 10, float, [0.9 * value, value, 1.1 * value])
        for (name, task), value in values.items()
    ]
    many = {name: ManyRun(3000, 30.0, peak) for name in OURS}
    return collect(series, many, OURS, RESNET, SAME)


def test_targets_are_judged_by_the_engine_that_is_taken_by_itself():
    assert [target["met"] for target in measured()["targets"]] == [True, True, True, True, True]
    assert [target["measured"] for target in measured()["targets"]] == [12.5, 12.5, 25.0, 1.0, 500.0]
    poor = measured(cold=1.6, network=119.0, peak=601_000_000)
    assert [target["met"] for target in poor["targets"]] == [True, True, False, False, False]
    assert len(missed(poor)) == 3
    assert "at least 15 times, measured 14.9 (14.9 to 14.9) times" in missed(poor)[0]


def test_ratios_compare_every_engine_with_both_rivals_in_the_same_task():
    ratios = {(row["task"], row["contestant"], row["rival"]): row["median"] for row in measured()["ratios"]}
    assert len(ratios) == 3 * 2 * 2
    assert ratios[NETWORK, OURS[1], SAME] == pytest.approx(4.0)
    assert ratios[FOLDER, OURS[0], RESNET] == pytest.approx(12.5)  # against the rival end to end


def results(**changes: object) -> dict:
    rival = {
        "network": "timm x",
        "gmacs": 10.9,
        "input": [224, 224],
        "precision": "f32",
        "threads": 2,
        "setting": {"channels_last": True, "batch": 8, "callers": 2},
        "tried": [{}, {}],
    }
    ours = {
        "bundle": "default",
        "version": "1",
        "architecture": "efficientnet-lite0",
        "engine": "openvino 2026.4",
        "input": [168, 224],
        "precision": "f32",
        "threads": 2,
    }
    head = {
        "quick": False,
        "machine": {"cpu": "A|B", "cores": 2, "threads": 2, "load_before": 0.1, "busy": False},
        "numbers": {"rounds": 3, "folder": 600},
        "pictures": {"source": "60 different rendered fields"},
        "manifest": {
            "time": "2026-11-23T10:00:00+00:00",
            "platform": "Linux x86_64",
            "packages": {"numpy": "2.0"},
            "code": None,
            "leukolens": "0.1",
            "python": "3.12",
        },
        "contestants": dict.fromkeys(OURS, ours) | dict.fromkeys((RESNET, SAME), rival),
    }
    return head | measured() | changes


def test_page_puts_targets_beside_what_was_measured():
    page = to_markdown(results())
    assert "| cold start of one picture | at most 1.5 s | 1.00 (0.90 to 1.10) s | met |" in page
    assert "| peak memory, folder of 3,000 pictures with report | at most 600 MB | 500 MB | met |" in page
    assert f"| {RESNET} | 8.0 (7.2 to 8.8) |  | 8.0 (7.2 to 8.8) |" in page
    assert "fastest of 2 settings: channels last, batch 8, 2 callers" in page
    assert "missed" not in page
    assert "noise" not in page


def test_page_says_plainly_what_was_missed_and_what_means_nothing():
    busy = {"cpu": "A", "cores": 2, "threads": 2, "load_before": 9.5, "busy": True}
    page = to_markdown(results(quick=True, machine=busy) | measured(cold=2.0))
    assert "| **missed** |" in page
    assert "**Target missed: cold start of one picture: at most 1.5 s, measured 2.00 (1.80 to 2.20) s.**" in page
    assert "load 9.5" in page
    assert "quick run" in page


@pytest.mark.parametrize(("load", "busy"), [(0.0, False), (0.5, False), (0.6, True)])
def test_busy_is_a_quarter_of_the_cores(load, busy):
    assert is_busy(load, 2) is busy


@pytest.mark.slow
def test_the_rival_has_the_cost_of_keras_network():
    torch = pytest.importorskip("torch", reason="needs the extra 'train'")
    timm = pytest.importorskip("timm")
    from bench_rivals import RESNET as TIMM_RESNET
    from bench_rivals import count_macs, with_keras_strides

    network = with_keras_strides(timm.create_model(TIMM_RESNET, num_classes=4).eval())
    # 10.905e9 by the table of layers of keras.applications.ResNet152V2 at 224 px: 3, 8, 36 and 3 blocks, each stage's
    # last block but the fourth's with stride 2 in its 3 x 3 convolution.
    assert count_macs(network, (224, 224)) == 10_904_657_920
    with torch.inference_mode():
        assert network(torch.rand(1, 3, 224, 224)).isfinite().all()


@pytest.mark.slow
def test_the_rival_classifies_each_picture_once_at_every_setting(tmp_path, monkeypatch, request):
    torch = pytest.importorskip("torch", reason="needs the extra 'train'")
    import bench_rivals

    threads = torch.get_num_threads()  # of this process: with another number, training ends in other last bits
    request.addfinalizer(lambda: torch.set_num_threads(threads))
    from PIL import Image

    files = [tmp_path / f"{number}.png" for number in range(3)]
    for number, file in enumerate(files):
        Image.new("RGB", (40, 30), (number, 0, 255)).save(file)
    read: list[str] = []
    load = bench_rivals.load_scaled
    monkeypatch.setattr(bench_rivals, "load_scaled", lambda path, size: (read.append(path.name), load(path, size))[1])
    rival = bench_rivals.EagerTorch("resnet10t", (32, 48), 2, files, (1, 2, 4))
    tried = rival.describe()["tried"]
    assert len(tried) == 6
    best = {
        name: value
        for name, value in max(tried, key=lambda one: one["pictures_per_s"]).items()
        if name != "pictures_per_s"
    }
    assert rival.describe()["setting"] == best
    for callers in (1, 2):
        rival._use(bench_rivals.Setting(True, 2, callers))
        read.clear()
        assert rival.seconds("end to end", 12) > 0
        assert sorted(read) == sorted(file.name for file in files * 4)


@pytest.mark.slow
def test_scaled_picture_is_what_the_network_expects(tmp_path):
    pytest.importorskip("torch", reason="needs the extra 'train'")
    from bench_rivals import load_scaled
    from PIL import Image

    Image.new("RGB", (40, 30), (0, 255, 51)).save(tmp_path / "a.png")
    pixels = load_scaled(tmp_path / "a.png", (20, 10))
    assert pixels.shape == (20, 10, 3)
    assert pixels.dtype == np.float32
    np.testing.assert_allclose(pixels[5, 5], [-1, 1, -0.6], atol=1e-6)
