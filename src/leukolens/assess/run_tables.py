"""The tables that a run leaves, checked row by row: test predictions, and the times of its epochs."""

from __future__ import annotations

import csv
import math
from typing import TYPE_CHECKING, Final, NamedTuple

from leukolens.assess.predictions import SUM_TOLERANCE
from leukolens.finding import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ROUNDED: Final = 2e-6
"""Probabilities that differ by less can be one number in tables with six decimals, which older versions wrote."""
_TODO: Final = "bring the file back, or train again"


class Row(NamedTuple):
    """One predicted image; `probabilities` (C,) in the order of the run's classes, `predicted` the highest of them."""

    path: str
    sha256: str
    label: str
    predicted: str
    probabilities: tuple[float, ...]


def read_rows(path: Path, classes: Sequence[str]) -> tuple[Row, ...]:
    """Read ``predictions-test.csv``.

    Parameters
    ----------
    path
        Where it lies.
    classes
        The run's classes; the label and the prediction are among them.

    Raises
    ------
    DataError
        It cannot be read, lacks a column, or a row's numbers are no probabilities or speak for another class than
        its column ``predicted``; the message names file and image.
    """
    columns = [f"p {name}" for name in classes]
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return tuple(_row(row, columns, classes, path) for row in csv.DictReader(stream))
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        found = f"no column {error}" if isinstance(error, KeyError) else str(error)
        raise DataError(
            f"{str(path)!r} is no table of predictions",
            expected=f"path, sha256, label, predicted, {', '.join(columns)}",
            found=found[:200],
            todo=_TODO,
        ) from error


def _row(cells: Mapping[str, str], columns: Sequence[str], classes: Sequence[str], path: Path) -> Row:
    numbers = tuple(float(cells[column]) for column in columns)
    row = Row(cells["path"], cells["sha256"], cells["label"], cells["predicted"], numbers)
    if reason := _wrong(row, classes):
        expected, found = reason
        raise DataError(
            f"{str(path)!r} says what cannot be of the image {row.path!r}", expected=expected, found=found, todo=_TODO
        )
    # With six decimals two classes can tie; the figures take the first, and so does the count of right images.
    return row._replace(predicted=classes[numbers.index(max(numbers))])


def _wrong(row: Row, classes: Sequence[str]) -> tuple[str, str] | None:
    """Return what was expected and found, None where nothing is wrong."""
    numbers = row.probabilities
    whole = all(math.isfinite(one) and one >= 0 for one in numbers) and abs(sum(numbers) - 1) <= SUM_TOLERANCE
    if not whole:
        return "probabilities from 0 to 1 that sum to 1", ", ".join(f"{one:g}" for one in numbers)
    for name in (row.label, row.predicted):
        if name not in classes:
            return f"one of {', '.join(classes)}", repr(name)
    if numbers[classes.index(row.predicted)] < max(numbers) - ROUNDED:
        highest = classes[numbers.index(max(numbers))]
        return f"as 'predicted' the class of the highest probability, {highest!r}", repr(row.predicted)
    return None


def read_times(path: Path) -> tuple[float | None, float | None, int]:
    """Return seconds by the clock and by the processor, and epochs; None where an epoch has none."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            epochs = list(csv.DictReader(stream))
        clock, processor = (
            sum(float(row[name]) for row in epochs) if epochs and all(row.get(name) for row in epochs) else None
            for name in ("seconds", "processor_seconds")
        )
    except (OSError, ValueError, csv.Error):
        return None, None, 0
    return clock, processor, len(epochs)
