"""TensorBoard and MLflow get the figures of ``curves.csv``, and a resumed run goes on in the same place."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs leukolens[train]")
pytest.importorskip("lightning", reason="needs leukolens[train]")

from train_calls import kill_after_an_epoch, train_arguments

from leukolens.cli.main import main
from leukolens.finding import UsageError
from leukolens.train import logs
from leukolens.train.logs import Logs, choose_logs

pytestmark = pytest.mark.slow


def _curves(run: Path) -> list[float]:
    return [float(row["val_loss"]) for row in csv.DictReader((run / "curves.csv").open())]


def test_tensorboard_holds_the_curves_and_the_recipe(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    out = tmp_path / "run"
    arguments = train_arguments(class_folders, split, tiny_recipe, out, "--log", "csv,tensorboard", "--set", "epochs=2")
    assert main(arguments) == 0
    read = EventAccumulator(str(out / "logs" / "tensorboard"))
    read.Reload()
    points = read.Scalars("val_loss")
    assert [point.step for point in points] == [1, 2]
    assert [point.value for point in points] == pytest.approx(_curves(out), rel=1e-4)
    assert "optimiser.learning_rate: 0.005" in (out / "logs" / "tensorboard" / "hparams.yaml").read_text()


def test_mlflow_goes_on_in_the_same_run_after_a_kill(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    pytest.importorskip("mlflow", reason="needs leukolens[tracking]")
    from mlflow.tracking import MlflowClient

    out = tmp_path / "run"
    arguments = train_arguments(class_folders, split, tiny_recipe, out, "--log", "mlflow", "--set", "epochs=6")
    kill_after_an_epoch(arguments, out)
    assert main([*arguments, "--resume"]) == 0
    client = MlflowClient(f"sqlite:///{out / 'logs' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("leukolens")
    runs = client.search_runs([experiment.experiment_id])
    assert len(runs) == 1
    assert runs[0].info.status == "FINISHED"
    assert runs[0].info.run_name == "run"
    assert runs[0].data.params["optimiser.learning_rate"] == "0.005"
    points = client.get_metric_history(runs[0].info.run_id, "val_loss")
    assert sorted({point.step for point in points}) == [1, 2, 3, 4, 5, 6]
    last = {point.step: point.value for point in points}
    assert [last[step] for step in sorted(last)] == pytest.approx(_curves(out), rel=1e-4)
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true", "nobody is told"


def test_a_run_after_an_aborted_one_is_a_run_of_its_own(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("mlflow", reason="needs leukolens[tracking]")
    from mlflow.tracking import MlflowClient

    out = tmp_path / "run"
    arguments = train_arguments(class_folders, split, tiny_recipe, out, "--log", "mlflow", "--set", "epochs=1")
    diverging = ["--set", "optimiser.learning_rate=1e30", "--set", "optimiser.clip=null"]
    assert main([*arguments, *diverging]) == 2
    assert "diverge" in capfd.readouterr().err
    assert main(arguments) == 0
    client = MlflowClient(f"sqlite:///{out / 'logs' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("leukolens")
    rates = {one.data.params["optimiser.learning_rate"] for one in client.search_runs([experiment.experiment_id])}
    assert rates == {"1e+30", "0.005"}


def test_names_are_read_and_mistakes_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_logs("csv") == Logs()
    assert choose_logs("csv, tensorboard,tensorboard") == Logs(("tensorboard",))
    with pytest.raises(UsageError, match="Did you mean 'tensorboard'"):
        choose_logs("tensorbord")
    with pytest.raises(UsageError, match="--log mlflow"):
        choose_logs("csv", "sqlite:///x.db")
    monkeypatch.setattr(logs, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"needs leukolens\[tracking\]: mlflow is not installed"):
        choose_logs("mlflow")
    with pytest.raises(UsageError, match=r"needs leukolens\[train\]"):
        choose_logs("tensorboard")


def test_a_store_that_cannot_be_opened_is_named(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("mlflow", reason="needs leukolens[tracking]")
    uri = "nonsense://store"
    arguments = train_arguments(class_folders, split, tiny_recipe, tmp_path / "run", "--log", "mlflow")
    assert main([*arguments, "--mlflow-uri", uri]) == 2
    assert "MLflow's store" in capfd.readouterr().err
