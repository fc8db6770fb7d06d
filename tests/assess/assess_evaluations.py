"""Evaluations of made-up predictions, without a picture."""

from __future__ import annotations

import numpy as np
from assess_samples import guess

from leukolens.assess.evaluation import Evaluation, Settings, evaluation_of
from leukolens.assess.perturbed import judge_stress
from leukolens.assess.predictions import Predictions, check_predictions
from leukolens.assess.provenance import Selection, Stamp
from leukolens.data import Item

STAMP = Stamp("none", "No split: all images", "No split file was given.", None)


def evaluation_from(predictions: Predictions, *, patients: bool = False, **parts: object) -> Evaluation:
    """An evaluation of these predictions; `patients`: each group is one."""
    groups = np.arange(len(predictions)) if predictions.groups is None else predictions.groups
    items = [
        Item(
            path=f"{number}.png",
            label=predictions.classes[label],
            patient=f"P{group}" if patients else None,
            bytes=1,
            sha256=f"{number:064x}",
        )
        for number, (label, group) in enumerate(zip(predictions.labels, groups, strict=True))
    ]
    selection = Selection(tuple(range(len(items))), tuple(int(one) for one in groups), "made up", STAMP)
    parts.setdefault("settings", Settings(negative_classes=("Benign",), replicates=60))
    return evaluation_of(items, predictions, selection, **parts)


def everything(n: int, classes: int, skill: float, seed: int, group: int) -> Evaluation:
    """All that an evaluation can hold: patients, novelty with ties, a stress."""
    before = guess(n, classes, skill, seed, group=group, alike=0.4)
    after = guess(n, classes, skill / 2, seed, group=group, alike=0.4)
    rng = np.random.default_rng(seed)
    return evaluation_from(
        before,
        patients=bool(group),
        novelty=rng.integers(0, 9, n) / 8,
        features=rng.normal(size=(n, 5)).astype(np.float32),
        stressed=[judge_stress("grey", before, after, 0.95)],
        settings=Settings(negative_classes=("Benign",), replicates=60, threshold=0.4, prevalences=(0.05, 0.3)),
    )


def subset(predictions: Predictions, keep: np.ndarray) -> Predictions:
    groups = None if predictions.groups is None else predictions.groups[keep]
    return check_predictions(predictions.labels[keep], predictions.probabilities[keep], predictions.classes, groups)
