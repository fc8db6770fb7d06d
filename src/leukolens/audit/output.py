"""The folder of an audit: claimed before the work starts, filled when it is done."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from leukolens.audit.page import page
from leukolens.audit.picture_table import encode_pictures
from leukolens.finding import OutputError
from leukolens.finding.output import put_files, try_folder

if TYPE_CHECKING:
    from pathlib import Path

    from leukolens.audit.findings import AuditResult
    from leukolens.audit.run import Audit

AUDIT_FILE: Final = "audit.json"
_TODO: Final = "make room, or choose another --out"
_ROOM: Final = 5 << 20
_ROOM_PER_IMAGE: Final = 2048
"""Bytes of the page with full galleries, and of a picture's lines in all files together, generously."""


def claim_folder(folder: Path, images: int, *, overwrite: bool = False) -> None:
    """See that the folder can be written to and holds no other audit.

    Parameters
    ----------
    folder
        Where it is missing, the first file makes it.
    images
        How many the data set has.
    overwrite
        Let an audit that is there be written over.

    Raises
    ------
    OutputError
        It cannot be written to, or holds an audit already.
    """
    if not overwrite and (folder / AUDIT_FILE).exists():
        raise OutputError(
            f"The folder {str(folder)!r} holds an audit already",
            found=AUDIT_FILE,
            todo="choose another --out, or write over it with --overwrite",
        )
    try_folder(folder, todo=_TODO, size=_ROOM + images * _ROOM_PER_IMAGE)


def write_audit(folder: Path, audit: Audit, result: AuditResult, manifest: dict[str, Any]) -> list[str]:
    """Write every file of an audit.

    Parameters
    ----------
    folder
        From `claim_folder`.
    audit, result, manifest
        What to write.

    Returns
    -------
    list of str
        Names of the files: report.html first, audit.json last, which so tells that the others are whole.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    files = {
        "report.html": page(audit, result, manifest).encode("utf-8", "backslashreplace"),
        "groups.csv": audit.groups_csv,
        "pictures.csv": encode_pictures(audit),
        "manifest.json": (json.dumps(manifest, indent=2) + "\n").encode("ascii"),
        AUDIT_FILE: result.to_json().encode("ascii"),
    }
    return put_files(folder, files, todo=_TODO)
