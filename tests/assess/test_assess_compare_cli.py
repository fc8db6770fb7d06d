"""``leukolens compare`` on made-up runs, and what networks cost."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from assess_runs import write_run

pytest.importorskip("torch", reason="needs leukolens[train]")
pytest.importorskip("timm", reason="needs leukolens[train]")
pytest.importorskip("matplotlib", reason="needs leukolens[train]")

from leukolens.assess.costs import CostBook, Costs, Subject, with_distance
from leukolens.assess.speed import Speed, _Others, measure_speed, median_interval
from leukolens.cli.compare_run import Request, command_line, name_runs
from leukolens.cli.main import main
from leukolens.finding import UsageError
from leukolens.networks.table import REGISTRY

TINY = {"name": "timm:test_efficientnet", "weights": "none"}
SMALL = {"width": 64, "height": 48}


def call(*words: object) -> int:
    return main(["compare", *map(str, words)])


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("runs")
    return {
        "good": write_run(root / "good", seed=1),
        "bad": write_run(root / "a-name-so-long-that-no-terminal-would-hold-it-in-one-column", wrong=8, seed=2),
        "partial": write_run(root / "partial", folds=(0, 2)),
    }


def test_two_runs_end_to_end(folders, tmp_path, capsys):
    out = tmp_path / "out"
    names = ["--name", f"good one={folders['good']}"]
    assert (
        call(
            *(folders["good"], folders["bad"], *names, "--no-speed", "--out", out),
            *("--networks", "efficientnet-lite0", "--waiting", "waits for a GPU"),
        )
        == 0
    )
    told = capsys.readouterr().out
    for words in (
        "good one",
        folders["bad"].name,
        "waits for a GPU",
        "LEAKY",
        "For research use only",
        "Of 1 pair tested",
    ):
        assert words in told
    assert "…" not in told
    assert any(folders["bad"].name in line and "96 of 120" in line for line in told.splitlines())
    files = {path.name for path in out.iterdir()}
    assert files == {
        "compare.html",
        "compare.md",
        "compare.csv",
        "compare.json",
        "comparison.png",
        "comparison.svg",
        "manifest.json",
    }
    content = json.loads((out / "compare.json").read_text("utf-8"))
    assert [row["run"] for row in content["rows"]] == ["good one", folders["bad"].name, "efficientnet-lite0"]
    assert content["rows"][0]["costs"]["parameters"] > 100_000
    assert content["rows"][0]["costs"]["speed"] is None
    assert content["rows"][2]["costs"]["macs"] > 10**6
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    assert manifest["data_sha256"] == "d" * 64
    for path in out.iterdir():
        assert str(tmp_path).encode() not in path.read_bytes()
        assert str(folders["good"].parent).encode() not in path.read_bytes()


def test_a_comparison_is_not_written_over_unasked(folders, tmp_path, capsys):
    (tmp_path / "compare.json").write_text("{}")
    assert call(folders["good"], "--no-speed", "--out", tmp_path) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert call(folders["good"], "--no-speed", "--out", tmp_path, "--overwrite") == 0
    assert "One run only" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ((), "nothing to compare"),
        (("nowhere",), "no run 'nowhere'"),
        (("{good}/fold-0/summary.json",), "a file"),
        (("{good}/..",), "is no run"),
        (("{partial}",), "fold 1 is not there"),
        (("{good}", "--name", "{good}"), "LABEL=RUN"),
        (("{good}", "--name", "=x"), "LABEL=RUN"),
        (("{good}", "{bad}", "--name", "x={good}", "--name", "x={bad}"), "Two runs are called 'x'"),
        (("{good}", "{good}"), "named twice"),
        (("{good}", "--networks", "efficientnet-lite9"), "efficientnet-lite"),
        (("{good}", "--split", "nowhere.json"), "no split file"),
        (("{good}", "--threads", "0"), "--threads"),
    ],
)
def test_bad_input_is_told_before_the_work(folders, tmp_path, capsys, monkeypatch, words, part):
    monkeypatch.setattr("leukolens.cli.compare_run.compare_runs", lambda *_, **__: pytest.fail("the work began"))
    assert call(*(word.format(**folders) for word in words), "--out", tmp_path / "out") == 2
    assert part in capsys.readouterr().err


def test_unfinished_run(folders, tmp_path, capsys):
    run = write_run(tmp_path / "run", folds=(0,), pooled=False)
    (run / "summary.json").unlink()
    assert call(folders["good"], run, "--out", tmp_path / "out") == 2
    assert "--resume" in capsys.readouterr().err


def test_unwritable_out_is_found_before_the_work(folders, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("leukolens.cli.compare_run.compare_runs", lambda *_, **__: pytest.fail("the work began"))
    (tmp_path / "file").write_text("")
    assert call(folders["good"], "--out", tmp_path / "file" / "out") == 2
    assert "cannot be written to" in capsys.readouterr().err


def test_an_evaluation_is_not_written_over_unasked(folders, tmp_path, capsys):
    (tmp_path / "manifest.json").write_text("of another")
    assert call(folders["good"], "--no-speed", "--out", tmp_path) == 2
    assert "manifest.json" in capsys.readouterr().err
    assert (tmp_path / "manifest.json").read_text() == "of another"


@pytest.mark.parametrize("refused", ["nowhere", "{partial}", "{damaged}"])
def test_refused_runs_leave_no_folder(folders, tmp_path, refused):
    damaged = write_run(tmp_path / "damaged", folds=(0,), pooled=False)
    (damaged / "training.json").write_text('{"run": {"recipe": "x"}}')
    assert call(refused.format(**folders, damaged=damaged), "--out", tmp_path / "out") == 2
    assert not (tmp_path / "out").exists()


def test_networks_without_a_run_are_measured_on_its_pictures(folders, tmp_path):
    """64 x 48: vit-s cannot take 168 high pictures, but 48 high ones; dinov2-s can take neither side."""
    out = tmp_path / "out"
    assert call(folders["good"], "--no-speed", "--networks", "vit-s,dinov2-s", "--out", out) == 0
    rows = json.loads((out / "compare.json").read_text("utf-8"))["rows"]
    assert [row["costs"]["picture"] for row in rows] == [[64, 48], [64, 48], list(REGISTRY["dinov2-s"].size)]
    assert "224 x 168" in (out / "compare.html").read_text("utf-8")
    assert "picture, px" in (out / "compare.md").read_text("utf-8")


def test_folds_are_called_after_their_run(folders, tmp_path):
    one, other = (write_run(tmp_path / name) for name in ("one", "other"))
    assert list(name_runs([one / "fold-0", other / "fold-0"], [])) == ["one/fold-0", "other/fold-0"]
    assert list(name_runs([], [f"x={one}"])) == ["x"]
    with pytest.raises(UsageError, match="nothing to compare"):
        name_runs([], [])


def test_command_line_shows_names_only(tmp_path):
    request = Request(
        runs=(tmp_path / "a run", tmp_path / "b" / "fold-1"),
        out=tmp_path / "out",
        names=(f"x={tmp_path / 'b'}",),
        networks="all",
        waiting="waits for a GPU",
        splits=(tmp_path / "s.json",),
        speed=False,
        threads=2,
        seed=88,
        overwrite=False,
    )
    assert command_line(request) == (
        "leukolens compare 'a run' b/fold-1 --name x=b --networks all --waiting 'waits for a GPU' --split s.json "
        "--no-speed --threads 2 --seed 88 --out out"
    )


def test_median_interval_by_hand():
    """Of 7 values, the least and the greatest hold the median 98.4 % of the time, the next ones 87.5 %."""
    assert median_interval([3, 1, 2, 7, 5, 6, 4]) == (4, 1, 7)
    assert median_interval([5]) == (5, 5, 5)
    assert median_interval(list(range(20))) == (9.5, 5, 14)


def test_median_interval_covers():
    rng = np.random.default_rng(0)
    held = [low <= 0 <= high for _, low, high in (median_interval(rng.normal(size=9).tolist()) for _ in range(2000))]
    assert 0.945 <= np.mean(held) <= 0.98


@pytest.mark.slow
def test_costs_are_measured_once(tmp_path, monkeypatch):
    subject = Subject(TINY, SMALL, 4)
    first = CostBook(tmp_path / "costs.json", threads=1).measure(subject, speed=True)
    assert first.reason == ""
    assert first.speed.low <= first.speed.value <= first.speed.high
    assert first.speed.threads == 1
    assert first.onnx_bytes == pytest.approx(first.weight_bytes, rel=0.5)
    monkeypatch.setattr("leukolens.assess.costs._measure", lambda *_, **__: pytest.fail("measured again"))
    assert CostBook(tmp_path / "costs.json", threads=1).measure(subject, speed=True) == first


def test_a_network_that_cannot_be_measured_says_why(tmp_path):
    book = CostBook(tmp_path / "costs.json")
    assert "unknown network" in book.measure(Subject({"name": "resnet9000"}, SMALL, 4), speed=True).reason
    assert "cannot be measured" in book.measure(Subject(TINY, {"width": -1}, 4), speed=True).reason
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(b"none")
    damaged = book.measure(Subject(TINY, SMALL, 4, weights), speed=True)
    assert "cannot be measured" in damaged.reason
    assert damaged.parameters > 100_000
    assert damaged.speed is None
    assert not (tmp_path / "costs.json").exists()


@pytest.mark.parametrize(
    "content", ["", "{}", '{"costs": {"a": {"speed": 3}}}', '{"costs": {"a": {"pace": 3}}}', "[1]"]
)
def test_a_damaged_book_counts_as_empty(tmp_path, content):
    (tmp_path / "costs.json").write_text(content)
    assert CostBook(tmp_path / "costs.json").known == {}


def test_weights_and_network_decide_what_is_known(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    subjects = [
        Subject(TINY, SMALL, 4),
        Subject(TINY, SMALL, 5),
        Subject(TINY, {"width": 64, "height": 64}, 4),
        Subject(TINY, SMALL, 4, tmp_path / "a"),
        Subject(TINY, SMALL, 4, tmp_path / "b"),
        Subject(TINY, SMALL, 4, otherwise=(224, 168)),
    ]
    assert len({subject.key() for subject in subjects}) == len(subjects)


def test_book_is_read_back_as_it_was(tmp_path):
    speed = Speed(10.0, 9.0, 11.0, (9.0, 10.0, 11.0), 2, "none 1", 0.0)
    book = CostBook(tmp_path / "costs.json")
    book.known["key"] = Costs(1, 2, 3, 4, speed, picture=(64, 48))
    book._keep()
    assert CostBook(tmp_path / "costs.json").known == book.known


@pytest.mark.slow
def test_speed_falls_with_the_size_of_the_picture():
    from leukolens.networks.choice import NetworkChoice
    from leukolens.networks.field import FieldNetwork
    from leukolens.smear.prepare import Preparation
    from leukolens.train.onnx_export import to_onnx

    rates = []
    for width, height in ((32, 32), (224, 224)):
        preparation = Preparation(width=width, height=height)
        choice = NetworkChoice(name=TINY["name"], weights="none")
        exported = with_distance(FieldNetwork(choice, classes=4, size=(height, width)).eval(), 4, preparation)
        rates.append(measure_speed(to_onnx(exported, preparation), 1, rounds=3, seconds=0.1).value)
    assert rates[0] > 2 * rates[1]


@pytest.mark.parametrize(
    ("whole", "own", "others"),
    [([0.0, 75.0], [0.0, 2.0], 2.0), ([0.0, 50.0], [0.0, 4.0], 0.0), ([0.0, 26.0], [0.0, 2.0], 0.04)],
    ids=["another program", "this one alone", "hardly another"],
)
def test_what_other_programs_use_is_what_this_one_does_not(monkeypatch, whole, own, others):
    """Of four cores, over two seconds."""
    clock = [0.0, 2.0]
    monkeypatch.setattr("leukolens.assess.speed.psutil.cpu_percent", lambda: whole.pop(0))
    monkeypatch.setattr("leukolens.assess.speed.psutil.cpu_count", lambda: 4)
    monkeypatch.setattr("leukolens.assess.speed.time.process_time", lambda: own.pop(0))
    monkeypatch.setattr("leukolens.assess.speed.time.perf_counter", lambda: clock.pop(0))
    assert _Others().cores() == pytest.approx(others)


def test_documentation_names_options_and_files(folders, tmp_path, capsys):
    text = (Path(__file__).parents[2] / "docs" / "compare.md").read_text("utf-8")
    assert call(folders["good"], "--no-speed", "--out", tmp_path) == 0
    for path in tmp_path.iterdir():
        assert path.name in text.replace("`comparison.png`, `.svg`", "comparison.png comparison.svg")
    capsys.readouterr()
    assert call("--help") == 0
    options = {
        word.rstrip(".,") for word in capsys.readouterr().out.split() if word.startswith("--") and word != "--help"
    }
    assert options - {"--out", "--speed"} <= set(text.replace("`", " ").replace(",", " ").split())


def test_a_comparison_is_a_look_at_each_fold(folders, tmp_path, capsys):
    assert call(folders["good"], folders["bad"], "--no-speed", "--out", tmp_path, "--reason", "which to take") == 0
    assert "has been opened" in capsys.readouterr().err
    looks = json.loads((tmp_path / "manifest.json").read_text("utf-8"))["test_openings"]
    folds = sorted(path for path in folders["good"].glob("fold-*"))
    assert sorted(one["opened"]["fold"] for one in looks) == list(range(len(folds)))
    last = json.loads((folds[0] / "decisions.jsonl").read_text("utf-8").splitlines()[-1])
    assert last["reason"] == "which to take"
    assert len(last["by"]) == 2
    assert all("not at hand" in one["sentence"] for one in looks)  # these runs have no split file
