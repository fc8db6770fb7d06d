"""An evaluation as files that programs read: ``predictions.csv``, ``stress.csv``, ``metrics.json``."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from leukolens.assess.intervals import METHODS, Estimate
from leukolens.finding import CLASS_NOTE, RESEARCH_USE
from leukolens.finding.paths import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from leukolens.assess.bands import BandPoint
    from leukolens.assess.evaluation import Curves, Evaluation
    from leukolens.assess.losses import ReliabilityBin
    from leukolens.assess.requirements import Checked
    from leukolens.assess.seen import Training
    from leukolens.data.openings import Openings
    from leukolens.screen import Screener


@dataclass(frozen=True)
class About:
    """What was evaluated, on what, and by which command.

    Attributes
    ----------
    bundle, version, bundle_sha256
        Name, version and SHA-256 of ``bundle.json``.
    architecture, engine, precision
        The field network and what ran it.
    data, data_sha256
        Name of the data set's folder, and hash over its paths and files.
    command
        The command line, with file names only.
    training
        Whether the bundle learned from the images.
    warnings
        What a reader must know before believing a figure.
    openings
        How often these images have been looked at; None where that was not written down.
    """

    bundle: str
    version: str
    bundle_sha256: str
    architecture: str
    engine: str
    precision: str
    data: str
    data_sha256: str
    command: str
    training: Training
    warnings: tuple[str, ...] = ()
    openings: Openings | None = None


def describe(
    screener: Screener, data: str, data_sha256: str, command: str, training: Training, evaluation: Evaluation
) -> About:
    """Put together what was evaluated, on what, and what must be known beside the figures."""
    spec, session = screener.bundle.spec, screener.session
    return About(
        bundle=spec.name,
        version=spec.version,
        bundle_sha256=screener.bundle.sha256,
        architecture=screener.bundle.field.architecture,
        engine=f"{session.engine} {session.engine_version}",
        precision=session.precision,
        data=data,
        data_sha256=data_sha256,
        command=command,
        training=training,
        warnings=find_warnings(evaluation),
    )


def find_warnings(evaluation: Evaluation) -> tuple[str, ...]:
    """Return what a reader must know before believing a figure, one sentence each."""
    scores, predictions = evaluation.scores, evaluation.predictions
    warnings = []
    if all(item.patient is None for item in evaluation.items):
        warnings.append(
            "No patients are known. Images of one patient are counted as if they were independent, so the intervals "
            "are narrower than they should be."
        )
    elif predictions.groups is not None:
        warnings += [
            f"All images of {predictions.classes[index]} come from one patient or group."
            for index in predictions.present
            if len(np.unique(predictions.groups[predictions.labels == index])) == 1
        ]
    absent = [name for name, images in zip(scores.classes, scores.support, strict=True) if images == 0]
    if absent:
        warnings.append(f"There is no image of {', '.join(absent)}: averages over classes leave it out.")
    if evaluation.unread:
        n = len(evaluation.unread)
        chosen = n + len(evaluation.items)
        warnings.append(
            f"{n} of the {chosen} chosen images could not be read and {'is' if n == 1 else 'are'} in no figure."
        )
    return tuple(warnings)


def predictions_csv(evaluation: Evaluation) -> str:
    """Return one row an image: path, sha256, label, predicted, group, p_all, novelty, in_domain, ``p CLASS``..."""
    predictions = evaluation.predictions
    groups = evaluation.predictions.groups
    header = ["path", "sha256", "label", "predicted", "group", "p_all", "novelty", "in_domain"]
    rows = [[*header, *(f"p {name}" for name in predictions.classes)]]
    for index, item in enumerate(evaluation.items):
        group = item.patient if item.patient is not None else "" if groups is None else f"#{groups[index]}"
        rows.append(
            [
                plain(item.path),
                item.sha256 or "",
                item.label,
                predictions.classes[predictions.predicted[index]],
                group,
                "" if evaluation.p_all is None else _decimal(evaluation.p_all[index]),
                _decimal(evaluation.novelty[index]),
                "yes" if evaluation.in_domain[index] else "no",
                *(_decimal(value) for value in predictions.probabilities[index]),
            ]
        )
    return csv_text(rows)


def stress_csv(evaluation: Evaluation) -> str:
    """Return one row an image and stress: stress, path, label, predicted, ``p CLASS``..."""
    classes = evaluation.predictions.classes
    rows = [["stress", "path", "label", "predicted", *(f"p {name}" for name in classes)]]
    for stressed in evaluation.stressed:
        winners = stressed.predictions.predicted
        for index, item in enumerate(evaluation.items):
            values = (_decimal(value) for value in stressed.predictions.probabilities[index])
            rows.append([stressed.name, plain(item.path), item.label, classes[winners[index]], *values])
    return csv_text(rows)


def _decimal(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6f}"


def csv_text(rows: Iterable[Sequence[str]]) -> str:
    """Return rows of cells as CSV, lines ended by a line feed."""
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def metrics_json(evaluation: Evaluation, about: About, checked: Sequence[Checked] = ()) -> str:
    """Return ``metrics.json``: every figure with its interval, and the split that all of them come from."""
    return json.dumps(metrics(evaluation, about, checked), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def metrics(evaluation: Evaluation, about: About, checked: Sequence[Checked] = ()) -> dict[str, Any]:
    """Return the content of ``metrics.json``.

    Parameters
    ----------
    evaluation
        All that was found.
    about
        What was evaluated, on what.
    checked
        Requirements and whether they are met.

    Returns
    -------
    dict
        JSON-like: no number in it is NaN or infinite.
    """
    scores, settings = evaluation.scores, evaluation.settings
    leukaemia = scores.leukaemia
    used = {figure.method for figure in evaluation.figures().values()}
    return {
        "schema": "1",
        "kind": "leukolens evaluation",
        "use": RESEARCH_USE,
        "class_note": CLASS_NOTE,
        "bundle": {"name": about.bundle, "version": about.version, "sha256": about.bundle_sha256},
        "data": {"name": about.data, "sha256": about.data_sha256, "grouping": evaluation.selection.grouping},
        "split": asdict(evaluation.selection.stamp),
        "training": asdict(about.training),
        "test_openings": None if about.openings is None else about.openings.as_json(),
        "warnings": list(about.warnings),
        "images": len(evaluation.items),
        "unread": [asdict(one) for one in evaluation.unread],
        "outside_domain": int((~evaluation.in_domain).sum()),
        "level": settings.level,
        "bootstrap": {"replicates": settings.replicates, "seed": settings.seed},
        "methods": {name: METHODS[name] for name in METHODS if name in used},
        "support": dict(zip(scores.classes, scores.support, strict=True)),
        "overall": _estimates(scores.overall),
        "classes": {name: _estimates(own) for name, own in scores.by_class.items()},
        "leukaemia": None
        if leukaemia is None
        else {
            "negative_classes": list(leukaemia.negative_classes),
            "threshold": leukaemia.threshold,
            **_estimates(leukaemia.figures),
        },
        "confusion": {"classes": list(scores.classes), "rows": "true class", "matrix": scores.matrix.tolist()},
        "confusions": [{**asdict(pair), "share": _estimate(pair.share)} for pair in scores.confusions],
        "curves": {name: _curves(own) for name, own in evaluation.curves.items()},
        "reliability": [_bin(one) for one in evaluation.reliability],
        "stress": {
            stressed.name: {
                "accuracy": _estimate(stressed.accuracy),
                "balanced_accuracy": _estimate(stressed.balanced_accuracy),
                "loss": {
                    "accuracy": _estimate(stressed.loss.accuracy),
                    "balanced_accuracy": _estimate(stressed.loss.balanced_accuracy),
                },
                "recall": _estimates(stressed.recall),
            }
            for stressed in evaluation.stressed
        },
        "requirements": [{"requirement": one.requirement.text, "found": one.found, "met": one.met} for one in checked],
    }


def _estimates(figures: dict[str, Estimate]) -> dict[str, Any]:
    return {name: _estimate(figure) for name, figure in figures.items()}


def _estimate(figure: Estimate) -> dict[str, Any]:
    content = asdict(figure)
    if not figure.note:
        del content["note"]
    return content


def _curves(curves: Curves) -> dict[str, Any]:
    return {
        "roc": [_point(point, "false_positive_rate", "recall") for point in curves.roc],
        "precision_recall": [_point(point, "recall", "precision") for point in curves.precision_recall],
    }


def _point(point: BandPoint, x: str, y: str) -> dict[str, Any]:
    threshold = point.threshold if math.isfinite(point.threshold) else None
    return {"threshold": threshold, x: point.x, y: point.y.value, "low": point.y.low, "high": point.y.high}


def _bin(one: ReliabilityBin) -> dict[str, Any]:
    return {
        "confidence_from": one.low,
        "confidence_to": one.high,
        "confidence": one.confidence,
        "images": one.accuracy.n,
        "accuracy": one.accuracy.value,
        "low": one.accuracy.low,
        "high": one.accuracy.high,
    }
