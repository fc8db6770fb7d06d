"""The user's own access to Kaggle."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from leukolens.finding import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping


class AccessError(DataError):
    """A data set that cannot be fetched: no access, access refused, or no way to the server."""


def find_access(environment: Mapping[str, str] | None = None) -> dict[str, str] | None:
    """Look where Kaggle's own programs look for a user's access.

    In this order: the variable ``KAGGLE_API_TOKEN``; the variables ``KAGGLE_USERNAME`` and ``KAGGLE_KEY``;
    ``kaggle.json`` in the folder ``KAGGLE_CONFIG_DIR``, else in ``~/.kaggle``; ``access_token`` in the same folder.

    Parameters
    ----------
    environment
        Variables; those of the process if None.

    Returns
    -------
    dict of str to str, or None
        The HTTP header to send to Kaggle and to nobody else, or None where there is no access.

    Raises
    ------
    AccessError
        There is a ``kaggle.json`` and it is not what Kaggle hands out.
    """
    known = os.environ if environment is None else environment
    if known.get("KAGGLE_API_TOKEN"):
        return _bearer(known["KAGGLE_API_TOKEN"])
    if known.get("KAGGLE_USERNAME") and known.get("KAGGLE_KEY"):
        return _basic(known["KAGGLE_USERNAME"], known["KAGGLE_KEY"])
    folder = Path(known["KAGGLE_CONFIG_DIR"]) if known.get("KAGGLE_CONFIG_DIR") else Path.home() / ".kaggle"
    if (folder / "kaggle.json").is_file():
        return _from_file(folder / "kaggle.json")
    if (folder / "access_token").is_file():
        return _bearer(_text(folder / "access_token"))
    return None


def _from_file(file: Path) -> dict[str, str]:
    try:
        content = json.loads(_text(file))
        return _basic(str(content["username"]), str(content["key"]))
    except (ValueError, KeyError, TypeError) as error:
        raise AccessError(
            f"{str(file)!r} is not Kaggle's file of access",
            expected='JSON with "username" and "key"',
            todo="fetch a new one from your account's settings on kaggle.com (API, create new token)",
        ) from error


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise AccessError(
            f"{str(file)!r} cannot be read", found=error.strerror, todo="check its permissions"
        ) from error


def _basic(name: str, key: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{key}".encode()).decode("ascii")}


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.strip()}"}
