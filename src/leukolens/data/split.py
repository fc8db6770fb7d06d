"""A split as a file: which images train, validate and test, in which fold, and why one may believe it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from leukolens.finding import OutputError
from leukolens.finding.output import put_file, try_folder

Method = Literal["random-image", "stratified", "patient", "grouped", "blocks", "leave-one-laboratory-out"]
_TODO: Final = "choose another place for the split, or make room"
METHODS: Final[tuple[Method, ...]] = (
    "random-image",
    "stratified",
    "patient",
    "grouped",
    "blocks",
    "leave-one-laboratory-out",
)
LEAKY_METHODS: Final[frozenset[Method]] = frozenset({"random-image", "stratified"})
"""By image: patients and sessions stand on both sides, whatever else is kept together."""
Value = int | float | str | tuple[str, ...]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class SplitItem(_Strict):
    """One image. `group` is the number of those that stay together, `laboratory` given where one is left out."""

    path: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    label: str
    group: int = Field(ge=0)
    laboratory: str | None = None


class GroupsRecord(_Strict):
    """The groups file that a split heeds.

    Attributes
    ----------
    file, sha256
        Its name, without folders, and its hash.
    columns
        Which of its groups stay together.
    number
        How many groups the images form, with copies and patients.
    """

    file: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    columns: tuple[str, ...]
    number: int = Field(ge=1)


class Fold(_Strict):
    """Indices into the items. `left_out` are images that stand too near to a test or validation image."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]
    left_out: tuple[int, ...]


class Split(_Strict):
    """A split of one data set.

    Attributes
    ----------
    method, seed, parameters
        How it was made; the same data and the same values give the same split on every machine.
    labels
        The classes in the order of the catalogue.
    layout
        The layout of the catalogue, which says how paths are compared.
    grouping
        In words, what was kept together.
    leaky, note
        Whether images that show the same thing can stand on both sides, and what follows for a figure.
    catalogue_sha256
        Hash over all paths and files.
    items, folds
        The images, and for each fold their indices. All folds of a split partition all items.
    groups
        The groups file that was heeded; None where there was none.
    sha256
        Hash over everything else in the file.
    """

    schema_: Literal["1"] = Field(default="1", alias="schema")
    kind: Literal["leukolens split"] = "leukolens split"
    method: Method
    seed: int = Field(ge=0)
    parameters: dict[str, Value]
    labels: tuple[str, ...]
    layout: str
    grouping: str
    leaky: bool
    note: str
    catalogue_sha256: str
    items: tuple[SplitItem, ...]
    folds: tuple[Fold, ...] = Field(min_length=1)
    groups: GroupsRecord | None = None
    sha256: str = ""

    @property
    def embargo(self) -> int | None:
        """How many files are left out around a held-out block; None where there are no blocks."""
        value = self.parameters.get("embargo")
        return value if self.method == "blocks" and isinstance(value, int) else None

    @property
    def by_session(self) -> tuple[str, ...]:
        """The classes of a split in blocks that are split by recovered sessions instead."""
        value = self.parameters.get("by_session", ())
        return value if isinstance(value, tuple) else ()


def content_sha256(split: Split) -> str:
    """Return the hash of a split's canonical content: everything but the field `sha256` itself."""
    content = {name: value for name, value in _content(split).items() if name != "sha256"}
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def sealed(split: Split) -> Split:
    """Return the split with its hash filled in."""
    return split.model_copy(update={"sha256": content_sha256(split)})


def split_text(split: Split) -> str:
    """Return the text of a split file: JSON, one line an item, fit for reading and for version control."""
    content = _content(split)
    lines = [f"  {json.dumps(name)}: {_value(value)}" for name, value in content.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _content(split: Split) -> dict[str, Any]:
    # What a split does not have is not written, so that files from before there was such a thing keep their hash.
    content = split.model_dump(by_alias=True, mode="json")
    if content["groups"] is None:
        del content["groups"]
    for item in content["items"]:
        if item["laboratory"] is None:
            del item["laboratory"]
    return content


def _value(value: object) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(f"    {json.dumps(entry)}" for entry in value) + "\n  ]"
    return json.dumps(value)


def try_place(path: Path, images: int, folds: int) -> None:
    """See before the work that a split file of so many images and folds can be written, in a folder that exists.

    Raises
    ------
    OutputError
        It cannot.
    """
    if not path.parent.is_dir():
        raise OutputError(f"The folder {str(path.parent)!r} does not exist", todo="make it first")
    # An item is a line with a hash and a path; each fold names every item's index once, and has at least one to test.
    try_folder(path.parent, todo=_TODO, size=(1 << 16) + images * (256 + 8 * min(folds, images)))


def write_split(split: Split, path: Path) -> None:
    """Write a split file, whole or not at all.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    put_file(Path(path), split_text(split).encode("ascii"), todo=_TODO)
