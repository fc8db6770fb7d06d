"""What lies in a field: how many cells of each kind, and how they gather."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.smear.synth.recipes import RECIPES
from leukolens.smear.synth.style import pick

if TYPE_CHECKING:
    from collections.abc import Mapping

REFERENCE_UM2: Final = 10_000.0
"""Area that the numbers of a `Content` refer to: about a field of 1024 x 768 pixels at 0.113 um per pixel."""

RED_CELL: Final = "red cell"
PLATELET: Final = "platelet"
SMUDGE_CELL: Final = "smudge cell"
PLATELET_CLUMP: Final = "platelet clump"
ARTEFACT: Final = "artefact"

KINDS: Final = (*RECIPES, SMUDGE_CELL, PLATELET_CLUMP, ARTEFACT, PLATELET, RED_CELL)
"""All kinds that can be drawn; "artefact" is a heap of precipitated stain."""


@dataclass(frozen=True)
class Content:
    """Expected numbers of cells.

    Attributes
    ----------
    numbers
        Kind to expected number: in 10,000 square micrometres, drawn from a Poisson distribution; or, if `exact`, to
        the very number of cells in the picture, all with their centres inside it.
    rouleaux
        Share of red cells that lie in rows, 0 to 1.
    gathering
        Share of white cells that lie against another, 0 to 1.
    dirt
        Specks of stain in 10,000 square micrometres. They are not among the cells of the truth.
    exact
        See `numbers`.

    Raises
    ------
    ValueError
        For an unknown kind, a negative number, a share that is none.
    """

    numbers: Mapping[str, float]
    rouleaux: float = 0.25
    gathering: float = 0.25
    dirt: float = 8.0
    exact: bool = False
    name: str = field(default="own", compare=False)

    def __post_init__(self) -> None:
        for kind, number in self.numbers.items():
            pick(dict.fromkeys(KINDS, 0), kind, "kind of cell")
            if not (math.isfinite(number) and number >= 0):
                raise ValueError(f"number of {kind!r}: expected a number from 0 up, found {number!r}")
            if self.exact and number != int(number):
                raise ValueError(f"exact number of {kind!r}: expected a whole number, found {number!r}")
        for name, share in (("rouleaux", self.rouleaux), ("gathering", self.gathering)):
            if not 0 <= share <= 1:
                raise ValueError(f"{name}: expected a share from 0 to 1, found {share!r}")
        if not (math.isfinite(self.dirt) and self.dirt >= 0):
            raise ValueError(f"dirt: expected a number from 0 up, found {self.dirt!r}")

    @staticmethod
    def named(name: str) -> Content:
        """Return the content of that name.

        Raises
        ------
        ValueError
            If there is none; the message gives the nearest.
        """
        return pick(CONTENTS, name, "content")

    @staticmethod
    def sample(rng: np.random.Generator) -> Content:
        """Return one of `CONTENTS` with its density of red cells, its rows and its dirt moved at random."""
        content = list(CONTENTS.values())[int(rng.integers(len(CONTENTS)))]
        red = content.numbers[RED_CELL] * float(np.exp(0.3 * rng.standard_normal()))
        return replace(
            content,
            numbers={**content.numbers, RED_CELL: red},
            rouleaux=float(rng.beta(1.0, 2.5)),
            dirt=content.dirt * float(np.exp(0.8 * rng.standard_normal())),
        )


_PLATELETS: Final = {"platelet": 7.0, "platelet clump": 0.15}

CONTENTS: Final[dict[str, Content]] = {
    content.name: content
    for content in (
        Content(
            {
                "lymphoblast": 8.0,
                "lymphocyte": 0.3,
                "smudge cell": 0.5,
                "neutrophil": 0.1,
                "erythroblast": 0.2,
                "artefact": 0.1,
                "platelet": 1.5,
                "red cell": 75.0,
            },
            gathering=0.3,
            name="all",
        ),
        Content(
            {
                "hematogone": 3.0,
                "lymphocyte": 1.0,
                "neutrophil": 0.9,
                "band neutrophil": 0.6,
                "immature granulocyte": 0.6,
                "monocyte": 0.4,
                "eosinophil": 0.25,
                "erythroblast": 0.7,
                "basophil": 0.03,
                "plasma cell": 0.08,
                "smudge cell": 0.2,
                "red cell": 85.0,
                **_PLATELETS,
            },
            gathering=0.2,
            name="benign",
        ),
        Content(
            {
                "neutrophil": 1.1,
                "lymphocyte": 0.7,
                "monocyte": 0.2,
                "eosinophil": 0.12,
                "basophil": 0.03,
                "red cell": 120.0,
                **_PLATELETS,
            },
            gathering=0.02,
            name="normal blood",
        ),
        Content({"red cell": 110.0, "artefact": 0.1, **_PLATELETS}, name="no white cells"),
        Content(
            {
                "lymphoblast": 24.0,
                "smudge cell": 1.2,
                "lymphocyte": 0.5,
                "erythroblast": 0.5,
                "platelet": 1.0,
                "red cell": 65.0,
            },
            gathering=0.6,
            name="crowded",
        ),
    )
}
"""Named contents."""
