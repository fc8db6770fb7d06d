"""What a comparison says in sentences, the same on the terminal, in Markdown and on the page."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from leukolens.assess.comparison_cells import pair_name
from leukolens.assess.paired import TESTS
from leukolens.assess.run_pairs import SAME, other_split_file
from leukolens.smear.sources import printable
from leukolens.statistics.intervals import METHODS

if TYPE_CHECKING:
    from leukolens.assess.comparison import Comparison, Entry
    from leukolens.assess.run_pairs import Pair

ALPHA: Final = 0.05
SHOWN: Final = 5
"""Pairs that the verdict names."""
BUSY: Final = 0.1
"""Share of the cores that other programs use from which on a machine counts as busy."""
ONE_SEED: Final = (
    "One trained network of each recipe is compared: the p values and intervals know nothing of what another seed of "
    "the training would give."
)


def differs(pair: Pair) -> bool:
    """Tell whether two runs differ in accuracy, after the adjustment for all pairs."""
    return pair.adjusted is not None and pair.adjusted <= ALPHA


def verdict(comparison: Comparison) -> str:
    """Return in a sentence what the tests say."""
    tested = [pair for pair in comparison.pairs if pair.test is not None]
    if len(comparison.trained) < 2:
        return "One run only: there is nothing to test it against."
    if not tested:
        reasons = ", ".join(dict.fromkeys(pair.reason for pair in comparison.pairs))
        return f"No two runs can be tested against each other ({reasons}): do not rank them."
    found = [pair for pair in tested if differs(pair)]
    of = f"{len(tested)} pair{'s' if len(tested) > 1 else ''}"
    if not found:
        return f"Of {of} tested none differs in accuracy (Holm, {ALPHA:g}): the order of these runs means nothing."
    names = "; ".join(pair_name(pair) for pair in found[:SHOWN])
    names += f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return f"Of {of} tested {len(found)} differ{'s' if len(found) == 1 else ''} in accuracy (Holm, {ALPHA:g}): {names}."


def cautions(comparison: Comparison) -> list[str]:
    """Return what a reader must know before believing the table, one sentence each."""
    trained = comparison.trained
    first = trained[0].run if trained else None
    said = []
    tested = any(pair.test is not None for pair in comparison.pairs)
    leaky = [entry.name for entry in trained if entry.leaky]
    if leaky:
        which = "Every run is" if len(leaky) == len(trained) else ", ".join(map(printable, leaky)) + ":"
        said.append(f"{which} from a LEAKY split: the figures hold for images of the same slides only.")
    shared = dict.fromkeys(entry.run.stamp.shared for entry in trained if entry.run and entry.run.stamp.shared)
    said += [one.sentence() for one in shared if one is not None]
    said += [f"Images counted together: {words}." for words in dict.fromkeys(entry.counted for entry in trained)]
    apart = [f"{printable(entry.name)} ({entry.note})" for entry in trained if entry.note]
    if apart:
        said.append(f"Not comparable with {printable(trained[0].name)}, and not tested against it: {', '.join(apart)}.")
    files = [one for one in trained if one.run and first and not one.note and other_split_file(first, one.run)]
    if files:
        names = ", ".join(printable(entry.name) for entry in files)
        said.append(
            f"{names}: another split file than {printable(trained[0].name)}, with the same test images and as many "
            "training images in every common fold; tested."
        )
    if len({tuple(fold.number for fold in entry.run.folds) for entry in trained if entry.run}) > 1:
        how = "; two of them are tested on the folds that both have" if tested else ""
        said.append(f"The runs cover different folds{how}.")
    same = [pair for pair in comparison.pairs if pair.reason == SAME]
    if same:
        said.append(f"Not tested ({SAME}): {'; '.join(pair_name(pair) for pair in same)}.")
    if tested:
        said.append(ONE_SEED)
    speeds = [entry.costs.speed for entry in comparison.entries if entry.costs.speed is not None]
    if any(speed.others > BUSY * (os.cpu_count() or 1) for speed in speeds):
        said.append(
            "The machine was busy while pictures per second were measured: they are too low, and not evenly so."
        )
    return said


def methods_of(comparison: Comparison) -> tuple[dict[str, str], dict[str, str]]:
    """Return the tests and the methods of the intervals that stand in the comparison, in words."""
    used = {one.method for entry in comparison.entries for one in entry.figures.values()}
    used |= {one.method for pair in comparison.pairs for one in pair.differences.values()}
    tests = {pair.test.method for pair in comparison.pairs if pair.test is not None}
    return (
        {name: words for name, words in TESTS.items() if name in tests},
        {name: words for name, words in METHODS.items() if name in used},
    )


def fold_words(entry: Entry) -> str:
    """Return right and all images of each fold."""
    folds = entry.run.folds if entry.run else ()
    return ", ".join(f"{fold.number}: {fold.right}/{len(fold.rows)}" for fold in folds)
