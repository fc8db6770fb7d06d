"""An evaluation beside others of the same images: who is right more often, tested, with Holm's correction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.assess.areas import macro_auc
from leukolens.assess.bootstrap import SEED
from leukolens.assess.calibration import ece_estimate
from leukolens.assess.confusion import accuracy, macro
from leukolens.assess.differences import paired_difference
from leukolens.assess.paired import PairedTest, difference_of, gains, holm, paired_test
from leukolens.assess.paired_bootstrap import FIGURES as DRAWN
from leukolens.assess.paired_bootstrap import draws_related, figure_draws
from leukolens.assess.predictions import Predictions, check_predictions
from leukolens.finding import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leukolens.assess.past import PastEvaluation
    from leukolens.statistics.intervals import Estimate

FIGURES: Final = ("accuracy", *DRAWN)
_TODO: Final = "evaluate both models on the same side of the same fold"


@dataclass(frozen=True)
class Compared:
    """One evaluation against another one of the same images.

    Attributes
    ----------
    name, bundle
        Of the other one.
    test
        Whether both are right equally often, in whole groups.
    adjusted
        Its p value after Holm, over all evaluations that it was compared with.
    differences
        The first minus the other, by the names in `FIGURES`, with intervals that are not adjusted.
    """

    name: str
    bundle: str
    test: PairedTest
    adjusted: float
    differences: dict[str, Estimate]


def check_names(others: Sequence[PastEvaluation]) -> None:
    """Check that the others can be told apart.

    Raises
    ------
    UsageError
        Two folders have one name.
    """
    names = [one.name for one in others]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"Two evaluations to compare with are called {name!r}", todo="rename one of the folders")


def check_images(other: PastEvaluation, hashes: Sequence[str]) -> None:
    """Check that another evaluation is of no further images; before the work starts.

    Raises
    ------
    DataError
        It has images that are not among these.
    """
    surplus = {row.sha256 for row in other.rows} - set(hashes)
    if surplus:
        raise DataError(
            f"The evaluation {other.name!r} is of other images",
            expected=f"the same {len(hashes)} images, by their content",
            found=f"{len(surplus)} that are not among them",
            todo=_TODO,
        )


def align(
    other: PastEvaluation, predictions: Predictions, hashes: Sequence[str], unread: Sequence[str] = ()
) -> Predictions:
    """Return what another evaluation said, in the order of this one's images, which are known by their content.

    Parameters
    ----------
    other
        From `read_evaluation`.
    predictions
        What was said here; its groups go for both.
    hashes
        (N,) SHA-256 of the images.
    unread
        SHA-256 of images that could not be read here.

    Returns
    -------
    Predictions

    Raises
    ------
    DataError
        Other images, other labels or other classes.
    """
    if set(other.classes) != set(predictions.classes):
        raise DataError(
            f"The evaluation {other.name!r} is of other classes",
            expected=", ".join(predictions.classes),
            found=", ".join(other.classes),
        )
    check_images(other, [*hashes, *unread])
    rows: dict[str, list[int]] = {}
    for number, row in enumerate(other.rows):
        rows.setdefault(row.sha256, []).append(number)
    lacking = [one for one in hashes if one not in rows]
    if lacking:
        raise DataError(
            f"The evaluation {other.name!r} is of other images",
            expected=f"the same {len(hashes)} images, by their content",
            found=f"{len(lacking)} of them missing there",
            todo=_TODO,
        )
    numbers = [rows[one].pop(0) if len(rows[one]) > 1 else rows[one][0] for one in hashes]
    columns = [other.classes.index(name) for name in predictions.classes]
    aligned = check_predictions(
        [other.rows[number].label for number in numbers],
        np.array([other.rows[number].probabilities for number in numbers])[:, columns],
        predictions.classes,
        predictions.groups,
    )
    if not np.array_equal(aligned.labels, predictions.labels):
        raise DataError(
            f"The evaluation {other.name!r} has other labels",
            expected="the same label for every image",
            found=f"{int((aligned.labels != predictions.labels).sum())} that differ",
        )
    return aligned


def compare_predictions(
    own: Predictions, others: Mapping[tuple[str, str], Predictions], *, seed: int = SEED, replicates: int = 1000
) -> tuple[Compared, ...]:
    """Test one set of predictions against others of the same images.

    Parameters
    ----------
    own
        What was said; its groups count.
    others
        By name and bundle, from `align`.
    seed, replicates
        Of the paired bootstrap, which gives correlations alone.

    Returns
    -------
    tuple of Compared
        In the order of `others`; the p values are adjusted for their number (Holm 1979).
    """
    draws, figures = figure_draws(own, replicates, seed), _figures(own, seed)
    found = []
    for (name, bundle), other in others.items():
        other_draws, other_figures = figure_draws(other, replicates, seed), _figures(other, seed)
        differences = {"accuracy": paired_difference(gains(own, other), own.groups, labels=own.labels)}
        for metric in DRAWN:
            related = draws_related(draws[metric], other_draws[metric])
            differences[metric] = difference_of(figures[metric], other_figures[metric], related, groups=own.groups)
        found.append((name, bundle, paired_test(own, other), differences))
    adjusted = holm([test.p for _, _, test, _ in found])
    return tuple(
        Compared(name, bundle, test, p, differences)
        for (name, bundle, test, differences), p in zip(found, adjusted, strict=True)
    )


def _figures(predictions: Predictions, seed: int) -> dict[str, Estimate]:
    return {
        "accuracy": accuracy(predictions),
        "balanced_accuracy": macro(predictions, "recall"),
        "f1": macro(predictions, "f1"),
        "auc": macro_auc(predictions),
        "ece": ece_estimate(predictions, seed=seed),
    }
