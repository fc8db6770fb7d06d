"""``SHA256SUMS`` of a bundle: writing it, and checking a folder against it."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path, PurePosixPath
from typing import Final

from leukolens.engine.spec import CARD, LICENCE, SPEC_FILE, SUMS_FILE
from leukolens.finding import BundleError

MAX_FILE_BYTES: Final = 512 * 2**20
MAX_TEXT_BYTES: Final = 4 * 2**20
MAX_FILES: Final = 100
NETWORK_SUFFIXES: Final = frozenset({".onnx", ".ort", ".data", ".bin", ".xml"})
REQUIRED: Final = (SPEC_FILE, CARD, LICENCE)
_LINE = re.compile(r"([0-9a-f]{64}) [ *](\S.*)")
_AGAIN = "Get the bundle again; do not use this one"


def write_sums(folder: Path) -> Path:
    """Write ``SHA256SUMS`` over all files of a bundle's folder, as ``sha256sum -c`` reads it.

    Parameters
    ----------
    folder
        The bundle's folder.

    Returns
    -------
    Path
        The file written.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != SUMS_FILE)
    lines = [f"{_digest(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    sums = folder / SUMS_FILE
    sums.write_text("".join(lines), encoding="utf-8", newline="\n")
    return sums


def verify_sums(folder: Path) -> dict[str, str]:
    """Check every file that ``SHA256SUMS`` lists, and that no network file lies beside them unlisted.

    This guards against corruption, not against a forger, who would write the sums anew.

    Parameters
    ----------
    folder
        The bundle's folder.

    Returns
    -------
    dict
        SHA-256 by file name, relative to the folder.

    Raises
    ------
    BundleError
        Something is missing, changed, unlisted, too large, or leads out of the folder.
    """
    listed = _parse(folder, read_bounded(folder, SUMS_FILE, MAX_TEXT_BYTES))
    missing = [name for name in REQUIRED if name not in listed]
    if missing:
        raise BundleError(
            f"{SUMS_FILE} of the bundle {str(folder)!r} does not list {', '.join(missing)}",
            expected=f"sums of {', '.join(REQUIRED)} and the networks",
            todo=_AGAIN,
        )
    for name, digest in listed.items():
        found = _digest(locate(folder, name))
        if found != digest:
            raise BundleError(
                f"{name} of the bundle {str(folder)!r} is not the file that {SUMS_FILE} describes",
                expected=f"SHA-256 {digest[:16]}...",
                found=f"{found[:16]}...",
                todo=_AGAIN,
            )
    _refuse_unlisted(folder, listed)
    return listed


def locate(folder: Path, name: str) -> Path:
    """Return the path of a bundle's file, refusing names and links that lead out of the folder.

    Raises
    ------
    BundleError
        The name leads out of the folder, or there is no such file, or it is too large.
    """
    parts = PurePosixPath(name).parts
    if PurePosixPath(name).is_absolute() or ".." in parts or "\\" in name or ":" in name:
        raise BundleError(
            f"the bundle {str(folder)!r} names a file outside of itself", expected="plain names", found=repr(name)
        )
    path = folder.joinpath(*parts)
    if not path.is_file():
        raise BundleError(f"the bundle {str(folder)!r} has no file {name}", todo=_AGAIN)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise BundleError(f"{name} of the bundle {str(folder)!r} is a link that leads out of it", todo=_AGAIN)
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise BundleError(
            f"{name} of the bundle {str(folder)!r} is too large",
            expected=f"at most {MAX_FILE_BYTES} bytes",
            found=f"{size}",
        )
    return path


def read_bounded(folder: Path, name: str, limit: int) -> bytes:
    """Read one file of a bundle, at most `limit` bytes of it being right.

    Raises
    ------
    BundleError
        It is missing, too large, or cannot be read.
    """
    path = locate(folder, name)
    try:
        with path.open("rb") as stream:
            content = stream.read(limit + 1)
    except OSError as error:
        raise BundleError(f"{name} of the bundle {str(folder)!r} cannot be read", found=str(error)) from error
    if len(content) > limit:
        raise BundleError(f"{name} of the bundle {str(folder)!r} is too large", expected=f"at most {limit} bytes")
    return content


def _parse(folder: Path, content: bytes) -> dict[str, str]:
    listed: dict[str, str] = {}
    lines = content.decode("utf-8", "replace").splitlines()
    for number, line in enumerate(filter(str.strip, lines), start=1):
        match = _LINE.fullmatch(line)
        if match is None or match[2] in listed or len(listed) >= MAX_FILES:
            raise BundleError(
                f"line {number} of {SUMS_FILE} of the bundle {str(folder)!r} cannot be used",
                expected="64 hexadecimal digits, two blanks and a name, each file once",
                found=repr(line[:120]),
                todo=_AGAIN,
            )
        listed[match[2]] = match[1]
    return listed


def _refuse_unlisted(folder: Path, listed: dict[str, str]) -> None:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix.lower() in NETWORK_SUFFIXES and name not in listed:
            raise BundleError(
                f"the bundle {str(folder)!r} holds the network file {name}, which {SUMS_FILE} does not list",
                todo="Remove the file, or get the bundle again",
            )


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise BundleError(f"the bundle's file {str(path)!r} cannot be read", found=str(error)) from error
