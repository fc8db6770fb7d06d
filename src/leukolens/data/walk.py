"""Listing the image files below a folder, safely."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from leukolens.finding import DataError
from leukolens.finding.paths import is_image_name, natural_key

_NOT_DATA = frozenset({"__MACOSX"})


def subfolders(folder: Path) -> list[str]:
    """Return the names of the folders in `folder`, hidden ones left out, in natural order."""
    with _scan(folder) as entries:
        return sorted((e.name for e in entries if _is_data_folder(e)), key=natural_key)


def images_in(folder: Path) -> list[str]:
    """Return the names of the image files directly in `folder`, in natural order."""
    with _scan(folder) as entries:
        return sorted((e.name for e in entries if is_image_name(e.name) and _is_file(e)), key=natural_key)


def images_below(folder: Path) -> tuple[list[str], list[str]]:
    """List the image files below a folder, following links to folders at most once each.

    Parameters
    ----------
    folder
        Where to start.

    Returns
    -------
    images : list of str
        Paths relative to `folder`, "/" between the parts, in natural order.
    odd : list of str
        What carries the name of an image and is none: broken links, pipes, devices.

    Raises
    ------
    DataError
        A folder cannot be listed.
    """
    images: list[str] = []
    odd: list[str] = []
    seen: set[tuple[int, int]] = set()
    # Real folders are walked before links, so that a file reachable both ways gets its real path.
    waiting, links = [""], list[str]()
    while waiting or links:
        relative = waiting.pop() if waiting else links.pop()
        place = folder / relative if relative else folder
        identity = _identity(place)
        if identity in seen:
            continue
        seen.add(identity)
        with _scan(place) as entries:
            for entry in entries:
                path = f"{relative}/{entry.name}" if relative else entry.name
                if _is_data_folder(entry):
                    (links if entry.is_symlink() else waiting).append(path)
                elif is_image_name(entry.name):
                    (images if _is_file(entry) else odd).append(path)
        links.sort(key=natural_key, reverse=True)
    return sorted(images, key=natural_key), sorted(odd, key=natural_key)


def _scan(folder: Path) -> os._ScandirIterator[str]:
    try:
        return os.scandir(folder)
    except OSError as error:
        raise DataError(
            f"The folder {str(folder)!r} cannot be listed",
            expected="a folder that may be read",
            found=error.strerror or type(error).__name__,
            todo="check the path and its permissions",
        ) from error


def _identity(folder: Path) -> tuple[int, int]:
    info = folder.stat()
    return info.st_dev, info.st_ino


def _is_data_folder(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith(".") or entry.name in _NOT_DATA:
        return False
    try:
        return entry.is_dir()
    except OSError:  # a link that leads back to itself
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return stat.S_ISREG(entry.stat().st_mode)
    except OSError:
        return False
