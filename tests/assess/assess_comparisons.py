"""Made-up comparisons: runs of every kind, their costs, and a network without a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from assess_runs import write_run

from leukolens.assess.comparison import Comparison, Entry, compare_runs
from leukolens.assess.costs import Costs
from leukolens.assess.run_pairs import Pair
from leukolens.assess.runs import Run, read_run
from leukolens.assess.speed import Speed

SPEED = Speed(100.0, 90.0, 110.0, (90.0, 100.0, 110.0), 2, "none 1", 0.0)


def read(folder: Path, **options) -> Run:
    return read_run(write_run(folder, **options), folder.name)


def runs_of_every_kind(root: Path) -> dict[str, Run]:
    """Good, bad, one fold of a good one, and three that are something else."""
    return {
        "good": read(root / "good", seed=1),
        "bad": read(root / "bad", wrong=8, seed=2),
        "first": read(root / "first", folds=(0,), pooled=False, seed=3),
        "last": read(root / "last", folds=(2,), pooled=False, seed=4),
        "split": read(root / "split", split_sha256="6" * 64, shift=1),
        "file": read(root / "file", split_sha256="6" * 64),
        "data": read(root / "data", data_sha256="e" * 64, split_leaky=False, split_method="patient"),
        "classes": read(root / "classes", classes=["Pro-B", "Pre-B", "Early Pre-B", "Benign"]),
    }


def timed_comparison(runs: dict[str, Run]) -> Comparison:
    """Four runs that were timed, and a network without a run."""
    told = compare_runs([runs[name] for name in ("good", "bad", "first", "split")])
    entries = [
        replace(entry, costs=Costs(10**6 * (number + 1), 10**8, 4 * 10**6, 5 * 10**6, SPEED, picture=(64, 48)))
        for number, entry in enumerate(told.entries)
    ]
    waiting = Entry("vgg<19>", "vgg19", "linear", "", None, {}, Costs(reason="cannot be measured: | why"))
    return replace(told, entries=(*entries, waiting))


def pair_of(comparison: Comparison, first: str, second: str) -> Pair:
    return next(pair for pair in comparison.pairs if (pair.first, pair.second) == (first, second))
