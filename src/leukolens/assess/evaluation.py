"""One evaluation: a predictor on chosen images of a data set, with every figure, curve and stress."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from leukolens.assess.bands import BandPoint, precision_recall_band, roc_band
from leukolens.assess.bootstrap import REPLICATES, SEED
from leukolens.assess.confusion import accuracy, macro, recall
from leukolens.assess.differences import Loss, loss
from leukolens.assess.intervals import LEVEL, Estimate
from leukolens.assess.losses import ReliabilityBin, reliability
from leukolens.assess.pipeline import predict_files
from leukolens.assess.predictions import Predictions, check_predictions
from leukolens.assess.scores import (
    THRESHOLD,
    Scores,
    flat_names,
    leukaemia_scores,
    negative_indices,
    score,
)
from leukolens.finding import DataError, UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from leukolens.assess.pipeline import Answers, Perturbation, Predictor
    from leukolens.assess.provenance import Selection
    from leukolens.data import Catalogue, Item
    from leukolens.smear.limits import Limits


@dataclass(frozen=True)
class Settings:
    """What is chosen before looking.

    Attributes
    ----------
    negative_classes
        Classes that mean no leukaemia; none leaves that question out.
    threshold
        Probability of leukaemia from which on an image counts as leukaemia.
    level
        Coverage of the intervals.
    replicates, seed
        Of the bootstrap.
    """

    negative_classes: tuple[str, ...] = ()
    threshold: float = THRESHOLD
    level: float = LEVEL
    replicates: int = REPLICATES
    seed: int = SEED


@dataclass(frozen=True)
class Curves:
    """ROC and precision-recall curve of one class against the rest; empty where they are not defined."""

    roc: list[BandPoint]
    precision_recall: list[BandPoint]


@dataclass(frozen=True)
class Stressed:
    """The same images perturbed in one way, and what was lost by it."""

    name: str
    predictions: Predictions
    accuracy: Estimate
    balanced_accuracy: Estimate
    recall: dict[str, Estimate]
    loss: Loss


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
    reliability
        Accuracy by confidence.
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
    stressed: tuple[Stressed, ...]
    unread: tuple[Unread, ...]
    selection: Selection
    settings: Settings = field(default_factory=Settings)

    def figures(self) -> dict[str, Estimate]:
        """Return every figure by the name that a requirement uses."""
        figures = self.scores.flat()
        for stressed in self.stressed:
            figures[f"loss.{stressed.name}.accuracy"] = stressed.loss.accuracy
            figures[f"loss.{stressed.name}.balanced_accuracy"] = stressed.loss.balanced_accuracy
        return figures


LEUKAEMIA_CURVE = "leukaemia"


def figure_names(classes: Sequence[str], negative_classes: Sequence[str], stresses: Sequence[str]) -> list[str]:
    """Return the names that `Evaluation.figures` will have, before anything is computed."""
    names = flat_names(classes, leukaemia=bool(negative_indices(classes, negative_classes)))
    return names + [f"loss.{name}.{metric}" for name in stresses for metric in ("accuracy", "balanced_accuracy")]


def choose_stresses(asked: str | None, known: Mapping[str, Perturbation]) -> dict[str, Perturbation]:
    """Return the perturbations named in a list such as ``grey,blur``, or all of them for ``all``.

    Raises
    ------
    UsageError
        An unknown name.
    """
    if asked is None:
        return {}
    if asked.strip() == "all":
        return dict(known)
    chosen = {}
    for name in filter(None, (part.strip() for part in asked.split(","))):
        if name not in known:
            raise UsageError(f"There is no stress {name!r}", todo=nearest(name, ["all", *known]))
        chosen[name] = known[name]
    return chosen


def check_classes(classes: Sequence[str], catalogue: Catalogue) -> None:
    """Check that a bundle knows every class of a data set.

    Raises
    ------
    DataError
        The data set has a class that the bundle does not.
    """
    strangers = [name for name in catalogue.classes if name not in classes]
    if strangers:
        raise DataError(
            "The bundle and the data set have different classes",
            expected=f"only classes that the bundle knows: {', '.join(classes)}",
            found=", ".join(catalogue.classes),
            todo="give the bundle of these classes, or a table with its names (--labels, --label-column)",
        )


def evaluate(
    predictor: Predictor,
    catalogue: Catalogue,
    selection: Selection,
    *,
    settings: Settings | None = None,
    stresses: Mapping[str, Perturbation] | None = None,
    limits: Limits | None = None,
    progress: Callable[[int], None] | None = None,
) -> Evaluation:
    """Judge the chosen images and compute every figure.

    Parameters
    ----------
    predictor
        Gives the probabilities, usually a `BundlePredictor`.
    catalogue
        Fingerprinted; its classes must be among the predictor's.
    selection
        From `provenance.select`.
    settings
        What is chosen before looking.
    stresses
        Perturbations by name, see `leukolens.smear.perturb.STRESSES`.
    limits
        The largest picture that is read.
    progress
        Called after each file with the number of files done.

    Returns
    -------
    Evaluation

    Raises
    ------
    DataError
        A class that the predictor does not know, or no image that can be read.
    """
    settings, stresses = settings or Settings(), stresses or {}
    check_classes(predictor.classes, catalogue)
    chosen = [catalogue.items[index] for index in selection.indices]
    answers: list[Answers] = []
    for answer in predict_files(predictor, [catalogue.locate(item) for item in chosen], stresses, limits):
        answers.append(answer)
        if progress is not None:
            progress(len(answers))
    read = [index for index, answer in enumerate(answers) if answer.plain is not None]
    if not read:
        raise DataError("None of the images can be read", found=answers[0].failure or "no image")
    items = tuple(chosen[index] for index in read)
    groups = [selection.groups[index] for index in read]
    versions = _versions(predictor.classes, items, groups, [answers[index] for index in read], tuple(stresses))
    plain = [one for one in (answers[index].plain for index in read) if one is not None]
    predictions = versions.pop("")
    two_sided = bool(negative_indices(predictor.classes, settings.negative_classes))
    return Evaluation(
        items=items,
        predictions=predictions,
        scores=_score(predictions, settings),
        p_all=leukaemia_scores(predictions, settings.negative_classes)[1] if two_sided else None,
        novelty=np.array([np.nan if one.novelty is None else one.novelty for one in plain]),
        in_domain=np.array([one.in_domain for one in plain]),
        curves=_curves(predictions, settings),
        reliability=reliability(predictions, level=settings.level),
        stressed=tuple(_stressed(name, predictions, after, settings.level) for name, after in versions.items()),
        unread=tuple(
            Unread(item.path, answer.failure)
            for item, answer in zip(chosen, answers, strict=True)
            if answer.failure is not None
        ),
        selection=selection,
        settings=settings,
    )


def _versions(
    classes: Sequence[str],
    items: Sequence[Item],
    groups: Sequence[int],
    answers: Sequence[Answers],
    stresses: Sequence[str],
) -> dict[str, Predictions]:
    """Return the predictions of the pictures as they are, under "", and of each perturbed version by its name."""
    labels = [item.label for item in items]
    told = {"": [answer.plain for answer in answers]}
    told |= {name: [answer.perturbed[name] for answer in answers] for name in stresses}
    return {
        name: check_predictions(labels, np.stack([one.probabilities for one in own if one]), classes, groups)
        for name, own in told.items()
    }


def _score(predictions: Predictions, settings: Settings) -> Scores:
    return score(
        predictions,
        settings.negative_classes,
        threshold=settings.threshold,
        level=settings.level,
        replicates=settings.replicates,
        seed=settings.seed,
    )


def _stressed(name: str, before: Predictions, after: Predictions, level: float) -> Stressed:
    return Stressed(
        name=name,
        predictions=after,
        accuracy=accuracy(after, level),
        balanced_accuracy=macro(after, "recall", level),
        recall={after.classes[index]: recall(after, int(index), level) for index in after.present},
        loss=loss(before, after, level),
    )


def _curves(predictions: Predictions, settings: Settings) -> dict[str, Curves]:
    sides = {
        name: (predictions.labels == index, predictions.probabilities[:, index])
        for index, name in enumerate(predictions.classes)
    }
    if negative_indices(predictions.classes, settings.negative_classes):
        sides[LEUKAEMIA_CURVE] = leukaemia_scores(predictions, settings.negative_classes)
    curves = {}
    for name, (positive, scores) in sides.items():
        both = bool(positive.any() and not positive.all())
        curves[name] = Curves(
            roc_band(positive, scores, predictions.groups, settings.level) if both else [],
            precision_recall_band(positive, scores, predictions.groups, settings.level) if positive.any() else [],
        )
    return curves
