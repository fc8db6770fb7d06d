"""The worst errors as a page of their own: the surest of the wrong images, with what a person wants to know of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from leukolens.finding import CLASS_NOTE
from leukolens.report.templating import page_environment, page_values
from leukolens.report.thumbnails import View, embed
from leukolens.smear.sources import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from leukolens.assess.about import About
    from leukolens.assess.evaluation import Evaluation
    from leukolens.data import Item

    Pictures = Callable[[Item], NDArray[np.uint8] | None]

_PACKAGE: Final = "leukolens.assess"
SHOWN: Final = 40
"""Errors on the page at most: about a megabyte."""
WIDTH: Final = 224
NEIGHBOUR_WIDTH: Final = 112


@dataclass(frozen=True)
class Worst:
    """One wrong image.

    Attributes
    ----------
    index
        Its number among the images of the evaluation.
    sureness
        Probability of the class that it was given, 0 to 1.
    neighbour
        Number of the right image of the same class and group that looks most like it to the network; None where there
        is none, or features are not known.
    """

    index: int
    sureness: float
    neighbour: int | None


def worst_errors(evaluation: Evaluation, shown: int = SHOWN) -> list[Worst]:
    """Return the wrong images, the surest first; at most `shown`."""
    predictions = evaluation.predictions
    wrong = np.flatnonzero(predictions.predicted != predictions.labels)
    sure = predictions.probabilities.max(axis=1)
    order = wrong[np.argsort(-sure[wrong], kind="stable")][:shown]
    return [Worst(int(index), float(sure[index]), _neighbour(evaluation, int(index))) for index in order]


def _neighbour(evaluation: Evaluation, index: int) -> int | None:
    """Find the nearest by the cosine of the features."""
    predictions, features = evaluation.predictions, evaluation.features
    if predictions.groups is None or features is None:
        return None
    like = (predictions.groups == predictions.groups[index]) & (predictions.labels == predictions.labels[index])
    right = np.flatnonzero(like & (predictions.predicted == predictions.labels))
    if not len(right):
        return None
    others = features[right].astype(np.float64)
    own = features[index].astype(np.float64)
    lengths = np.linalg.norm(others, axis=1) * np.linalg.norm(own)
    return int(right[np.argmax(others @ own / np.maximum(lengths, 1e-12))])


def errors_page(evaluation: Evaluation, about: About, created: str, pictures: Pictures | None = None) -> str:
    """Return ``errors.html``.

    Parameters
    ----------
    evaluation
        All that was found.
    about
        What was evaluated, on what.
    created
        When, in words.
    pictures
        Gives the pixels of an image, (H, W, 3) uint8 sRGB, or None where it cannot be read any more. Without it the
        page has no pictures.

    Returns
    -------
    str
        HTML with style and small pictures inside, no script, nothing loaded from elsewhere.
    """
    predictions = evaluation.predictions
    errors = worst_errors(evaluation)
    values = page_values(_PACKAGE, "evaluation.css") | {
        "about": about,
        "stamp": evaluation.selection.stamp,
        "created": created,
        "class_note": CLASS_NOTE,
        "total": int(np.count_nonzero(predictions.predicted != predictions.labels)),
        "images": len(predictions),
        "grouped": predictions.groups is not None,
        "errors": [_card(evaluation, one, pictures) for one in errors],
    }
    return page_environment(_PACKAGE).get_template("errors.html.j2").render(values)


def _card(evaluation: Evaluation, worst: Worst, pictures: Pictures | None) -> dict[str, Any]:
    predictions, item = evaluation.predictions, evaluation.items[worst.index]
    shares = predictions.probabilities[worst.index]
    novelty = evaluation.novelty[worst.index]
    neighbour = None if worst.neighbour is None else evaluation.items[worst.neighbour]
    return {
        "path": printable(item.path),
        "label": item.label,
        "predicted": predictions.classes[predictions.predicted[worst.index]],
        "shares": [
            (predictions.classes[index], f"{shares[index]:.3f}") for index in np.argsort(-shares, kind="stable")
        ],
        "group": _group(evaluation, worst.index),
        "novelty": "" if np.isnan(novelty) else f"{novelty:.2f}",
        "outside": not evaluation.in_domain[worst.index],
        "picture": _thumbnail(item, pictures, WIDTH),
        "neighbour": "" if neighbour is None else printable(neighbour.path),
        "neighbour_picture": None if neighbour is None else _thumbnail(neighbour, pictures, NEIGHBOUR_WIDTH),
    }


def _group(evaluation: Evaluation, index: int) -> str:
    patient, groups = evaluation.items[index].patient, evaluation.predictions.groups
    if patient is None and groups is None:
        return ""
    own = (
        f"patient {printable(patient)}"
        if patient is not None
        else f"group {groups[index]}"
        if groups is not None
        else ""
    )
    if groups is None:
        return own
    inside = groups == groups[index]
    wrong = evaluation.predictions.predicted != evaluation.predictions.labels
    return f"{own}: {int((wrong & inside).sum())} of {int(inside.sum())} images wrong"


def _thumbnail(item: Item, pictures: Pictures | None, longest: int) -> dict[str, Any] | None:
    rgb = None if pictures is None else pictures(item)
    if rgb is None:
        return None
    small = embed(View(rgb), longest=longest)
    return {"source": small.picture, "width": small.width, "height": small.height}
