"""An evaluation as a file that programs read, ``metrics.json``."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from leukolens.assess.absent import warn_of_absent
from leukolens.assess.calibration import BINS
from leukolens.assess.paired import TESTS
from leukolens.assess.patients import RULE
from leukolens.finding import CLASS_NOTE, RESEARCH_USE
from leukolens.statistics.intervals import METHODS, Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leukolens.assess.about import About
    from leukolens.assess.against import Compared
    from leukolens.assess.bands import BandPoint, Curves
    from leukolens.assess.evaluation import Evaluation
    from leukolens.assess.losses import ReliabilityBin
    from leukolens.assess.requirements import Checked
    from leukolens.assess.selective import RiskCurve


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
    warnings += warn_of_absent(scores)
    if evaluation.unread:
        n = len(evaluation.unread)
        chosen = n + len(evaluation.items)
        warnings.append(
            f"{n} of the {chosen} chosen images could not be read and {'is' if n == 1 else 'are'} in no figure."
        )
    return tuple(warnings)


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
        "bootstrap": {
            "replicates": settings.replicates,
            "seed": settings.seed,
            "over": "images" if evaluation.predictions.groups is None else "groups",
            "note": "percentile intervals, low and high; simulation shows them to be too narrow where errors are few",
            "limits": {name: list(limits) for name, limits in evaluation.bootstrap.items()},
        },
        "methods": {name: METHODS[name] for name in METHODS if name in used},
        "support": dict(zip(scores.classes, scores.support, strict=True)),
        "overall": _estimates(scores.overall),
        "classes": {name: _estimates(own) for name, own in scores.by_class.items()},
        "leukaemia": leukaemia_json(evaluation),
        "calibration": {"bins": BINS, "ece": "bins of equal width", "ece_adaptive": "bins of equally many images"},
        "selective": {order: _selective(own) for order, own in scores.selective.items()},
        "patients": patients_json(evaluation),
        "confusion": {"classes": list(scores.classes), "rows": "true class", "matrix": scores.matrix.tolist()},
        "confusions": [{**asdict(pair), "share": _estimate(pair.share)} for pair in scores.confusions],
        "curves": {name: _curves(own) for name, own in evaluation.curves.items()},
        "reliability": [_bin(one, "accuracy") for one in evaluation.reliability],
        "reliability_leukaemia": [_bin(one, "leukaemia") for one in evaluation.reliability_leukaemia],
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
        "against": [_compared(one) for one in evaluation.against],
        "requirements": [{"requirement": one.requirement.text, "found": one.found, "met": one.met} for one in checked],
    }


def leukaemia_json(evaluation: Evaluation) -> dict[str, Any] | None:
    """Return the figures of leukaemia against none, with the threshold and where it comes from."""
    own, settings = evaluation.scores.leukaemia, evaluation.settings
    if own is None:
        return None
    return {
        "negative_classes": list(own.negative_classes),
        "threshold": own.threshold,
        "threshold_source": asdict(settings.threshold_source),
        "prevalences": list(own.prevalences),
        **_estimates(own.figures),
    }


def patients_json(evaluation: Evaluation) -> dict[str, Any] | None:
    """Return the figures over patients and the rule that decides for each."""
    own = evaluation.patients
    if own is None:
        return None
    return {
        "patients": len(own.names),
        "with_leukaemia": int(own.positive.sum()),
        "images_without_patient": own.left_out,
        "rule": f"{RULE}, {own.threshold:g}",
        **_estimates(own.figures),
    }


def _selective(own: RiskCurve) -> dict[str, Any]:
    curve = {"coverage": own.coverage.tolist(), "risk": own.risk.tolist()}
    return {**_estimates(own.figures), "curve": curve}


def _compared(one: Compared) -> dict[str, Any]:
    return {
        "evaluation": one.name,
        "bundle": one.bundle,
        "only_this_right": one.test.first_only,
        "only_that_right": one.test.second_only,
        "p": one.test.p,
        "p_holm": one.adjusted,
        "test": TESTS[one.test.method],
        "this_minus_that": _estimates(one.differences),
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


def _bin(one: ReliabilityBin, share: str) -> dict[str, Any]:
    return {
        "confidence_from": one.low,
        "confidence_to": one.high,
        "confidence": one.confidence,
        "images": one.accuracy.n,
        share: one.accuracy.value,
        "low": one.accuracy.low,
        "high": one.accuracy.high,
    }
