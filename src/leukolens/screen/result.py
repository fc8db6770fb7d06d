"""What comes of one picture: the finding, and what it was made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from leukolens.finding import Finding
    from leukolens.smear.prepare import Prepared


@dataclass(frozen=True)
class FieldOutputs:
    """What the field network gives for one picture.

    Attributes
    ----------
    logits
        (C,) float32, in the order of the bundle's labels.
    class_map
        (C, h, w) float32: evidence by place over the prepared picture.
    features
        (D,) float32.
    distance
        To the training features.
    """

    logits: NDArray[np.float32]
    class_map: NDArray[np.float32]
    features: NDArray[np.float32]
    distance: float


@dataclass(frozen=True)
class ScreenResult:
    """A finding with what it was made from. `prepared` and `outputs` are None where the picture could not be read.

    `prepared.pixels` is what the network saw, `prepared.matrix` the way back to the image as given, `prepared.working`
    a reduced picture to show.
    """

    finding: Finding
    prepared: Prepared | None = None
    outputs: FieldOutputs | None = None
