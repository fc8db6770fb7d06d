"""Recipe part: how often a training picture's cells are shown on other ground, so that they alone tell the class."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

from leukolens.train.optimisation import Share

NO_CLASS: Final = -1
"""Label of a picture whose cells were removed: all classes are equally right."""


class Ground(BaseModel):
    """How often the white cells of a training picture are shown on other ground, or not at all.

    Each is the share of pictures that get the change; what remains is shown as it is. "Ground" is all but the white
    cells: red cells, platelets, empty glass, scale bars.

    Attributes
    ----------
    swapped
        On the ground of another training picture, of any class, whose own white cells are removed.
    flat
        On ground of one pale colour.
    removed
        Not at all: the picture's own ground alone, with every class equally right. What a network learns of the ground
        from the other pictures, it unlearns from these.
    restained
        Share of pictures, whatever else is done to them, whose cells and whose ground take the colours of another
        training picture's, of any class: mean and spread in CIE L*a*b*, as Reinhard et al. 2001 (doi
        10.1109/38.946629) move them, for cells and ground apart. Then a slide's stain does not tell the class either.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    swapped: Share = 0.0
    flat: Share = 0.0
    removed: Share = 0.0
    restained: Share = 0.0

    @property
    def active(self) -> bool:
        """Whether anything is done."""
        return self.swapped + self.flat + self.removed + self.restained > 0

    @field_validator("removed")
    @classmethod
    def _no_more_than_all(cls, removed: float, info: ValidationInfo) -> float:
        if removed + info.data.get("swapped", 0.0) + info.data.get("flat", 0.0) > 1:
            raise ValueError("swapped, flat and removed are shares of all pictures: their sum must not exceed 1")
        return removed
