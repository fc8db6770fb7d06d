"""Recipe parts: optimiser and schedule, gradual unfreezing, mixing of pictures, or a head fitted without epochs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Optimiser(_Part):
    """AdamW, Adam or stochastic gradient descent, with its schedule."""

    name: Literal["adamw", "adam", "sgd"] = "adamw"
    learning_rate: float = Field(default=1e-3, gt=0.0)
    epsilon: float = Field(default=1e-8, gt=0.0, description="AdamW, Adam: added to the root of the second moment")
    momentum: float = Field(default=0.9, ge=0.0, lt=1.0, description="sgd alone")
    nesterov: bool = Field(default=False, description="sgd alone; needs a momentum")
    weight_decay: float = Field(default=0.02, ge=0.0)
    clip: float | None = Field(default=1.0, gt=0.0, description="largest norm of all gradients; null: not clipped")
    layer_decay: float = Field(
        default=1.0, gt=0.0, le=1.0, description="factor on the learning rate from one stage to the one before it"
    )
    schedule: Literal["cosine", "exponential", "constant"] = "cosine"
    warmup: Share = Field(default=0.1, description="share of all steps during which the rate rises from 0")
    decay_rate: float = Field(default=0.96, gt=0.0, le=1.0, description="exponential schedule: factor ...")
    decay_steps: int = Field(default=40, ge=1, description="... every so many steps")
    staircase: bool = Field(default=False, description="... at once every so many steps, not a little at each")

    @field_validator("nesterov")
    @classmethod
    def _with_momentum(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("name") == "sgd" and info.data.get("momentum") == 0:
            raise ValueError("Nesterov's momentum needs a momentum above 0")
        return value


class Unfreezing(_Part):
    """Train the head first, and one more stage of the backbone every few epochs (arXiv 1801.06146)."""

    start: int = Field(
        default=0, ge=0, description="stages of the backbone, from the head down, trained from the start"
    )
    every: int = Field(default=1, ge=1, description="epochs after which the next stage is trained as well")


class Mixing(_Part):
    """Mix pictures and labels of a batch: mixup (arXiv 1710.09412), cutmix (arXiv 1905.04899), or either at random."""

    mixup: float = Field(default=0.0, ge=0.0, description="parameter of the beta distribution; 0: no mixup")
    cutmix: float = Field(default=0.0, ge=0.0, description="parameter of the beta distribution; 0: no cutmix")
    share: Share = Field(default=1.0, description="share of the batches that are mixed")

    @property
    def active(self) -> bool:
        """Return whether any batch is mixed."""
        return self.share > 0 and (self.mixup > 0 or self.cutmix > 0)


class Probe(_Part):
    """Fit the head at once, to the features of a backbone that is not trained (linear probe, arXiv 1610.01644).

    Logistic regression, solved to its end: no epochs, no learning rate, nothing drawn but the variation of pictures.
    """

    passes: int = Field(
        default=2, ge=0, le=100, description="times that each training sample is seen varied, beside once as it is"
    )
    c: float = Field(
        default=0.3, gt=0.0, description="inverse strength of the penalty on squared weights, scikit-learn's C"
    )
