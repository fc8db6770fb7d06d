"""What ``leukolens evaluate`` tells people at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from leukolens.assess.comparison_cells import write_difference, write_p
from leukolens.assess.page import lead
from leukolens.assess.patients import FIGURES as PATIENT_FIGURES
from leukolens.assess.scores import OVERALL, leukaemia_names
from leukolens.assess.selective import FIGURES as SELECTIVE
from leukolens.assess.wording import Written, write_all, write_figure, write_points
from leukolens.cli.console import output_console
from leukolens.finding import CLASS_NOTE, RESEARCH_USE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from leukolens.assess.about import About
    from leukolens.assess.evaluation import Evaluation
    from leukolens.assess.requirements import Checked
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
    console.print(figures_table(evaluation))
    if evaluation.scores.leukaemia is not None:
        source = evaluation.settings.threshold_source
        console.print(Text(f"Leukaemia from a probability of {evaluation.settings.threshold:.6g} on: {source.rule}."))
    console.print(classes_table(evaluation.scores))
    if evaluation.against:
        console.print(against_table(evaluation))
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


def figures_table(evaluation: Evaluation) -> Table:
    """Return the figures over all classes, of leukaemia or not, over patients, and when only the surest count."""
    scores = evaluation.scores
    table = _table("figure", "value", "95 % interval")
    for written in write_all(scores.overall, OVERALL, macro=True):
        _add(table, written.name, written)
    if scores.leukaemia is not None:
        for written in write_all(scores.leukaemia.figures, leukaemia_names(scores.leukaemia.prevalences)):
            _add(table, f"leukaemia: {written.name}", written)
    if evaluation.patients is not None:
        for written in write_all(evaluation.patients.figures, PATIENT_FIGURES):
            _add(table, f"{len(evaluation.patients.names)} patients: {written.name}", written)
    for order, curve in scores.selective.items():
        for written in write_all(curve.figures, SELECTIVE):
            _add(table, f"by {order}: {written.name}", written)
    return table


def _add(table: Table, name: str, written: Written) -> None:
    # A figure that is not defined has no interval: the reason stands there.
    table.add_row(Text(name), written.value, Text(written.range or written.note))


def classes_table(scores: Scores) -> Table:
    """Return recall, precision, specificity and AUC of each class."""
    names = ("recall", "precision", "specificity", "auc")
    table = _table("class", "images", *names[:3], "AUC")
    for name, images in zip(scores.classes, scores.support, strict=True):
        cells = [write_figure(metric, scores.by_class[name][metric]) for metric in names]
        table.add_row(Text(name), str(images), *(f"{cell.value}\n[dim]{cell.range}[/dim]" for cell in cells))
    return table


def against_table(evaluation: Evaluation) -> Table:
    """Return what sets this evaluation apart from others of the same images."""
    table = _table("against", "only this right", "only that right", "p", "p (Holm)", "accuracy, points")
    for one in evaluation.against:
        cell = write_difference("accuracy", one.differences["accuracy"])
        counts = (str(one.test.first_only), str(one.test.second_only))
        name = Text(f"{one.name} ({one.bundle})")
        table.add_row(
            name, *counts, write_p(one.test.p), write_p(one.adjusted), f"{cell.value}\n[dim]{cell.range}[/dim]"
        )
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
