"""What the settings of all normalisations have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from leukolens.finding import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Triple = tuple[float, float, float]
Brightness = Annotated[float, Field(ge=1.0, le=255.0)]
Ground = tuple[Brightness, Brightness, Brightness]
"""Brightness of the empty background in red, green, blue."""

APART: Final = 3.0
"""Angle in degrees between two vectors below which they are one dye."""
NEGATIVE: Final = -0.3
"""Least component of a vector that is still taken for a dye's: a dye takes light away and gives none.

Macenko's vectors are directions in a plane and may fall a little outside what light allows: over 353 single fields of
seven laboratories the least component is -0.28 (BCCD, whose median is -0.15; -0.12 elsewhere). Below that lie only fits
on pictures of two laboratories together, whose plane is that of their differences and not of two dyes.
"""
_LENGTH: Final = 0.01  # by which a unit vector that was written down may differ from 1


class Frozen(BaseModel):
    """Validated data that does not change: unknown keys, NaN and infinity are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class StainReference(Frozen):
    """A stain as it was measured, and the light around it.

    Attributes
    ----------
    vectors
        Unit vectors of optical density in red, green, blue: first the one nearer to azure B on chromatin. Others are
        refused (longer or shorter by more than 1 %), and so are two that are no two dyes, see `are_two_dyes`.
    strengths
        99th percentile of the amount of each dye.
    ground
        Brightness of the empty background, 1 to 255.
    """

    vectors: tuple[Triple, Triple]
    strengths: tuple[Annotated[float, Field(gt=0.0)], Annotated[float, Field(gt=0.0)]]
    ground: Ground

    @field_validator("vectors")
    @classmethod
    def _check_vectors(cls, vectors: tuple[Triple, Triple]) -> tuple[Triple, Triple]:
        columns = np.array(vectors).T
        if np.abs(np.linalg.norm(columns, axis=0) - 1.0).max() > _LENGTH:
            raise ValueError("expected two vectors of length 1")
        if not are_two_dyes(columns):
            raise ValueError(
                f"expected the vectors of two dyes: {APART:g} degrees apart or more, no component under {NEGATIVE}"
            )
        return vectors


class StainSettings(Frozen):
    """What `Macenko` and `Vahadane` share.

    Attributes
    ----------
    beta
        Natural optical density below which a pixel is background.
    stained
        "mean": a pixel counts as stained where its mean density reaches `beta`. "every": where that of every channel
        does, as in the usual implementations; a Romanowsky stain hardly takes blue away, so that this leaves 1 to
        20 % of a field of the Taleqani data, its darkest grey, and of the eosin nothing.
    ground
        Brightness of the empty background; None: measured in each picture (`staining.background_colour`).
    residual
        What becomes of density outside the plane of the two dyes: "drop", as in the papers, or "keep".
    reference
        What was fitted; None: not fitted yet.
    """

    beta: float = Field(default=0.15, ge=0.0, le=2.0)
    stained: Literal["mean", "every"] = "mean"
    ground: Ground | None = None
    residual: Literal["drop", "keep"] = "drop"
    reference: StainReference | None = None


def are_two_dyes(vectors: NDArray[np.float64]) -> bool:
    """Tell whether two unit vectors (3, 2) of optical density can be those of two dyes.

    They cannot where they are less than `APART` degrees apart, or where one has a component below `NEGATIVE`.
    """
    if not np.isfinite(vectors).all() or float(vectors.min()) < NEGATIVE:
        return False
    return float(vectors[:, 0] @ vectors[:, 1]) <= float(np.cos(np.deg2rad(APART)))


def not_fitted(kind: str) -> UsageError:
    """Return the error for a step that is applied before it was fitted."""
    return UsageError(
        f"the step {kind!r} is not fitted",
        expected="a reference in the step",
        found="none",
        todo="fit it with leukolens.smear.steps.fit_steps, or give its reference in the recipe",
    )
