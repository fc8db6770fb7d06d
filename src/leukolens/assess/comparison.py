"""Several runs side by side: figures, costs, and a test between any two that answered the same images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

from leukolens.assess.bootstrap import SEED
from leukolens.assess.costs import Costs
from leukolens.assess.folds import missing_folds
from leukolens.assess.run_answers import Answers
from leukolens.assess.run_figures import stamp_of
from leukolens.assess.run_groups import group_images_of
from leukolens.assess.run_pairs import Pair, adjust_pairs, compare_pair, unlike
from leukolens.assess.runs import Run
from leukolens.assess.wording import NOT_RECORDED
from leukolens.finding import DataError, UsageError
from leukolens.statistics.intervals import Estimate

if TYPE_CHECKING:
    from leukolens.data.split import Split

POOLING: Final = "linear"
"""The head of runs whose recipe does not name one."""

WAITS: Final = "waits for a run"


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
        pairs.append(compare_pair(first, second, answers))
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
        note=unlike(run, reference),
        counted=counted,
    )


def _total(parts: Sequence[float | None]) -> float | None:
    known = [part for part in parts if part is not None]
    return sum(known) if parts and len(known) == len(parts) else None
