"""The folder of a comparison: claimed before the work starts, filled when it is done."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from leukolens.assess.comparison_figure import NAME, draw_comparison
from leukolens.assess.comparison_files import comparison_csv, comparison_json, comparison_markdown
from leukolens.assess.comparison_page import comparison_page
from leukolens.finding import OutputError
from leukolens.finding.output import put_files, try_folder

if TYPE_CHECKING:
    from pathlib import Path

    from leukolens.assess.comparison import Comparison

COMPARISON_FILE: Final = "compare.json"
FILES: Final = (
    *("compare.html", "compare.md", "compare.csv"),
    *(f"{NAME}.png", f"{NAME}.svg"),
    *("manifest.json", COMPARISON_FILE),
)
"""All that `write_comparison` can write."""
_TODO: Final = "make room, or choose another --out"
_ROOM: Final = 1 << 20


def claim_comparison(folder: Path, *, overwrite: bool = False) -> None:
    """See that the folder can be written to and holds no file that would be written over.

    Parameters
    ----------
    folder
        Where it is missing, the first file makes it. Costs measured before, in ``costs.json``, do not hinder.
    overwrite
        Let files that are there be written over.

    Raises
    ------
    OutputError
        It cannot be written to, or holds a file of `FILES` already: a comparison's, or another command's.
    """
    there = [name for name in FILES if (folder / name).exists()]
    if there and not overwrite:
        raise OutputError(
            f"The folder {str(folder)!r} holds files that a comparison writes",
            found=", ".join(there),
            todo="choose another --out, or write over them with --overwrite",
        )
    try_folder(folder, todo=_TODO, size=_ROOM)


def write_comparison(folder: Path, comparison: Comparison, manifest: dict[str, Any]) -> list[str]:
    """Write every file of a comparison.

    Parameters
    ----------
    folder
        From `claim_comparison`.
    comparison
        With costs.
    manifest
        From `run_manifest`.

    Returns
    -------
    list of str
        Names of the files: compare.html first, compare.json last, which so tells that the others are whole.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    drawing = draw_comparison(comparison, source_line(comparison))
    files: dict[str, str | bytes] = {
        "compare.html": comparison_page(comparison, drawing, manifest),
        "compare.md": comparison_markdown(comparison),
        "compare.csv": comparison_csv(comparison),
    }
    if drawing is not None:
        files |= {f"{drawing.name}.png": drawing.png, f"{drawing.name}.svg": drawing.svg}
    files["manifest.json"] = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    files[COMPARISON_FILE] = comparison_json(comparison, manifest)
    return put_files(folder, files, todo=_TODO)


def source_line(comparison: Comparison) -> str:
    """Return what the picture says of where it comes from."""
    stamps = dict.fromkeys(entry.stamp for entry in comparison.trained)
    images = sorted({len(entry.run.rows) for entry in comparison.trained if entry.run is not None})
    return f"{' / '.join(stamps)} | n = {', '.join(map(str, images))}"
