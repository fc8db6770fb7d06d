"""What ``bundle.json`` may say: the networks of a bundle, their statistics, and where they come from."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from leukolens.finding import UsageError
from leukolens.smear.prepare import Preparation
from leukolens.smear.steps import needs_fit

BUNDLE_SCHEMA: Final = "1"
CARD: Final = "MODEL_CARD.md"
LICENCE: Final = "LICENSE"
SPEC_FILE: Final = "bundle.json"
SUMS_FILE: Final = "SHA256SUMS"

Role = Literal["field", "segment", "cell", "case"]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Label = Annotated[str, StringConstraints(min_length=1, max_length=100)]
NetworkFile = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.onnx$")]
BundleName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
BundleVersion = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class TensorFormat(_Strict):
    """One input or output of a network, in the words of the MONAI bundle where it has them.

    `shape` names the axes in order; a number is a fixed size, a word one that may vary.
    """

    type: Literal["image", "logits", "class map", "features", "distance"]
    dtype: Literal["uint8", "float32"]
    shape: tuple[int | str, ...]
    description: str = ""


class NetworkDataFormat(_Strict):
    """Inputs and outputs of a network by name."""

    inputs: dict[str, TensorFormat]
    outputs: dict[str, TensorFormat]


class Calibration(_Strict):
    """Temperature scaling (Guo et al. 2017, doi 10.48550/arXiv.1706.04599): probabilities = softmax(logits / T)."""

    temperature: float = Field(default=1.0, gt=0.0)
    n: int = Field(default=0, ge=0, description="images that the temperature was fitted on; 0: not fitted")
    source: str = ""


class Conformal(_Strict):
    """Prediction sets by the least ambiguous set-valued classifier, LAC (Sadinle et al. 2019).

    A label is in the set where ``1 - p(label) <= threshold``; `threshold` is the
    ``ceil((n + 1) (1 - alpha)) / n`` quantile of ``1 - p(true label)`` over `n` calibration images.
    """

    method: Literal["LAC"] = "LAC"
    alpha: float = Field(gt=0.0, lt=1.0)
    threshold: float = Field(ge=0.0, le=1.0)
    n: int = Field(ge=1)
    source: str = ""


class Novelty(_Strict):
    """Distances of the calibration images to the training features, and the limit of the domain."""

    quantiles: tuple[float, ...] = Field(description="0th to 100th percentile of the distances: 101 rising numbers")
    limit: float = Field(ge=0.0, description="an image farther than this is outside the domain")
    source: str = ""

    @field_validator("quantiles")
    @classmethod
    def _rising(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if len(value) != 101 or any(later < earlier for earlier, later in pairwise(value)):
            raise ValueError("quantiles must be 101 numbers, none smaller than the one before")
        return value


class FieldNetworkSpec(_Strict):
    """The network that judges a whole field of view (`docs/bundle.md` has the contract of its tensors)."""

    file: NetworkFile = "field.onnx"
    sha256: Sha256
    architecture: str = Field(min_length=1, description="name in the registry of networks")
    labels: tuple[Label, ...] = Field(min_length=2, description="in the order of the network's outputs")
    negative_labels: tuple[Label, ...] = Field(
        default=(), description="labels that mean no leukaemia; none: `p_all` is not given"
    )
    preparation: Preparation = Field(default_factory=Preparation)
    um_per_px: float | None = Field(
        default=None, gt=0.0, description="micrometres of a prepared pixel in training, in true shapes; none: not known"
    )
    network_data_format: NetworkDataFormat | None = None
    calibration: Calibration = Field(default_factory=Calibration)
    conformal: Conformal | None = None
    novelty: Novelty | None = None

    @field_validator("preparation")
    @classmethod
    def _fitted(cls, value: Preparation) -> Preparation:
        bare = [step.kind for step in value.steps if needs_fit(step)]
        if bare:
            raise ValueError(f"steps of the preparation are not fitted: {', '.join(bare)}")
        return value

    @model_validator(mode="after")
    def _labels_agree(self) -> Self:
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("labels must differ from each other")
        strangers = [label for label in self.negative_labels if label not in self.labels]
        if strangers:
            raise ValueError(f"negative_labels must be among the labels, these are not: {strangers}")
        return self


class Provenance(_Strict):
    """Where the networks of a bundle come from: enough to tell what they saw and to train them again."""

    data_sha256: str = ""
    split_sha256: str = ""
    split_method: str = ""
    split_kind: str = Field(default="", description="in words that stand beside every figure; capitals where leaky")
    groups_sha256: str = Field(default="", description="of the groups file that the split heeds")
    grouping: str = Field(default="", description="what was kept on one side of the split")
    training_images_sha256: str = Field(default="", description="SHA-256 over the sorted SHA-256 of the images")
    recipe: dict[str, Any] = Field(default_factory=dict)
    start: dict[str, Any] | None = Field(
        default=None, description="what is known of the weights that training began with; none: nothing, or no weights"
    )
    code_version: str = ""
    packages: dict[str, str] = Field(default_factory=dict)
    seed: int | None = None
    figures: dict[str, Any] = Field(default_factory=dict, description="measured figures with their intervals")
    test_openings: dict[str, Any] | None = Field(
        default=None,
        description="how often the test side had been looked at when the figures were taken; none: unknown",
    )
    terms: str = Field(default="", description="terms of the data it was trained on")
    citations: tuple[str, ...] = ()


class BundleSpec(_Strict):
    """The content of ``bundle.json``."""

    schema_: Literal["1"] = Field(default=BUNDLE_SCHEMA, alias="schema")
    name: BundleName
    version: BundleVersion
    created: datetime
    description: str = ""
    licence: str = Field(default="", description="SPDX name of the licence of the weights")
    networks: dict[Literal["field"], FieldNetworkSpec] = Field(min_length=1)
    provenance: Provenance = Field(default_factory=Provenance)

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True)

    def to_json(self) -> str:
        """Return the text of ``bundle.json``."""
        return self.model_dump_json(by_alias=True, indent=2) + "\n"


def check_bundle_name(name: str, version: str) -> None:
    """See that a bundle may be called so, before it is made.

    Raises
    ------
    UsageError
        It may not.
    """
    name_type, version_type = TypeAdapter[str](BundleName), TypeAdapter[str](BundleVersion)
    for what, value, adapter, expected in (
        ("name", name, name_type, "1 to 64 of a-z, 0-9, '.', '_', '-', the first a letter or digit"),
        ("version", version, version_type, "1 to 64 characters"),
    ):
        try:
            adapter.validate_python(value)
        except ValidationError as error:
            raise UsageError(f"a bundle's {what} cannot be {value!r}", expected=expected) from error


def field_data_format(labels: int, width: int, height: int) -> NetworkDataFormat:
    """Describe the tensors of a field network.

    Parameters
    ----------
    labels
        Number of labels.
    width, height
        Size of the prepared picture, px.
    """
    image = TensorFormat(
        type="image", dtype="uint8", shape=("N", height, width, 3), description="RGB, 0 to 255, as prepared"
    )
    return NetworkDataFormat(
        inputs={"images": image},
        outputs={
            "logits": TensorFormat(type="logits", dtype="float32", shape=("N", labels)),
            "class_map": TensorFormat(
                type="class map",
                dtype="float32",
                shape=("N", labels, "h", "w"),
                description="evidence by place; its mean over h and w plus a bias is the logits",
            ),
            "features": TensorFormat(type="features", dtype="float32", shape=("N", "D")),
            "distance": TensorFormat(type="distance", dtype="float32", shape=("N",)),
        },
    )
