"""The same images perturbed in fixed ways, and what is lost by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leukolens.assess.confusion import accuracy, macro, recall
from leukolens.assess.differences import Loss, loss
from leukolens.finding import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leukolens.assess.pipeline import Perturbation
    from leukolens.assess.predictions import Predictions
    from leukolens.statistics.intervals import Estimate


@dataclass(frozen=True)
class Stressed:
    """The same images perturbed in one way, and what was lost by it."""

    name: str
    predictions: Predictions
    accuracy: Estimate
    balanced_accuracy: Estimate
    recall: dict[str, Estimate]
    loss: Loss


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


def judge_stress(name: str, before: Predictions, after: Predictions, level: float) -> Stressed:
    """Return the figures of perturbed images, and what was lost against the images as they are."""
    return Stressed(
        name=name,
        predictions=after,
        accuracy=accuracy(after, level),
        balanced_accuracy=macro(after, "recall", level),
        recall={after.classes[index]: recall(after, int(index), level) for index in after.present},
        loss=loss(before, after, level),
    )
