"""What a run wrote of itself, ``training.json`` and ``summary.json``, checked where it is read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from leukolens.finding import DataError
from leukolens.train.layout import RUN_FILE, SUMMARY_FILE

if TYPE_CHECKING:
    from pathlib import Path

REMEDY: Final = "train it to the end: leukolens train ... --resume"
Count = Annotated[int, Field(ge=0)]


class _Record(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow", frozen=True)


class RecipeRecord(_Record):
    """Of the recipe, what a comparison asks for; older recipes lack parts of it."""

    name: str = "unknown"
    network: dict[str, Any] = Field(default_factory=dict)
    preparation: dict[str, Any] = Field(default_factory=dict)


class IdentityRecord(_Record):
    """What a run is: recipe, data and split."""

    recipe: RecipeRecord
    data_sha256: str
    split_sha256: str
    split_method: str
    split_leaky: bool
    fold: Count
    classes: Annotated[list[str], Field(min_length=2)]
    split_grouping: str = ""
    leaky_order: str | None = None


class TrainingRecord(_Record):
    """``training.json``."""

    run: IdentityRecord
    source: dict[str, Any] | None = None
    manifest: dict[str, Any] | None = None


class SideRecord(_Record):
    """One side of a fold."""

    n: Count


class SummaryRecord(_Record):
    """``summary.json``; runs from before there were samples lack `pictures`, older ones `device`."""

    train: Count = 0
    pictures: dict[str, Count] | None = None
    validation: SideRecord | None = None
    test: SideRecord | None = None
    leaky_order: dict[str, Any] = Field(default_factory=dict)
    device: str | None = None

    @property
    def sides(self) -> dict[str, int]:
        """Pictures on each side."""
        if self.pictures is not None:
            return self.pictures
        held = {"validation": self.validation, "test": self.test}
        return {"train": self.train} | {name: side.n for name, side in held.items() if side is not None}


_Any = TypeVar("_Any", bound=_Record)


def read_training(folder: Path) -> dict[str, Any]:
    """Return the content of ``training.json`` as it is written, once it is known to describe a run.

    Raises
    ------
    DataError
        It cannot be read, lacks a part, or has one of another kind.
    """
    content = _json(folder / RUN_FILE)
    _checked(TrainingRecord, content, folder / RUN_FILE)
    return content


def read_summary(folder: Path) -> SummaryRecord:
    """Return the content of ``summary.json``.

    Raises
    ------
    DataError
        It is not there, as the run is not finished; or cannot be read, or has a part of another kind.
    """
    if not (folder / SUMMARY_FILE).is_file():
        raise DataError(f"The run {str(folder)!r} is not finished", found=f"no {SUMMARY_FILE}", todo=REMEDY)
    return _checked(SummaryRecord, _json(folder / SUMMARY_FILE), folder / SUMMARY_FILE)


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{str(path)!r} cannot be read", found=str(error)[:200], todo=REMEDY) from error
    if not isinstance(content, dict):
        raise DataError(f"{str(path)!r} cannot be read", expected="a JSON object", found=type(content).__name__)
    return content


def _checked(kind: type[_Any], content: dict[str, Any], path: Path) -> _Any:
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        found = f"no {place!r}" if first["type"] == "missing" else f"{place}: {first['input']!r}"[:200]
        raise DataError(
            f"{str(path)!r} does not describe a run", expected=first["msg"], found=found, todo=REMEDY
        ) from error
