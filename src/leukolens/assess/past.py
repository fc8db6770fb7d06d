"""An evaluation that lies in a folder, read back and checked."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from leukolens.assess.run_tables import Row, read_rows
from leukolens.finding import DataError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

METRICS_FILE: Final = "metrics.json"
PREDICTIONS_FILE: Final = "predictions.csv"
KIND: Final = "leukolens evaluation"


class _Record(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class _Bundle(_Record):
    name: str
    version: str
    sha256: str


class _Split(_Record):
    short: str
    side: str | None = None


class _Confusion(_Record):
    classes: Annotated[list[str], Field(min_length=2)]


class _Leukaemia(_Record):
    negative_classes: list[str]


class _Metrics(_Record):
    """Of ``metrics.json``, what is asked for again."""

    kind: str
    bundle: _Bundle
    split: _Split
    confusion: _Confusion
    images: int
    leukaemia: _Leukaemia | None = None


@dataclass(frozen=True)
class PastEvaluation:
    """An evaluation of the past.

    Attributes
    ----------
    name
        Of its folder.
    bundle, bundle_sha256
        Name and version of the model, and SHA-256 of its ``bundle.json``.
    split, side
        The stamp in a few words, and the side of the split; None where all images were taken.
    classes, negative_classes
        In the model's order; those that mean no leukaemia.
    rows
        One an image.
    sha256
        Of ``metrics.json``.
    """

    name: str
    bundle: str
    bundle_sha256: str
    split: str
    side: str | None
    classes: tuple[str, ...]
    negative_classes: tuple[str, ...]
    rows: tuple[Row, ...]
    sha256: str


def read_evaluation(folder: Path) -> PastEvaluation:
    """Read an evaluation back.

    Parameters
    ----------
    folder
        The ``--out`` of ``leukolens evaluate``.

    Returns
    -------
    PastEvaluation

    Raises
    ------
    UsageError
        The folder holds no evaluation.
    DataError
        It holds one that is damaged, or not whole.
    """
    path = folder / METRICS_FILE
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{str(folder)!r} holds no evaluation",
            expected=f"a folder with {METRICS_FILE} and {PREDICTIONS_FILE}, which leukolens evaluate --out writes",
            found=error.strerror or type(error).__name__,
        ) from error
    try:
        metrics = _Metrics.model_validate(json.loads(content))
    except (ValueError, ValidationError) as error:
        raise DataError(
            f"{str(path)!r} is no evaluation's", found=str(error).splitlines()[0], todo="evaluate again"
        ) from error
    if metrics.kind != KIND:
        raise DataError(f"{str(path)!r} is of another kind", expected=KIND, found=metrics.kind)
    classes = tuple(metrics.confusion.classes)
    rows = read_rows(folder / PREDICTIONS_FILE, classes)
    if len(rows) != metrics.images:
        raise DataError(
            f"The files in {str(folder)!r} do not belong together",
            expected=f"{metrics.images} images in {PREDICTIONS_FILE}",
            found=str(len(rows)),
            todo="evaluate again",
        )
    return PastEvaluation(
        name=folder.resolve().name,
        bundle=f"{metrics.bundle.name} {metrics.bundle.version}",
        bundle_sha256=metrics.bundle.sha256,
        split=metrics.split.short,
        side=metrics.split.side,
        classes=classes,
        negative_classes=tuple(metrics.leukaemia.negative_classes) if metrics.leukaemia else (),
        rows=rows,
        sha256=hashlib.sha256(content).hexdigest(),
    )
