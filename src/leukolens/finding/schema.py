"""The schema of a finding (one image) and of a case (all images of one smear or patient)."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION: Final = "1"

Probability = Field(ge=0.0, le=1.0)
Status = Literal["ok", "refused", "error"]
Conclusion = Literal["lymphoblasts", "none seen", "no white cells"]
Decision = Literal["report", "review"]
Ring = list[tuple[float, float]]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Quality(_Strict):
    """First quality measures of one picture. Each is a plain number; `flags` names those out of the usual range."""

    focus: float = Field(description="sharpness of edges, 0 (blurred) to 1 (crisp)", ge=0.0, le=1.0)
    exposure: float = Field(description="mean lightness L* of the picture, 0 to 100", ge=0.0, le=100.0)
    clipped_fraction: float = Field(
        description="share of pixels that are black or white without detail", ge=0.0, le=1.0
    )
    stain: float = Field(description="share of pixels that carry nuclear stain (blue to purple)", ge=0.0, le=1.0)
    red_cells: float = Field(description="share of the picture covered by red cells", ge=0.0, le=1.0)
    white_cells: float = Field(description="share of the picture covered by nuclei of white cells", ge=0.0, le=1.0)
    burned_in: float = Field(description="share of pixels that were scale bar or mark, painted out", ge=0.0, le=1.0)
    squeeze: float = Field(
        description="horizontal squeeze found or given: 1 none, 1.333 a 4:3 picture made square", gt=0
    )
    squeeze_source: Literal["picture", "declared", "shape"] = Field(description="where the squeeze comes from")
    flags: list[str] = Field(default_factory=list, description="measures out of their usual range, in words")


class CellFinding(_Strict):
    """One white cell. Coordinates are pixels of the image as given."""

    model_config = ConfigDict(extra="allow", frozen=True)
    box: tuple[float, float, float, float]
    outline: list[Ring]
    nucleus: list[Ring]
    kind: str
    p_blast: float | None = Field(ge=0.0, le=1.0)
    area_um2: float | None = Field(ge=0.0)


class FieldFinding(_Strict):
    """What the field network says, whether or not the picture lies in its domain."""

    probabilities: dict[str, float]


class ModelRef(_Strict):
    """One network that took part, with the engine and the precision that it ran in."""

    role: str
    name: str
    version: str
    sha256: str
    engine: str
    precision: Literal["f32", "bf16", "int8"]


class Finding(_Strict):
    """What is said of one image."""

    schema_: Literal["1"] = Field(default=SCHEMA_VERSION, alias="schema")
    source: str
    sha256: str | None
    status: Status
    reason: str | None = None
    conclusion: Conclusion | None = None
    p_all: float | None = Field(default=None, ge=0.0, le=1.0)
    label: str | None = None
    probabilities: dict[str, float] | None = None
    prediction_set: list[str] = Field(default_factory=list)
    decision: Decision = "review"
    novelty: float | None = Field(default=None, ge=0.0, le=1.0)
    quality: Quality | None = None
    um_per_px: tuple[float, float] | None = None
    cells: list[CellFinding] = Field(default_factory=list)
    field: FieldFinding | None = None
    models: list[ModelRef] = Field(default_factory=list)
    width: int | None = Field(default=None, description="pixels of the image as given")
    height: int | None = None
    notes: list[str] = Field(default_factory=list, description="what was done to read the picture; why it needs review")

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    def to_json(self) -> str:
        """Return the finding as one line of JSON, fit for ``findings.jsonl``."""
        return self.model_dump_json(by_alias=True)


class KindShare(_Strict):
    """Count and share of one kind of cell, with a 95 % interval."""

    n: int = Field(ge=0)
    fraction: float | None
    low: float | None
    high: float | None


BlastShare = KindShare


class Case(_Strict):
    """What is said of all images of one case together."""

    case: str
    images: int = Field(ge=0)
    cells: int = Field(ge=0)
    differential: dict[str, KindShare]
    blasts: KindShare
    p_all: float | None = Field(ge=0.0, le=1.0)
    conclusion: Conclusion | None
    decision: Decision
    reasons: list[str]


def json_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of a finding and of a case, under ``$defs``."""
    from pydantic.json_schema import models_json_schema

    _, schema = models_json_schema([(Finding, "serialization"), (Case, "serialization")], by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "leukolens findings and cases"
    return schema
