"""Two runs side by side: whether they answered the same images, and a test of the one against the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from leukolens.assess.differences import paired_difference
from leukolens.assess.paired import PairedTest, difference_of, gains, holm, paired_test
from leukolens.assess.paired_bootstrap import FIGURES as DRAWN
from leukolens.assess.paired_bootstrap import draws_related
from leukolens.assess.run_answers import Answers
from leukolens.assess.runs import Run
from leukolens.statistics.intervals import Estimate

SAME: Final = "one network, or two that cannot be told apart: equal probabilities for every image"


@dataclass(frozen=True)
class Pair:
    """Two runs on the same images.

    Attributes
    ----------
    first, second
        Names of the runs.
    images, folds
        What both answered.
    test
        Of the accuracy; None where there is nothing to test, and `reason` says why.
    adjusted
        Its p value after Holm, over all pairs that were tested.
    differences
        First minus second with 95 % intervals that are not adjusted, by the names of `run_figures.FIGURES`.
    reason
        Why there is no test.
    """

    first: str
    second: str
    images: int = 0
    folds: tuple[int, ...] = ()
    test: PairedTest | None = None
    adjusted: float | None = None
    differences: Mapping[str, Estimate] = field(default_factory=dict)
    reason: str = ""


def unlike(first: Run, second: Run) -> str:
    """Say why two runs cannot be tested against each other; empty where they can."""
    for key, words in (("classes", "other classes"), ("data_sha256", "other data")):
        if first.identity[key] != second.identity[key]:
            return words
    common = common_folds(first, second)
    if other_split_file(first, second) and not _same_sides(first, second, common):
        return "another split"
    return "" if common else "no fold in common"


def common_folds(first: Run, second: Run) -> tuple[int, ...]:
    """Return the numbers of the folds that both runs have."""
    return tuple(sorted({fold.number for fold in first.folds} & {fold.number for fold in second.folds}))


def other_split_file(first: Run, second: Run) -> bool:
    """Tell whether two runs were trained by different split files, which may still say the same."""
    return bool(first.identity["split_sha256"] != second.identity["split_sha256"])


def _same_sides(first: Run, second: Run, common: tuple[int, ...]) -> bool:
    """Tell whether the common folds test the same images and train as many: on the same data, the same images."""
    sides = [
        [
            (fold.number, fold.trained, sorted((row.label, row.sha256) for row in fold.rows))
            for fold in run.folds
            if fold.number in common
        ]
        for run in (first, second)
    ]
    return bool(common) and sides[0] == sides[1]


def compare_pair(first: Run, second: Run, answers: Answers) -> Pair:
    """Test two runs against each other on the folds that both have, or say why that cannot be.

    Parameters
    ----------
    first, second, answers
        The runs, and what they said.

    Returns
    -------
    Pair
        Not adjusted, see `adjust_pairs`.
    """
    reason = unlike(first, second)
    common = common_folds(first, second)
    if not reason:
        images = [[(row.label, row.sha256) for row in answers.rows(run, common)] for run in (first, second)]
        reason = "" if images[0] == images[1] else "other images in the same folds"
    if reason:
        return Pair(first.name, second.name, reason=reason)
    return pair_runs(first, second, common, common, answers)


def pair_runs(first: Run, second: Run, folds: tuple[int, ...], others: tuple[int, ...], answers: Answers) -> Pair:
    """Test two runs against each other on the same images, whatever folds these stand in.

    Parameters
    ----------
    first, second, answers
        The runs, and what they said.
    folds, others
        Numbers of the folds of the first and of the second, which test the same images.

    Returns
    -------
    Pair
        Not adjusted, see `adjust_pairs`.
    """
    own, other = answers.predictions(first, folds), answers.predictions(second, others)
    if np.array_equal(own.probabilities, other.probabilities):
        return Pair(first.name, second.name, len(own), folds, reason=SAME)
    figures, other_figures = answers.figures(first, folds), answers.figures(second, others)
    draws, other_draws = answers.draws(first, folds), answers.draws(second, others)
    differences = {"accuracy": paired_difference(gains(own, other), own.groups)}
    for name in DRAWN:
        related = draws_related(draws[name], other_draws[name])
        differences[name] = difference_of(figures[name], other_figures[name], related, groups=own.groups)
    return Pair(first.name, second.name, len(own), folds, paired_test(own, other), differences=differences)


def adjust_pairs(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """Fill in the p values after Holm, over all pairs that were tested."""
    tested = [number for number, pair in enumerate(pairs) if pair.test is not None]
    adjusted = holm([pair.test.p for pair in pairs if pair.test is not None])
    found = dict(zip(tested, adjusted, strict=True))
    return tuple(replace(pair, adjusted=found.get(number)) for number, pair in enumerate(pairs))
