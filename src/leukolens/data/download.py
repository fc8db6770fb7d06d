"""Fetching one large file: streamed, bounded, resumed where it was cut off."""

from __future__ import annotations

import http.client
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from typing import IO, TYPE_CHECKING, Final

from leukolens.data.kaggle import AccessError
from leukolens.finding import DataError, OutputError

if TYPE_CHECKING:
    from pathlib import Path

Progress = Callable[[int, int | None], None]

_CHUNK: Final = 1 << 18
_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_NETWORK_ERRORS: Final = (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError)


class _InterruptedError(Exception):
    """The connection broke, or the server asked to come again."""


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to encrypted addresses only."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        _check_address(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def download(
    url: str,
    target: Path,
    *,
    secret: Mapping[str, str] | None = None,
    max_bytes: int = 2 << 30,
    attempts: int = 5,
    pause: float = 1.0,
    progress: Progress | None = None,
) -> Path:
    """Fetch a file, going on with what an earlier call has left in ``target.part``.

    Parameters
    ----------
    url
        Where; HTTPS, or plain HTTP on this machine itself.
    target
        Where to put it; it appears only when it is whole.
    secret
        Headers for the first server only; they are not sent on to where it redirects.
    max_bytes
        More than this is refused.
    attempts
        How often to connect before giving up.
    pause
        Seconds before the second attempt; doubled before each further one.
    progress
        Called with bytes done and bytes in all (None where unknown).

    Returns
    -------
    Path
        `target`.

    Raises
    ------
    AccessError
        Access refused, or no way to the server. What came is kept for the next call.
    DataError
        There is no such file, or it is larger than `max_bytes`.
    OutputError
        The file cannot be written.
    """
    _check_address(url)
    part = target.with_name(target.name + ".part")
    for attempt in range(attempts):
        if attempt:
            time.sleep(pause * 2 ** (attempt - 1))
        try:
            _fetch(url, part, dict(secret or {}), max_bytes, progress)
        except _InterruptedError as error:
            reason = str(error)
            continue
        part.replace(target)
        return target
    raise AccessError(
        f"{_host(url)} could not be reached, or broke off, {attempts} times",
        found=reason,
        todo="check the connection and call again: it goes on where it stopped",
    )


def _check_address(url: str) -> None:
    address = urllib.parse.urlsplit(url)
    if address.scheme != "https" and not (address.scheme == "http" and address.hostname in _LOOPBACK):
        raise AccessError("The address is not encrypted", expected="https://", found=f"{address.scheme}://")


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).hostname or url


def _fetch(url: str, part: Path, secret: dict[str, str], max_bytes: int, progress: Progress | None) -> None:
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "leukolens"})  # noqa: S310 - checked by the caller
    if have:
        request.add_header("Range", f"bytes={have}-")
    for name, value in secret.items():
        request.add_unredirected_header(name, value)
    try:
        with urllib.request.build_opener(_SafeRedirects).open(request, timeout=60) as response:
            start, total = _extent(response, have)
            if max(start, total or 0) > max_bytes:
                raise DataError("The file is too large", expected=f"at most {max_bytes} bytes", found=str(total))
            done = _store(response, part, start, total, max_bytes, progress)
    except urllib.error.HTTPError as error:
        _explain(error, part, have)
        return
    except _NETWORK_ERRORS as error:
        raise _InterruptedError(str(getattr(error, "reason", error)) or type(error).__name__) from error
    if total is not None and done < total:
        raise _InterruptedError(f"{done} of {total} bytes")


def _extent(response: http.client.HTTPResponse, have: int) -> tuple[int, int | None]:
    """Return where the answer starts and how large the whole file is."""
    if response.status == 206:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if found and int(found[1]) == have:
            return have, None if found[2] == "*" else int(found[2])
        raise _InterruptedError("the server sent another part of the file than asked for")
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else None


def _store(
    response: http.client.HTTPResponse,
    part: Path,
    start: int,
    total: int | None,
    max_bytes: int,
    progress: Progress | None,
) -> int:
    done = start
    with _opened(part, start) as file:
        while chunk := response.read(_CHUNK):
            done += len(chunk)
            if done > max_bytes:
                raise DataError("The file is too large", expected=f"at most {max_bytes} bytes", found="more")
            try:
                file.write(chunk)
            except OSError as error:
                raise _unwritable(part, error) from error
            if progress is not None:
                progress(done, total)
    return done


def _opened(part: Path, start: int) -> IO[bytes]:
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        # Unbuffered: what has come is on the disk, also when the process is killed.
        return part.open("ab" if start else "wb", buffering=0)
    except OSError as error:
        raise _unwritable(part, error) from error


def _unwritable(part: Path, error: OSError) -> OutputError:
    return OutputError(
        f"{str(part)!r} cannot be written",
        found=error.strerror or type(error).__name__,
        todo="make room, or choose another folder with --to",
    )


def _explain(error: urllib.error.HTTPError, part: Path, have: int) -> None:
    """Raise what an HTTP error means; return where it means that the file is whole already."""
    if error.code == 416 and have:
        if error.headers.get("Content-Range", "") == f"bytes */{have}":
            return
        part.unlink()
        raise _InterruptedError("what was fetched before did not fit the file")
    if error.code in _AGAIN:
        raise _InterruptedError(f"HTTP {error.code}")
    if error.code in {401, 403}:
        raise AccessError(
            f"{_host(error.url)} refused access",
            found=f"HTTP {error.code}",
            todo="sign in there, accept the data set's terms if asked, and check your token",
        )
    raise AccessError(f"{_host(error.url)} does not hand out the file", found=f"HTTP {error.code}")
