"""The files of a report: tried before the work, written whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from leukolens.assess.site.page import site_page
from leukolens.assess.site.result_files import case_results_csv, figures_csv, site_json
from leukolens.finding.output import put_file

if TYPE_CHECKING:
    from pathlib import Path

    from leukolens.assess.site.outcome import Outcome

REPORT_FILE: Final = "report.html"
SITE_FILE: Final = "site.json"
_TODO: Final = "make room, and run the report again"


def write_site(outcome: Outcome, manifest: dict[str, Any], images: Path | None) -> list[str]:
    """Write the report into the folder of the verification.

    Parameters
    ----------
    outcome
        All that was found.
    manifest
        From `leukolens.data.run_manifest.run_manifest`.
    images
        Folder of the pictures; None: no small pictures.

    Returns
    -------
    list of str
        Names of the files: report.html first, site.json last, which so tells that the others are whole.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    folder = outcome.site.folder
    files = {
        REPORT_FILE: site_page(outcome, manifest, images),
        "case-results.csv": case_results_csv(outcome),
        "figures.csv": figures_csv(outcome),
        "manifest.json": json.dumps(manifest, indent=2, ensure_ascii=False) + "\n",
        SITE_FILE: site_json(outcome, manifest),
    }
    for name, content in files.items():
        put_file(folder / name, content.encode("utf-8"), todo=_TODO)
    return list(files)
