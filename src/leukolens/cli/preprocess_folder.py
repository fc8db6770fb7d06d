"""The folder of ``leukolens preprocess``: what an earlier run wrote there, and the record of this one."""

from __future__ import annotations

import json
import re
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Final

from leukolens.finding import OutputError
from leukolens.finding.output import probe_folder, put_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PAGE: Final = "preprocess.html"
RECORD: Final = "preprocess.json"
PICTURES: Final = "pictures"
REMEDY: Final = "choose another --out, or make room"
_STAGE_FILE: Final = re.compile(r"\d\d-[a-z-]+\.png|\.\d\d-[a-z-]+\.png\.\d+\.part")


def check_folder(out: Path, count: int, *, overwrite: bool) -> None:
    """See that so many pictures can be written to the folder.

    Raises
    ------
    OutputError
        It holds something and `overwrite` is not set, or it cannot be written.
    """
    if out.is_dir() and any(out.iterdir()) and not overwrite:
        raise OutputError(
            f"The folder {str(out)!r} holds something already", todo="add --overwrite, or choose another --out"
        )
    probe_folder(out, 1_000_000 * count)


def claim_folder(out: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Take out what an earlier run wrote, and put down what this one is about to write, should it be killed.

    Parameters
    ----------
    out
        The folder.
    rows
        For each picture its `source`, and the `folder` or the `files` that it will be given.
    """
    for path in sorted(own_files(out)):
        path.unlink(missing_ok=True)
        _remove_empty(path.parent, out)
    _remove_empty(out / PICTURES, out)
    (out / PAGE).unlink(missing_ok=True)
    write_record(out, {"status": "running", "pictures": [{**row, "status": "waiting"} for row in rows]})


def write_record(out: Path, record: Mapping[str, Any]) -> None:
    """Write what was done, with the fitted preparation, in the place of what was there."""
    put_file(out / RECORD, (json.dumps(record, indent=2) + "\n").encode(), todo=REMEDY)


def own_files(out: Path) -> set[Path]:
    """Return the pictures in the folder, resolved, of which an earlier run says that it wrote or began them."""
    try:
        rows: Sequence[dict[str, Any]] = json.loads((out / RECORD).read_text("utf-8"))["pictures"]
        files = [out / str(file) for row in rows for file in row.get("files", [])]
        folders = [out / str(row["folder"]) for row in rows if "folder" in row]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return set()
    for folder in folders:
        files += [path for path in folder.glob("*") if _STAGE_FILE.fullmatch(path.name)]
    # A record that names files elsewhere, outright or by a link, removes none of them.
    inside = out.resolve()
    found = {path.resolve() for path in files if PurePath(path).suffix in {".png", ".part"}}
    return {path for path in found if path.is_relative_to(inside) and path.is_file()}


def _remove_empty(folder: Path, out: Path) -> None:
    """Remove a folder below `out`, and those above it up to there, while they are empty."""
    folder, out = folder.resolve(), out.resolve()
    while folder != out and folder.is_relative_to(out) and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
