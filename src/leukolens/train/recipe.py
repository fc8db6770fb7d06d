"""A recipe: everything that decides what a training run does, as validated data."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails

from leukolens.finding import UsageError, nearest
from leukolens.networks.choice import NetworkChoice
from leukolens.smear.prepare import Preparation
from leukolens.smear.steps import explain_step
from leukolens.train.ground import Ground
from leukolens.train.optimisation import Mixing, Optimiser, Probe, Share, Unfreezing
from leukolens.train.recipe_file import packaged_recipes as packaged_recipes
from leukolens.train.recipe_file import read_fields, read_yaml
from leukolens.train.samples import Samples

MOST_SEED: Final = 2**32 - 1
"""The largest that NumPy, PyTorch and Optuna all take."""
Balance = Literal["none", "weights", "sampler"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Augmentation(_Part):
    """How training pictures are varied. Every share is the probability that a picture gets the change."""

    flip: bool = Field(default=True, description="horizontal and vertical flips, each with probability 1/2")
    turn: bool = Field(default=True, description="turn by any angle; a smear has no up")
    scale: tuple[float, float] = Field(default=(0.85, 1.18), description="range of zoom factors")
    aspect: float = Field(default=1.08, ge=1.0, description="largest stretch of width against height, either way")
    shift: Share = Field(default=0.05, description="largest shift, as a share of width and height")
    colour: Share = Field(default=0.9, description="share of pictures whose stain and lamp are changed")
    colour_strength: float = Field(default=1.0, ge=0.0, le=2.0)
    grey: Share = Field(default=0.3, description="share of those pictures that lose all colour")
    blur: Share = Field(default=0.15)
    jpeg: Share = Field(default=0.2)
    noise: Share = Field(default=0.15)
    corner: Share = Field(
        default=0.3, description="share whose corner is covered: what remains of a scale bar must not count"
    )

    @field_validator("scale")
    @classmethod
    def _positive_and_ordered(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not 0 < value[0] <= value[1]:
            raise ValueError("expected two factors above 0, the smaller first")
        return value


class Recipe(_Part):
    """One training recipe."""

    name: str
    description: str = ""
    network: NetworkChoice = NetworkChoice()
    preparation: Preparation = Preparation()
    samples: Samples = Samples()
    augmentation: Augmentation = Field(default=Augmentation(), validate_default=True)
    ground: Ground = Ground()
    mixing: Mixing = Mixing()
    optimiser: Optimiser = Optimiser()
    unfreeze: Unfreezing | None = Field(default=None, description="train the head first, then stage after stage")
    probe: Probe | None = Field(
        default=None, description="fit the head alone and at once; epochs, optimiser, average, label_smoothing rest"
    )
    epochs: int = Field(default=10, ge=1)
    batch_size: int = Field(default=32, ge=2, description="samples a step, over all processes together")
    accumulate: int = Field(default=1, ge=1, description="parts of a batch that go through the network one by one")
    label_smoothing: float = Field(default=0.05, ge=0.0, lt=1.0)
    balance: Balance = Field(
        default="none",
        description="weights: classes weigh by the inverse of their frequency; sampler: each is drawn equally often",
    )
    average: float | None = Field(default=0.99, gt=0.0, lt=1.0, description="decay of the moving average of weights")
    precision: Literal["auto", "f32", "bf16"] = Field(default="auto", description="auto: bf16 on a GPU, f32 on a CPU")
    select: Literal["best", "last"] = Field(default="best", description="which epoch's weights the run ends with")
    patience: int | None = Field(
        default=None, ge=1, description="stop after so many epochs without a better validation"
    )
    seed: int = Field(default=88, ge=0, le=MOST_SEED)

    @field_validator("balance", mode="before")
    @classmethod
    def _balance_of_before(cls, value: object) -> object:
        """Take what recipes and runs said before there was a choice: true, false."""
        if value is None or isinstance(value, bool):
            return "weights" if value else "none"
        return value

    @field_validator("augmentation")
    @classmethod
    def _whole_cells(cls, value: Augmentation, info: ValidationInfo) -> Augmentation:
        """See that what is done to fields is not done to a gallery of cells, whose tiles know no corner and no view."""
        preparation, network, samples = (info.data.get(name) for name in ("preparation", "network", "samples"))
        gallery = None if preparation is None else preparation.gallery
        if gallery is None or network is None or samples is None:
            return value
        if network.tiles not in {(1, 1), (gallery.rows, gallery.columns)}:
            raise ValueError(
                f"network.tiles cuts cells in two: set [{gallery.rows}, {gallery.columns}], as the gallery"
            )
        if value.corner or len(samples.views) > 1:
            raise ValueError(
                "a gallery has no corners and no second view: set augmentation.corner=0, and leave samples"
            )
        return value

    @field_validator("ground")
    @classmethod
    def _pictures_as_they_are(cls, value: Ground, info: ValidationInfo) -> Ground:
        samples = info.data.get("samples")
        if value.active and samples is not None and (samples.per_class is not None or len(samples.views) > 1):
            raise ValueError(
                "ground is shown for pictures as they are: leave samples.views and samples.per_class alone"
            )
        preparation = info.data.get("preparation")
        if value.active and preparation is not None and preparation.gallery is not None:
            raise ValueError(
                "a gallery shows no ground: set every share of ground to 0, or preparation.gallery to null"
            )
        return value

    @field_validator("mixing")
    @classmethod
    def _whole_pictures_with_a_class(cls, value: Mixing, info: ValidationInfo) -> Mixing:
        preparation, ground = info.data.get("preparation"), info.data.get("ground")
        if value.active and value.cutmix and preparation is not None and preparation.gallery is not None:
            raise ValueError(
                "cutmix cuts the cells of a gallery in two: set mixing.cutmix=0, or preparation.gallery to null"
            )
        if value.active and ground is not None and ground.removed:
            raise ValueError("pictures without a class cannot be mixed: set ground.removed=0, or leave mixing alone")
        return value

    @field_validator("probe")
    @classmethod
    def _head_alone(cls, value: Probe | None, info: ValidationInfo) -> Probe | None:
        if value is None:
            return value
        network = info.data.get("network")
        if network is not None and network.head != "standardised":
            raise ValueError("a probe solves for the standardised head alone: set network.head=standardised")
        parts = [name for name in ("ground", "mixing") if getattr(info.data.get(name), "active", False)]
        if info.data.get("unfreeze") is not None:
            parts.append("unfreeze")
        if parts:
            raise ValueError(f"a probe has no epochs in which {parts[0]} could take place: leave it out")
        return value

    @field_validator("accumulate")
    @classmethod
    def _parts_of_two(cls, value: int, info: ValidationInfo) -> int:
        size = info.data.get("batch_size")
        if size is not None and size < 2 * value:
            raise ValueError(f"a batch of {size} has no {value} parts of 2 samples or more")
        return value


def load_recipe(name: str, overrides: list[str] | None = None) -> Recipe:
    """Read a recipe.

    Parameters
    ----------
    name
        The name of a packaged recipe, or the path of a YAML file.
    overrides
        Changes such as ``epochs=3`` or ``optimiser.learning_rate=1e-4``; the value is read as YAML.

    Raises
    ------
    UsageError
        For an unknown name, a file that is no YAML mapping, or a value out of range; each with the field's path.
    """
    raw = read_fields(name)
    for override in overrides or []:
        _apply(raw, override)
    return validated(raw, f"recipe {name!r}")


def validated(raw: dict[str, Any], what: str) -> Recipe:
    """Return the recipe that a mapping describes.

    Raises
    ------
    UsageError
        For an unknown field, a wrong type or a value out of range: `what`, the field's path, and the nearest field.
    """
    try:
        return Recipe.model_validate(raw)
    except ValidationError as error:
        raise _described(what, error.errors()[0]) from error


def _described(what: str, error: ErrorDetails) -> UsageError:
    """Say which field of a recipe is wrong, and what was probably meant."""
    place = ".".join(str(part) for part in error["loc"])
    words, todo = explain_step(error)
    if todo is None and error["type"] == "extra_forbidden":
        words, todo = "unknown key", nearest(str(error["loc"][-1]), fields_at(error["loc"][:-1]))
    elif error["type"] == "literal_error":
        todo = nearest(str(error["input"]), re.findall(r"'([^']*)'", str(error.get("ctx", {}).get("expected"))))
    return UsageError(f"{what}, field {place!r}: {words}", found=repr(error["input"])[:100], todo=todo)


def fields_at(path: tuple[str | int, ...]) -> list[str]:
    """Return the names of the fields of a part of the recipe, () being the whole; none where there is no part."""
    part = _part_at(path)
    return [] if part is None else list(part.model_fields)


def _part_at(path: Sequence[str | int]) -> type[BaseModel] | None:
    part: type[BaseModel] = Recipe
    for name in path:
        field = part.model_fields.get(str(name))
        kinds = [] if field is None else [field.annotation, *get_args(field.annotation)]
        parts = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if not parts:
            return None
        part = parts[0]
    return part


def _takes_text(place: str) -> bool:
    """Tell whether a field holds text of any kind, so that what looks like a number there is none."""
    *path, last = place.split(".")
    part = _part_at(path)
    field = None if part is None else part.model_fields.get(last)
    return field is not None and field.annotation is str


def _apply(raw: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise UsageError(f"override {override!r}", expected="field=value, such as epochs=3")
    value = read_yaml(text, f"override {override!r}")
    if _takes_text(key):
        if isinstance(value, bool | int | float | date):  # a folder may be called 123 or 2026-10-02
            value = text.strip()
    elif isinstance(value, str):  # YAML 1.1 reads 1e-4 as text
        with contextlib.suppress(ValueError):
            value = float(value)
    _put(raw, key, value, f"override {override!r}")


def with_values(recipe: Recipe, values: Mapping[str, Any], what: str) -> Recipe:
    """Return a recipe with other values in some fields, given by their paths such as ``optimiser.learning_rate``.

    Raises
    ------
    UsageError
        See `validated`.
    """
    raw = recipe.model_dump(mode="json")
    for path, value in values.items():
        _put(raw, path, value, what)
    return validated(raw, what)


def recipe_text(recipe: Recipe) -> str:
    """Return a recipe as the YAML that `load_recipe` reads, with every field."""
    return str(yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True))


def _put(raw: dict[str, Any], place: str, value: object, what: str) -> None:
    *path, last = place.split(".")
    node = raw
    for part in path:
        if node.get(part) is None:  # a part that is optional and not there
            node[part] = {}
        node = node[part]
        if not isinstance(node, dict):
            raise UsageError(what, expected=f"{part!r} to be a part with fields", found=repr(node))
    node[last] = value
