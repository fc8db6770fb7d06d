"""The figures of a laboratory: leukaemia against none, other leukaemias apart, the subtype where labels agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.assess.areas import auc_estimate
from leukolens.assess.scores import THRESHOLD
from leukolens.statistics.intervals import LEVEL, Estimate, proportion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from leukolens.assess.external_judge import Judged
    from leukolens.assess.external_sites import Truth
    from leukolens.data import Item

FIGURES: Final = (
    "sensitivity",
    "specificity",
    "auc",
    "other_called",
    "subtype",
    "without_label",
    "no_white_cells",
    "refused",
)
TRUTHS: Final[tuple[Truth, ...]] = ("ALL", "none", "other leukaemia")


@dataclass(frozen=True)
class Image:
    """One image of a site with what was said of it.

    Attributes
    ----------
    site, laboratory
        Where it comes from.
    item
        Its file.
    truth
        What it shows by its label.
    group
        Images of one group (a subject, an exact copy) have the same number, over all sites.
    subject
        Whether its subject is known.
    answer
        What screening said.
    p_all
        Probability of leukaemia; None where it was refused.
    comparable
        Whether the labels of its data set are labels of the bundle, so that the subtype can be compared.
    """

    site: str
    laboratory: str
    item: Item
    truth: Truth
    group: int
    subject: bool
    answer: Judged
    p_all: float | None
    comparable: bool


def figures_of(images: Sequence[Image], threshold: float = THRESHOLD, level: float = LEVEL) -> dict[str, Estimate]:
    """Return the figures that these images allow.

    Parameters
    ----------
    images
        At least one.
    threshold
        Probability of leukaemia from which on an image counts as leukaemia.
    level
        Coverage of the intervals, which are over groups.

    Returns
    -------
    dict
        "sensitivity" where some show ALL, "specificity" where some show no leukaemia, "auc" where both; "other_called",
        the share of other leukaemias that are called ALL; "subtype", the share of ALL that are given their own label,
        where the labels are the bundle's. Over all images "without_label", the share outside the domain,
        "no_white_cells" and "refused"; the others leave out what was refused.
    """
    groups = np.array([image.group for image in images], np.intp)
    refused = np.array([image.p_all is None for image in images])
    p_all = np.array([np.nan if image.p_all is None else image.p_all for image in images])
    truth = np.array([image.truth for image in images])

    def share(counted: NDArray[np.bool_], hits: NDArray[np.bool_]) -> Estimate:
        return proportion(hits[counted], _regroup(groups[counted]), level)

    figures = {}
    all_, none, other = ((truth == name) & ~refused for name in TRUTHS)
    called = np.nan_to_num(p_all) >= threshold
    if all_.any():
        figures["sensitivity"] = share(all_, called)
    if none.any():
        figures["specificity"] = share(none, ~called)
    if all_.any() and none.any():
        both = all_ | none
        figures["auc"] = auc_estimate(all_[both], p_all[both], _regroup(groups[both]), level)
    if other.any():
        figures["other_called"] = share(other, called)
    comparable = all_ & np.array([image.comparable for image in images])
    if comparable.any():
        figures["subtype"] = share(comparable, np.array([_right(image) for image in images]))
    every = np.ones(len(images), bool)
    figures["without_label"] = share(every, np.array([_outside(image.answer) for image in images]))
    figures["no_white_cells"] = share(every, np.array([image.answer.bare for image in images]))
    figures["refused"] = share(every, refused)
    return figures


def _outside(answer: Judged) -> bool:
    return answer.label is None and not answer.bare and not answer.refused


def _right(image: Image) -> bool:
    return image.answer.label == image.item.label


def _regroup(groups: NDArray[np.intp]) -> NDArray[np.intp] | None:
    numbers = np.unique(groups, return_inverse=True)[1]
    return None if len(numbers) == 0 or numbers.max() + 1 == len(numbers) else numbers.astype(np.intp)
