"""A training that diverges ends with an error, and leaves neither figures nor a spoilt checkpoint."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs leukolens[train]")
pytest.importorskip("lightning", reason="needs leukolens[train]")

from train_calls import changes, train_arguments  # noqa: E402

from leukolens.cli.main import main  # noqa: E402
from leukolens.finding import DataError  # noqa: E402
from leukolens.train.module import FieldModule  # noqa: E402
from leukolens.train.predict import write_predictions  # noqa: E402

pytestmark = pytest.mark.slow
WILD = changes("optimiser.name=sgd", "optimiser.learning_rate=1e30", "optimiser.clip=null", "optimiser.warmup=0")


def test_a_rate_that_is_far_too_high_ends_with_advice(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert main(train_arguments(class_folders, split, tiny_recipe, out, *WILD)) == 2
    said = capfd.readouterr().err
    assert "diverged in epoch 1" in said
    assert "optimiser.learning_rate" in said
    assert not [name for name in ("last.ckpt", "weights.safetensors", "summary.json") if (out / name).exists()]
    assert not list(out.glob("predictions-*"))


def test_the_last_good_epoch_stays(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path,
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Also where the weights alone are spoilt, after the last step of the epoch: no loss has told of that."""
    begin = FieldModule.on_train_epoch_start

    def started(module: FieldModule) -> None:
        begin(module)
        if module.current_epoch == 2:
            module.on_train_batch_end = lambda *_: next(module.network.parameters()).data.fill_(float("inf"))

    monkeypatch.setattr(FieldModule, "on_train_epoch_start", started)
    out = tmp_path / "run"
    bare = tmp_path / "bare.json"
    assert main(["data", "split", str(class_folders), "--method", "random-image", "--out", str(bare)]) == 0
    last = changes("select=last", "average=null", "epochs=3", "batch_size=48")
    assert main(train_arguments(class_folders, bare, tiny_recipe, out, *last)) == 2
    assert "weights that are not finite" in capfd.readouterr().err
    assert torch.load(out / "last.ckpt", weights_only=True)["epoch"] == 1
    assert [row["epoch"] for row in csv.DictReader((out / "curves.csv").open())] == ["1", "2"]
    assert not (out / "summary.json").exists()


def test_predictions_that_are_no_numbers_are_not_written(tmp_path: Path) -> None:
    path = tmp_path / "predictions.csv"
    with pytest.raises(DataError, match="1 of 2 samples"):
        write_predictions(path, None, ["a", "b"], [0, 1], np.array([[0.5, 0.5], [np.nan, np.nan]]))
    assert not path.exists()
