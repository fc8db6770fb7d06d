"""Folders for output, tried before any work is done for them."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Final

from leukolens.finding.errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path

_SPARE_BYTES: Final = 2**20
_PROBE_BYTES: Final = 2**16


def probe_folder(out: Path, needed: int) -> None:
    """Make a folder for output and try it, before any work is done for it.

    Parameters
    ----------
    out
        The folder; made where it is missing.
    needed
        Bytes that will be written.

    Raises
    ------
    OutputError
        It cannot be made or written, or has too little space.
    """
    probe = out / f".leukolens-{os.getpid()}.probe"
    try:
        out.mkdir(parents=True, exist_ok=True)
        try:
            with probe.open("wb") as stream:
                stream.write(bytes(_PROBE_BYTES))
                stream.flush()
                os.fsync(stream.fileno())
        finally:
            probe.unlink(missing_ok=True)
        free = shutil.disk_usage(out).free
    except OSError as error:
        raise OutputError(
            f"the folder {str(out)!r} cannot be written",
            found=error.strerror or str(error),
            todo="Choose another folder, or make space",
        ) from error
    if free < needed + _SPARE_BYTES:
        raise OutputError(
            f"the folder {str(out)!r} has too little space",
            expected=f"{(needed + _SPARE_BYTES) / 2**20:.0f} MiB",
            found=f"{free / 2**20:.0f} MiB",
            todo="Make space, or choose another folder",
        )
