"""One small tree of exceptions. Each message says what was expected, what was found, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar, Final


class LeukolensError(Exception):
    """Anything that leukolens itself reports.

    Parameters
    ----------
    message
        What is wrong, in one clause, with the name of the thing concerned.
    expected, found, todo
        What would have been right, what is there instead, and what the reader can do about it.
    """

    exit_code: ClassVar[int] = 3
    http_status: ClassVar[int] = 500

    def __init__(
        self, message: str, *, expected: str | None = None, found: str | None = None, todo: str | None = None
    ) -> None:
        parts = [message.rstrip(".")]
        if expected:
            parts.append(f"Expected {expected}" + (f", found {found}" if found else ""))
        elif found:
            parts.append(f"Found {found}")
        if todo:
            parts.append(todo[0].upper() + todo[1:])
        super().__init__(" ".join(part if part.endswith("?") else part.rstrip(".") + "." for part in parts))
        self.message = message
        self.expected = expected
        self.found = found
        self.todo = todo


class UsageError(LeukolensError):
    """A wrong option, a missing input, an unknown name."""

    exit_code = 2
    http_status = 400


class OutputError(LeukolensError):
    """An output that cannot be written: no permission, no space, something else already there."""

    exit_code = 2
    http_status = 507


class DataError(LeukolensError):
    """A data set, manifest or split file that is not what it should be."""

    exit_code = 2
    http_status = 422


class BundleError(LeukolensError):
    """A model bundle that is incomplete, damaged or of an unknown layout."""

    exit_code = 2
    http_status = 503


class ImageError(LeukolensError):
    """One input that cannot be read as an image. The rest of a folder goes on."""

    exit_code = 1
    http_status = 415


class ImageTooLargeError(ImageError):
    """An image over the limits of bytes or pixels; nothing of it was decoded."""

    http_status = 413


class CheckFailedError(LeukolensError):
    """A check that the caller asked for did not pass."""

    exit_code = 4
    http_status = 422


_MOST_LISTED: Final = 60


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which known name was probably meant.

    Parameters
    ----------
    name
        The name that is not known.
    known
        All names that are.

    Returns
    -------
    str
        A sentence such as ``Did you mean 'adam'? Known: adam, sgd.`` Of very many names only the nearest are listed.
        A name that begins with what was given is nearer than one that is spelt alike.
    """
    known = list(known)
    longer = sorted((one for one in known if name and one.startswith(name)), key=len)
    close = list(dict.fromkeys([*longer, *difflib.get_close_matches(name, known, n=5, cutoff=0.5)]))[:5]
    hint = f"Did you mean {close[0]!r}? " if close else ""
    if len(known) > _MOST_LISTED:
        return f"{hint}{len(known)} names are known{', the nearest: ' + ', '.join(close) if close else ''}."
    return f"{hint}Known: {', '.join(known)}."
