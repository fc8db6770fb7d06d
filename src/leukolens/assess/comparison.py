"""Several runs side by side: figures, costs, and a test between any two that answered the same images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from leukolens.assess.bootstrap import SEED
from leukolens.assess.costs import Costs
from leukolens.assess.differences import paired_difference
from leukolens.assess.folds import missing_folds
from leukolens.assess.paired import PairedTest, difference_of, gains, holm, paired_test
from leukolens.assess.paired_bootstrap import FIGURES as DRAWN
from leukolens.assess.paired_bootstrap import draws_related
from leukolens.assess.run_answers import Answers
from leukolens.assess.run_figures import stamp_of
from leukolens.assess.run_groups import group_images_of
from leukolens.assess.runs import Run
from leukolens.assess.wording import NOT_RECORDED
from leukolens.finding import DataError, UsageError
from leukolens.statistics.intervals import Estimate

if TYPE_CHECKING:
    from leukolens.data.split import Split

POOLING: Final = "linear"
"""The head of runs whose recipe does not name one."""

WAITS: Final = "waits for a run"
SAME: Final = "one network, or two that cannot be told apart: equal probabilities for every image"


@dataclass(frozen=True)
class Entry:
    """One row of the table.

    Attributes
    ----------
    name, network, head, recipe
        What it is called, and what was trained.
    run
        None for a network that no run trained.
    figures
        By the names of `run_figures.FIGURES`; empty without a run.
    costs
        What the network costs.
    stamp, leaky
        The kind of split that the figures come from.
    note
        What sets the row apart from the first one: "another split", ...
    counted
        Which images count together.
    """

    name: str
    network: str
    head: str
    recipe: str
    run: Run | None
    figures: Mapping[str, Estimate]
    costs: Costs = field(default_factory=Costs)
    stamp: str = WAITS
    leaky: bool | None = None
    note: str = ""
    counted: str = ""

    @property
    def seconds(self) -> float | None:
        """Seconds of training by the clock, all folds together; None where they were not recorded."""
        return _total([fold.seconds for fold in self.run.folds]) if self.run else None

    @property
    def processor_seconds(self) -> float | None:
        """Seconds of training by the processor, all folds together; None where they were not recorded."""
        return _total([fold.processor_seconds for fold in self.run.folds]) if self.run else None

    @property
    def device(self) -> str | None:
        """What it was trained on, of each fold where they differ; None where no fold says."""
        told = dict.fromkeys(fold.device for fold in self.run.folds) if self.run else {}
        return ", ".join(one or NOT_RECORDED for one in told) if any(told) else None


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


@dataclass(frozen=True)
class Comparison:
    """All rows, all pairs of runs, and the seed of the bootstrap."""

    entries: tuple[Entry, ...]
    pairs: tuple[Pair, ...]
    seed: int = SEED

    @property
    def trained(self) -> tuple[Entry, ...]:
        """The rows that have a run."""
        return tuple(entry for entry in self.entries if entry.run is not None)


def check_runs(runs: Sequence[Run], splits: Sequence[Split] = ()) -> None:
    """Check that runs can stand in one table.

    Raises
    ------
    UsageError
        There is none, or two have one name.
    DataError
        A pooled run lacks folds.
    """
    if not runs:
        raise UsageError("There is nothing to compare", expected="at least one run", todo="name folders of runs")
    names = [run.name for run in runs]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"Two runs are called {name!r}", todo="tell them apart with --name LABEL=RUN")
    for run in runs:
        missing, images = missing_folds(run, splits=splits) if run.pooled else ((), 0)
        if missing:
            raise DataError(
                f"The folds in {str(run.folder)!r} are not whole",
                expected=f"{images} images, each predicted once",
                found=f"{len(run.rows)}: {'; '.join(missing)}",
                todo="train them to the end (leukolens train --fold all --resume), or compare single folds",
            )


def compare_runs(
    runs: Sequence[Run],
    *,
    splits: Sequence[Split] = (),
    seed: int = SEED,
    progress: Callable[[int], None] | None = None,
) -> Comparison:
    """Compute every figure of the runs, and test those that answered the same images against each other.

    Parameters
    ----------
    runs
        From `read_run`, checked by `check_runs`.
    splits
        Split files at hand, which say what images belong together.
    seed
        Of the bootstrap.
    progress
        Called with the number of runs and pairs done.

    Returns
    -------
    Comparison
        Without costs.
    """
    groupings = {
        data: group_images_of([run for run in runs if run.identity["data_sha256"] == data], splits)
        for data in dict.fromkeys(run.identity["data_sha256"] for run in runs)
    }
    answers = Answers(groupings, seed)
    entries: list[Entry] = []
    for run in runs:
        entries.append(_entry(run, groupings[run.identity["data_sha256"]].words, runs[0], answers))
        if progress is not None:
            progress(len(entries))
    pairs: list[Pair] = []
    for first, second in combinations(runs, 2):
        pairs.append(_pair(first, second, answers))
        if progress is not None:
            progress(len(entries) + len(pairs))
    return Comparison(tuple(entries), adjust_pairs(pairs), seed)


def _entry(run: Run, counted: str, reference: Run, answers: Answers) -> Entry:
    recipe: Mapping[str, Any] = run.identity["recipe"]
    network = recipe.get("network", {})
    return Entry(
        name=run.name,
        network=str(network.get("name", "unknown")),
        head=str(network.get("head", POOLING)),
        recipe=str(recipe.get("name", "unknown")),
        run=run,
        figures=answers.figures(run, tuple(fold.number for fold in run.folds)),
        stamp=stamp_of(run),
        leaky=bool(run.identity["split_leaky"]),
        note=_unlike(run, reference),
        counted=counted,
    )


def _total(parts: Sequence[float | None]) -> float | None:
    known = [part for part in parts if part is not None]
    return sum(known) if parts and len(known) == len(parts) else None


def _unlike(first: Run, second: Run) -> str:
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


def _pair(first: Run, second: Run, answers: Answers) -> Pair:
    reason = _unlike(first, second)
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
