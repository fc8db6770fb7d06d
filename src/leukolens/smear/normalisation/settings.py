"""What the settings of all normalisations have in common."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from leukolens.finding import UsageError

Triple = tuple[float, float, float]
Brightness = Annotated[float, Field(ge=1.0, le=255.0)]
Ground = tuple[Brightness, Brightness, Brightness]
"""Brightness of the empty background in red, green, blue."""


class Frozen(BaseModel):
    """Validated data that does not change: unknown keys, NaN and infinity are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class StainReference(Frozen):
    """A stain as it was measured, and the light around it.

    Attributes
    ----------
    vectors
        Unit vectors of optical density in red, green, blue: first the one nearer to azure B on chromatin.
    strengths
        99th percentile of the amount of each dye.
    ground
        Brightness of the empty background, 1 to 255.
    """

    vectors: tuple[Triple, Triple]
    strengths: tuple[Annotated[float, Field(gt=0.0)], Annotated[float, Field(gt=0.0)]]
    ground: Ground


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


def not_fitted(kind: str) -> UsageError:
    """Return the error for a step that is applied before it was fitted."""
    return UsageError(
        f"the step {kind!r} is not fitted",
        expected="a reference in the step",
        found="none",
        todo="fit it with leukolens.smear.steps.fit_steps, or give its reference in the recipe",
    )
