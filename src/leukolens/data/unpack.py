"""Unpacking an archive that somebody else made."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Final

from leukolens.finding import DataError, OutputError

_ZIP_ERRORS: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError)


@dataclass(frozen=True)
class UnpackLimits:
    """What an archive may hold at most."""

    files: int = 50_000
    bytes_per_file: int = 64 << 20
    bytes_in_all: int = 4 << 30


def unpack(archive: Path, folder: Path, limits: UnpackLimits = UnpackLimits()) -> int:
    """Unpack a ZIP archive into a folder and never beside it.

    All names and declared sizes are looked at before the first file is written, and the sizes hold while writing.

    Parameters
    ----------
    archive
        The file.
    folder
        An existing folder.
    limits
        Number and size of files.

    Returns
    -------
    int
        How many files were written.

    Raises
    ------
    DataError
        Not a ZIP archive, damaged, encrypted, over the limits, or with a name that leads out of the folder.
    OutputError
        The folder cannot be written to.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = [entry for entry in opened.infolist() if not entry.is_dir()]
            _within_limits(archive, entries, limits)
            targets = [folder.joinpath(*_parts(archive, entry)) for entry in entries]
            for entry, target in zip(entries, targets, strict=True):
                _write(opened, entry, target)
    except _ZIP_ERRORS as error:
        raise DataError(
            f"{archive.name} is no whole ZIP archive",
            found=str(error) or type(error).__name__,
            todo="delete it and fetch it again",
        ) from error
    except FileNotFoundError as error:
        raise DataError(f"{str(archive)!r} is not there", todo="fetch it") from error
    return len(entries)


def _within_limits(archive: Path, entries: list[zipfile.ZipInfo], limits: UnpackLimits) -> None:
    largest = max((entry.file_size for entry in entries), default=0)
    in_all = sum(entry.file_size for entry in entries)
    for what, found, allowed in (
        ("files", len(entries), limits.files),
        ("bytes in one file", largest, limits.bytes_per_file),
        ("bytes in all", in_all, limits.bytes_in_all),
    ):
        if found > allowed:
            raise DataError(f"{archive.name} holds too much", expected=f"at most {allowed} {what}", found=str(found))


def _parts(archive: Path, entry: zipfile.ZipInfo) -> tuple[str, ...]:
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    link = stat.S_ISLNK(entry.external_attr >> 16)
    if link or path.is_absolute() or PureWindowsPath(entry.filename).drive or ".." in path.parts or not path.parts:
        raise DataError(
            f"{archive.name} holds {entry.filename!r}, which would be written outside its folder",
            expected="plain files with relative names",
            found="a link" if link else "a name that leads out",
            todo="do not use this archive; fetch it again from its source",
        )
    return path.parts


def _write(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    # ZipExtFile never yields more than the declared size, and checks the CRC at the end.
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with opened.open(entry) as source, target.open("xb") as file:
            shutil.copyfileobj(source, file, 1 << 18)
    except OSError as error:
        raise OutputError(
            f"{str(target)!r} cannot be written",
            found=error.strerror or type(error).__name__,
            todo="make room, or choose another folder",
        ) from error
