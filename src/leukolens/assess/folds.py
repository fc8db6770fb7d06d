"""All folds of a cross-validation as one: every image predicted once, every fold told, what is missing said."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from leukolens.assess.confusion import accuracy, recall
from leukolens.assess.run_figures import FIGURES, figures_of, in_common_order, predictions_of, stamp_of
from leukolens.assess.run_groups import Grouping, Recovered, group_images_of, split_of
from leukolens.assess.runs import FoldRun, Run, check_one_kind, fold_folders, join_folds
from leukolens.assess.wording import write_figure
from leukolens.finding import CLASS_NOTE, RESEARCH_USE, DataError
from leukolens.finding.output import csv_text, put_files
from leukolens.finding.paths import plain
from leukolens.statistics.intervals import METHODS, Estimate
from leukolens.train.layout import FOLD, SUMMARY_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from leukolens.data.split import Split

FOLDS_JSON: Final = "folds.json"
FOLDS_TABLE: Final = "folds.md"
POOLED: Final = "predictions-test.csv"
_TODO: Final = "make room, or give the folder back its permissions"


@dataclass(frozen=True)
class Folds:
    """What the folds of one run say together.

    Attributes
    ----------
    run
        The finished folds, pooled.
    grouping
        Which images count together.
    figures
        By the names of `run_figures.FIGURES`, over all test images of the finished folds.
    recall
        By class.
    by_fold
        Accuracy of each fold of `run`.
    missing
        Folds that are not there or not finished, each with what is known of it.
    images
        How many images all folds together predict, as far as it is known; at least the number predicted.
    """

    run: Run
    grouping: Grouping
    figures: Mapping[str, Estimate]
    recall: Mapping[str, Estimate]
    by_fold: tuple[Estimate, ...]
    missing: tuple[str, ...]
    images: int

    @property
    def whole(self) -> bool:
        """Whether every image of the split is predicted."""
        return not self.missing


def aggregate_folds(
    folder: Path, *, count: int | None = None, splits: Sequence[Split] = (), recovered: Recovered | None = None
) -> Folds:
    """Pool the test sides of the folds in a folder.

    Parameters
    ----------
    folder
        Holds fold-0, fold-1, ..., from ``leukolens train --fold all``.
    count
        How many folds the split has, where the caller knows; else it is read from the split file, or gathered from the
        numbers of images.
    splits
        Split files at hand.
    recovered
        Groups of an audit, to count images together by.

    Returns
    -------
    Folds

    Raises
    ------
    DataError
        No fold is finished, folds are of different runs, an image is predicted twice, or the folder holds a single run
        as well.
    """
    check_one_kind(folder)
    folders = fold_folders(folder)
    done = [one for one in folders if (one / SUMMARY_FILE).is_file()]
    if not done:
        raise DataError(
            f"{str(folder)!r} holds no finished fold",
            expected=f"{FOLD}0, {FOLD}1, ... with {SUMMARY_FILE}",
            todo="train them: leukolens train ... --fold all",
        )
    run = join_folds(done, folder, folder.name)
    begun = {int(one.name.removeprefix(FOLD)) for one in folders}
    missing, images = missing_folds(run, begun=begun, count=count, splits=splits)
    grouping = group_images_of([run], splits, recovered)
    predictions = predictions_of(in_common_order(run.rows), run.classes, grouping)
    by_class = {run.classes[index]: recall(predictions, int(index)) for index in predictions.present}
    by_fold = tuple(accuracy(predictions_of(fold.rows, run.classes, grouping)) for fold in run.folds)
    return Folds(run, grouping, figures_of(predictions), by_class, by_fold, missing, images)


def missing_folds(
    run: Run, *, begun: set[int] | None = None, count: int | None = None, splits: Sequence[Split] = ()
) -> tuple[tuple[str, ...], int]:
    """Say which folds of a split a pooled run lacks, and how many images all folds together predict.

    Where neither `count` nor the split file tells how many folds there are, the folds' own sizes do: several folds test
    every image once, so that fewer tested images than one fold has on its sides mean that folds are missing.
    """
    split = split_of(run, splits)
    known = count if count is not None else None if split is None else len(split.folds)
    numbers = {fold.number for fold in run.folds}
    last = max(numbers | (begun or set())) + 1
    lacking = sorted(set(range(max(known or 0, last))) - numbers)
    said = [f"fold {number} is {'not finished' if number in (begun or ()) else 'not there'}" for number in lacking]
    tested = len(run.rows)
    images = max(tested, len(split.items) if split is not None else max(fold.images for fold in run.folds))
    if not said and tested < images and (known is None or known > 1):
        said.append(f"{images - tested} images are predicted by no fold that is there")
    return tuple(said), images


def write_folds(folder: Path, *, count: int | None = None, recovered: Recovered | None = None) -> Folds:
    """Write ``folds.json``, ``folds.md`` and the pooled ``predictions-test.csv`` into a folder of folds.

    Parameters
    ----------
    folder, count, recovered
        As in `aggregate_folds`.

    Raises
    ------
    DataError
        See `aggregate_folds`.
    OutputError
        A file cannot be written.
    """
    folds = aggregate_folds(folder, count=count, recovered=recovered)
    files = {
        POOLED: pooled_csv(folds.run),
        FOLDS_TABLE: folds_table(folds),
        FOLDS_JSON: json.dumps(folds_content(folds), indent=2, ensure_ascii=False, allow_nan=False) + "\n",
    }
    put_files(folder, files, todo=_TODO)
    return folds


def pooled_csv(run: Run) -> str:
    """Return one row an image: fold, path, sha256, label, predicted, ``p CLASS``..."""
    header = ["fold", "path", "sha256", "label", "predicted", *(f"p {name}" for name in run.classes)]
    rows = [
        [
            str(fold.number),
            plain(row.path),
            row.sha256,
            row.label,
            row.predicted,
            *(f"{value:.9g}" for value in row.probabilities),
        ]
        for fold in run.folds
        for row in fold.rows
    ]
    return csv_text([header, *rows])


def folds_line(folds: Folds) -> str:
    """Return the result in a line."""
    run = folds.run
    total, right = len(run.rows), sum(fold.right for fold in run.folds)
    written = write_figure("accuracy", folds.figures["accuracy"])
    each = ", ".join(f"{fold.right}/{len(fold.rows)}" for fold in run.folds)
    shared = f" {run.stamp.shared.sentence()}" if run.stamp.shared else ""
    lacking = f" MISSING: {'; '.join(folds.missing)}." if folds.missing else ""
    return (
        f"{len(run.folds)} folds: {right} of {total} right, accuracy {written.value} (95 % interval {written.range}); "
        f"fold by fold {each}. {stamp_of(run)}.{shared}{lacking}"
    )


def folds_content(folds: Folds) -> dict[str, Any]:
    """Return the content of ``folds.json``."""
    run = folds.run
    estimates = {**folds.figures, **folds.recall}
    wrong = [row for row in run.rows if row.label != row.predicted]
    return {
        "schema": "1",
        "kind": "leukolens folds",
        "use": RESEARCH_USE,
        "class_note": CLASS_NOTE,
        "split": run.stamp.content() | {"short": stamp_of(run)},
        "whole": folds.whole,
        "missing": list(folds.missing),
        "images": {"predicted": len(run.rows), "expected": folds.images},
        "counted_together": folds.grouping.words,
        "errors": len(wrong),
        "overall": {name: asdict(folds.figures[name]) for name in FIGURES},
        "recall": {name: asdict(estimate) for name, estimate in folds.recall.items()},
        "folds": [
            {
                "fold": fold.number,
                "n": len(fold.rows),
                "right": fold.right,
                **_limits(own),
                "epochs": fold.epochs,
                "seconds": fold.seconds,
                "processor_seconds": fold.processor_seconds,
                "device": fold.device,
            }
            for fold, own in zip(run.folds, folds.by_fold, strict=True)
        ],
        "methods": {name: METHODS[name] for name in METHODS if name in {one.method for one in estimates.values()}},
        "wrong": [{"path": plain(row.path), "label": row.label, "predicted": row.predicted} for row in wrong],
        "run": dict(run.identity),
        "manifest": {key: value for key, value in run.manifest.items() if key != "configuration"},
    }


def _limits(estimate: Estimate) -> dict[str, Any]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}


def folds_table(folds: Folds) -> str:
    """Return ``folds.md``."""
    run = folds.run
    figures = [write_figure(name, folds.figures[name], macro=True) for name in FIGURES]
    recalls = [(name, write_figure("recall", one)) for name, one in folds.recall.items()]
    lines = [
        f"# {run.identity['recipe'].get('name', 'unknown')}, fold by fold",
        "",
        folds_line(folds),
        "",
        "| fold | right | of | accuracy | 95 % interval |",
        "| --- | --- | --- | --- | --- |",
        *(_fold_line(fold, own) for fold, own in zip(run.folds, folds.by_fold, strict=True)),
        *(f"| {said} | | | | |" for said in folds.missing),
        "",
        "| all folds together | value | 95 % interval |",
        "| --- | --- | --- |",
        *(f"| {one.name} | {one.value} | {one.range} |" for one in figures),
        *(f"| recall of {name} | {one.value} | {one.range} |" for name, one in recalls),
        "",
        f"Images counted together: {folds.grouping.words}.",
        "",
        f"{RESEARCH_USE} {CLASS_NOTE}",
        "",
    ]
    return "\n".join(lines)


def _fold_line(fold: FoldRun, accuracy_of_fold: Estimate) -> str:
    written = write_figure("accuracy", accuracy_of_fold)
    return f"| {fold.number} | {fold.right} | {len(fold.rows)} | {written.value} | {written.range} |"
