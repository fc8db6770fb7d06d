"""Agreement: between readers, of each with leukolens, and of each with their own second reading."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from leukolens.assess.site.agreement import (
    MISSING,
    Weighting,
    agreement_weights,
    answer_counts,
    cohen,
    cohen_error,
    fleiss,
    fleiss_error,
    krippendorff,
    pair_table,
)
from leukolens.assess.site.coefficients import AgreementEstimate, judge_coefficient
from leukolens.assess.site.readings import FIRST, SECOND
from leukolens.statistics.intervals import LEVEL, Estimate, clopper_pearson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from leukolens.assess.site.answers import Answer
    from leukolens.assess.site.plan import Plan
    from leukolens.assess.site.readings import Reading

LEUKOLENS = "leukolens"
_TWO = 2
"""Answers; with as many, order and weights change nothing."""

_NEGATIVE, _POSITIVE, _NONE = 0, 1, 2


@dataclass(frozen=True)
class Pair:
    """Two sources of answers, compared case by case.

    Attributes
    ----------
    first, second
        Their names; `second` is the comparator of the percent agreements.
    answers
        The K answers in the order of `table`.
    table
        (K, K) int, how often each pair was given, the first's by row.
    agreement
        Share of equal answers.
    kappa
        Cohen's, unweighted.
    weighted
        The same with quadratic weights; None with two answers, where it is the same, and where they have no order.
    adjusted
        Kappa adjusted for prevalence and bias, (K po - 1) / (K - 1) (Byrt et al. 1993, doi
        10.1016/0895-4356(93)90018-V).
    positive, negative
        Positive and negative percent agreement: of the cases that the second calls leukaemia, or not, those that the
        first calls so too.
    prevalence, bias
        Byrt's indices, of leukaemia or not; None where no case has both.
    """

    first: str
    second: str
    answers: tuple[str, ...]
    table: tuple[tuple[int, ...], ...]
    agreement: Estimate
    kappa: AgreementEstimate
    weighted: AgreementEstimate | None
    adjusted: Estimate
    positive: Estimate
    negative: Estimate
    prevalence: float | None
    bias: float | None

    @property
    def n(self) -> int:
        """Cases that both answered."""
        return self.agreement.n


@dataclass(frozen=True)
class ReaderFigures:
    """All that the readings say.

    Attributes
    ----------
    readers
        Reader to number of cases that they answered.
    with_leukolens
        Leukolens against each reader, over the cases of the reader; leukolens' "no answer" agrees with nothing.
    with_leukolens_answered
        The same over the cases to which leukolens gave an answer.
    between
        Any two readers.
    fleiss
        Over the cases that all readers answered; None with one reader.
    alpha, alpha_ordinal
        Krippendorff's over all cases that two readers answered; the ordinal one with three answers or more.
    again
        Each reader's second reading against the first.
    """

    readers: dict[str, int]
    with_leukolens: tuple[Pair, ...]
    with_leukolens_answered: tuple[Pair, ...]
    between: tuple[Pair, ...]
    fleiss: AgreementEstimate | None
    alpha: AgreementEstimate | None
    alpha_ordinal: AgreementEstimate | None
    again: tuple[Pair, ...]


def judge_readings(
    readings: Sequence[Reading], answers: Mapping[str, Sequence[Answer]], plan: Plan, *, seed: int, replicates: int
) -> ReaderFigures:
    """Compute every figure of agreement.

    Parameters
    ----------
    readings
        All of them.
    answers
        Case to leukolens' answers; the first capture counts.
    plan
        The answers that readers give, and the level of the intervals.
    seed, replicates
        Of the bootstrap over cases.
    """
    cases = list(answers)
    names = list(dict.fromkeys(one.reader for one in readings if one.reading == FIRST))
    scale, own = plan.readers.answers, {name: _column(readings, name, FIRST, cases, plan) for name in names}
    second = {name: _column(readings, name, SECOND, cases, plan) for name in {one.reader for one in readings}}
    border = scale.index(plan.readers.leukaemia_from)
    machine = np.array([_machine(answers[case][0]) for case in cases])
    words = ("no leukaemia", "leukaemia", "no answer")

    def compare(
        first: str, other: str, one: NDArray[np.intp], two: NDArray[np.intp], kinds: tuple[str, ...], start: int
    ) -> Pair:
        return judge_pair(first, other, one, two, kinds, start, plan.level, seed, replicates)

    binary = {name: np.where(column == MISSING, MISSING, (column >= border) * 1) for name, column in own.items()}
    answered = np.where(machine == _NONE, MISSING, machine)
    return ReaderFigures(
        readers={name: int((column != MISSING).sum()) for name, column in own.items()},
        with_leukolens=tuple(compare(LEUKOLENS, name, machine, column, words, 1) for name, column in binary.items()),
        with_leukolens_answered=tuple(
            compare(LEUKOLENS, name, answered, column, words[:2], 1) for name, column in binary.items()
        ),
        between=tuple(
            compare(one, two, own[one], own[two], scale, border)
            for index, one in enumerate(names)
            for two in names[index + 1 :]
        ),
        again=tuple(
            compare(f"{name}, reading 2", f"{name}, reading 1", second[name], own[name], scale, border)
            for name in names
            if (second[name] != MISSING).any()
        ),
        **_of_all(np.stack(list(own.values()), axis=1), len(scale), plan.level, seed, replicates),
    )


def judge_pair(
    first: str,
    second: str,
    one: NDArray[np.intp],
    two: NDArray[np.intp],
    answers: tuple[str, ...],
    positive_from: int,
    level: float = LEVEL,
    seed: int = 0,
    replicates: int = 2000,
) -> Pair:
    """Compare two sources of answers.

    Parameters
    ----------
    first, second
        Their names.
    one, two
        (N,) int, numbers of their answers; `MISSING` where there is none. A case counts where both answered.
    answers
        The words of the answers. "no answer" at the end is neither positive nor negative, and has no order.
    positive_from
        Number of the first answer that counts as leukaemia.
    level, seed, replicates
        Coverage of the intervals; seed and replicates of the bootstrap.
    """
    both = (one != MISSING) & (two != MISSING)
    one, two = one[both], two[both]
    n, categories = len(one), len(answers)
    ordered = answers[-1] != "no answer"
    plain = clopper_pearson(int((one == two).sum()), n, level)
    yes_one, yes_two = ((column >= positive_from) & ((column < categories - 1) | ordered) for column in (one, two))
    no_one, no_two = one < positive_from, two < positive_from
    table = pair_table(one, two, categories)

    def kappa(weighting: Weighting) -> AgreementEstimate:
        weights = agreement_weights(categories, weighting)
        return judge_coefficient(
            lambda counts: cohen(one, two, weights, counts),
            n,
            int((one != two).sum()),
            cohen_error(table, weights),
            level=level,
            replicates=replicates,
            seed=seed,
        )

    return Pair(
        first,
        second,
        answers,
        tuple(tuple(int(cell) for cell in row) for row in table),
        plain,
        kappa("none"),
        kappa("quadratic") if ordered and categories > _TWO else None,
        _rescaled(plain, 2 if not ordered else categories),
        clopper_pearson(int((yes_one & yes_two).sum()), int(yes_two.sum()), level),
        clopper_pearson(int((no_one & no_two).sum()), int(no_two.sum()), level),
        None if n == 0 else float(abs((yes_one & yes_two).sum() - (no_one & no_two).sum()) / n),
        None if n == 0 else float(abs((yes_one & no_two).sum() - (no_one & yes_two).sum()) / n),
    )


def _rescaled(agreement: Estimate, categories: int) -> Estimate:
    def carry(share: float) -> float:
        return (categories * share - 1) / (categories - 1)

    value = None if agreement.value is None else carry(agreement.value)
    return Estimate(value, carry(agreement.low), carry(agreement.high), "clopper-pearson-rescaled", agreement.n)


def _of_all(
    answers: NDArray[np.intp], categories: int, level: float, seed: int, replicates: int
) -> dict[str, AgreementEstimate | None]:
    """Fleiss' kappa and Krippendorff's alpha over (N, R) answers; None with one reader."""
    if answers.shape[1] < 2:
        return {"fleiss": None, "alpha": None, "alpha_ordinal": None}
    complete = answers[(answers != MISSING).all(axis=1)]
    paired = answers[(answers != MISSING).sum(axis=1) > 1]
    all_of, some_of = (answer_counts(own, categories) for own in (complete, paired))
    judged = partial(judge_coefficient, level=level, seed=seed, replicates=replicates)
    several = len(some_of), _torn(some_of)
    ordinal = categories > _TWO
    return {
        "fleiss": judged(lambda counts: fleiss(all_of, counts), len(all_of), _torn(all_of), fleiss_error(all_of)),
        "alpha": judged(lambda counts: krippendorff(some_of, counts), *several),
        "alpha_ordinal": judged(lambda counts: krippendorff(some_of, counts, "ordinal"), *several) if ordinal else None,
    }


def _torn(ratings: NDArray[np.float64]) -> int:
    """Cases with any two different answers."""
    return int(((ratings > 0).sum(axis=1) > 1).sum())


def _column(readings: Sequence[Reading], name: str, reading: str, cases: Sequence[str], plan: Plan) -> NDArray[np.intp]:
    given = {one.case: one.answer for one in readings if one.reader == name and one.reading == reading}
    order = {answer: index for index, answer in enumerate(plan.readers.answers)}
    return np.array([order[given[case]] if case in given else MISSING for case in cases], dtype=np.intp)


def _machine(answer: Answer) -> int:
    return _NONE if answer.called is None else _POSITIVE if answer.called else _NEGATIVE
