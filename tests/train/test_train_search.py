"""A search looks at the validation side alone, ends early what is worse, goes on after a kill, and names mistakes."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs leukolens[train]")
optuna = pytest.importorskip("optuna", reason="needs leukolens[train]")
yaml = pytest.importorskip("yaml", reason="needs leukolens[train]")

import timm  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from train_calls import COMMAND, changes, train_arguments  # noqa: E402

from leukolens.cli.main import main  # noqa: E402
from leukolens.finding import OutputError, UsageError  # noqa: E402
from leukolens.networks.choice import NetworkChoice  # noqa: E402
from leukolens.networks.field import FieldNetwork  # noqa: E402
from leukolens.train.recipe import load_recipe  # noqa: E402
from leukolens.train.space import load_space  # noqa: E402

pytestmark = pytest.mark.slow
SPACE = """
optimiser.learning_rate: {kind: float, low: 1.0e-4, high: 1.0e-1, log: true}
batch_size: {kind: int, low: 4, high: 12, step: 4}
augmentation.scale: {kind: choice, of: [[0.9, 1.1], [1.0, 1.0]]}
"""


@pytest.fixture
def space(tmp_path: Path) -> Path:
    path = tmp_path / "space.yaml"
    path.write_text(SPACE, "utf-8")
    return path


def _tune(data: Path, split: Path, recipe: Path, out: Path, space: Path, *more: str) -> list[str]:
    given = ["--split", str(split), "--recipe", str(recipe), "--space", str(space), "--out", str(out), *more]
    return ["tune", str(data), *given, *changes("epochs=3", "average=null")]


def _trials(out: Path) -> list[dict[str, str]]:
    with (out / "trials.csv").open(encoding="utf-8") as stream:
        return [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(stream)]


def test_a_search_leaves_all_that_was_promised(
    class_folders: Path, split: Path, tiny_recipe: Path, space: Path, tmp_path: Path,
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(
        "leukolens.train.outcome.predict", lambda *_: pytest.fail("looked at a side that is not its own")
    )
    out = tmp_path / "search"
    arguments = _tune(class_folders, split, tiny_recipe, out, space, "--trials", "7", "--objective", "accuracy")
    assert main(arguments) == 0
    assert "best of 7 trials" in capfd.readouterr().err
    rows = _trials(out)
    assert len(rows) == 7
    ended = [row for row in rows if row["state"] == "complete"]
    best = max(ended, key=lambda row: float(row["value"]))
    assert all(1e-4 <= float(row["optimiser.learning_rate"]) <= 1e-1 for row in rows)
    assert {row["batch_size"] for row in rows} <= {"4", "8", "12"}
    assert {row["augmentation.scale"] for row in rows} <= {"[0.9, 1.1]", "[1.0, 1.0]"}
    recipe = load_recipe(str(out / "best.yaml"))
    assert recipe.optimiser.learning_rate == float(best["optimiser.learning_rate"])
    assert recipe.batch_size == int(best["batch_size"])
    assert recipe.name == "tiny-tuned"
    curves = list(csv.DictReader((out / "trials" / f"{int(best['trial']):04d}" / "curves.csv").open()))
    chosen = min(curves, key=lambda row: float(row["val_loss"]))
    assert float(chosen["val_accuracy"]) == pytest.approx(float(best["value"]), rel=1e-4)
    assert load_recipe(str(out / "trials" / "0006" / "recipe.yaml")).epochs == 3
    assert (out / "search.png").stat().st_size > 5000
    assert not list(out.glob("trials/*/*.ckpt"))
    assert not list(out.rglob("predictions-*"))

    assert main(arguments) == 2, "without --resume a folder with a search is refused"
    assert main([*arguments, "--resume", "--set", "epochs=4"]) == 2
    assert "recipe.epochs: 3 there, 4 now" in capfd.readouterr().err
    assert main([*arguments, "--resume"]) == 0
    assert _trials(out) == rows, "nothing is left to do"
    monkeypatch.undo()
    run = train_arguments(class_folders, split, out / "best.yaml", tmp_path / "run", "--set", "epochs=1")
    assert main(run) == 0, "train takes what tune found"


def test_a_killed_search_ends_where_an_unbroken_one_ends(
    class_folders: Path, split: Path, tiny_recipe: Path, space: Path, tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert main(_tune(class_folders, split, tiny_recipe, whole, space, "--trials", "4")) == 0
    arguments = _tune(class_folders, split, tiny_recipe, killed, space, "--trials", "4")
    process = subprocess.Popen([*COMMAND, *arguments], stderr=subprocess.DEVNULL, env=os.environ)
    deadline = time.monotonic() + 240
    while not (killed / "trials" / "0001" / "curves.csv").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert main([*arguments, "--resume"]) == 0
    rows = _trials(killed)
    assert [row["reason"] for row in rows].count("interrupted") == 1
    going = [{k: v for k, v in row.items() if k != "trial"} for row in rows if row["reason"] != "interrupted"]
    assert going == [{k: v for k, v in row.items() if k != "trial"} for row in _trials(whole)]


def test_trials_worse_than_the_median_end_early(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    space = tmp_path / "space.yaml"
    space.write_text("optimiser.learning_rate: {kind: float, low: 1.0e-6, high: 1, log: true}\n", "utf-8")
    out = tmp_path / "search"
    assert main(_tune(class_folders, split, tiny_recipe, out, space, "--trials", "12")) == 0
    pruned = [row for row in _trials(out) if row["state"] == "pruned"]
    assert pruned
    assert all(int(row["epochs"]) < 3 for row in pruned)


def test_a_trial_that_cannot_be_is_told_and_the_search_goes_on(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    space = tmp_path / "space.yaml"
    space.write_text("batch_size: {kind: choice, of: [4, 8]}\naccumulate: {kind: choice, of: [1, 4]}\n", "utf-8")
    out = tmp_path / "search"
    assert main(_tune(class_folders, split, tiny_recipe, out, space, "--trials", "8")) == 0
    failed = [row for row in _trials(out) if row["state"] == "fail"]
    assert failed
    assert all("no 4 parts of 2" in row["reason"] and row["batch_size"] == "4" for row in failed)


def test_a_trial_that_breaks_is_told_and_the_search_goes_on(
    class_folders: Path, split: Path, tiny_recipe: Path, space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it raises; but an output that cannot be written ends the search, and the trial is done again."""
    fails = {0: OverflowError("too\nlarge"), 2: OutputError("no space left")}

    def fit(_recipe, _sides, folder: Path, **_: object) -> None:
        if (error := fails.pop(int(folder.name), None)) is not None:
            raise error
        (folder / "curves.csv").write_text("epoch,val_loss\n1,0.5\n", "utf-8")

    monkeypatch.setattr("leukolens.train.search.fit", fit)
    out = tmp_path / "search"
    arguments = _tune(class_folders, split, tiny_recipe, out, space, "--trials", "4")
    assert main(arguments) == 2
    assert [row["state"] for row in _trials(out)] == ["fail", "complete"]
    assert main([*arguments, "--resume"]) == 0
    rows = _trials(out)
    assert [row["state"] for row in rows] == ["fail", "complete", "fail", "complete", "complete"]
    assert [row["reason"] for row in rows] == ["OverflowError: too", "", "interrupted", "", ""]
    assert rows[2]["optimiser.learning_rate"] == rows[3]["optimiser.learning_rate"]


def _offline(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let timm's hub not answer; return the list of what is asked of it."""
    asked: list[str] = []
    create = timm.create_model

    def answer(name: str, *, pretrained: bool, **options: object) -> object:
        if pretrained:
            asked.append(name)
            raise OSError("no route to the hub")
        return create(name, pretrained=pretrained, **options)

    monkeypatch.setattr("leukolens.networks.timm_network.timm.create_model", answer)
    return asked


@pytest.mark.parametrize("searched", ["", "network.weights: {kind: choice, of: [none, imagenet]}\n"])
def test_start_weights_that_cannot_be_had_end_a_search_before_it_begins(
    class_folders: Path, split: Path, tiny_recipe: Path, space: Path, tmp_path: Path,
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, searched: str,
) -> None:  # fmt: skip
    asked = _offline(monkeypatch)
    space.write_text(SPACE + searched, "utf-8")
    out = tmp_path / "search"
    weights = [] if searched else changes("network.weights=imagenet")
    assert main([*_tune(class_folders, split, tiny_recipe, out, space), *weights]) == 2
    told = capfd.readouterr().err
    assert "the ImageNet weights of 'timm:test_efficientnet' could not be had" in told
    assert "came to an end" not in told
    assert asked == ["test_efficientnet"], "once, not for every trial"
    assert not out.exists()


def test_a_finished_search_needs_its_start_weights_no_more(
    class_folders: Path, split: Path, tiny_recipe: Path, space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fit(_recipe, _sides, folder: Path, **_: object) -> None:
        (folder / "curves.csv").write_text("epoch,val_loss\n1,0.5\n", "utf-8")

    monkeypatch.setattr("leukolens.train.search.fit", fit)
    out = tmp_path / "search"
    start = tmp_path / "start"
    start.mkdir()
    choice = NetworkChoice(name="timm:test_efficientnet", weights="none")
    save_file(FieldNetwork(choice, classes=2, size=(48, 64)).state_dict(), start / "weights.safetensors")
    arguments = [*_tune(class_folders, split, tiny_recipe, out, space), *changes(f"network.weights={start}")]
    assert main([*arguments, "--trials", "2"]) == 0
    (start / "weights.safetensors").unlink()
    assert main([*arguments, "--trials", "2", "--resume"]) == 0
    assert main([*arguments, "--trials", "3", "--resume"]) == 2
    assert len(_trials(out)) == 2


def test_a_start_that_has_seen_the_validation_side_judges_no_search(
    run: Path, class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path, space: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    out = tmp_path / "search"
    start = changes(f"network.weights={run}")
    assert main([*_tune(class_folders, split, tiny_recipe, out, space), *start, "--fold", "1"]) == 2
    assert "the start weights have learned from this data set" in capfd.readouterr().err
    assert not out.exists()


def test_no_time_and_no_validation_side(
    class_folders: Path, split: Path, tiny_recipe: Path, space: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "search"
    assert main(_tune(class_folders, split, tiny_recipe, out, space, "--timeout", "0")) == 2
    assert "came to an end" in capfd.readouterr().err
    bare = tmp_path / "bare.json"
    assert main(["data", "split", str(class_folders), "--method", "random-image", "--out", str(bare)]) == 0
    capfd.readouterr()
    assert main(_tune(class_folders, bare, tiny_recipe, tmp_path / "other", space)) == 2
    assert "no validation side" in capfd.readouterr().err
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a\n", "mapping of recipe fields"),
        ("[1, 2", "is not YAML"),
        ("", "mapping of recipe fields"),
        ("optimiser.lerning_rate: {kind: float, low: 1, high: 2}", "Did you mean 'learning_rate'"),
        ("optimizer.learning_rate: {kind: float, low: 1, high: 2}", "Did you mean 'optimiser'"),
        ("optimiser: {kind: float, low: 1, high: 2}", "a part, not a field"),
        ("epochs.more: {kind: int, low: 1, high: 2}", "epochs.more"),
        ("seed: {kind: int, low: 1, high: 2}", "none that can be searched"),
        ("network.dropout: {kind: float, low: 0.1, high: 1.5}", "network.dropout.*less than 1.*1.5"),
        ("network.dropout: {kind: float, low: 0.5, high: 0.1}", "low 0.5 is not below high 0.1"),
        ("network.dropout: {kind: float, low: 0, high: 0.1, log: true}", "begin above 0"),
        ("network.dropout: {kind: float, low: 0, high: 1, logg: true}", "logg: unknown key.*Did you mean 'log'"),
        ("network.dropout: {kind: float, low: 0, hihg: 0.1}", "high: Field required"),
        ("network.dropout: {kind: flaot, low: 0, high: 0.1}", "float"),
        ("network.dropout: {low: 0, high: 0.1}", "kind"),
        ("network.dropout: 0.3", "network.dropout"),
        ("epochs: {kind: float, low: 1.5, high: 3.5}", "epochs.*integer"),
        ("epochs: {kind: int, low: 1, high: 9, step: 2, log: true}", "no step"),
        ("optimiser.name: {kind: choice, of: [adamw, adamax]}", "optimiser.name.*adamax"),
        ("optimiser.name: {kind: choice, of: [adamw]}", "of"),
    ],
)
def test_mistakes_in_a_space_are_named_with_the_field(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(UsageError, match=f"space.yaml.*({words})"):
        load_space(path, load_recipe("field-robust"))


def test_a_space_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no space file"):
        load_space(tmp_path / "none.yaml", load_recipe("field-robust"))


def test_all_kinds_of_ranges_are_read(space: Path) -> None:
    read = load_space(space, load_recipe("field-robust"))
    assert [given.kind for given in read.values()] == ["float", "int", "choice"]
    assert {name: given.model_dump() for name, given in read.items()}.keys() == yaml.safe_load(SPACE).keys()


def test_a_leaky_order_cannot_judge_a_search(
    class_folders: Path, split: Path, tiny_recipe: Path, space: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = _tune(class_folders, split, tiny_recipe, tmp_path / "out", space)
    leaky = changes("samples.views=[original, segmented]", "samples.order=before-validation")
    assert main([*arguments, *leaky]) == 2
    assert "leaky order 'before-validation'" in capfd.readouterr().err
    space.write_text("samples.order: {kind: choice, of: [after-split, thesis]}\n", "utf-8")
    with pytest.raises(UsageError, match=r"samples\.order"):
        load_space(space, load_recipe(str(tiny_recipe)))
