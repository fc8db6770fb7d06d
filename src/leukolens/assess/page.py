"""The page of an evaluation: one HTML file that opens without a network and prints well."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from leukolens.assess.against import FIGURES as AGAINST
from leukolens.assess.comparison_cells import Cell, write_difference, write_p
from leukolens.assess.patients import FIGURES as PATIENT_FIGURES
from leukolens.assess.patients import RULE
from leukolens.assess.scores import OVERALL, PER_CLASS, leukaemia_names
from leukolens.assess.selective import FIGURES as SELECTIVE
from leukolens.assess.wording import NAMES, Written, write_all, write_figure, write_points
from leukolens.finding import CLASS_NOTE
from leukolens.report.templating import page_environment, page_values
from leukolens.smear.sources import printable
from leukolens.statistics.intervals import METHODS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leukolens.assess.about import About
    from leukolens.assess.against import Compared
    from leukolens.assess.drawing import Drawing
    from leukolens.assess.evaluation import Evaluation
    from leukolens.assess.perturbed import Stressed
    from leukolens.assess.requirements import Checked

_PACKAGE: Final = "leukolens.assess"
ERRORS_SHOWN: Final = 25


def page(
    evaluation: Evaluation,
    about: About,
    drawings: Sequence[Drawing],
    manifest: dict[str, Any],
    checked: Sequence[Checked] = (),
) -> str:
    """Return ``report.html``.

    Parameters
    ----------
    evaluation
        All that was found.
    about
        What was evaluated, on what.
    drawings
        Pictures, which are put into the page.
    manifest
        From `run_manifest`.
    checked
        Requirements and whether they are met.

    Returns
    -------
    str
        HTML with style and pictures inside, no script, nothing loaded from elsewhere.
    """
    values = page_values(_PACKAGE, "evaluation.css") | {
        "about": about,
        "stamp": evaluation.selection.stamp,
        "created": created(manifest),
        "class_note": CLASS_NOTE,
        "level": f"{100 * evaluation.settings.level:g} %",
        "drawings": [
            {"title": one.title, "description": one.description, "source": _inline(one.svg)} for one in drawings
        ],
        "checked": [_checked_row(one) for one in checked],
        "facts": _facts(evaluation, about, manifest),
    }
    return page_environment(_PACKAGE).get_template("evaluation.html.j2").render(values | _tables(evaluation))


def created(manifest: dict[str, Any]) -> str:
    """Return when it was made, as people read it."""
    return str(manifest["time"]).replace("T", " ").replace("+00:00", " UTC")


def _inline(svg: bytes) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode("ascii")


def _tables(evaluation: Evaluation) -> dict[str, Any]:
    scores = evaluation.scores
    two_sided = scores.leukaemia
    methods = {figure.method for figure in evaluation.figures().values()}
    errors = _errors(evaluation)
    return {
        "lead": lead(evaluation),
        "caption": f"{evaluation.selection.stamp.short}; {len(evaluation.items)} images{_unread(evaluation)}.",
        "tiles": _tiles(evaluation),
        "overall": write_all(scores.overall, OVERALL, macro=True),
        "leukaemia": write_all(two_sided.figures, leukaemia_names(two_sided.prevalences)) if two_sided else [],
        "leukaemia_negative": ", ".join(two_sided.negative_classes) if two_sided else "",
        "leukaemia_threshold": f"{two_sided.threshold:.6g}" if two_sided else "",
        "threshold_rule": evaluation.settings.threshold_source.rule,
        "selective": [
            {"order": order, "figures": write_all(own.figures, SELECTIVE)} for order, own in scores.selective.items()
        ],
        "patients": _patients(evaluation),
        "against": [_against_row(one) for one in evaluation.against],
        "bootstrap": _bootstrap_rows(evaluation),
        "grouped": evaluation.predictions.groups is not None,
        "class_columns": [NAMES[name] for name in PER_CLASS],
        "classes": [
            {"name": name, "images": images, "cells": write_all(scores.by_class[name], PER_CLASS)}
            for name, images in zip(scores.classes, scores.support, strict=True)
        ],
        "stresses": [_stress_row(one) for one in evaluation.stressed],
        "confusions": [
            {
                "label": pair.label,
                "predicted": pair.predicted,
                "count": pair.count,
                "share": write_figure("recall", pair.share),
            }
            for pair in scores.confusions
        ],
        "errors": errors[:ERRORS_SHOWN],
        "error_count": len(errors),
        "unread": [{"path": printable(one.path), "reason": printable(one.reason)} for one in evaluation.unread],
        "methods": [(name, METHODS[name]) for name in METHODS if name in methods],
    }


def lead(evaluation: Evaluation) -> str:
    """Return the result in a sentence."""
    accuracy = evaluation.scores.overall["accuracy"]
    total = len(evaluation.items)
    right = int(np.trace(evaluation.scores.matrix))
    written = write_figure("accuracy", accuracy)
    sentence = f"{right} of {total} images right: accuracy {written.value} ({written.range})."
    if accuracy.groups is not None:
        return f"{sentence[:-1]}, from {accuracy.groups} groups of images that belong together."
    return sentence


def _tiles(evaluation: Evaluation) -> list[Written]:
    scores = evaluation.scores
    tiles = write_all(scores.overall, ("accuracy", "balanced_accuracy", "auc", "f1"), macro=True)
    if scores.leukaemia is not None:
        tiles += write_all(scores.leukaemia.figures, ("sensitivity", "specificity"))
        tiles[-2:] = [Written(f"leukaemia: {one.name}", one.value, one.range, one.note) for one in tiles[-2:]]
    return tiles


def _patients(evaluation: Evaluation) -> dict[str, Any] | None:
    own = evaluation.patients
    if own is None:
        return None
    return {
        "count": len(own.names),
        "sick": int(own.positive.sum()),
        "left_out": own.left_out,
        "rule": f"{RULE}, {own.threshold:.6g}",
        "figures": write_all(own.figures, PATIENT_FIGURES),
    }


def _against_row(one: Compared) -> dict[str, Any]:
    differences = [write_difference(name, one.differences[name]) for name in AGAINST]
    cells = [Cell(str(one.test.first_only)), Cell(str(one.test.second_only)), Cell(write_p(one.test.p))]
    return {"name": f"{one.name} ({one.bundle})", "cells": [*cells, Cell(write_p(one.adjusted)), *differences]}


def _bootstrap_rows(evaluation: Evaluation) -> list[tuple[Written, str]]:
    """Return the figures over all images beside their percentile intervals."""
    rows = []
    for name, figure in evaluation.scores.flat().items():
        kind, _, rest = name.partition(".")
        if name not in OVERALL and kind != "leukaemia":
            continue
        written = write_figure(rest or name, figure, macro=not rest)
        limits = evaluation.bootstrap.get(name)
        beside = (
            "" if limits is None else write_figure(rest or name, replace(figure, low=limits[0], high=limits[1])).range
        )
        rows.append((replace(written, name=f"leukaemia: {written.name}") if rest else written, beside))
    return rows


def _stress_row(stressed: Stressed) -> dict[str, Any]:
    cells = [
        write_figure("accuracy", stressed.accuracy),
        write_points(stressed.loss.accuracy),
        write_figure("balanced_accuracy", stressed.balanced_accuracy),
        write_points(stressed.loss.balanced_accuracy),
    ]
    return {"name": stressed.name, "cells": cells}


def _checked_row(checked: Checked) -> dict[str, Any]:
    found = "not defined" if checked.found is None else f"{checked.found:.6g}"
    return {"text": checked.requirement.text, "found": found, "met": checked.met}


def _errors(evaluation: Evaluation) -> list[dict[str, str]]:
    predictions = evaluation.predictions
    wrong = np.flatnonzero(predictions.predicted != predictions.labels)
    sure = predictions.probabilities.max(axis=1)
    order = wrong[np.argsort(-sure[wrong], kind="stable")]
    return [
        {
            "path": printable(evaluation.items[index].path),
            "label": evaluation.items[index].label,
            "predicted": predictions.classes[predictions.predicted[index]],
            "probability": f"{sure[index]:.3f}",
        }
        for index in order
    ]


def _facts(evaluation: Evaluation, about: About, manifest: dict[str, Any]) -> list[tuple[str, str]]:
    stamp, settings = evaluation.selection.stamp, evaluation.settings
    code = manifest["code"]
    outside = int((~evaluation.in_domain).sum())
    facts = [
        ("bundle", f"{about.bundle} {about.version} ({about.architecture}), SHA-256 {about.bundle_sha256}"),
        ("engine", f"{about.engine}, {about.precision}"),
        ("data", f"{about.data}, SHA-256 {about.data_sha256}"),
        ("images", _images(evaluation)),
        ("outside the domain", f"{outside} images, which screening would send to review without a class; judged here"),
        ("counted together", evaluation.selection.grouping),
        ("split", stamp.sentence if stamp.split_sha256 is None else f"{stamp.short}; SHA-256 {stamp.split_sha256}"),
        ("kept on one side", stamp.grouping),
        ("bootstrap", f"{settings.replicates} replicates, seed {settings.seed}"),
        ("code", f"leukolens {manifest['leukolens']}" + (f", commit {code['commit'][:12]}" if code else "")),
        ("time", str(manifest["time"])),
    ]
    return [(name, value) for name, value in facts if value]


def _images(evaluation: Evaluation) -> str:
    accuracy = evaluation.scores.overall["accuracy"]
    groups = "" if accuracy.groups is None else f" in {accuracy.groups} groups"
    return f"{len(evaluation.items)}{groups}{_unread(evaluation)}"


def _unread(evaluation: Evaluation) -> str:
    return f", {len(evaluation.unread)} more could not be read" if evaluation.unread else ""
