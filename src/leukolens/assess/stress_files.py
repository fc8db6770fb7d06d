"""A stress test as files that programs read: ``stress.json`` and ``stress.csv``; and the folder with all of them."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from leukolens.assess.laboratory import typical_differences
from leukolens.assess.stress_figures import draw_stresses
from leukolens.assess.stress_kinds import FLAT
from leukolens.assess.stress_page import stress_page
from leukolens.assess.stress_words import figures_of, find_cautions, methods_used
from leukolens.finding import CLASS_NOTE, RESEARCH_USE, OutputError
from leukolens.finding.output import csv_text, put_files, try_folder
from leukolens.finding.paths import plain

if TYPE_CHECKING:
    from pathlib import Path

    from leukolens.assess.about import About
    from leukolens.assess.stress_outcome import StressResult, StressTest
    from leukolens.statistics.intervals import Estimate

RESULT_FILE: Final = "stress.json"
_TODO: Final = "make room, or choose another --out"
_ROOM: Final = 1 << 20


def claim_stress_folder(folder: Path, *, overwrite: bool = False) -> None:
    """See that the folder can be written to and holds no other stress test.

    Raises
    ------
    OutputError
        It cannot be written to, or holds one already.
    """
    try_folder(folder, todo=_TODO, size=_ROOM)
    if (folder / RESULT_FILE).exists() and not overwrite:
        raise OutputError(
            f"The folder {str(folder)!r} holds a stress test already",
            found=RESULT_FILE,
            todo="choose another --out, or write over it with --overwrite",
        )


def write_stress_test(folder: Path, test: StressTest, about: About, manifest: dict[str, Any], rows: str) -> list[str]:
    """Write every file of a stress test.

    Parameters
    ----------
    folder
        From `claim_stress_folder`.
    test, about, manifest
        What to write, see `leukolens.assess.stress_page.stress_page`.
    rows
        From `stress_rows`: the file whose hash stands in the log of looks.

    Returns
    -------
    list of str
        Names of the files: report.html first, stress.json last, which so tells that the others are whole.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    drawings = draw_stresses(test, source_line(test, about))
    files: dict[str, str | bytes] = {
        "report.html": stress_page(test, about, drawings, manifest),
        "stress.csv": rows,
    }
    for drawing in drawings:
        files |= {f"{drawing.name}.png": drawing.png, f"{drawing.name}.svg": drawing.svg}
    files["manifest.json"] = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    files[RESULT_FILE] = json.dumps(stress_content(test, about), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return put_files(folder, files, todo=_TODO)


def source_line(test: StressTest, about: About) -> str:
    """Return what a picture says of where it comes from."""
    return f"{about.bundle} {about.version} on {about.data} | {test.selection.stamp.short} | n = {len(test.items)}"


def stress_rows(test: StressTest) -> str:
    """Return one row an image and stress: stress, path, label, predicted, group, ``p CLASS``..."""
    classes = test.results[0].predictions.classes
    rows = [["stress", "path", "label", "predicted", "group", *(f"p {name}" for name in classes[:-1])]]
    for result in test.results:
        winners, groups = result.predictions.predicted, result.predictions.groups
        for index, item in enumerate(test.items):
            values = [f"{value:.6f}" for value in result.predictions.probabilities[index, :-1]]
            group = item.patient or ("" if groups is None else f"#{groups[index]}")
            rows.append([result.name, plain(item.path), item.label, classes[winners[index]], group, *values])
    return csv_text(rows)


def stress_content(test: StressTest, about: About) -> dict[str, Any]:
    """Return the content of ``stress.json``: JSON-like, no number in it is NaN or infinite."""
    settings, attribution = test.settings, test.attribution
    flat = test.result(FLAT)
    return {
        "schema": "1",
        "kind": "leukolens stress test",
        "use": RESEARCH_USE,
        "class_note": CLASS_NOTE,
        "bundle": {"name": about.bundle, "version": about.version, "sha256": about.bundle_sha256},
        "data": {"name": about.data, "sha256": about.data_sha256, "grouping": test.selection.grouping},
        "split": asdict(test.selection.stamp),
        "training": asdict(about.training),
        "quality_gates": False,
        "cautions": find_cautions(test),
        "images": len(test.items),
        "unread": [asdict(one) for one in test.unread],
        "left_out": [{"stress": name, "reason": reason} for name, reason in test.left_out],
        "level": settings.level,
        "bootstrap": {"replicates": settings.replicates, "seed": settings.seed},
        "negative_classes": list(settings.negative_classes),
        "threshold": settings.threshold,
        "methods": dict(methods_used(test)),
        "difference_between_laboratories": typical_differences(),
        "cells": {
            "share_of_score": None if attribution is None else _estimate(attribution.share),
            "attribution": None
            if attribution is None
            else {name: value for name, value in asdict(attribution).items() if name != "share"},
            "background_shown_minus_removed": None if flat is None else _estimate(flat.loss.balanced_accuracy),
            "answer_falls_without_cells": test.fallen,
        },
        "stresses": [_result(one) for one in test.results],
    }


def _result(result: StressResult) -> dict[str, Any]:
    stress = result.stress
    about = (
        {}
        if stress is None
        else {"family": stress.family, "group": stress.group, "strength": stress.strength, "unit": stress.unit}
    )
    return {"name": result.name, **about, **{name: _estimate(own) for name, own in figures_of(result).items()}}


def _estimate(figure: Estimate) -> dict[str, Any]:
    content = asdict(figure)
    if not figure.note:
        del content["note"]
    return content
