"""Every figure of one evaluation together, under the names that a report, a check and a manifest use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.assess.areas import auc_estimate, macro_auc, macro_precision_area, precision_area_estimate
from leukolens.assess.bootstrap import REPLICATES, SEED
from leukolens.assess.calibration import confidence_gap, ece_estimate
from leukolens.assess.confusion import CLASS_METRICS, Confusion, accuracy, confusion_matrix, confusions, macro
from leukolens.assess.losses import LARGEST_LOG_LOSS, brier_losses, log_losses
from leukolens.assess.means import bounded_mean
from leukolens.assess.prevalence import predictive_values, prevalence_name
from leukolens.assess.selective import FIGURES as SELECTIVE
from leukolens.assess.selective import RiskCurve, risk_curve
from leukolens.finding import UsageError, nearest
from leukolens.statistics.grouped import group_count
from leukolens.statistics.intervals import LEVEL, Estimate, share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from leukolens.assess.predictions import Predictions

OVERALL: Final = (
    "accuracy",
    "balanced_accuracy",
    "auc",
    "average_precision",
    "precision",
    "recall",
    "specificity",
    "f1",
    "log_loss",
    "brier",
    "confidence_gap",
    "ece",
    "ece_adaptive",
)
"""Figures over all classes; `auc` to `f1` are macro averages over the classes that have images."""

PER_CLASS: Final = ("recall", "precision", "specificity", "f1", "auc", "average_precision")
LEUKAEMIA: Final = ("auc", "average_precision", "sensitivity", "specificity", "ppv", "npv")
SMALLER_IS_BETTER: Final = frozenset({"log_loss", "brier", "ece", "ece_adaptive"})
THRESHOLD: Final = 0.5
ORDERS: Final = ("confidence", "novelty")
"""What images are ordered by where only the surest are answered."""


@dataclass(frozen=True)
class Leukaemia:
    """Leukaemia or not: all classes but the negative ones, by 1 - their probability at a threshold set beforehand.

    `figures` has the names in `LEUKAEMIA`, and ``ppv_at_5%``, ``npv_at_5%`` for each of the `prevalences`.
    """

    negative_classes: tuple[str, ...]
    threshold: float
    figures: dict[str, Estimate]
    prevalences: tuple[float, ...] = ()


@dataclass(frozen=True)
class Scores:
    """All figures of one evaluation.

    Attributes
    ----------
    classes
        The C names.
    support
        Images of each class.
    overall
        By the names in `OVERALL`.
    by_class
        By class, then by the names in `PER_CLASS`.
    leukaemia
        None where the classes name no negative one, or all of them.
    matrix
        (C, C) int64, true class by row.
    confusions
        The pairs of classes taken for each other, most images first.
    selective
        Risk-coverage curves, by the order in which images are answered; by novelty only where that is known.
    """

    classes: tuple[str, ...]
    support: tuple[int, ...]
    overall: dict[str, Estimate]
    by_class: dict[str, dict[str, Estimate]]
    leukaemia: Leukaemia | None
    matrix: NDArray[np.int64]
    confusions: tuple[Confusion, ...]
    selective: dict[str, RiskCurve]

    def flat(self) -> dict[str, Estimate]:
        """Return every figure under one name: ``accuracy``, ``recall.Pre-B``, ``leukaemia.auc``."""
        figures = dict(self.overall)
        for name, own in self.by_class.items():
            figures |= {f"{metric}.{name}": estimate for metric, estimate in own.items()}
        if self.leukaemia is not None:
            figures |= {f"leukaemia.{metric}": estimate for metric, estimate in self.leukaemia.figures.items()}
        for order, curve in self.selective.items():
            figures |= {f"selective.{order}.{metric}": estimate for metric, estimate in curve.figures.items()}
        return figures


def leukaemia_names(prevalences: Sequence[float] = ()) -> tuple[str, ...]:
    """Return the names of the figures of leukaemia, those at stated prevalences last."""
    stated = (f"{metric}_at_{prevalence_name(share)}" for share in prevalences for metric in ("ppv", "npv"))
    return (*LEUKAEMIA, *stated)


def flat_names(
    classes: Sequence[str], *, leukaemia: bool, prevalences: Sequence[float] = (), orders: Sequence[str] = ORDERS[:1]
) -> list[str]:
    """Return the names that `Scores.flat` will have, before anything is computed."""
    names = [*OVERALL, *(f"{metric}.{name}" for name in classes for metric in PER_CLASS)]
    if leukaemia:
        names += [f"leukaemia.{metric}" for metric in leukaemia_names(prevalences)]
    return names + [f"selective.{order}.{metric}" for order in orders for metric in SELECTIVE]


def negative_indices(classes: Sequence[str], negative_classes: Sequence[str]) -> list[int]:
    """Return where the classes that mean no leukaemia stand; empty where there is no two-sided question.

    Raises
    ------
    UsageError
        A negative class is not among the classes.
    """
    for name in negative_classes:
        if name not in classes:
            raise UsageError(f"Negative class {name!r} is no class", todo=nearest(name, classes))
    indices = [index for index, name in enumerate(classes) if name in set(negative_classes)]
    return indices if len(indices) < len(classes) else []


def score(
    predictions: Predictions,
    negative_classes: Sequence[str] = (),
    *,
    threshold: float = THRESHOLD,
    prevalences: Sequence[float] = (),
    novelty: NDArray[np.float64] | None = None,
    level: float = LEVEL,
    replicates: int = REPLICATES,
    seed: int = SEED,
) -> Scores:
    """Compute every figure with its interval.

    Parameters
    ----------
    predictions
        What was said of the images.
    negative_classes
        Classes that mean no leukaemia; none leaves that question out.
    threshold
        Probability of leukaemia from which on an image counts as leukaemia; fixed before looking.
    prevalences
        Shares of leukaemia at which predictive values are told beside those at that of the images.
    novelty
        (N,) float, higher is farther from what was learned; None, or NaN for an image: nothing is ordered by it.
    level, replicates, seed
        Coverage of the intervals; replicates and seed of the bootstrap.

    Returns
    -------
    Scores
    """
    by_class = {name: _class_figures(predictions, index, level) for index, name in enumerate(predictions.classes)}
    matrix = confusion_matrix(predictions.labels, predictions.predicted, len(predictions.classes))
    return Scores(
        classes=predictions.classes,
        support=tuple(int(n) for n in predictions.support),
        overall=_overall(predictions, level, replicates, seed),
        by_class=by_class,
        leukaemia=_leukaemia(predictions, negative_classes, threshold, prevalences, level),
        matrix=matrix,
        confusions=confusions(predictions, matrix, level),
        selective=_selective(predictions, novelty, level),
    )


def _overall(predictions: Predictions, level: float, replicates: int, seed: int) -> dict[str, Estimate]:
    recall = macro(predictions, "recall", level)
    losses = {
        "log_loss": (log_losses(predictions), (0.0, LARGEST_LOG_LOSS)),
        "brier": (brier_losses(predictions), (0.0, 2.0)),
    }
    figures = {
        "accuracy": accuracy(predictions, level),
        "balanced_accuracy": recall,
        "auc": macro_auc(predictions, level),
        "average_precision": macro_precision_area(predictions, level),
        "precision": macro(predictions, "precision", level),
        "recall": recall,
        "specificity": macro(predictions, "specificity", level),
        "f1": macro(predictions, "f1", level),
    }
    for name, (values, bounds) in losses.items():
        figures[name] = bounded_mean(values, predictions.labels, predictions.groups, bounds, level)
    figures["confidence_gap"] = confidence_gap(predictions, level)
    for name, adaptive in (("ece", False), ("ece_adaptive", True)):
        figures[name] = ece_estimate(predictions, level, adaptive=adaptive, replicates=replicates, seed=seed)
    return figures


def _class_figures(predictions: Predictions, index: int, level: float) -> dict[str, Estimate]:
    positive, scores = predictions.labels == index, predictions.probabilities[:, index]
    figures = {name: metric.estimate(predictions, index, level) for name, metric in CLASS_METRICS.items()}
    groups, labels = predictions.groups, predictions.labels
    figures["auc"] = auc_estimate(positive, scores, groups, level, labels=labels)
    figures["average_precision"] = precision_area_estimate(positive, scores, groups, level, labels=labels)
    return figures


def leukaemia_scores(
    predictions: Predictions, negative_classes: Sequence[str]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return (N,) whether each image is of a positive class, and (N,) its probability of leukaemia, 0 to 1."""
    negative = negative_indices(predictions.classes, negative_classes)
    probability = 1.0 - predictions.probabilities[:, negative].sum(axis=1)
    return ~np.isin(predictions.labels, negative), np.clip(probability, 0.0, 1.0)


def answer_orders(predictions: Predictions, novelty: NDArray[np.float64] | None) -> dict[str, NDArray[np.float64]]:
    """Return (N,) how sure each image is, by the names in `ORDERS`; by novelty only where all have one."""
    orders = {"confidence": predictions.probabilities.max(axis=1)}
    if novelty is not None and np.isfinite(novelty).all():
        orders["novelty"] = -novelty
    return orders


def _selective(predictions: Predictions, novelty: NDArray[np.float64] | None, level: float) -> dict[str, RiskCurve]:
    wrong = predictions.predicted != predictions.labels
    return {
        order: risk_curve(wrong, sureness, predictions.groups, predictions.labels, order=order, level=level)
        for order, sureness in answer_orders(predictions, novelty).items()
    }


def _leukaemia(
    predictions: Predictions,
    negative_classes: Sequence[str],
    threshold: float,
    prevalences: Sequence[float],
    level: float,
) -> Leukaemia | None:
    if not negative_indices(predictions.classes, negative_classes):
        return None
    positive, probability = leukaemia_scores(predictions, negative_classes)
    called, groups, labels = probability >= threshold, predictions.groups, predictions.labels

    def shared(counted: NDArray[np.bool_], hits: NDArray[np.bool_]) -> Estimate:
        return share(hits, counted, groups, labels, level)

    def predictive(counted: NDArray[np.bool_], hits: NDArray[np.bool_]) -> Estimate:
        if positive.all() or not positive.any():  # nothing could be called so wrongly
            return Estimate(None, 0.0, 1.0, "wilson", 0, group_count(groups), "needs images of leukaemia and of none")
        return shared(counted, hits)

    figures = {
        "auc": auc_estimate(positive, probability, groups, level, labels=labels),
        "average_precision": precision_area_estimate(positive, probability, groups, level, labels=labels),
        "sensitivity": shared(positive, called),
        "specificity": shared(~positive, ~called),
        "ppv": predictive(called, positive),
        "npv": predictive(~called, ~positive),
    }
    for prevalence in prevalences:
        values = predictive_values(positive, called, prevalence, groups, level, labels)
        figures |= {f"{name}_at_{prevalence_name(prevalence)}": value for name, value in values.items()}
    return Leukaemia(tuple(negative_classes), threshold, figures, tuple(prevalences))
