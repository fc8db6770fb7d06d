"""A benchmark: one recipe under several protocols, all images predicted once in each, and what the protocol changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.assess.bootstrap import SEED
from leukolens.assess.differences import paired_difference
from leukolens.assess.run_answers import Answers
from leukolens.assess.run_figures import stamp_of
from leukolens.assess.run_groups import Grouping, Recovered, group_images_of
from leukolens.assess.run_pairs import Pair, adjust_pairs, pair_runs
from leukolens.assess.scores import THRESHOLD, Scores, leukaemia_scores, negative_indices, score
from leukolens.finding import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from leukolens.assess.folds import Folds
    from leukolens.assess.predictions import Predictions
    from leukolens.assess.protocols import Protocol
    from leukolens.assess.runs import Run
    from leukolens.data.split import Split
    from leukolens.statistics.intervals import Estimate

LEVEL: Final = 0.95
DROPPED: Final = ("accuracy", "balanced_accuracy", "sensitivity", "specificity")
"""Figures whose drop is told first, in points."""


@dataclass(frozen=True)
class Headline:
    """One protocol's table.

    Attributes
    ----------
    protocol
        How the images were split.
    run
        All its folds.
    stamp, leaky, sentence
        The kind of split in words, whether things can stand on both sides, and what follows.
    predictions
        Of every image, in an order that all protocols share.
    scores
        Every figure.
    bootstrap
        Low and high of some figures by the percentile bootstrap over groups.
    """

    protocol: Protocol
    run: Run
    stamp: str
    leaky: bool
    sentence: str
    predictions: Predictions
    scores: Scores
    bootstrap: Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Drop:
    """What a protocol gains against the first one on the same images.

    Attributes
    ----------
    pair
        The protocol minus the first, tested; its p value is adjusted over all pairs of protocols.
    differences
        By the names of `pair.differences`, and ``sensitivity``, ``specificity``, ``recall.CLASS``.
    """

    pair: Pair
    differences: Mapping[str, Estimate]


@dataclass(frozen=True)
class Benchmark:
    """All protocols, the honest first; each of the others against the first; all pairs.

    Attributes
    ----------
    headlines, drops, pairs
        One drop for each headline but the first.
    grouping
        Which images count together, the same in all protocols.
    negative_classes, threshold
        Fixed before a network was trained.
    seed
        Of the bootstrap.
    """

    headlines: tuple[Headline, ...]
    drops: tuple[Drop, ...]
    pairs: tuple[Pair, ...]
    grouping: Grouping
    negative_classes: tuple[str, ...]
    threshold: float = THRESHOLD
    seed: int = SEED


def benchmark(
    folds: Mapping[Protocol, Folds],
    *,
    negative_classes: Sequence[str] = (),
    threshold: float = THRESHOLD,
    splits: Sequence[Split] = (),
    recovered: Recovered | None = None,
    seed: int = SEED,
) -> Benchmark:
    """Score every protocol and compare them image by image.

    Parameters
    ----------
    folds
        By protocol, all folds of one recipe; in the order to be shown, but leaky ones last.
    negative_classes, threshold
        What means no leukaemia, and from which probability of leukaemia on an image counts as such.
    splits
        Their split files.
    recovered
        Groups of an audit, over which all intervals then are.
    seed
        Of the bootstrap.

    Raises
    ------
    DataError
        A protocol lacks folds, or two predict other images.
    """
    runs = {protocol: replace(own.run, name=protocol.name) for protocol, own in folds.items()}
    for protocol, own in folds.items():
        if not own.whole:
            raise DataError(
                f"The protocol {protocol.name!r} is not finished",
                expected=f"{own.images} images, each predicted once",
                found=f"{len(own.run.rows)}: {'; '.join(own.missing)}",
                todo="go on with --resume",
            )
    order = sorted(runs, key=lambda protocol: bool(runs[protocol].identity["split_leaky"]))
    grouping = group_images_of(list(runs.values()), splits, recovered)
    data = {run.identity["data_sha256"] for run in runs.values()}
    answers = Answers(dict.fromkeys(data, grouping), seed)
    headlines = tuple(_headline(one, runs[one], answers, negative_classes, threshold, seed) for one in order)
    _same_images(headlines)
    pairs = adjust_pairs(
        [
            pair_runs(runs[other], runs[one], _folds(runs[other]), _folds(runs[one]), answers)
            for one, other in combinations(order, 2)
        ]
    )
    first = headlines[0]
    drops = tuple(
        Drop(pair, dict(pair.differences) | _two_sided(other, first, negative_classes, threshold))
        for pair, other in zip(pairs, headlines[1:], strict=False)
    )
    return Benchmark(headlines, drops, pairs, grouping, tuple(negative_classes), threshold, seed)


def _folds(run: Run) -> tuple[int, ...]:
    return tuple(fold.number for fold in run.folds)


def _headline(
    protocol: Protocol, run: Run, answers: Answers, negative: Sequence[str], threshold: float, seed: int
) -> Headline:
    predictions = answers.predictions(run, _folds(run))
    draws = answers.draws(run, _folds(run))
    tails = (0.5 - LEVEL / 2, 0.5 + LEVEL / 2)
    limits = {name: np.nanquantile(own, tails) for name, own in draws.items() if np.isfinite(own).any()}
    return Headline(
        protocol=protocol,
        run=run,
        stamp=stamp_of(run),
        leaky=bool(run.identity["split_leaky"]),
        sentence=run.stamp.sentence,
        predictions=predictions,
        scores=score(predictions, negative, threshold=threshold, level=LEVEL, seed=seed),
        bootstrap={name: (float(low), float(high)) for name, (low, high) in limits.items()},
    )


def _same_images(headlines: Sequence[Headline]) -> None:
    first = headlines[0]
    images = {(row.label, row.sha256, row.path) for row in first.run.rows}
    for other in headlines[1:]:
        if {(row.label, row.sha256, row.path) for row in other.run.rows} != images:
            raise DataError(
                f"{first.protocol.name} and {other.protocol.name} predict other images",
                expected="every image once in each protocol",
                found=f"{len(first.run.rows)} and {len(other.run.rows)}",
                todo="start the benchmark anew in another --out",
            )


def _two_sided(first: Headline, second: Headline, negative: Sequence[str], threshold: float) -> dict[str, Estimate]:
    """Return first minus second of sensitivity and specificity, and of the recall of each class, image by image."""
    own, other = first.predictions, second.predictions
    gained = (own.predicted == own.labels).astype(np.float64) - (other.predicted == other.labels)
    found = {f"recall.{own.classes[index]}": _inside(gained, own.labels == index, own) for index in own.present}
    if negative_indices(own.classes, negative):
        positive, probability = leukaemia_scores(own, negative)
        called, other_called = probability >= threshold, leukaemia_scores(other, negative)[1] >= threshold
        right = (called == positive).astype(np.float64) - (other_called == positive)
        found |= {"sensitivity": _inside(right, positive, own), "specificity": _inside(right, ~positive, own)}
    return found


def _inside(gained: NDArray[np.float64], inside: NDArray[np.bool_], predictions: Predictions) -> Estimate:
    groups = None if predictions.groups is None else predictions.groups[inside]
    return paired_difference(gained[inside], groups)
