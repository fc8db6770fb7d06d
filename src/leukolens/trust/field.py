"""From what a field network gives for one picture to probabilities, a prediction set and a novelty."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukolens.finding import BundleError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukolens.engine.spec import Conformal, FieldNetworkSpec, Novelty


@dataclass(frozen=True)
class FieldJudgement:
    """What a field network says of one picture.

    Attributes
    ----------
    probabilities
        Calibrated, by label in the network's order; they sum to 1.
    prediction_set
        Labels that cannot be ruled out, the most probable first; never empty.
    novelty
        Share of the calibration images that lie nearer to the training images than this picture, 0 to 1. None: the
        bundle cannot say.
    in_domain
        Whether the picture lies where the network learned. True where the bundle cannot say; `novelty` tells.
    """

    probabilities: dict[str, float]
    prediction_set: tuple[str, ...]
    novelty: float | None
    in_domain: bool


def judge_field(logits: NDArray[np.float32], distance: float, spec: FieldNetworkSpec) -> FieldJudgement:
    """Judge one picture.

    Parameters
    ----------
    logits
        (C,) float, one a label.
    distance
        Of the picture's features to those of the training images, >= 0, in the unit of the bundle's quantiles.
    spec
        Labels and statistics of the network.

    Raises
    ------
    BundleError
        The network gave something else than C finite logits and a finite distance.
    """
    distance = float(distance)
    if logits.shape != (len(spec.labels),) or not np.isfinite(logits).all() or not math.isfinite(distance):
        raise BundleError(
            "the field network gave no usable numbers",
            expected=f"{len(spec.labels)} finite logits and a finite distance",
            found=f"logits {np.asarray(logits).tolist()}, distance {distance}",
            todo="Try the other engine; where it gives the same, report the bundle",
        )
    values = softmax(logits, spec.calibration.temperature)
    return FieldJudgement(
        probabilities=dict(zip(spec.labels, values.tolist(), strict=True)),
        prediction_set=tuple(spec.labels[i] for i in prediction_set(values, spec.conformal)),
        novelty=None if spec.novelty is None else novelty(distance, spec.novelty),
        in_domain=spec.novelty is None or distance <= spec.novelty.limit,
    )


def softmax(logits: NDArray[np.float32], temperature: float) -> NDArray[np.float64]:
    """Return probabilities from logits, softened by a temperature (Guo et al. 2017, doi 10.48550/arXiv.1706.04599).

    Parameters
    ----------
    logits
        (..., C) float.
    temperature
        > 0; above 1 softens.

    Returns
    -------
    NDArray
        (..., C) float64, each row sums to 1.
    """
    scaled = np.asarray(logits, np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float64)


def prediction_set(probabilities: NDArray[np.float64], conformal: Conformal | None) -> list[int]:
    """Return which labels cannot be ruled out, the most probable first.

    The least ambiguous set-valued classifier (Sadinle, Lei and Wasserman 2019, doi 10.1080/01621459.2017.1395341):
    all labels with 1 - p <= threshold. Departure from the paper: where that leaves no label, the most probable one is
    taken, because an empty set would be read as "none of these". Coverage can only rise by it.

    Parameters
    ----------
    probabilities
        (C,) float64.
    conformal
        Calibrated threshold. None: the most probable label alone, without a promise of coverage.

    Returns
    -------
    list of int
        Positions of labels, at least one.
    """
    order = [int(i) for i in np.argsort(-probabilities, kind="stable")]
    if conformal is None:
        return order[:1]
    return [i for i in order if 1.0 - probabilities[i] <= conformal.threshold] or order[:1]


def novelty(distance: float, spec: Novelty) -> float:
    """Return the share of calibration images that are less distant, 0 to 1, linear between the percentiles kept.

    Parameters
    ----------
    distance
        Of one picture.
    spec
        Percentiles of the distances of the calibration images.
    """
    quantiles = spec.quantiles
    above = int(np.searchsorted(quantiles, distance, side="left"))
    if above == 0:
        return 0.0
    if above == len(quantiles):
        return 1.0
    low, high = quantiles[above - 1], quantiles[above]
    return (above - 1 + (distance - low) / (high - low)) / (len(quantiles) - 1)
