"""What ``leukolens evaluate`` tells people at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from leukolens.assess.page import lead
from leukolens.assess.scores import LEUKAEMIA, OVERALL
from leukolens.assess.wording import Written, write_all, write_figure, write_points
from leukolens.cli.console import output_console
from leukolens.finding import CLASS_NOTE, RESEARCH_USE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from leukolens.assess.evaluation import Evaluation
    from leukolens.assess.requirements import Checked
    from leukolens.assess.results import About
    from leukolens.assess.scores import Scores


def tell(
    evaluation: Evaluation, about: About, checked: Sequence[Checked], out: Path | None, files: Sequence[str]
) -> None:
    """Print the figures, where they come from, and where the files are.

    Parameters
    ----------
    evaluation, about, checked
        What was found.
    out, files
        The folder and the names in it; None where nothing was written.
    """
    console = output_console()
    stamp = evaluation.selection.stamp
    console.print(Text(f"{about.bundle} {about.version} on {about.data}: {lead(evaluation)}", style="bold"))
    console.print(Text(f"{stamp.short}. {stamp.sentence}", style="red" if stamp.leaky else ""))
    opened = () if about.openings is None else (about.openings.sentence,)
    for sentence in (about.training.sentence, *opened, *about.warnings):
        console.print(Text(sentence))
    console.print(figures_table(evaluation.scores))
    console.print(classes_table(evaluation.scores))
    if evaluation.stressed:
        console.print(stress_table(evaluation))
    if checked:
        console.print(requirements_table(checked))
    console.print(Text(CLASS_NOTE, style="dim"))
    console.print(Text(RESEARCH_USE, style="bold"))
    place = (
        "Nothing was written: --out FOLDER writes page and files." if out is None else f"In {out}: {', '.join(files)}"
    )
    console.print(Text(place), soft_wrap=True)


def figures_table(scores: Scores) -> Table:
    """Return the figures over all classes, and those of leukaemia or not."""
    table = _table("figure", "value", "95 % interval")
    for written in write_all(scores.overall, OVERALL, macro=True):
        _add(table, written.name, written)
    if scores.leukaemia is not None:
        for written in write_all(scores.leukaemia.figures, LEUKAEMIA):
            _add(table, f"leukaemia: {written.name}", written)
    return table


def _add(table: Table, name: str, written: Written) -> None:
    table.add_row(Text(name), written.value, written.range)


def classes_table(scores: Scores) -> Table:
    """Return recall, precision, specificity and AUC of each class."""
    names = ("recall", "precision", "specificity", "auc")
    table = _table("class", "images", *names[:3], "AUC")
    for name, images in zip(scores.classes, scores.support, strict=True):
        cells = [write_figure(metric, scores.by_class[name][metric]) for metric in names]
        table.add_row(Text(name), str(images), *(f"{cell.value}\n[dim]{cell.range}[/dim]" for cell in cells))
    return table


def stress_table(evaluation: Evaluation) -> Table:
    """Return what each stress costs, in points."""
    table = _table("stress", "accuracy", "points lost", "balanced accuracy", "points lost")
    for stressed in evaluation.stressed:
        cells = (
            write_figure("accuracy", stressed.accuracy),
            write_points(stressed.loss.accuracy),
            write_figure("balanced_accuracy", stressed.balanced_accuracy),
            write_points(stressed.loss.balanced_accuracy),
        )
        table.add_row(stressed.name, *(f"{cell.value}\n[dim]{cell.range}[/dim]" for cell in cells))
    return table


def requirements_table(checked: Sequence[Checked]) -> Table:
    """Return each requirement with what was found."""
    table = _table("required", "found", "met")
    for one in checked:
        found = "not defined" if one.found is None else f"{one.found:.6g}"
        table.add_row(Text(one.requirement.text), found, "yes" if one.met else Text("no", style="red"))
    return table


def _table(first: str, *rest: str) -> Table:
    table = Table(box=SIMPLE)
    table.add_column(first, overflow="fold")
    for name in rest:
        table.add_column(name, justify="right", no_wrap=True)
    return table
