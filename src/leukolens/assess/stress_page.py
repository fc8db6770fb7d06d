"""The page of a stress test: one HTML file that opens without a network and prints well."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from leukolens.assess.stress_words import (
    COLUMNS,
    about_cells,
    by_group,
    fallen_sentence,
    find_cautions,
    lead,
    methods_used,
    write_row,
)
from leukolens.finding import CLASS_NOTE
from leukolens.report.templating import page_environment, page_values
from leukolens.smear.sources import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leukolens.assess.about import About
    from leukolens.assess.drawing import Drawing
    from leukolens.assess.stress_outcome import StressResult, StressTest

_PACKAGE: Final = "leukolens.assess"


def stress_page(test: StressTest, about: About, drawings: Sequence[Drawing], manifest: dict[str, Any]) -> str:
    """Return ``report.html``.

    Parameters
    ----------
    test
        All that was found.
    about
        What was tested, on what.
    drawings
        Pictures, which are put into the page.
    manifest
        From `run_manifest`.

    Returns
    -------
    str
        HTML with style and pictures inside, no script, nothing loaded from elsewhere.
    """
    attribution = test.attribution
    values = page_values(_PACKAGE, "evaluation.css") | {
        "about": about,
        "stamp": test.selection.stamp,
        "created": str(manifest["time"]).replace("T", " ").replace("+00:00", " UTC"),
        "class_note": CLASS_NOTE,
        "level": f"{100 * test.settings.level:g} %",
        "lead": lead(test),
        "fallen": test.fallen,
        "fallen_sentence": fallen_sentence(test),
        "cautions": [printable(one) for one in find_cautions(test)],
        "cells": about_cells(test),
        "worth": None if attribution is None or attribution.share.value is None else _worth(test),
        "columns": COLUMNS,
        "plain": _row(test.results[0]),
        "groups": [
            {"name": name, "meaning": meaning, "rows": [_row(one) for one in results]}
            for name, meaning, results in by_group(test)
        ],
        "drawings": [
            {
                "title": one.title,
                "description": one.description,
                "source": "data:image/svg+xml;base64," + base64.b64encode(one.svg).decode("ascii"),
            }
            for one in drawings
        ],
        "unread": [{"path": printable(one.path), "reason": printable(one.reason)} for one in test.unread],
        "methods": methods_used(test),
        "facts": _facts(test, about, manifest),
    }
    return page_environment(_PACKAGE).get_template("stress.html.j2").render(values)


def _row(result: StressResult) -> dict[str, Any]:
    return {"name": result.name, "cells": write_row(result)}


def _worth(test: StressTest) -> list[tuple[str, str]]:
    """Return what each set of players is worth, as balanced accuracy."""
    found = test.attribution
    if found is None:
        return []
    values = {
        "cells and background: the pictures as they are": found.both,
        "cells alone: on the background of a picture drawn from all classes": found.cells,
        "background alone: cells removed": found.background,
        "neither: chance": found.nothing,
        "worth of the cells (Shapley)": found.phi_cells,
        "worth of the background (Shapley)": found.phi_background,
    }
    return [(name, f"{100 * value:.1f} %") for name, value in values.items()]


def _facts(test: StressTest, about: About, manifest: dict[str, Any]) -> list[tuple[str, str]]:
    stamp, settings, code = test.selection.stamp, test.settings, manifest["code"]
    facts = [
        ("bundle", f"{about.bundle} {about.version} ({about.architecture}), SHA-256 {about.bundle_sha256}"),
        ("engine", f"{about.engine}, {about.precision}"),
        ("data", f"{about.data}, SHA-256 {about.data_sha256}"),
        ("images", str(len(test.items))),
        ("quality gates", "none: every answer counts, also of pictures that screening would send to review"),
        ("counted together", test.selection.grouping),
        ("split", stamp.sentence if stamp.split_sha256 is None else f"{stamp.short}; SHA-256 {stamp.split_sha256}"),
        ("partners and bootstrap", f"seed {settings.seed}, {settings.replicates} replicates"),
        ("code", f"leukolens {manifest['leukolens']}" + (f", commit {code['commit'][:12]}" if code else "")),
        ("time", str(manifest["time"])),
    ]
    return [(name, value) for name, value in facts if value]
