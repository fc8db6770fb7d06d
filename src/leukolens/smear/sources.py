"""From a path to bytes, without ever waiting on something that is no ordinary file."""

from __future__ import annotations

import os
import stat
from contextlib import closing
from typing import TYPE_CHECKING, Final

from leukolens.finding import ImageError
from leukolens.smear.limits import Limits, check_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_OTHER_KINDS: Final[tuple[tuple[Callable[[int], bool], str], ...]] = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe (FIFO)"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
)
_JOINERS: Final = "\u200c\u200d"  # change how Persian, Indic and emoji names are drawn; they do no harm
_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)  # a FIFO put in the file's place between stat and open must not block
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_CHUNK: Final = 8 * 2**20


def printable(text: str | os.PathLike[str]) -> str:
    r"""Return a name or message that can be printed, logged and written as JSON.

    Bytes of a file name that are no valid text, line breaks, terminal sequences and marks that turn the reading
    direction are written as escapes; every other character stays.

    Parameters
    ----------
    text
        A path, or text from a file or a library.

    Returns
    -------
    str
        Text without surrogates and control characters.

    Examples
    --------
    >>> printable("\udcff.png")
    '\\udcff.png'
    """
    return "".join(
        char if char.isprintable() or char in _JOINERS else char.encode("unicode_escape").decode("ascii")
        for char in os.fspath(text)
    )


def read_bytes(path: Path, limits: Limits) -> bytes:
    """Read a regular file once, and never more of it than the limit.

    Parameters
    ----------
    path
        The file; symbolic links are followed.
    limits
        ``max_bytes`` bounds what is read, also of a file that grows meanwhile.

    Returns
    -------
    bytes
        The file's content, at least one byte.

    Raises
    ------
    ImageTooLargeError
        The file is over the limit.
    ImageError
        It is missing, unreadable, empty, or no regular file.
    """
    try:
        _check_regular(os.stat(path), limits)  # noqa: PTH116 - before opening: to open a device can have effects
        with closing(_Descriptor(os.open(path, _FLAGS))) as file:
            size = _check_regular(os.fstat(file.number), limits)
            data = _read_at_most(file.number, limits.max_bytes + 1, size)
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise _explain(error) from error
    return check_given(data, limits)


def check_given(data: bytes, limits: Limits) -> bytes:
    """Check the content of a file, from wherever it came.

    Parameters
    ----------
    data
        The content.
    limits
        ``max_bytes`` bounds it.

    Returns
    -------
    bytes
        `data` itself, at least one byte.

    Raises
    ------
    ImageTooLargeError
        `data` is over the limit.
    ImageError
        `data` is empty.
    """
    check_bytes(len(data), limits)
    if not data:
        raise ImageError("the file is empty", expected="a picture", found="0 bytes", todo="copy the file again")
    return data


class _Descriptor:
    """A file descriptor that is closed in any case."""

    def __init__(self, number: int) -> None:
        self.number = number

    def close(self) -> None:
        os.close(self.number)


def _check_regular(status: os.stat_result, limits: Limits) -> int:
    if not stat.S_ISREG(status.st_mode):
        kind = next((name for test, name in _OTHER_KINDS if test(status.st_mode)), "something else")
        raise ImageError("it is no ordinary file", expected="a picture file", found=kind)
    check_bytes(status.st_size, limits)
    return status.st_size


def _read_at_most(descriptor: int, most: int, size: int) -> bytes:
    """Read to the end or to `most` bytes; `size` is only what the file said of itself."""
    first = os.read(descriptor, min(size + 1, most))
    parts, total = [first], len(first)
    # Read on until nothing comes: a file may grow, and one read may return less than it was asked for.
    while total < most and (part := os.read(descriptor, min(_CHUNK, most - total))):
        parts.append(part)
        total += len(part)
    return first if len(parts) == 1 else b"".join(parts)


def _explain(error: OSError | ValueError) -> ImageError:
    if isinstance(error, FileNotFoundError):
        return ImageError("there is no such file", todo="check the path")
    if isinstance(error, PermissionError):
        return ImageError("permission to read it is missing", todo="give this user the right to read the file")
    if isinstance(error, OSError):
        return ImageError("the system could not read it", found=printable(error.strerror or str(error)))
    return ImageError("the name is not possible", found=printable(str(error)))
