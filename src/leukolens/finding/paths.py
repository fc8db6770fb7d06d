"""Paths as people and programs meet them: in the order that a person counts, as plain text, and named like images."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePath
from typing import Final

IMAGE_SUFFIXES: Final = frozenset({".bmp", ".dib", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
"""Endings that name an image, in lower case. What is inside is decided by reading the file."""

_DIGITS = re.compile("([0-9]+)")

PathKey = tuple[tuple[tuple[str | int, ...], ...], str]


def is_image_name(name: str) -> bool:
    """Tell whether a file name looks like an image and is not hidden."""
    return not name.startswith(".") and PurePath(name).suffix.lower() in IMAGE_SUFFIXES


def natural_key(path: str) -> PathKey:
    """Return a sorting key under which ``img-2`` comes before ``img-10``.

    Parameters
    ----------
    path
        A relative path with "/" between its parts.

    Returns
    -------
    tuple
        Compares part by part, numbers as numbers, without regard to case; the path itself decides what is left.
        It depends neither on the locale nor on the order in which a file system lists its files.
    """
    return tuple(_part_key(part) for part in path.split("/")), path


def _part_key(part: str) -> tuple[str | int, ...]:
    # Splitting at a captured group alternates text and digits, so position decides the type and no str meets an int.
    pieces = _DIGITS.split(unicodedata.normalize("NFC", part).casefold())
    return tuple(int(piece) if position % 2 else piece for position, piece in enumerate(pieces))


def plain(path: str) -> str:
    r"""Return a path as text that JSON can hold: bytes that are no Unicode are written as ``\udc..``."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")
