"""Output that can be relied on: a folder tried before the work, files there whole or not at all, one form of CSV."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leukolens.finding.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_BLOCK: Final = 1 << 16
_SPARE: Final = 1 << 20


def try_folder(folder: Path, *, todo: str, size: int = _BLOCK) -> None:
    """Write as much as will be written into a folder later, so that no work ends at a full disk.

    Parameters
    ----------
    folder
        Where it is missing it stays so: whoever is refused before the first file leaves no empty folder behind. That it
        can be made with its parents is tried under a name of its own, beside which other processes may do the same.
    todo
        What the reader of the error can do, such as "choose another --out".
    size
        Bytes that will be needed, about.

    Raises
    ------
    OutputError
        It cannot be made or written to, or is full.
    """
    block = os.urandom(_BLOCK)  # zeros would take no room on a disk that compresses
    try:
        with _trial(folder) as place, tempfile.TemporaryFile(dir=place) as probe:
            for start in range(0, size, _BLOCK):
                probe.write(block[: size - start])
            probe.flush()
            os.fsync(probe.fileno())  # a network's disk tells only now that it is full
    except OSError as error:
        raise OutputError(
            f"The folder {str(folder)!r} cannot be written to", found=reason_of(error), todo=todo
        ) from error


@contextlib.contextmanager
def _trial(folder: Path) -> Iterator[Path]:
    """Give the folder where it is there, else one that is made like it and removed again."""
    there = _nearest_there(folder)
    missing = _absolute(folder).relative_to(there)
    if missing == Path():
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix=".leukolens-", dir=there) as own:
        place = Path(own) / missing
        place.mkdir(parents=True, exist_ok=True)
        yield place


def _nearest_there(path: Path) -> Path:
    """Return the path, or the nearest of its parents that is there; a link that leads nowhere is there."""
    place = _absolute(path)
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    return place


def _absolute(path: Path) -> Path:
    # Not resolve(): it would follow a link that leads nowhere, to where nothing can be made by the name given.
    return Path(os.path.abspath(path))  # noqa: PTH100


def probe_folder(folder: Path, needed: int) -> None:
    """Try a folder like `try_folder`, for more bytes than one would write to try.

    Parameters
    ----------
    folder
        As in `try_folder`; where it is missing it stays so.
    needed
        Bytes that will be written; a mebibyte more must be free.

    Raises
    ------
    OutputError
        It cannot be made or written to, or has too little space.
    """
    try_folder(folder, todo="choose another folder, or make space")
    free = shutil.disk_usage(_nearest_there(folder)).free
    if free < needed + _SPARE:
        raise OutputError(
            f"The folder {str(folder)!r} has too little space",
            expected=f"{(needed + _SPARE) / 2**20:.0f} MiB",
            found=f"{free / 2**20:.0f} MiB",
            todo="make space, or choose another folder",
        )


def put_file(path: Path, content: bytes, *, todo: str) -> None:
    """Write a file whole or not at all.

    Parameters
    ----------
    path
        A file of this name is replaced, and stays as it was where that fails. Its folder is made where it is missing.
    content
        What to write.
    todo
        What the reader of the error can do.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        raise OutputError(f"{str(path)!r} cannot be written", found=reason_of(error), todo=todo) from error
    finally:
        with contextlib.suppress(OSError):  # gone already, or never made
            part.unlink()


def put_files(folder: Path, files: Mapping[str, str | bytes], *, todo: str) -> list[str]:
    """Write the files of a result in their order, the last of which so tells that the others are whole.

    Parameters
    ----------
    folder
        The last one's former version is taken away from it first.
    files
        Content by name, one at least; text becomes UTF-8.
    todo
        What the reader of the error can do.

    Returns
    -------
    list of str
        The names.

    Raises
    ------
    OutputError
        One cannot be written.
    """
    names = list(files)
    with contextlib.suppress(OSError):
        (folder / names[-1]).unlink(missing_ok=True)
    for name, content in files.items():
        put_file(folder / name, content.encode("utf-8") if isinstance(content, str) else content, todo=todo)
    return names


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """Return rows of cells as CSV, lines ended by a line feed; None gives an empty cell."""
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def reason_of(error: OSError) -> str:
    """Return what the system says, without the path, which the message names already."""
    return error.strerror or type(error).__name__
