"""A recipe under several protocols: tables side by side, refusals, and going on after a kill."""

from __future__ import annotations

import csv
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs leukolens[train]")
pytest.importorskip("lightning", reason="needs leukolens[train]")

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "data"))

from data_sets import group_rows, write_rows  # noqa: E402
from train_calls import COMMAND  # noqa: E402

from leukolens.cli.main import main  # noqa: E402
from leukolens.data import fingerprint, open_catalogue  # noqa: E402

pytestmark = pytest.mark.slow

PROTOCOLS = ["--protocol", "literature", "--protocol", "grouped"]


@pytest.fixture(scope="module")
def groups(class_folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four neighbouring files a session, two a field."""
    rows = group_rows(
        fingerprint(open_catalogue(class_folders)),
        lambda label, at: f"{label} {at // 4}",
        lambda label, at: f"{label} {at // 2}",
    )
    return write_rows(tmp_path_factory.mktemp("groups") / "groups.csv", rows)


def command(data: Path, recipe: Path, out: Path, *more: str, epochs: int = 3) -> list[str]:
    given = ["--out", str(out), "--folds", "3", "--set", f"epochs={epochs}", "--no-progress"]
    return ["benchmark", str(recipe), str(data), *given, "--negative", "small cells", *more]


@pytest.fixture(scope="module")
def finished(class_folders: Path, tiny_recipe: Path, groups: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("benchmark") / "out"
    given = [*PROTOCOLS, "--groups", str(groups), "--reason", "to see how far it holds"]
    assert main(command(class_folders, tiny_recipe, out, *given, epochs=8)) == 0
    return out


def rows_of(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "predictions-test.csv").open() as stream:
        return {row["path"]: row for row in csv.DictReader(stream)}


def test_every_image_is_predicted_once_in_each_protocol_and_the_honest_one_stands_first(finished: Path) -> None:
    content = json.loads((finished / "benchmark.json").read_text())
    assert [one["protocol"] for one in content["protocols"]] == ["grouped", "literature"]
    for one in content["protocols"]:
        rows = rows_of(finished / one["protocol"])
        assert len(rows) == one["images"] == 48
        assert one["right"] == sum(row["label"] == row["predicted"] for row in rows.values())
        recalls = [
            np.mean([row["predicted"] == name for row in rows.values() if row["label"] == name])
            for name in ("large cells", "small cells")
        ]
        assert one["overall"]["balanced_accuracy"]["value"] == pytest.approx(np.mean(recalls))
        assert one["leukaemia"]["sensitivity"]["value"] == pytest.approx(recalls[0])
        assert one["leukaemia"]["specificity"]["value"] == pytest.approx(recalls[1])
        assert one["overall"]["accuracy"]["groups"] == 12
        low, high = (one["bootstrap"]["balanced_accuracy"][end] for end in ("low", "high"))
        assert low <= one["overall"]["balanced_accuracy"]["value"] <= high


def test_why_the_test_sides_are_looked_at_stands_in_their_logs(finished: Path) -> None:
    lines = (finished / "literature" / "split.decisions.jsonl").read_text("utf-8").splitlines()
    assert {json.loads(line)["reason"] for line in lines} == {"to see how far it holds"}


def test_the_drop_is_that_of_the_predictions_image_by_image(finished: Path) -> None:
    content = json.loads((finished / "benchmark.json").read_text())
    honest, leaky = (rows_of(finished / name) for name in ("grouped", "literature"))
    gained = {
        path: (row["label"] == row["predicted"]) - (honest[path]["label"] == honest[path]["predicted"])
        for path, row in leaky.items()
    }
    (drop,) = content["drops"]
    assert (drop["first"], drop["second"]) == ("literature", "grouped")
    assert drop["differences"]["accuracy"]["value"] == pytest.approx(np.mean(list(gained.values())))
    large = [value for path, value in gained.items() if path.startswith("large")]
    assert drop["differences"]["recall.large cells"]["value"] == pytest.approx(np.mean(large))
    assert drop["differences"]["sensitivity"]["value"] == pytest.approx(np.mean(large))
    assert drop["differences"]["specificity"]["n"] == 24
    assert content["counted_together"].startswith("recovered sessions and fields (groups.csv ")


def test_the_kind_of_split_stands_beside_every_table(finished: Path) -> None:
    content = json.loads((finished / "benchmark.json").read_text())
    honest, leaky = (one["split"] for one in content["protocols"])
    assert honest["short"].startswith("Split by recovered session, groups ")
    assert honest["shared"]["sessions"] == 0
    assert leaky["short"] == "LEAKY random split by image, 3 folds, test"
    assert 0 < leaky["shared"]["fields"] <= 48
    for name in ("benchmark.html", "benchmark.md"):
        text = (finished / name).read_text()
        assert "LEAKY random split by image" in text
        assert honest["short"] in text
        assert f"{leaky['shared']['fields']} have a capture of the same field in training" in text
        assert text.index("grouped: balanced accuracy") < text.index("literature (LEAKY)")


def test_a_laboratory_is_left_out(class_folders: Path, tiny_recipe: Path, tmp_path: Path) -> None:
    out, table = tmp_path / "out", tmp_path / "table.csv"
    names = ("large cells", "small cells")
    rows = [f"{name}/{n:03d}.png,{name},{'north' if n < 10 else 'south'}" for name in names for n in range(24)]
    table.write_text("path,label,where\n" + "\n".join(rows))
    more = ["--labels", str(table), "--laboratory-column", "where", "--protocol", "leave-one-laboratory-out"]
    assert main(command(class_folders, tiny_recipe, out, *more, "--protocol", "literature", epochs=1)) == 0
    first = json.loads((out / "benchmark.json").read_text())["protocols"][0]
    assert first["protocol"] == "leave-one-laboratory-out"
    assert [fold["n"] for fold in first["folds"]] == [20, 28]
    assert first["split"]["short"] == "Split by laboratory, each left out once, 2 folds, test"


def test_a_finished_benchmark_is_not_trained_again(
    class_folders: Path, tiny_recipe: Path, groups: Path, finished: Path, tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    out = tmp_path / "copy"
    shutil.copytree(finished, out)
    given = command(class_folders, tiny_recipe, out, *PROTOCOLS, "--groups", str(groups), epochs=8)
    before = (out / "grouped/fold-1/weights.safetensors").stat().st_mtime_ns
    assert main(given) == 2
    assert "go on with --resume" in capfd.readouterr().err.replace("Go on", "go on")
    assert main([*given, "--resume"]) == 0
    assert (out / "grouped/fold-1/weights.safetensors").stat().st_mtime_ns == before
    assert (out / "benchmark.md").read_text() == (finished / "benchmark.md").read_text()
    assert main([*given, "--resume", "--set", "seed=1"]) == 2
    assert "recipe.seed" in capfd.readouterr().err
    assert main([*given, "--resume", "--seed", "1"]) == 2
    assert "was split in another way" in capfd.readouterr().err


def test_a_killed_benchmark_goes_on(class_folders: Path, tiny_recipe: Path, groups: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    given = command(class_folders, tiny_recipe, out, *PROTOCOLS, "--groups", str(groups))
    process = subprocess.Popen([*COMMAND, *given], stderr=subprocess.DEVNULL, env=os.environ)
    first, second = out / "literature/fold-0/summary.json", out / "literature/fold-1/last.ckpt"
    deadline = time.monotonic() + 240
    while not second.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "the benchmark ended before it could be killed"
    assert not (out / "benchmark.json").exists()
    told, started = first.read_text(), json.loads((out / "plan.json").read_text())["manifest"]["time"]
    assert main([*given, "--resume"]) == 0
    assert first.read_text() == told
    assert json.loads((out / "plan.json").read_text())["manifest"]["time"] == started
    content = json.loads((out / "benchmark.json").read_text())
    assert [one["images"] for one in content["protocols"]] == [48, 48]


def test_a_dry_run_trains_nothing(
    class_folders: Path, tiny_recipe: Path, groups: Path, finished: Path, tmp_path: Path,
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("COLUMNS", "160")
    before = sorted(path for path in finished.rglob("*"))
    more = [*PROTOCOLS, "--groups", str(groups), "--dry-run"]
    assert main(command(class_folders, tiny_recipe, finished, *more, "--protocol", "embargo:1", epochs=8)) == 0
    out = " ".join(capfd.readouterr().out.split())
    assert "3 networks would be trained" in out
    assert "embargo of 1 file" in out
    assert sorted(path for path in finished.rglob("*")) == before
    assert main(["benchmark", str(tiny_recipe), str(class_folders), "--protocol", "literature", "--dry-run"]) == 0
    assert "5 networks would be trained" in capfd.readouterr().out
    assert main(["benchmark", str(tiny_recipe), str(class_folders), "--protocol", "literature"]) == 2
    assert "--out" in capfd.readouterr().err


def test_a_grouped_protocol_is_not_started_without_groups(
    class_folders: Path, tiny_recipe: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(command(class_folders, tiny_recipe, out)) == 2
    assert "not started without patients or groups" in capfd.readouterr().err
    assert not out.exists()
    wrong = ["--protocol", "literature", "--set", "samples.order=before-test", "--set", "samples.views=[original]"]
    assert main(command(class_folders, tiny_recipe, out, *wrong)) == 2
    assert "before-test" in capfd.readouterr().err
    assert not out.exists()


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_groups_that_were_not_committed_beforehand_are_told(
    class_folders: Path, tiny_recipe: Path, groups: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def git(*arguments: str) -> None:
        own = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *own, *arguments], cwd=place, check=True, capture_output=True)

    place = tmp_path / "repository"
    place.mkdir()
    shutil.copy(groups, place / "groups.csv")
    git("init", "-q")
    options = ["--protocol", "grouped", "--groups", str(place / "groups.csv")]
    assert main(command(class_folders, tiny_recipe, tmp_path / "early", *options, epochs=1)) == 0
    captured = capfd.readouterr()
    assert "groups.csv was NOT COMMITTED" in captured.err
    assert "groups.csv was NOT COMMITTED" in (tmp_path / "early/benchmark.html").read_text()
    git("add", ".")
    git("commit", "-qm", "Groups")
    # Committed afterwards does not help the benchmark that began before.
    assert main(command(class_folders, tiny_recipe, tmp_path / "early", *options, "--resume", epochs=1)) == 0
    assert "groups.csv was NOT COMMITTED" in capfd.readouterr().err
    assert main(command(class_folders, tiny_recipe, tmp_path / "late", *options, epochs=1)) == 0
    assert "NOT COMMITTED" not in capfd.readouterr().err
    plan = json.loads((tmp_path / "late/plan.json").read_text())
    assert plan["groups"]["git"]["committed"]
    assert "before the first network was trained" in (tmp_path / "late/benchmark.html").read_text()


def test_one_class_is_told_before_any_groups(
    class_folders: Path, tiny_recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(class_folders / "small cells", tmp_path / "data" / "small cells")
    wrong = tmp_path / "groups.csv"
    wrong.write_text("")
    for more in ([], ["--groups", str(wrong)]):
        assert main(command(tmp_path / "data", tiny_recipe, tmp_path / "out", *more)) == 2
        told = capsys.readouterr().err
        assert "Expected images of at least two classes, found only the class 'small cells'" in told
        assert "groups" not in told


def test_a_layout_is_taken_as_said(
    class_folders: Path, tiny_recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["benchmark", str(tiny_recipe), str(class_folders), "--dry-run", "--no-progress", "--folds", "3"]
    given += ["--protocol", "literature"]
    assert main([*given, "--layout", "cnms"]) == 2
    assert "Did you mean 'cnmc'?" in capsys.readouterr().err
    assert main([*given, "--layout", "class-folders"]) == 0


def test_its_networks_under_stress_are_counted_over_all_folds(
    finished: Path, class_folders: Path, groups: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "benchmarks"))
    script = importlib.import_module("benchmark_stress")
    out = tmp_path / "stress.json"
    given = [finished, class_folders, "--protocol", "grouped", "--groups", groups, "--stress", "grey", "--out", out]
    monkeypatch.setattr(sys, "argv", ["benchmark_stress.py", *map(str, given)])
    threads = torch.get_num_threads()
    script.main()
    torch.set_num_threads(threads)
    found = json.loads(out.read_text("utf-8"))
    plain, grey = found["results"]
    assert (plain["stress"], grey["stress"]) == ("as it is", "grey")
    benchmark = json.loads((finished / "benchmark.json").read_text("utf-8"))["protocols"][0]
    assert found["images"] == benchmark["images"]
    assert plain["balanced_accuracy"]["value"] == benchmark["overall"]["balanced_accuracy"]["value"]
