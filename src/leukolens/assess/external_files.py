"""An external report as files: ``report.html``, ``external.json``, ``images.csv``, ``manifest.json``."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from leukolens.assess.external_figures import FIGURES
from leukolens.assess.wording import Written, counted, write_figure
from leukolens.finding import CLASS_NOTE, RESEARCH_USE, OutputError
from leukolens.finding.output import csv_text, put_files, try_folder
from leukolens.finding.paths import plain
from leukolens.report.templating import page_environment, page_values
from leukolens.smear.sources import printable
from leukolens.statistics.intervals import METHODS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from leukolens.assess.external import Laboratory, Report
    from leukolens.assess.external_figures import Image
    from leukolens.data.openings import Openings
    from leukolens.statistics.intervals import Estimate

RESULT_FILE: Final = "external.json"
TITLES: Final = {
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "auc": "AUC",
    "other_called": "other leukaemias called ALL",
    "subtype": "own label given",
    "without_label": "without a label",
    "no_white_cells": "no white cells",
    "refused": "refused",
}
"""What the names in `FIGURES` are called for people."""
_PACKAGE: Final = "leukolens.assess"
_TODO: Final = "make room, or choose another --out"
_ROOM: Final = 1 << 20


@dataclass(frozen=True)
class AboutBundle:
    """What was judged, and by which command.

    Attributes
    ----------
    bundle, version, sha256, engine, precision
        Of the bundle and of what ran it.
    labels
        Of the field network.
    command
        The command line, with file names only.
    scales
        Of each site, in a sentence, what was brought to scale.
    data
        Of each site, the notes of its data set.
    looks
        Of each site, how often it has been looked at.
    """

    bundle: str
    version: str
    sha256: str
    engine: str
    precision: str
    labels: tuple[str, ...]
    command: str
    scales: dict[str, str]
    data: dict[str, tuple[str, ...]]
    looks: dict[str, Openings] = field(default_factory=dict)


def claim_external(folder: Path, *, overwrite: bool) -> None:
    """See that the folder can be written to and holds no other report.

    Raises
    ------
    OutputError
        It cannot be written to, or holds one already.
    """
    try_folder(folder, todo=_TODO, size=_ROOM)
    if (folder / RESULT_FILE).exists() and not overwrite:
        raise OutputError(
            f"The folder {str(folder)!r} holds an external report already",
            found=RESULT_FILE,
            todo="choose another --out, or write over it with --overwrite",
        )


def write_external(folder: Path, report: Report, about: AboutBundle, manifest: dict[str, Any]) -> list[str]:
    """Write every file, ``external.json`` last, which so tells that the others are whole.

    Returns
    -------
    list of str
        Names of the files.
    """
    files = {
        "report.html": external_page(report, about, manifest),
        "images.csv": images_csv(report, about.labels),
        "manifest.json": json.dumps(manifest, indent=2, ensure_ascii=False) + "\n",
        RESULT_FILE: json.dumps(external_json(report, about), indent=2, ensure_ascii=False) + "\n",
    }
    return put_files(folder, files, todo=_TODO)


def external_json(report: Report, about: AboutBundle) -> dict[str, Any]:
    """Return everything but the single images as JSON-like values."""
    used = {figure.method for row in (*report.laboratories, *report.pooled) for figure in row.figures.values()}
    return {
        "schema": "1",
        "kind": "leukolens external report",
        "use": RESEARCH_USE,
        "class_note": CLASS_NOTE,
        "bundle": {"name": about.bundle, "version": about.version, "sha256": about.sha256},
        "threshold": report.threshold,
        "level": report.level,
        "laboratories": [_row_json(row) for row in report.laboratories],
        "pooled": [_row_json(row) for row in report.pooled],
        "scales": about.scales,
        "openings": {name: look.as_json() for name, look in about.looks.items()},
        "data_notes": {name: [plain(note) for note in notes] for name, notes in about.data.items()},
        "unread": [{**asdict(one), "path": plain(one.path)} for one in report.unread],
        "methods": {name: METHODS[name] for name in METHODS if name in used},
    }


def _row_json(row: Laboratory) -> dict[str, Any]:
    return {
        "name": row.name,
        "site": row.site or None,
        "laboratories": row.laboratories,
        "seen": asdict(row.seen),
        "images": row.images,
        "counts": row.counts,
        "subjects": row.subjects,
        "figures": {name: _estimate(figure) for name, figure in row.figures.items()},
        "notes": list(row.notes),
    }


def _estimate(figure: Estimate) -> dict[str, Any]:
    content = asdict(figure)
    if not figure.note:
        del content["note"]
    return content


def images_csv(report: Report, labels: tuple[str, ...]) -> str:
    """Return one row an image: where it is from, what it shows, what was said, at which scale, ``p CLASS``..."""
    header = ["site", "laboratory", "path", "sha256", "label", "truth", "subject", "group", "p_all", "given", "novelty"]
    rows = [[*header, "refused", "white_cells", "um_per_px", "scale", "windows", *(f"p {name}" for name in labels)]]
    rows += [_image_row(image, labels) for image in report.images]
    return csv_text(rows)


def _image_row(image: Image, labels: tuple[str, ...]) -> list[str]:
    answer, item, scale = image.answer, image.item, image.answer.scale
    values = [math.nan] * len(labels) if answer.probabilities is None else answer.probabilities.tolist()
    um_per_px = "" if scale.um_per_px is None else " x ".join(f"{value:.5g}" for value in scale.um_per_px)
    return [
        image.site,
        image.laboratory,
        plain(item.path),
        item.sha256 or "",
        item.label,
        image.truth,
        item.patient or "",
        str(image.group),
        _decimal(image.p_all),
        answer.label or "",
        _decimal(answer.novelty),
        answer.refused,
        "no" if answer.bare else "yes",
        um_per_px,
        scale.source,
        str(answer.windows),
        *(_decimal(value) for value in values),
    ]


def _decimal(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.6f}"


def shown_figures(report: Report) -> list[str]:
    """Return the names of the figures that any row has, in the order of `FIGURES`."""
    return [name for name in FIGURES if any(name in row.figures for row in (*report.laboratories, *report.pooled))]


def row_cells(row: Laboratory, names: Iterable[str]) -> list[Written | None]:
    """Return these figures of a row for people; None where its images do not allow one."""
    return [
        write_figure("auc" if name == "auc" else "sensitivity", row.figures[name]) if name in row.figures else None
        for name in names
    ]


def row_name(row: Laboratory) -> str:
    """Return what a row is called: the laboratory, and its data set where that is called otherwise."""
    if not row.site:
        what = "all together" if row.name == "all" else "never seen" + ", together" * (row.laboratories > 1)
        return f"{what} ({row.laboratories})"
    return printable(row.name if row.name == row.site else f"{row.site}: {row.name}")


def row_counts(row: Laboratory) -> str:
    """Return how many images a row has of what, and how many subjects."""
    words = {"ALL": "ALL", "none": "without leukaemia", "other leukaemia": "other leukaemia"}
    counts = ", ".join(f"{n} {words[truth]}" for truth, n in row.counts.items() if n)
    subjects = f", {counted(row.subjects, 'subject')}" if row.subjects else ""
    return f"{counted(row.images, 'image')} ({counts}){subjects}"


def lead(report: Report) -> str:
    """Return in a sentence how many laboratories there are, and how many of them were never seen."""
    total, images = len(report.laboratories), len(report.images)
    counts = dict.fromkeys(("never seen", "seen in training", "cannot be told"), 0)
    for row in report.laboratories:
        counts[row.seen.status] += 1
    if total == 1:
        known = report.laboratories[0].seen.status
        told = "whether it was seen in training cannot be told" if known == "cannot be told" else str(known)
    else:
        told = ", ".join(
            f"for {n} it cannot be told" if status == "cannot be told" else f"{n} {status}"
            for status, n in counts.items()
            if n
        )
    return f"{counted(images, 'image')} of {counted(total, 'laboratory', 'laboratories')}: {told}."


def external_page(report: Report, about: AboutBundle, manifest: dict[str, Any]) -> str:
    """Return ``report.html``: one page, style inside, no script, nothing loaded from elsewhere."""
    code, shown = manifest["code"], shown_figures(report)
    methods = {figure.method for row in (*report.laboratories, *report.pooled) for figure in row.figures.values()}
    values = page_values(_PACKAGE, "evaluation.css", "external.css") | {
        "about": about,
        "created": str(manifest["time"]).replace("T", " ").replace("+00:00", " UTC"),
        "class_note": CLASS_NOTE,
        "lead": lead(report),
        "level": f"{100 * report.level:g} %",
        "threshold": f"{report.threshold:g}",
        "columns": [TITLES[name] for name in shown],
        "rows": [_page_row(row, shown) for row in report.laboratories],
        "pooled": [_page_row(row, shown) for row in report.pooled],
        "scales": [(printable(name), sentence) for name, sentence in about.scales.items() if sentence],
        "data": [(printable(name), [printable(note) for note in notes]) for name, notes in about.data.items() if notes],
        "looks": [(printable(name), look.sentence) for name, look in about.looks.items()],
        "unread": [(printable(f"{one.site}: {one.path}"), printable(one.reason)) for one in report.unread],
        "facts": [
            ("bundle", f"{about.bundle} {about.version}, SHA-256 {about.sha256}"),
            ("engine", f"{about.engine}, {about.precision}"),
            ("code", f"leukolens {manifest['leukolens']}" + (f", commit {code['commit'][:12]}" if code else "")),
            ("command", about.command),
        ],
        "methods": [(name, METHODS[name]) for name in METHODS if name in methods],
    }
    return page_environment(_PACKAGE).get_template("external.html.j2").render(values)


def _page_row(row: Laboratory, shown: Iterable[str]) -> dict[str, Any]:
    return {
        "name": row_name(row),
        "counts": row_counts(row),
        "status": row.seen.status,
        "seen": row.seen.sentence,
        "cells": row_cells(row, shown),
        "notes": row.notes,
    }
