"""Recipe part: how many training samples a picture gives, and whether that happens before or after the split."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from leukolens.smear.segmentation import SegmentHSV, SegmentKMeans

View = Literal["original", "segmented"]
Order = Literal["after-split", "before-validation", "before-test", "thesis"]
RIGHT_ORDER: Final = "after-split"


def _with_kind(value: Any) -> Any:  # noqa: ANN401 - whatever a recipe says
    return {"kind": "segment-kmeans", **value} if isinstance(value, dict) else value


Segmentation = Annotated[SegmentKMeans | SegmentHSV, Field(discriminator="kind"), BeforeValidator(_with_kind)]


class Samples(BaseModel):
    """What is made of a picture before the network learns from it. A sample is one view of a picture, or of its copy.

    Attributes
    ----------
    views
        "original" alone, or "original" and "segmented": two samples a picture. Screening sees the first alone.
    segmentation
        How the second view is cut out, from the prepared picture.
    order
        "after-split": the right one. Training pictures give samples; validation and test are pictures as screened.
        The others are leaky, for study only. "before-validation": training and validation are pooled, made into
        samples and only then divided. "before-test": so are all three sides. "thesis": balanced copies are made of all
        pictures, the test side is drawn from these, the rest is doubled into views, validation drawn from the samples.
    per_class
        Training samples of each view that every class gets: a class with fewer pictures is filled up with flipped and
        turned copies, one with more gives a random part. The thesis has 1,000. None leaves the classes as they are.
    validation
        Leaky orders only: the share that validates, where the split has no validation side to take it from.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    views: tuple[View, ...] = ("original",)
    segmentation: Segmentation = SegmentKMeans()
    per_class: int | None = Field(default=None, ge=1)
    order: Order = RIGHT_ORDER
    validation: float | None = Field(default=None, gt=0.0, lt=1.0)

    @property
    def leaky(self) -> bool:
        """Whether samples of one picture can stand on two sides."""
        return self.order != RIGHT_ORDER

    @field_validator("views")
    @classmethod
    def _check_views(cls, views: tuple[View, ...]) -> tuple[View, ...]:
        if views == ("segmented",):
            raise ValueError(
                "a network that sees segmented pictures alone must be given them when it screens as well: "
                "put the segmentation into preparation.steps, and leave samples.views at [original]"
            )
        if views not in {("original",), ("original", "segmented")}:
            raise ValueError("expected [original] or [original, segmented]: screening sees the first")
        return views

    @field_validator("order")
    @classmethod
    def _check_order(cls, order: Order, info: ValidationInfo) -> Order:
        lone = info.data.get("views") == ("original",) and info.data.get("per_class") is None
        if order != RIGHT_ORDER and lone:
            raise ValueError(
                "a picture gives one sample, so that no order can put it on two sides: "
                "set samples.views=[original, segmented] or samples.per_class"
            )
        return order

    @field_validator("validation")
    @classmethod
    def _check_validation(cls, validation: float | None, info: ValidationInfo) -> float | None:
        if validation is not None and info.data.get("order") == RIGHT_ORDER:
            raise ValueError("the right order takes the split's own validation side; only the leaky ones divide anew")
        return validation
