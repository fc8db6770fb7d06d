"""The figures of a training run on the sides that it held out, as they travel with its bundle."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from leukolens.assess.predictions import check_predictions
from leukolens.assess.scores import score
from leukolens.data.stamp import read_stamp
from leukolens.train.layout import SUMMARY_FILE
from leukolens.train.run_files import read_run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from leukolens.data.catalogue import Catalogue
    from leukolens.statistics.intervals import Estimate

LEUKAEMIA = ("auc", "sensitivity", "specificity")


def held_out_figures(run: Path, catalogue: Catalogue, classes: Sequence[str]) -> dict[str, Any]:
    """Score the predictions that a run left, with 95 % intervals; over patients where the data set names them.

    Parameters
    ----------
    run
        Folder of a finished run.
    catalogue
        The pictures that it was trained with.
    classes
        Names of the network's classes, in its order.

    Returns
    -------
    dict
        For ``validation`` and ``test``, as far as the split has them: `split`, its kind in words; `n`; `accuracy`,
        `balanced_accuracy` and `recall` of each class; where classes mean no leukaemia, `auc`, `sensitivity` and
        `specificity` of leukaemia. Each figure has `value`, `low`, `high`. Where a side was drawn in a leaky order,
        `leaky` says so beside them, and the samples of one picture count as one group.
    """
    patients = {item.path: item.patient for item in catalogue.items}
    leaks, kind = _leaks(run), _kind(run)
    figures: dict[str, Any] = {}
    for side in ("validation", "test"):
        path = run / f"predictions-{side}.csv"
        if path.is_file():
            stamp = {"split": f"{kind}, {side}"} | ({"leaky": leaks[side]} if side in leaks else {})
            figures[side] = stamp | _figures(path, patients, classes, catalogue.negative or ())
    return figures


def _kind(run: Path) -> str:
    content = read_run(run)
    return f"{read_stamp(content.get('split'), content['run']).kind}, fold {content['run']['fold']}"


def _leaks(run: Path) -> dict[str, str]:
    path = run / SUMMARY_FILE
    leak = (json.loads(path.read_text("utf-8")) if path.is_file() else {}).get("leaky_order") or {}
    return {
        side: f"order {leak['order']}, for study only: {leak[side]['with_twin']} of {leak[side]['n']} samples have a "
        "twin of the same picture in training"
        for side in ("validation", "test")
        if side in leak
    }


def _figures(
    path: Path, patients: dict[str, str | None], classes: Sequence[str], negative: Sequence[str]
) -> dict[str, Any]:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    owners = [patients[row["path"]] or (row["path"] if "view" in row else None) for row in rows]
    predictions = check_predictions(
        [row["label"] for row in rows],
        np.array([[float(row[f"p {name}"]) for name in classes] for row in rows]),
        classes,
        None if None in owners else [str(owner) for owner in owners],
    )
    scores = score(predictions, negative)
    figures: dict[str, Any] = {"n": len(rows)}
    figures |= {name: _plain(scores.overall[name]) for name in ("accuracy", "balanced_accuracy")}
    figures["recall"] = {name: _plain(own["recall"]) for name, own in scores.by_class.items()}
    if scores.leukaemia is not None:
        figures["leukaemia"] = {name: _plain(scores.leukaemia.figures[name]) for name in LEUKAEMIA}
    return figures


def _plain(estimate: Estimate) -> dict[str, float | None]:
    return {
        "value": None if estimate.value is None else round(estimate.value, 6),
        "low": round(estimate.low, 6),
        "high": round(estimate.high, 6),
    }
