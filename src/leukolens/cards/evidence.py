"""Results beside a bundle: evaluations, and the reports of stress and of other laboratories, read leniently."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from leukolens.finding import DataError

EVALUATION: Final = "leukolens evaluation"
MANIFEST: Final = "manifest.json"
_KINDS: Final = ("leukolens evaluation", "leukolens stress", "leukolens external", "leukolens benchmark")
_FIRST: Final = ("metrics.json", "stress.json", "external.json", "benchmark.json")
_PARTS: Final = ("bundle", "data", "split", "overall", "classes", "support")
_MOST_BYTES: Final = 256 * 2**20


@dataclass(frozen=True)
class Result:
    """One result.

    Attributes
    ----------
    kind
        Such as "leukolens evaluation".
    name
        Folder and file as they are shown.
    content, raw
        What it says, and the bytes of the file.
    manifest
        The bytes of ``manifest.json`` beside it; None where there is none.
    """

    kind: str
    name: str
    content: dict[str, Any]
    raw: bytes
    manifest: bytes | None = None

    @property
    def bundle_sha256(self) -> str | None:
        """SHA-256 of the judged bundle's ``bundle.json``, where the result says it."""
        bundle = self.content.get("bundle")
        sha256 = bundle.get("sha256") if isinstance(bundle, dict) else None
        return sha256 if isinstance(sha256, str) else None


def read_result(folder: Path) -> Result:
    """Read the result that a folder holds: the first JSON file of it that says what it is.

    Parameters
    ----------
    folder
        From ``leukolens evaluate`` or another verb that measures a bundle.

    Raises
    ------
    DataError
        It holds none, or one that cannot be read.
    """
    if not folder.is_dir():
        raise DataError(
            f"There is no result {str(folder)!r}",
            expected="a folder from 'leukolens evaluate' or another verb that measures a bundle",
            found="a file" if folder.exists() else "nothing",
        )
    others = sorted(path.name for path in folder.glob("*.json") if path.name not in _FIRST)
    for name in (*_FIRST, *others):
        path = folder / name
        if not path.is_file():
            continue
        raw, content = read_json(path)
        kind = content.get("kind") if isinstance(content, dict) else None
        if isinstance(kind, str) and kind.startswith(_KINDS):
            manifest = folder / MANIFEST
            told = read_json(manifest)[0] if manifest.is_file() else None
            return Result(kind, f"{folder.resolve().name}/{name}", content, raw, told)
    raise DataError(
        f"{str(folder)!r} holds no result",
        expected=f"a JSON file of the kind {' or '.join(_KINDS)}",
        found=", ".join(others) or "no JSON file",
    )


def read_json(path: Path) -> tuple[bytes, Any]:
    """Return the bytes of a JSON file and what they say.

    Raises
    ------
    DataError
        It cannot be read, is too large, or is no JSON.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(f"{str(path)!r} is too large", expected=f"at most {_MOST_BYTES >> 20} MiB")
        raw = path.read_bytes()
        return raw, json.loads(raw)
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{str(path)!r} cannot be read", expected="JSON", found=str(error)[:200]) from error


def check_evaluation(result: Result) -> None:
    """See that an evaluation has what a card takes from it.

    Raises
    ------
    DataError
        It lacks a part.
    """
    missing = [key for key in _PARTS if not isinstance(result.content.get(key), dict)]
    if result.kind == EVALUATION and missing:
        raise DataError(f"{result.name} is no whole evaluation", expected=", ".join(_PARTS), found=f"no {missing[0]}")


def check_same_bundle(result: Result, sha256: str) -> None:
    """See that a result is of the bundle that the card is about.

    Raises
    ------
    DataError
        It is of another one.
    """
    found = result.bundle_sha256
    if found is not None and found != sha256:
        raise DataError(
            f"{result.name} is of another bundle",
            expected=f"bundle.json with SHA-256 {sha256[:16]}...",
            found=f"{found[:16]}...",
            todo="evaluate this bundle, or give the bundle that was evaluated",
        )
