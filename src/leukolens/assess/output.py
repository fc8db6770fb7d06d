"""The folder of an evaluation: claimed before the work starts, filled when it is done."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from leukolens.assess.figures import draw_all
from leukolens.assess.page import created, page
from leukolens.assess.results import metrics_json
from leukolens.assess.tables import patients_csv, predictions_csv, risk_coverage_csv, stress_csv
from leukolens.assess.worst import errors_page
from leukolens.finding import OutputError
from leukolens.finding.output import put_files, try_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from leukolens.assess.about import About
    from leukolens.assess.evaluation import Evaluation
    from leukolens.assess.requirements import Checked
    from leukolens.assess.worst import Pictures

METRICS_FILE: Final = "metrics.json"
_TODO: Final = "make room, or choose another --out"
_ROOM: Final = 1 << 21
"""Bytes that the pages, the drawings and the tables of a small evaluation take."""


def claim_folder(folder: Path, *, overwrite: bool = False) -> None:
    """See that the folder can be written to and holds no other evaluation.

    Parameters
    ----------
    folder
        Where it is missing, the first file makes it.
    overwrite
        Let an evaluation that is there be written over.

    Raises
    ------
    OutputError
        It cannot be written to, or holds an evaluation already.
    """
    try_folder(folder, todo=_TODO, size=_ROOM)
    if (folder / METRICS_FILE).exists() and not overwrite:
        raise OutputError(
            f"The folder {str(folder)!r} holds an evaluation already",
            found=METRICS_FILE,
            todo="choose another --out, or write over it with --overwrite",
        )


def write_evaluation(
    folder: Path,
    evaluation: Evaluation,
    about: About,
    manifest: dict[str, Any],
    checked: Sequence[Checked] = (),
    pictures: Pictures | None = None,
) -> list[str]:
    """Write every file of an evaluation.

    Parameters
    ----------
    folder
        From `claim_folder`.
    evaluation, about, manifest, checked
        What to write, see `leukolens.assess.page.page`.
    pictures
        Gives the pixels of an image for the page of the worst errors, see `leukolens.assess.worst.errors_page`.

    Returns
    -------
    list of str
        Names of the files: report.html first, metrics.json last, which so tells that the others are whole.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    drawings = draw_all(evaluation, source_line(evaluation, about))
    files: dict[str, str | bytes] = {
        "report.html": page(evaluation, about, drawings, manifest, checked),
        "errors.html": errors_page(evaluation, about, created(manifest), pictures),
        "predictions.csv": predictions_csv(evaluation),
        "risk-coverage.csv": risk_coverage_csv(evaluation),
    }
    if evaluation.patients is not None:
        files["patients.csv"] = patients_csv(evaluation)
    if evaluation.stressed:
        files["stress.csv"] = stress_csv(evaluation)
    for drawing in drawings:
        files |= {f"{drawing.name}.png": drawing.png, f"{drawing.name}.svg": drawing.svg}
    files["manifest.json"] = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    files[METRICS_FILE] = metrics_json(evaluation, about, checked)
    return put_files(folder, files, todo=_TODO)


def source_line(evaluation: Evaluation, about: About) -> str:
    """Return what a picture says of where it comes from."""
    stamp = evaluation.selection.stamp
    return f"{about.bundle} {about.version} on {about.data} | {stamp.short} | n = {len(evaluation.items)}"
