"""Memory that runs out: the batch that fits is found and said."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs leukolens[train]")
pytest.importorskip("lightning", reason="needs leukolens[train]")

from train_calls import changes, train_arguments  # noqa: E402

from leukolens.cli.main import main  # noqa: E402
from leukolens.networks.field import FieldNetwork  # noqa: E402
from leukolens.train.batches import held_out_size, part_size  # noqa: E402
from leukolens.train.machine import Machine, check_machine  # noqa: E402
from leukolens.train.memory import advice, is_out_of_memory, largest_fitting, try_step  # noqa: E402
from leukolens.train.recipe import Recipe  # noqa: E402

pytestmark = pytest.mark.slow
CPU_WORDS = "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to ..."


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (RuntimeError(CPU_WORDS), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 17 GB)"), True),
        (MemoryError(), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_words_of_all_kinds_are_known(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected


@pytest.mark.parametrize(("limit", "expected"), [(40, 32), (31, 16), (2, 2), (1, None)])
def test_halves_are_tried_until_one_fits(limit: int, expected: int | None) -> None:
    tried = []

    def step(size: int) -> None:
        tried.append(size)
        if size > limit:
            raise torch.OutOfMemoryError("CUDA out of memory")

    assert largest_fitting(step, 64) == expected
    assert max(tried) == 32


def test_another_error_is_not_hidden() -> None:
    def step(size: int) -> None:
        raise RuntimeError("a mistake")

    with pytest.raises(RuntimeError, match="a mistake"):
        largest_fitting(step, 64)


def test_a_step_holds_what_training_holds() -> None:
    raw = {"name": "x", "network": {"name": "timm:test_efficientnet", "weights": "none"}}
    try_step(Recipe.model_validate(raw), 3, Machine("cpu"), 2)


def test_advice_keeps_the_batch_by_accumulating() -> None:
    recipe = Recipe(name="x", batch_size=64)
    assert advice(recipe, Machine("cpu", 2), 16).startswith("16 fit: --set batch_size=32, or --set accumulate=2 to")
    assert "batch_size=8, or --set accumulate=8 to keep the batch of 64" in advice(recipe, Machine("cpu"), 8)
    assert "smaller network" in advice(recipe, Machine("cpu"), None)


@pytest.mark.parametrize(("batch", "fits"), [(33, 2), (65, 2), (9, 2), (5, 4), (3, 2), (31, 4)])
@pytest.mark.parametrize("processes", [1, 2])
def test_advice_is_a_recipe_that_can_be_trained_and_fits(batch: int, fits: int, processes: int) -> None:
    machine = Machine("cpu", processes)
    told = advice(Recipe(name="x", batch_size=batch), machine, fits)
    for words in told.partition(": ")[2].split(", or "):
        fields = {"batch_size": batch, "accumulate": 1}
        fields |= {name: int(number) for name, number in re.findall(r"--set (\w+)=(\d+)", words)}
        check_machine(machine, Recipe(name="x", **fields))
        assert part_size(fields["batch_size"], processes, fields["accumulate"]) <= fits, words


@pytest.mark.parametrize(("batch", "expected"), [(8, 8), (256, 64)])
def test_no_more_is_validated_at_a_time_than_trained(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path, batch: int, expected: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    seen = []
    maps = FieldNetwork.feature_map

    def counted(network: FieldNetwork, images: torch.Tensor):
        seen.extend([] if network.training else [len(images)])
        return maps(network, images)

    monkeypatch.setattr(FieldNetwork, "feature_map", counted)
    assert held_out_size(batch, 1, 1) == expected
    out = tmp_path / "run"
    more = changes(f"batch_size={batch}", "epochs=1")
    assert main(train_arguments(class_folders, split, tiny_recipe, out, *more)) == 0
    assert max(seen) == min(expected, 16), "the test side has 16 pictures"


def test_memory_that_runs_out_when_predicting_is_told(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path,
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def full(*_: object) -> None:
        raise RuntimeError(CPU_WORDS)

    monkeypatch.setattr("leukolens.train.outcome.predict", full)
    assert main(train_arguments(class_folders, split, tiny_recipe, tmp_path / "run", "--set", "epochs=1")) == 2
    assert "too small for 8 samples at a time" in capfd.readouterr().err


def test_a_run_that_does_not_fit_says_what_does(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path,
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    logits = FieldNetwork.logits

    def limited(network: FieldNetwork, images: torch.Tensor):
        if network.training and len(images) > 5:
            raise RuntimeError(CPU_WORDS)
        return logits(network, images)

    monkeypatch.setattr(FieldNetwork, "logits", limited)
    out = tmp_path / "run"
    arguments = train_arguments(class_folders, split, tiny_recipe, out, *changes("batch_size=16", "epochs=1"))
    assert main(arguments) == 2
    said = capfd.readouterr().err
    assert "too small for 16 samples at a time" in said
    assert "4 fit: --set batch_size=4, or --set accumulate=4 to keep the batch of 16" in said
    assert main([*arguments, "--set", "accumulate=4"]) == 0, "the advice works, in the same folder"
