"""Several processes give what one gives; a killed pair resumes; batches are dealt so that this can be so."""

from __future__ import annotations

import csv
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs leukolens[train]")
pytest.importorskip("lightning", reason="needs leukolens[train]")

from safetensors.torch import load_file  # noqa: E402
from train_calls import COMMAND, changes, kill_after_an_epoch, same_run, train_arguments  # noqa: E402

from leukolens.cli.main import main  # noqa: E402
from leukolens.data.split import Split, content_sha256  # noqa: E402
from leukolens.finding import UsageError  # noqa: E402
from leukolens.train.batches import DealtBatches  # noqa: E402
from leukolens.train.machine import Machine, check_machine, choose_machine  # noqa: E402
from leukolens.train.recipe import Recipe  # noqa: E402

pytestmark = pytest.mark.slow
PAIR = ["--devices", "2", "--accelerator", "cpu", "--strategy", "ddp"]
WEIGHT_TOLERANCE, PROBABILITY_TOLERANCE = 1e-5, 1e-5
# Neither batch norm nor dropout, whose statistics and draws are each process's own. 24 pictures in batches of 7: the
# processes get 4 and 3 of each, of the last batch 2 and 1. Adam with a small epsilon blows rounding up where a gradient
# is nearly nothing.
ALIKE = changes(
    "network.name=timm:test_efficientnet_ln",
    "network.dropout=0",
    "batch_size=7",
    "balance=weights",
    "optimiser.epsilon=1e-4",
)


def _run(arguments: list[str], command: list[str] = COMMAND) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*command, *arguments], capture_output=True, text=True, env=os.environ, timeout=240)


@pytest.fixture(scope="module")
def single(class_folders: Path, split: Path, tiny_recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("single") / "run"
    assert main(train_arguments(class_folders, split, tiny_recipe, out, *ALIKE)) == 0
    return out


def _agree(one: Path, two: Path) -> None:
    others = load_file(two / "weights.safetensors")
    for name, tensor in load_file(one / "weights.safetensors").items():
        assert float((tensor - others[name]).abs().max()) <= WEIGHT_TOLERANCE, name
    for side in ("validation", "test"):
        first, second = (
            list(csv.DictReader((run / f"predictions-{side}.csv").open(encoding="utf-8"))) for run in (one, two)
        )
        assert [row["path"] for row in first] == [row["path"] for row in second]
        for row, other in zip(first, second, strict=True):
            assert float(row["p large cells"]) == pytest.approx(
                float(other["p large cells"]), abs=PROBABILITY_TOLERANCE
            )
    for row, other in zip(*(csv.DictReader((run / "curves.csv").open()) for run in (one, two)), strict=True):
        for column in ("train_loss", "train_accuracy", "val_loss", "val_accuracy"):
            assert float(row[column]) == pytest.approx(float(other[column]), abs=PROBABILITY_TOLERANCE)


def test_two_processes_give_what_one_gives(
    single: Path, class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    out = tmp_path / "pair"
    done = _run([*train_arguments(class_folders, split, tiny_recipe, out, *ALIKE), *PAIR])
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("fold 0: trained on") == 1, "the first process alone speaks"
    _agree(single, out)
    assert json.loads((out / "summary.json").read_text())["device"] == "cpu x 2"


def test_the_summary_tells_the_time_of_all_epochs(single: Path) -> None:
    summary = json.loads((single / "summary.json").read_text())
    rows = list(csv.DictReader((single / "curves.csv").open()))
    for column in ("seconds", "processor_seconds"):
        assert summary[column] == pytest.approx(sum(float(row[column]) for row in rows), abs=2e-3)
    assert summary["device"] == ("cpu" if not torch.cuda.is_available() else torch.cuda.get_device_name(0))


def test_accumulated_parts_give_what_a_whole_batch_gives(
    single: Path, class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    out = tmp_path / "parts"
    assert main(train_arguments(class_folders, split, tiny_recipe, out, *ALIKE, "--set", "accumulate=3")) == 0
    _agree(single, out)


def test_torchrun_starts_the_processes_too(
    single: Path, class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    out = tmp_path / "torchrun"
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
    arguments = train_arguments(class_folders, split, tiny_recipe, out, *ALIKE, "--accelerator", "cpu")
    done = _run(["leukolens.cli.main", *arguments], launcher)
    assert done.returncode == 0, done.stderr
    _agree(single, out)


def test_two_machines_give_what_one_gives(
    single: Path, class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    """Two nodes of one process each, here on one machine: the same command on both, and three variables."""
    out = tmp_path / "nodes"
    arguments = train_arguments(class_folders, split, tiny_recipe, out, *ALIKE, "--nodes", "2", "--accelerator", "cpu")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    meeting = os.environ | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    second = subprocess.Popen([*COMMAND, *arguments], env=meeting | {"NODE_RANK": "1"}, stderr=subprocess.PIPE)
    first = subprocess.run([*COMMAND, *arguments], env=meeting | {"NODE_RANK": "0"}, timeout=240, check=False)
    told = second.communicate(timeout=240)[1]
    assert (first.returncode, second.returncode) == (0, 0), told
    assert not told, "the first process alone speaks"
    _agree(single, out)


def test_a_killed_pair_ends_where_an_unbroken_pair_ends(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    """With batch norm, dropout, mixing, unfreezing and the moving average: all that differs between processes."""
    more = [*PAIR, *changes("epochs=6", "mixing.cutmix=1", "unfreeze.start=2", "accumulate=2")]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    done = _run(train_arguments(class_folders, split, tiny_recipe, whole, *more))
    assert done.returncode == 0, done.stderr
    arguments = train_arguments(class_folders, split, tiny_recipe, killed, *more)
    kill_after_an_epoch(arguments, killed)
    done = _run([*arguments, "--resume"])
    assert done.returncode == 0, done.stderr
    same_run(whole, killed)


def test_the_average_has_the_statistics_of_all_processes(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    """Validation sets them to their mean; what is kept must be the same where there is no validation side."""
    content = json.loads(split.read_text())
    for fold in content["folds"]:
        fold["left_out"], fold["validation"] = sorted([*fold["left_out"], *fold["validation"]]), []
    bare = tmp_path / "bare.json"
    bare.write_text(json.dumps(content | {"sha256": content_sha256(Split.model_validate(content))}))
    recipe = changes("average=0.99", "select=last", "epochs=2", "network.dropout=0")
    for name, parts in (("validated", split), ("bare", bare)):
        done = _run([*train_arguments(class_folders, parts, tiny_recipe, tmp_path / name, *recipe), *PAIR])
        assert done.returncode == 0, done.stderr
    validated, alone = (load_file(tmp_path / name / "weights.safetensors") for name in ("validated", "bare"))
    assert any("running_var" in name for name in alone)
    assert not [name for name, tensor in alone.items() if not tensor.equal(validated[name])]


@pytest.mark.parametrize("processes", [1, 2, 3])
@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize(("size", "batch"), [(24, 7), (24, 8), (25, 8), (13, 12), (12, 12)])
def test_every_sample_counts_once_and_all_get_as_many_parts(
    processes: int, accumulate: int, size: int, batch: int
) -> None:
    dealt = [
        DealtBatches(range(size), batch, processes=processes, rank=rank, accumulate=accumulate, training=True)
        for rank in range(processes)
    ]
    parts = [list(one) for one in dealt]
    assert len({len(one) for one in [*parts, *dealt]}) == 1
    counted: dict[int, list[int]] = {}
    for one, mine in zip(dealt, parts, strict=True):
        for number, samples in enumerate(mine):
            part = one.part(number)
            assert len(samples) >= max(2, part.real)
            counted.setdefault(number // accumulate, []).extend(samples[: part.real])
            assert part.whole == min(batch, size - number // accumulate * batch)
    used = size - 1 if size % batch == 1 else size
    whole = [sorted(range(start, min(start + batch, used))) for start in range(0, used, batch)]
    assert [sorted(samples) for samples in counted.values()] == whole


def test_validation_leaves_out_nothing() -> None:
    dealt = [DealtBatches(range(65), 64, processes=2, rank=rank) for rank in range(2)]
    real = [place for one in dealt for n, part in enumerate(one) for place in part[: one.part(n).real]]
    assert sorted(real) == list(range(65))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"accelerator": "gpus"}, "Did you mean 'gpu'"),
        ({"strategy": "dpp"}, "Did you mean 'ddp'"),
        ({"devices": "0"}, "from 1"),
        ({"devices": "two"}, "'auto'"),
    ],
)
def test_wrong_options_are_named(options: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        choose_machine(**options)


def test_a_card_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(UsageError, match="found none"):
        choose_machine("gpu")
    assert choose_machine("auto", "auto").devices == 1
    assert choose_machine("cpu", "3", 2).processes == 6


def test_what_torchrun_started_is_taken_and_not_contradicted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("TORCHELASTIC_RUN_ID", "x"), ("LOCAL_WORLD_SIZE", "2"), ("WORLD_SIZE", "6"), ("RANK", "5")):
        monkeypatch.setenv(name, value)
    machine = choose_machine("cpu")
    assert (machine.devices, machine.nodes, machine.rank) == (2, 3, 5)
    with pytest.raises(UsageError, match="torchrun was started with"):
        choose_machine("cpu", "4")


def test_a_batch_that_cannot_be_divided_is_refused() -> None:
    with pytest.raises(UsageError, match="batch_size=12"):
        check_machine(Machine("cpu", 3), Recipe(name="x", batch_size=8, accumulate=2))


def test_fsdp_refuses_what_it_cannot_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="Use --strategy ddp"):
        check_machine(Machine("cpu", 2, strategy="fsdp"), Recipe(name="x"))
    with pytest.raises(UsageError, match="average=null"):
        check_machine(Machine("gpu", 2, strategy="fsdp"), Recipe(name="x"))


def test_processes_are_not_started_from_within_another_program(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([*train_arguments(class_folders, split, tiny_recipe, tmp_path / "x"), *PAIR]) == 2
    assert "from the command line" in capfd.readouterr().err


def test_the_rank_is_known_before_the_processes_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODE_RANK", "1")
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.delenv("RANK", raising=False)
    assert Machine("cpu", 2, 2).rank == 3
    assert Machine("cpu", 1, 1).rank == 0
    assert np.unique([Machine("cpu", 2, 2).processes]) == 4
