"""Which network, with which head, from which start: the part of a recipe that `leukolens.networks` reads."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

HeadName = Literal["linear", "standardised", "thesis", "attention"]


class NetworkChoice(BaseModel):
    """Which network, with which head, from which start."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = "efficientnet-lite0"
    weights: str = Field(
        default="imagenet", description="imagenet; none; or the folder of a run, whose backbone is taken"
    )
    head: HeadName = Field(default="linear", description="see `leukolens.networks.heads`")
    scaling: Literal["weights", "unit"] = Field(
        default="weights", description="weights: as the ImageNet weights expect; unit: to 0..1, as the thesis does"
    )
    dropout: float = Field(
        default=0.2, ge=0.0, lt=1.0, description="before the last layer; the thesis' head has its own"
    )
    frozen: int = Field(default=0, ge=0, description="first stages that are not trained; 1 is the stem alone")
    levels: int = Field(default=1, ge=1, description="how many of the backbone's maps the head sees, from the last up")
    tiles: tuple[PositiveInt, PositiveInt] = Field(
        default=(1, 1), description="rows and columns of parts that go through the backbone each for itself"
    )
