"""The headline tables of a benchmark: figures by row, protocols by column, the honest one first, then the drop."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from leukolens.assess.comparison_cells import Cell, pair_name, write_difference, write_p
from leukolens.assess.comparison_words import ALPHA
from leukolens.assess.run_figures import FIGURES
from leukolens.assess.wording import MACRO, NAMES, write_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leukolens.assess.benchmark import Benchmark, Drop
    from leukolens.statistics.intervals import Estimate

NO_HONEST: Final = (
    "EVERY protocol here is LEAKY: nothing stands beside it that holds for new slides. Add --protocol grouped."
)
PAIR_COLUMNS: Final = ("first - second", "images", "only first right", "only second right", "p", "p (Holm)")
_POINTS: Final = frozenset({"accuracy", "balanced_accuracy", "sensitivity", "specificity"})


@dataclass(frozen=True)
class Row:
    """One figure: what it is, and its cell under each protocol; then the drop of each protocol but the first."""

    name: str
    cells: tuple[Cell, ...]
    drops: tuple[Cell, ...]


def overall_rows(benchmark: Benchmark) -> list[Row]:
    """Return the figures over all classes."""
    tables = [headline.scores.overall for headline in benchmark.headlines]
    # Specificity is a mean over classes here, and has no drop: that of leukaemia is another.
    return [
        _row(benchmark, name, [own[name] for own in tables], name if name in FIGURES else None, macro=True)
        for name in tables[0]
    ]


def leukaemia_rows(benchmark: Benchmark) -> list[Row]:
    """Return the figures of leukaemia or not; none where no class means no leukaemia."""
    tables = [one.scores.leukaemia.figures for one in benchmark.headlines if one.scores.leukaemia is not None]
    if not tables:
        return []
    # The area of leukaemia is another than that of the classes, whose drop has the same name.
    return [
        _row(benchmark, name, [own[name] for own in tables], name if name in _POINTS else None) for name in tables[0]
    ]


def recall_rows(benchmark: Benchmark) -> list[Row]:
    """Return the recall of each class."""
    tables = [headline.scores.by_class for headline in benchmark.headlines]
    return [
        replace(
            _row(benchmark, "recall", [own[label]["recall"] for own in tables], f"recall.{label}"),
            name=f"recall of {label}",
        )
        for label in tables[0]
    ]


def _row(benchmark: Benchmark, name: str, figures: Sequence[Estimate], drop: str | None, *, macro: bool = False) -> Row:
    written = [write_figure(name, one, macro=macro) for one in figures]
    cells = tuple(Cell(one.value, one.range) for one in written)
    return Row(written[0].name, cells, tuple(_drop(one, drop) for one in benchmark.drops))


def _drop(drop: Drop, name: str | None) -> Cell:
    if name is None or name not in drop.differences:
        return Cell("")
    in_points = name in _POINTS or name.startswith("recall.")
    return write_difference("accuracy" if in_points else name, drop.differences[name])


def columns(benchmark: Benchmark) -> list[str]:
    """Return the heads of the columns: the figure, each protocol, each drop."""
    names = [headline.protocol.name for headline in benchmark.headlines]
    heads = [f"{one.protocol.name} (LEAKY)" if one.leaky else one.protocol.name for one in benchmark.headlines]
    return ["figure", *heads, *(f"{name} - {names[0]}" for name in names[1:])]


def pair_rows(benchmark: Benchmark) -> list[list[Cell]]:
    """Return the tests between any two protocols."""
    rows = []
    for pair in benchmark.pairs:
        if pair.test is not None:
            counts = (pair.images, pair.test.first_only, pair.test.second_only)
            p_values = (write_p(pair.test.p), write_p(pair.adjusted))
            rows.append([Cell(pair_name(pair)), *(Cell(str(count)) for count in counts), *map(Cell, p_values)])
    return rows


def lead(benchmark: Benchmark) -> str:
    """Return the result in a sentence: the honest figure first, then what each other protocol shows instead."""
    first = benchmark.headlines[0]
    written = write_figure("balanced_accuracy", first.scores.overall["balanced_accuracy"])
    said = [f"{first.protocol.name}: balanced accuracy {written.value} ({written.range})."]
    for drop, other in zip(benchmark.drops, benchmark.headlines[1:], strict=True):
        own = write_figure("balanced_accuracy", other.scores.overall["balanced_accuracy"])
        sentence = f"{other.protocol.name}{' (LEAKY)' if other.leaky else ''}: {own.value}"
        if "balanced_accuracy" in drop.differences:
            cell = write_difference("balanced_accuracy", drop.differences["balanced_accuracy"])
            sentence += f", {cell.value} points ({cell.range}) against {first.protocol.name}"
            if drop.pair.adjusted is not None and drop.pair.adjusted <= ALPHA:
                sentence += f", accuracies differ (p {write_p(drop.pair.adjusted)}, Holm)"
        elif drop.pair.reason:
            sentence += f" ({drop.pair.reason})"
        said.append(f"{sentence}.")
    return " ".join(said)


def cautions(benchmark: Benchmark, groups: str | None) -> list[str]:
    """Return what a reader must know before believing the tables, one sentence each."""
    said = [NO_HONEST] if all(one.leaky for one in benchmark.headlines) else []
    said += [f"{one.protocol.name}: {one.stamp}. {one.sentence}" for one in benchmark.headlines]
    said += [groups] if groups else []
    said.append(f"Images counted together in every interval and test: {benchmark.grouping.words}.")
    said.append("One network a fold: the intervals know nothing of what another seed of the training would give.")
    return said


def fold_rows(benchmark: Benchmark) -> list[tuple[str, str]]:
    """Return right and all images of each fold, by protocol."""
    return [
        (one.protocol.name, ", ".join(f"{fold.number}: {fold.right}/{len(fold.rows)}" for fold in one.run.folds))
        for one in benchmark.headlines
    ]


def bootstrap_rows(benchmark: Benchmark) -> list[Row]:
    """Return the percentile intervals of the bootstrap over groups, of the figures that it is computed for."""
    rows = []
    for name in FIGURES:
        if all(name in one.bootstrap for one in benchmark.headlines):
            ends = [one.bootstrap[name] for one in benchmark.headlines]
            cells = tuple(Cell(f"{low:.4f} to {high:.4f}") for low, high in ends)
            rows.append(Row(NAMES[name] + (", macro" if name in MACRO else ""), cells, ()))
    return rows
