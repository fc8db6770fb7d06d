"""Recipes as YAML: those that come with leukolens, files of one's own, and what they extend."""

from __future__ import annotations

from collections.abc import Hashable
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from leukolens.finding import UsageError, nearest


def packaged_recipes() -> list[str]:
    """Return the names of the recipes that come with leukolens."""
    return sorted(entry.name.removesuffix(".yaml") for entry in _folder().iterdir() if entry.name.endswith(".yaml"))


def read_fields(name: str) -> dict[str, Any]:
    """Read a recipe's fields, those of the recipe that it extends among them; none is looked at.

    Parameters
    ----------
    name
        The name of a packaged recipe, or the path of a YAML file. What a file extends is looked for beside it first.

    Raises
    ------
    UsageError
        For an unknown name, a file that cannot be read or is no YAML mapping, or one that extends itself.
    """
    return _read(name, ())


def read_yaml(text: str, what: str) -> Any:  # noqa: ANN401 - whatever the text holds
    """Read YAML, in which no key may stand twice.

    Raises
    ------
    UsageError
        It cannot be read; `what` says of what it is.
    """
    try:
        return yaml.load(text, _UniqueKeys)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, ValueError) as error:  # a ValueError comes of a date such as 2026-99-99
        raise UsageError(f"{what} is not YAML", found=str(error).replace("\n", " ")[:200]) from error


class _UniqueKeys(yaml.SafeLoader):  # type: ignore[misc]
    """Refuses a key that stands twice; YAML itself takes the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} stands twice", key.start_mark)
            seen.add(key.value)
        found: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return found


def _folder() -> Any:  # noqa: ANN401 - importlib's Traversable has no stable import place across Python 3.11 to 3.14
    return files("leukolens.train") / "recipes"


def _read(name: str, extended_by: tuple[str, ...]) -> dict[str, Any]:
    place = _place(name, extended_by[-1] if extended_by else None)
    if place in extended_by:
        raise UsageError(f"recipe {name!r} extends itself", found=" -> ".join((*extended_by, place)))
    raw = read_yaml(_text(name, place), f"recipe {name!r}")
    if not isinstance(raw, dict):
        raise UsageError(f"recipe {name!r}", expected="a mapping of fields", found=type(raw).__name__)
    own = {"name": Path(name).stem, **raw}
    base = own.pop("extends", None)
    return own if base is None else _merged(_read(str(base), (*extended_by, place)), own)


def _place(name: str, extended_by: str | None) -> str:
    """Return the name of a packaged recipe, or the path of a file."""
    if extended_by is not None and extended_by not in packaged_recipes():
        beside = Path(extended_by).parent / name
        if beside.is_file():
            return str(beside.resolve())
    if name in packaged_recipes():
        return name
    if Path(name).is_file():
        return str(Path(name).resolve())
    by = f", which {extended_by!r} extends" if extended_by else ""
    raise UsageError(f"unknown recipe {name!r}{by}", todo=f"{nearest(name, packaged_recipes())} Or give a YAML file.")


def _text(name: str, place: str) -> str:
    try:
        return str((_folder() / f"{place}.yaml" if place in packaged_recipes() else Path(place)).read_text("utf-8"))
    except UnicodeDecodeError as error:
        raise UsageError(f"recipe {name!r} is not text in UTF-8", found=str(error), todo="save it as UTF-8") from error
    except OSError as error:
        raise UsageError(f"recipe {name!r} cannot be read", found=error.strerror) from error


def _merged(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of `base`, changed by those of `own`; a part's fields are merged one by one, a list is not."""
    merged = dict(base)
    for key, value in own.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged
