"""What a run that has been trained says of its validation and test side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from leukolens.networks.field import FieldNetwork
from leukolens.train.batches import held_out_size
from leukolens.train.callbacks import read_curves
from leukolens.train.division import Division, describe_order, pictures_of
from leukolens.train.fit import Sides
from leukolens.train.layout import CURVES_FILE
from leukolens.train.machine import Machine
from leukolens.train.memory import told_if_out_of_memory
from leukolens.train.predict import on_device, predict, softmax, write_predictions

if TYPE_CHECKING:
    from leukolens.train.run import Plan


def judge_held_out(
    plan: Plan, division: Division, sides: Sides, network: FieldNetwork, folder: Path, machine: Machine
) -> dict[str, Any]:
    """Predict the sides that were held out, write ``predictions-validation.csv`` and ``predictions-test.csv``, count.

    Parameters
    ----------
    plan, division, sides
        What was trained, and on which samples.
    network
        With the weights that the run ends with, on the processor; it is there again afterwards.
    folder
        The run's folder, with its curves.
    machine
        What to predict on, in float32 whatever the training was in.

    Returns
    -------
    dict
        The content of ``summary.json``, see `leukolens.train.run.train_fold`.

    Raises
    ------
    DataError
        If the network gives no finite probabilities.
    UsageError
        If memory ran out.
    """
    fold = plan.split.folds[plan.fold]
    summary: dict[str, Any] = {
        "fold": plan.fold,
        "pictures": {"train": len(fold.train), "validation": len(fold.validation), "test": len(fold.test)},
        "train": len(division.train),
        "split_leaky": plan.leaky,
    }
    if told := describe_order(plan.recipe.samples, division):
        summary["leaky_order"] = {"order": plan.recipe.samples.order, "told": told} | division.counts()
    with told_if_out_of_memory(plan.recipe, sides, machine), on_device(network, machine.device):
        for side, numbers in (("validation", list(division.validation)), ("test", list(division.test))):
            if numbers:
                summary[side] = _judge(plan, division, sides, network, folder, machine, side, numbers)
    return summary | _times(folder) | {"device": machine.describe()}


def _judge(
    plan: Plan,
    division: Division,
    sides: Sides,
    network: FieldNetwork,
    folder: Path,
    machine: Machine,
    side: str,
    numbers: list[int],
) -> dict[str, Any]:
    recipe, catalogue = plan.recipe, plan.catalogue
    size = held_out_size(recipe.batch_size, machine.processes, recipe.accumulate)
    probabilities = softmax(predict(network, sides.images[numbers], size).logits)
    shown = division.shown(side, recipe.samples.views) if side in division.loose else None
    pictures = pictures_of(numbers, division.pictures)
    path = folder / f"predictions-{side}.csv"
    write_predictions(path, catalogue, catalogue.classes, pictures, probabilities, shown)
    hits = int((probabilities.argmax(1) == sides.labels[numbers]).sum())
    return {"n": len(numbers), "right": hits, "accuracy": hits / len(numbers)}


def _times(folder: Path) -> dict[str, float]:
    rows = read_curves(folder / CURVES_FILE)
    return {key: round(sum(row[key] for row in rows), 3) for key in ("seconds", "processor_seconds")}
