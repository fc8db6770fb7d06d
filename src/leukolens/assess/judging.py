"""A predictor on chosen images of a data set, as they are and perturbed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leukolens.assess.evaluation import Evaluation, Settings, Unread, evaluation_of
from leukolens.assess.patients import check_patients
from leukolens.assess.perturbed import judge_stress
from leukolens.assess.pipeline import predict_files
from leukolens.assess.predictions import Predictions, check_predictions
from leukolens.assess.scores import negative_indices
from leukolens.finding import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from leukolens.assess.pipeline import Answer, Answers, Perturbation, Predictor
    from leukolens.assess.provenance import Selection
    from leukolens.data import Catalogue, Item
    from leukolens.smear.limits import Limits


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
        A class that the predictor does not know, a patient with images of leukaemia and of none, or no image that can
        be read.
    """
    settings, stresses = settings or Settings(), stresses or {}
    check_classes(predictor.classes, catalogue)
    chosen = [catalogue.items[index] for index in selection.indices]
    two_sided = bool(negative_indices(predictor.classes, settings.negative_classes))
    if two_sided and settings.by_patient:
        check_patients(
            [item.patient for item in chosen], [item.label not in settings.negative_classes for item in chosen]
        )
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
    return evaluation_of(
        items,
        predictions,
        selection,
        novelty=np.array([np.nan if one.novelty is None else one.novelty for one in plain]),
        in_domain=np.array([one.in_domain for one in plain]),
        features=_features(plain),
        stressed=[judge_stress(name, predictions, after, settings.level) for name, after in versions.items()],
        unread=[
            Unread(item.path, answer.failure)
            for item, answer in zip(chosen, answers, strict=True)
            if answer.failure is not None
        ],
        settings=settings,
    )


def _features(answers: Sequence[Answer]) -> NDArray[np.float32] | None:
    known = [one.features for one in answers if one.features is not None]
    return np.stack(known) if len(known) == len(answers) else None


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
