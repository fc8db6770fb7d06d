"""``pictures.csv``: what was measured in each picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leukolens.audit.steps import Missing
from leukolens.finding.output import csv_text
from leukolens.finding.paths import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leukolens.audit.run import Audit

COLUMNS: Final = (
    "path",
    "label",
    "width",
    "height",
    "focus",
    "exposure",
    "clipped",
    "stain",
    "burned_in",
    "squeeze",
    "p_label",
    "looks_like",
    "outlier_z",
)


def encode_pictures(audit: Audit) -> bytes:
    """Return the file's bytes: one row a readable picture, empty where nothing is known.

    `p_label` is the probability of its label by the classifier that did not learn from it, `looks_like` the class that
    it is sure to show where that is another one, and `outlier_z` is given for outliers only.
    """
    doubts = _doubts(audit)
    far = {} if isinstance(audit.outliers, Missing) else {one.index: one.z for one in audit.outliers}
    rows: list[Sequence[object]] = [COLUMNS]
    for number, (entry, measured) in enumerate(zip(audit.entries, audit.measured, strict=True)):
        light = measured.light
        shares = (light.focus, light.exposure, light.clipped, light.stain, light.burned_in, light.squeeze)
        probability, suggested = doubts.get(number, (None, ""))
        rows.append(
            [
                plain(entry.path),
                plain(entry.label),
                entry.width,
                entry.height,
                *map(_number, shares),
                _number(probability),
                plain(suggested),
                _number(far.get(number)),
            ]
        )
    return csv_text(rows).encode("utf-8")


def _doubts(audit: Audit) -> dict[int, tuple[float, str]]:
    found = audit.labels
    if isinstance(found, Missing):
        return {}
    rows = zip(found.indices, found.labels, found.confidence.shown, found.probabilities, strict=True)
    return {
        int(index): (float(own[label]), "" if shown == label else found.classes[shown])
        for index, label, shown, own in rows
    }


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
