"""The figures of a run on its test images, as a comparison and a set of folds tell them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.assess.areas import macro_auc
from leukolens.assess.bootstrap import SEED
from leukolens.assess.calibration import ece_estimate
from leukolens.assess.confusion import accuracy, macro
from leukolens.assess.predictions import Predictions, check_predictions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leukolens.assess.run_groups import Grouping
    from leukolens.assess.run_tables import Row
    from leukolens.assess.runs import Run
    from leukolens.statistics.intervals import Estimate

FIGURES: Final = ("accuracy", "balanced_accuracy", "f1", "auc", "ece")
"""In the order of the tables; all but the accuracy and ECE are means over the classes that have images."""


def predictions_of(rows: Sequence[Row], classes: Sequence[str], grouping: Grouping) -> Predictions:
    """Return what was said of the images, in the order given, the groups numbered as they appear in it.

    The bootstrap draws units by their numbers: `in_common_order`, the same images meet the same draws.

    Raises
    ------
    DataError
        A label that is no class, or numbers that are no probabilities.
    """
    numbers: dict[int, int] = {}
    return check_predictions(
        [row.label for row in rows],
        np.array([row.probabilities for row in rows]),
        classes,
        [numbers.setdefault(grouping.numbers[row.sha256], len(numbers)) for row in rows],
    )


def in_common_order(rows: Sequence[Row]) -> list[Row]:
    """Return the rows in an order that depends on the images alone, not on folds or on how paths begin."""
    return sorted(rows, key=lambda row: (row.label, row.sha256, row.path))


def figures_of(predictions: Predictions, seed: int = SEED) -> dict[str, Estimate]:
    """Compute each figure of `FIGURES` with its 95 % interval."""
    return {
        "accuracy": accuracy(predictions),
        "balanced_accuracy": macro(predictions, "recall"),
        "f1": macro(predictions, "f1"),
        "auc": macro_auc(predictions),
        "ece": ece_estimate(predictions, seed=seed),
    }


def stamp_of(run: Run) -> str:
    """Say what kind of split a run's figures come from, and which folds."""
    kind = run.stamp.kind
    if order := run.identity.get("leaky_order"):
        kind += f", LEAKY ORDER {order!r}"
    numbers = [fold.number for fold in run.folds]
    if len(numbers) == 1:
        return f"{kind}, fold {numbers[0]}, test"
    return f"{kind}, {len(numbers)} folds, test"
