"""What a run that has been trained says of its validation and test side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from leukolens.data.catalogue import catalogue_sha256
from leukolens.data.decision_log import Opened
from leukolens.data.openings import Look, Openings, record_opening, run_opener
from leukolens.networks.field import FieldNetwork
from leukolens.networks.weights import RUN_WEIGHTS
from leukolens.train.batches import held_out_size
from leukolens.train.callbacks import read_curves
from leukolens.train.division import Division, describe_order, pictures_of
from leukolens.train.fit import Sides
from leukolens.train.layout import CURVES_FILE, TEST_FILE
from leukolens.train.machine import Machine
from leukolens.train.memory import told_if_out_of_memory
from leukolens.train.predict import on_device, predict, softmax, write_predictions

if TYPE_CHECKING:
    from leukolens.train.plan import Plan


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
        The content of ``summary.json``, see `leukolens.train.run.train_fold`. That the test side was looked at is
        written into the logs of the split and of the run, and told under `test_openings`.

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
    if "test" in summary:
        summary["test_openings"] = record_test(plan, folder).as_json()
    return summary | _times(folder) | {"device": machine.describe()}


def record_test(plan: Plan, folder: Path) -> Openings:
    """Write down that a run has predicted its test side.

    Parameters
    ----------
    plan
        What was trained; its `source` says where the split file lies, beside which a log is kept.
    folder
        The run's folder, with its weights and ``predictions-test.csv``.
    """
    split_file = plan.source.get("split")
    look = Look(
        Opened(
            split_sha256=plan.split.sha256,
            fold=plan.fold,
            images=len(plan.split.folds[plan.fold].test),
            data_sha256=catalogue_sha256(plan.catalogue),
        ),
        f"leukolens train --recipe {plan.recipe.name} --fold {plan.fold}",
        (run_opener(plan.recipe.name, folder / RUN_WEIGHTS),),
        {TEST_FILE: (folder / TEST_FILE).read_bytes()},
        plan.reason,
    )
    return record_opening(look, split_file=Path(split_file) if split_file else None, folders=[folder])


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
    probabilities = softmax(predict(network, sides.images, size, numbers).logits)
    shown = division.shown(side, recipe.samples.views) if side in division.loose else None
    pictures = pictures_of(numbers, division.pictures)
    path = folder / f"predictions-{side}.csv"
    write_predictions(path, catalogue, catalogue.classes, pictures, probabilities, shown)
    hits = int((probabilities.argmax(1) == sides.labels[numbers]).sum())
    return {"n": len(numbers), "right": hits, "accuracy": hits / len(numbers)}


def _times(folder: Path) -> dict[str, float]:
    rows = read_curves(folder / CURVES_FILE)
    return {key: round(sum(row[key] for row in rows), 3) for key in ("seconds", "processor_seconds")}
