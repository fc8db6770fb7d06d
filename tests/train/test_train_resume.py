"""A killed run that resumes ends where an unbroken one ends, whatever the recipe asks for; another run is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs leukolens[train]")
pytest.importorskip("lightning", reason="needs leukolens[train]")

from train_calls import changes, kill_after_an_epoch, same_run, train_arguments, untimed_curves  # noqa: E402

from leukolens.cli.main import main  # noqa: E402
from leukolens.train.recipe import Recipe  # noqa: E402
from leukolens.train.same_run import first_difference  # noqa: E402

pytestmark = pytest.mark.slow

COMBINATIONS = {
    "sgd, mixing, sampler, layer-wise rates": changes(
        "optimiser.name=sgd", "optimiser.layer_decay=0.7", "mixing.mixup=0.4", "mixing.cutmix=1", "balance=sampler"
    ),
    "unfreezing, accumulation, moving average": changes(
        "unfreeze.start=1", "accumulate=2", "balance=weights", "optimiser.clip=null"
    ),
    "as the thesis": changes(
        "average=null", "optimiser.name=adam", "optimiser.epsilon=1e-7", "optimiser.clip=null", "optimiser.warmup=0",
        "optimiser.schedule=exponential", "optimiser.decay_steps=2", "optimiser.staircase=true",
    ),
}  # fmt: skip


@pytest.mark.parametrize("more", COMBINATIONS.values(), ids=list(COMBINATIONS))
def test_killed_and_resumed_is_the_same(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path, more: list[str]
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    more = [*more, "--set", "epochs=6", "--set", "select=last"]
    assert main(train_arguments(class_folders, split, tiny_recipe, whole, *more)) == 0
    arguments = train_arguments(class_folders, split, tiny_recipe, killed, *more)
    kill_after_an_epoch(arguments, killed)
    assert main([*arguments, "--resume"]) == 0
    same_run(whole, killed)


def test_a_run_that_was_moved_keeps_its_best_epoch(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    """Where the first epoch is the best, a resumed run that forgot it would end with another."""
    rate = ["optimiser.name=sgd", "optimiser.learning_rate=0.1", "optimiser.schedule=constant", "optimiser.warmup=0"]
    more = changes("epochs=5", "average=null", *rate)
    whole, killed, moved = tmp_path / "whole", tmp_path / "killed", tmp_path / "elsewhere" / "moved"
    assert main(train_arguments(class_folders, split, tiny_recipe, whole, *more)) == 0
    losses = [float(row["val_loss"]) for row in untimed_curves(whole)]
    assert min(losses) == losses[0]
    kill_after_an_epoch(train_arguments(class_folders, split, tiny_recipe, killed, *more), killed)
    moved.parent.mkdir()
    killed.rename(moved)
    assert main([*train_arguments(class_folders, split, tiny_recipe, moved, *more), "--resume"]) == 0
    same_run(whole, moved)


@pytest.fixture(scope="module")
def half(class_folders: Path, split: Path, tiny_recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that looks as if it had been killed after its last epoch."""
    out = tmp_path_factory.mktemp("half") / "run"
    assert main(train_arguments(class_folders, split, tiny_recipe, out, "--set", "epochs=1")) == 0
    (out / "summary.json").unlink()
    return out


@pytest.fixture
def refused(half: Path, class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path, capfd):
    """Change a copy of the run, resume it, and give what is said."""

    def call(change, *more: str, code: int = 2) -> str:
        out = tmp_path / "run"
        shutil.copytree(half, out)
        change(out)
        arguments = train_arguments(class_folders, split, tiny_recipe, out, "--set", "epochs=1", "--resume", *more)
        assert main(arguments) == code
        return capfd.readouterr().err

    return call


def _json(path: Path, edit) -> None:
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


def test_another_recipe_is_refused_with_both_values(refused) -> None:
    said = refused(lambda out: None, "--set", "optimiser.learning_rate=0.5")
    assert "recipe.optimiser.learning_rate: 0.005 there, 0.5 now" in said


@pytest.mark.parametrize(("key", "value"), [("leukolens_version", "0.0.1"), ("checkpoint_format", 99)])
def test_a_run_of_another_version_is_refused(refused, key: str, value: object) -> None:
    said = refused(lambda out: _json(out / "training.json", lambda content: content.update({key: value})))
    assert key in said
    assert str(value) in said


@pytest.mark.parametrize(("key", "value"), [("leukolens_version", "0.0.1"), ("checkpoint_format", 99)])
def test_a_checkpoint_of_another_version_is_refused(refused, key: str, value: object) -> None:
    def change(out: Path) -> None:
        content = torch.load(out / "last.ckpt", weights_only=True)
        content["leukolens"][key] = value
        torch.save(content, out / "last.ckpt")

    said = refused(change)
    assert "last.ckpt" in said
    assert key in said
    assert str(value) in said


def test_a_checkpoint_of_another_recipe_is_refused(refused) -> None:
    def change(out: Path) -> None:
        content = torch.load(out / "last.ckpt", weights_only=True)
        content["leukolens"]["recipe"]["batch_size"] = 16
        torch.save(content, out / "last.ckpt")

    assert "recipe.batch_size: 16 there, 8 now" in refused(change)


def test_a_damaged_checkpoint_is_refused(refused) -> None:
    said = refused(lambda out: (out / "last.ckpt").write_bytes((out / "last.ckpt").read_bytes()[:5000]))
    assert "last.ckpt cannot be read" in said


def test_a_damaged_run_file_is_refused(refused) -> None:
    assert "training.json" in refused(lambda out: (out / "training.json").write_text("{"))


def test_a_run_from_before_there_were_stamps_and_new_fields_goes_on(refused) -> None:
    def age(content: dict) -> None:
        del content["leukolens_version"], content["checkpoint_format"]
        recipe = content["run"]["recipe"]
        for name in ("mixing", "unfreeze", "accumulate"):
            del recipe[name]
        for name in ("epsilon", "momentum", "nesterov", "clip", "layer_decay", "staircase"):
            del recipe["optimiser"][name]
        recipe["balance"] = False

    def change(out: Path) -> None:
        _json(out / "training.json", age)
        content = torch.load(out / "last.ckpt", weights_only=True)
        del content["leukolens"]
        torch.save(content, out / "last.ckpt")

    refused(change, code=0)


def test_the_first_difference_is_told_with_its_path() -> None:
    old, new = ({"recipe": Recipe(name="a", epochs=epochs).model_dump(mode="json")} for epochs in (3, 4))
    assert first_difference(old, new) == "recipe.epochs: 3 there, 4 now"
    assert first_difference(new, new) is None
    assert first_difference({"a": 1, "gone": 2}, {"a": 1}) == "gone: 2 there, None now"
    assert "nonsense" in str(first_difference({"recipe": new["recipe"] | {"nonsense": 1}}, new))
