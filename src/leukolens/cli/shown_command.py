"""The command line as results show it: with the names of files only, so that it can be shown to others."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def shown_command(words: Sequence[str], options: Iterable[tuple[str, object]]) -> str:
    """Return a command line, quoted for a shell.

    Parameters
    ----------
    words
        The verb, and what it works on.
    options
        Each option and its value; one whose value is None was not given.
    """
    given = [word for name, value in options if value is not None for word in (name, str(value))]
    return shlex.join(["leukolens", *words, *given])


def last_part(name: str) -> str:
    """Return the name of a bundle or recipe without the folders before it, on whatever system it was written."""
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2] or name
