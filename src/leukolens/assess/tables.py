"""The tables of an evaluation: ``predictions.csv``, ``stress.csv``, ``patients.csv``, ``risk-coverage.csv``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from leukolens.finding.output import csv_text
from leukolens.finding.paths import plain

if TYPE_CHECKING:
    from leukolens.assess.evaluation import Evaluation


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


def patients_csv(evaluation: Evaluation) -> str:
    """Return one row a patient: patient, images, leukaemia, p_all, called."""
    own = evaluation.patients
    rows = [["patient", "images", "leukaemia", "p_all", "called"]]
    if own is not None:
        for name, images, sick, p_all in zip(own.names, own.images, own.positive, own.p_all, strict=True):
            called = p_all >= own.threshold
            rows.append([plain(name), str(images), _yes(sick), _decimal(float(p_all)), _yes(called)])
    return csv_text(rows)


def risk_coverage_csv(evaluation: Evaluation) -> str:
    """Return the points of the risk-coverage curves: order, coverage, risk."""
    rows = [["order", "coverage", "risk"]]
    for order, own in evaluation.scores.selective.items():
        points = zip(own.coverage.tolist(), own.risk.tolist(), strict=True)
        rows += [[order, _decimal(coverage), _decimal(risk)] for coverage, risk in points]
    return csv_text(rows)


def _yes(value: object) -> str:
    return "yes" if value else "no"


def _decimal(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6f}"
