"""One evaluation: every figure and curve of what was said of chosen images of a data set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from leukolens.assess.bands import Curves, class_curves
from leukolens.assess.bootstrap import REPLICATES, SEED
from leukolens.assess.group_bootstrap import bootstrap_limits
from leukolens.assess.losses import ReliabilityBin, reliability, reliability_of
from leukolens.assess.patients import FIGURES as PATIENT_FIGURES
from leukolens.assess.patients import PatientLevel, patient_level
from leukolens.assess.prevalence import PREVALENCES
from leukolens.assess.scores import (
    ORDERS,
    THRESHOLD,
    Scores,
    answer_orders,
    flat_names,
    leukaemia_scores,
    negative_indices,
    score,
)
from leukolens.assess.thresholds import STATED, ThresholdSource
from leukolens.statistics.intervals import LEVEL, Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from leukolens.assess.against import Compared
    from leukolens.assess.perturbed import Stressed
    from leukolens.assess.predictions import Predictions
    from leukolens.assess.provenance import Selection
    from leukolens.data import Item


@dataclass(frozen=True)
class Settings:
    """What is chosen before looking.

    Attributes
    ----------
    negative_classes
        Classes that mean no leukaemia; none leaves that question out.
    threshold
        Probability of leukaemia from which on an image, or a patient, counts as leukaemia.
    threshold_source
        Where it comes from.
    prevalences
        Shares of leukaemia at which predictive values are told.
    by_patient
        Whether figures over patients are told, where patients are known.
    level
        Coverage of the intervals.
    replicates, seed
        Of the bootstrap.
    """

    negative_classes: tuple[str, ...] = ()
    threshold: float = THRESHOLD
    threshold_source: ThresholdSource = STATED
    prevalences: tuple[float, ...] = PREVALENCES
    by_patient: bool = True
    level: float = LEVEL
    replicates: int = REPLICATES
    seed: int = SEED


@dataclass(frozen=True)
class Unread:
    """A file that could not be read, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Evaluation:
    """All that was found.

    Attributes
    ----------
    items
        The N images that were read and judged.
    predictions, scores
        What was said of them, and how good it is.
    p_all
        (N,) probability of leukaemia; None where no class is negative.
    novelty
        (N,) 0 to 1, NaN where the predictor cannot say.
    in_domain
        (N,) bool.
    curves
        By class; "leukaemia" for all classes but the negative ones.
    reliability, reliability_leukaemia
        Accuracy by confidence; share of leukaemia by its probability, empty where no class is negative.
    patients
        Figures over patients; None where none are known, or no class is negative.
    bootstrap
        Low and high of each figure over images by the bootstrap over groups, by the names of `Scores.flat`.
    features
        (N, D) float32, None where the predictor does not tell them.
    against
        Other evaluations of the same images.
    stressed
        In the order asked for.
    unread
        Files that could not be read; they are in no figure.
    selection, settings
        Which images, and what was chosen before looking.
    """

    items: tuple[Item, ...]
    predictions: Predictions
    scores: Scores
    p_all: NDArray[np.float64] | None
    novelty: NDArray[np.float64]
    in_domain: NDArray[np.bool_]
    curves: dict[str, Curves]
    reliability: list[ReliabilityBin]
    reliability_leukaemia: list[ReliabilityBin]
    patients: PatientLevel | None
    bootstrap: dict[str, tuple[float, float]]
    features: NDArray[np.float32] | None
    stressed: tuple[Stressed, ...]
    unread: tuple[Unread, ...]
    selection: Selection
    settings: Settings = field(default_factory=Settings)
    against: tuple[Compared, ...] = ()

    def figures(self) -> dict[str, Estimate]:
        """Return every figure by the name that a requirement uses."""
        figures = self.scores.flat()
        if self.patients is not None:
            figures |= {f"patient.{name}": own for name, own in self.patients.figures.items()}
        for stressed in self.stressed:
            figures[f"loss.{stressed.name}.accuracy"] = stressed.loss.accuracy
            figures[f"loss.{stressed.name}.balanced_accuracy"] = stressed.loss.balanced_accuracy
        return figures


def figure_names(
    classes: Sequence[str],
    negative_classes: Sequence[str],
    stresses: Sequence[str],
    *,
    prevalences: Sequence[float] = PREVALENCES,
    patients: bool = False,
    novelty: bool = True,
) -> list[str]:
    """Return the names that `Evaluation.figures` will have, before anything is computed."""
    two_sided = bool(negative_indices(classes, negative_classes))
    orders = ORDERS if novelty else ORDERS[:1]
    names = flat_names(classes, leukaemia=two_sided, prevalences=prevalences, orders=orders)
    names += [f"patient.{metric}" for metric in PATIENT_FIGURES] if patients and two_sided else []
    return names + [f"loss.{name}.{metric}" for name in stresses for metric in ("accuracy", "balanced_accuracy")]


def evaluation_of(
    items: Sequence[Item],
    predictions: Predictions,
    selection: Selection,
    *,
    novelty: NDArray[np.float64] | None = None,
    in_domain: NDArray[np.bool_] | None = None,
    features: NDArray[np.float32] | None = None,
    stressed: Sequence[Stressed] = (),
    unread: Sequence[Unread] = (),
    settings: Settings | None = None,
) -> Evaluation:
    """Compute every figure and curve of predictions, wherever they come from.

    Parameters
    ----------
    items
        The N images.
    predictions
        What was said of them.
    selection
        Which images these are, and by what kind of split.
    novelty, in_domain, features
        As in `Evaluation`; None where they are not known.
    stressed, unread
        See `Evaluation`.
    settings
        What was chosen before looking.

    Returns
    -------
    Evaluation

    Raises
    ------
    DataError
        A patient has images of leukaemia and of none.
    """
    settings = settings or Settings()
    n = len(predictions)
    novelty = np.full(n, np.nan) if novelty is None else novelty
    negative = settings.negative_classes
    two_sided = bool(negative_indices(predictions.classes, negative))
    sides = leukaemia_scores(predictions, negative) if two_sided else None
    scores = _score(predictions, novelty, settings)
    defined = {name for name, figure in scores.flat().items() if figure.value is not None}
    limits = _bootstrap(predictions, novelty, sides, settings)
    return Evaluation(
        items=tuple(items),
        predictions=predictions,
        scores=scores,
        p_all=None if sides is None else sides[1],
        novelty=novelty,
        in_domain=np.ones(n, np.bool_) if in_domain is None else in_domain,
        curves=class_curves(predictions, negative, settings.level),
        reliability=reliability(predictions, level=settings.level),
        reliability_leukaemia=[]
        if sides is None
        else reliability_of(sides[1], sides[0], predictions.groups, level=settings.level),
        patients=_patients(items, sides, settings),
        bootstrap={name: ends for name, ends in limits.items() if name in defined},
        features=features,
        stressed=tuple(stressed),
        unread=tuple(unread),
        selection=selection,
        settings=settings,
    )


Sides = tuple["NDArray[np.bool_]", "NDArray[np.float64]"]


def _patients(items: Sequence[Item], sides: Sides | None, settings: Settings) -> PatientLevel | None:
    if sides is None or not settings.by_patient:
        return None
    owners = [item.patient for item in items]
    return patient_level(owners, *sides, threshold=settings.threshold, level=settings.level)


def _bootstrap(
    predictions: Predictions, novelty: NDArray[np.float64], sides: Sides | None, settings: Settings
) -> dict[str, tuple[float, float]]:
    return bootstrap_limits(
        predictions,
        sides,
        threshold=settings.threshold,
        prevalences=settings.prevalences,
        sureness=answer_orders(predictions, novelty),
        level=settings.level,
        replicates=settings.replicates,
        seed=settings.seed,
    )


def _score(predictions: Predictions, novelty: NDArray[np.float64], settings: Settings) -> Scores:
    return score(
        predictions,
        settings.negative_classes,
        threshold=settings.threshold,
        prevalences=settings.prevalences,
        novelty=novelty,
        level=settings.level,
        replicates=settings.replicates,
        seed=settings.seed,
    )
