"""The space that a search looks through: fields of a recipe, each with a range or a list of values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic_core import ErrorDetails

from leukolens.finding import UsageError, nearest
from leukolens.train.recipe import Recipe, fields_at, with_values
from leukolens.train.recipe_file import read_yaml

if TYPE_CHECKING:
    import optuna

FIXED: Final = ("name", "description", "seed", "samples.order")
"""A search for the best seed is a search for luck, one for the best order of samples a search for a leak."""


class _Range(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FloatRange(_Range):
    """Any number from low to high, evenly or evenly in the logarithm."""

    kind: Literal["float"]
    low: float
    high: float
    log: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _check_range(self.low, self.high, log=self.log)
        return self

    def ends(self) -> list[Any]:
        """Return the values that must be right for all to be so."""
        return [self.low, self.high]

    def draw(self, trial: optuna.Trial, name: str) -> float:
        """Return the value that a trial takes."""
        return trial.suggest_float(name, self.low, self.high, log=self.log)


class IntRange(_Range):
    """Any whole number from low to high in steps, or evenly in the logarithm."""

    kind: Literal["int"]
    low: int
    high: int
    step: int = Field(default=1, ge=1)
    log: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.log and self.step != 1:
            raise ValueError("a logarithmic range has no step")
        _check_range(self.low, self.high, log=self.log)
        return self

    def ends(self) -> list[Any]:
        """Return the values that must be right for all to be so."""
        return [self.low, self.high]

    def draw(self, trial: optuna.Trial, name: str) -> int:
        """Return the value that a trial takes."""
        return trial.suggest_int(name, self.low, self.high, step=self.step, log=self.log)


class Choice(_Range):
    """One of several values of any kind."""

    kind: Literal["choice"]
    of: list[Any] = Field(min_length=2)

    def ends(self) -> list[Any]:
        """Return the values that must be right for all to be so."""
        return self.of

    def draw(self, trial: optuna.Trial, name: str) -> Any:  # noqa: ANN401 - whatever the field takes
        """Return the value that a trial takes."""
        return json.loads(trial.suggest_categorical(name, [json.dumps(value) for value in self.of]))


AnyRange = FloatRange | IntRange | Choice
Space = Mapping[str, AnyRange]
_ADAPTER: Final[TypeAdapter[AnyRange]] = TypeAdapter(Annotated[AnyRange, Field(discriminator="kind")])


_KINDS: Final[Mapping[str, type[_Range]]] = {"float": FloatRange, "int": IntRange, "choice": Choice}


def _check_range(low: float, high: float, *, log: bool) -> None:
    if low >= high:
        raise ValueError(f"low {low} is not below high {high}")
    if log and low <= 0:
        raise ValueError(f"a logarithmic range has to begin above 0, not at {low}")


def load_space(path: Path, recipe: Recipe) -> dict[str, AnyRange]:
    """Read a space file: a mapping from the paths of recipe fields to ranges.

    Parameters
    ----------
    path
        A YAML file such as ``optimiser.learning_rate: {kind: float, low: 1.0e-5, high: 1.0e-2, log: true}``.
    recipe
        What the search starts from. Both ends of each range, and each value of a list, must be right in it.

    Raises
    ------
    UsageError
        For a file that is no YAML mapping, an unknown field, a range that is none, or values that the recipe refuses.
    """
    space = {}
    for place, given in _read(path).items():
        what = f"space {path.name!r}, field {str(place)!r}"
        _check_field(str(place), what)
        try:
            space[str(place)] = _ADAPTER.validate_python(given)
        except ValidationError as error:
            raise _described(what, error.errors()[0]) from error
        for value in space[str(place)].ends():
            with_values(recipe, {str(place): value}, what)
    return space


def read_drawn(params: Mapping[str, Any], space: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the values of fields that a trial's parameters stand for, given the ranges as JSON."""
    chosen = {name for name, given in space.items() if given["kind"] == "choice"}
    return {name: json.loads(value) if name in chosen else value for name, value in params.items()}


def _read(path: Path) -> dict[Any, Any]:
    if not path.is_file():
        raise UsageError(f"there is no space file {str(path)!r}")
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"space {path.name!r} is not text in UTF-8", found=str(error)[:200]) from error
    raw = read_yaml(text, f"space {path.name!r}")
    if not isinstance(raw, dict) or not raw:
        raise UsageError(
            f"space {path.name!r}", expected="a mapping of recipe fields to ranges", found=type(raw).__name__
        )
    return raw


def _described(what: str, error: ErrorDetails) -> UsageError:
    """Say what is wrong with a range, and which of its keys was probably meant."""
    within = ".".join(str(part) for part in error["loc"][1:])
    words, todo = error["msg"], None
    if error["type"] == "extra_forbidden":
        words, todo = "unknown key", nearest(within, _KINDS[str(error["loc"][0])].model_fields)
    return UsageError(
        f"{what}{f', {within}' if within else ''}: {words}",
        expected="kind: float or int with low and high, or kind: choice with of",
        found=repr(error["input"])[:100],
        todo=todo,
    )


def _check_field(place: str, what: str) -> None:
    *path, last = place.split(".")
    for depth, part in enumerate([*path, last]):
        known = [name for name in fields_at(tuple(path[:depth])) if depth or name not in FIXED]
        if part not in known:
            raise UsageError(f"{what} is none that can be searched", todo=nearest(part, known) if known else None)
    if inner := fields_at((*path, last)):
        raise UsageError(f"{what} is a part, not a field", expected=f"one of its fields, such as {place}.{inner[0]}")
