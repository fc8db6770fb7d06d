"""Learning curves: a CSV and a picture, written anew after each epoch and carried in the checkpoint."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import lightning.pytorch as pl
from lightning.pytorch.loggers import Logger

from leukolens.train.divergence import check_finite
from leukolens.train.layout import CURVES_FILE
from leukolens.train.module import FieldModule
from leukolens.train.recipe import Recipe

COLUMNS: Final = (
    "epoch",
    "learning_rate",
    "train_loss",
    "train_accuracy",
    "val_loss",
    "val_accuracy",
    "seconds",
    "processor_seconds",
)


class LearningCurves(pl.Callback):
    """Writes ``curves.csv`` and ``curves.png`` into the run's folder.

    The rows are part of the checkpoint: a resumed run neither repeats nor loses one. Each holds the time of its epoch
    by the clock and by the processor, which grows less when the machine is shared. Of several processes the first
    writes, with the sum of all their processor times. Loggers get each row as well, and the recipe at the start.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: list[dict[str, float]] = []
        self._start = (0.0, 0.0)

    def on_train_epoch_start(self, *_: object) -> None:
        """Start both clocks."""
        self._start = (time.monotonic(), time.process_time())

    def state_dict(self) -> dict[str, Any]:
        """Return the rows so far."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the rows of a checkpoint."""
        self.rows = list(state_dict["rows"])

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Add the epoch's row and write both files; before any checkpoint, so that no diverged epoch is kept."""
        module = _field_module(pl_module)
        logged = {key: float(value) for key, value in trainer.callback_metrics.items()} | module.training_means()
        check_finite(logged, module, trainer.current_epoch + 1)
        rate = float(trainer.optimizers[0].param_groups[0]["lr"])
        times = {
            "seconds": time.monotonic() - self._start[0],
            "processor_seconds": module.over_processes([time.process_time() - self._start[1]])[0],
        }
        row = {"epoch": float(trainer.current_epoch + 1), "learning_rate": rate, **logged, **times}
        self.rows = [*[old for old in self.rows if old["epoch"] < row["epoch"]], row]
        if not trainer.is_global_zero:
            return
        keep_curves(self.rows, self.folder, trainer.loggers)

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Tell the loggers what is trained."""
        tell_recipe(_field_module(pl_module).recipe, trainer.loggers)


def _field_module(module: pl.LightningModule) -> FieldModule:
    if not isinstance(module, FieldModule):
        raise TypeError(f"LearningCurves: expected a FieldModule, found {type(module).__name__}")
    return module


def tell_recipe(recipe: Recipe, loggers: Iterable[Logger]) -> None:
    """Tell loggers what is trained."""
    for logger in loggers:
        logger.log_hyperparams(_flat(recipe.model_dump(mode="json")))


def keep_curves(rows: list[dict[str, float]], folder: Path, loggers: Iterable[Logger]) -> None:
    """Write all rows into a run's folder, as CSV and as a picture, and tell loggers the last."""
    write_curves(rows, folder / CURVES_FILE)
    draw_curves(rows, folder / "curves.png")
    last = rows[-1]
    for logger in loggers:
        logger.log_metrics({key: last[key] for key in COLUMNS[1:] if key in last}, step=int(last["epoch"]))


def _flat(part: dict[str, Any], path: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in part.items():
        flat |= _flat(value, f"{path}{key}.") if isinstance(value, dict) else {f"{path}{key}": value}
    return flat


def read_curves(path: Path) -> list[dict[str, float]]:
    """Return the rows of a ``curves.csv``, without its empty cells."""
    with path.open(encoding="utf-8", newline="") as stream:
        return [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(stream)]


def write_curves(rows: list[dict[str, float]], path: Path) -> None:
    """Write the rows as CSV; a column that a run does not have stays empty."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for row in rows:
            cells = [f"{row[column]:.6g}" if column in row else "" for column in COLUMNS]
            writer.writerow([str(int(row["epoch"])), *cells[1:]])


def draw_curves(rows: list[dict[str, float]], path: Path) -> None:
    """Draw loss and accuracy over the epochs as PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axes, measure in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for side, words in (("train", "training, while learning"), ("val", "validation")):
            points = [(row["epoch"], row[f"{side}_{measure}"]) for row in rows if f"{side}_{measure}" in row]
            if points:
                axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=words)
        axes.set(xlabel="epoch", ylabel=measure)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    figure.savefig(path, dpi=120)
