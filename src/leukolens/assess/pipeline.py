"""Images through the same way as in screening: reading, preparing, the field network, calibration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from leukolens.finding import LeukolensError
from leukolens.screen.ordered import map_ordered
from leukolens.smear.limits import Limits
from leukolens.smear.reading import read_image
from leukolens.trust import judge_field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from leukolens.screen import Screener

    Picture = NDArray[np.uint8]
    Perturbation = Callable[[Picture], Picture]


@dataclass(frozen=True)
class Answer:
    """What a predictor says of one picture.

    Attributes
    ----------
    probabilities
        (C,) float64, in the order of the predictor's classes.
    novelty
        0 to 1, see `leukolens.trust`; None where the predictor cannot say.
    in_domain
        Whether the picture lies where the network learned.
    features
        (D,) float32, what the network sees in it; None where the predictor cannot say.
    """

    probabilities: NDArray[np.float64]
    novelty: float | None = None
    in_domain: bool = True
    features: NDArray[np.float32] | None = None


class Predictor(Protocol):
    """Whatever gives probabilities for a picture. `predict` is called from `workers` threads at once."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""

    @property
    def workers(self) -> int:
        """How many pictures are worked on at the same time."""

    def predict(self, rgb: Picture) -> Answer:
        """Judge one picture, (H, W, 3) uint8 sRGB as read."""


class BundlePredictor:
    """The field network of a loaded bundle.

    Parameters
    ----------
    screener
        From `leukolens.screen.load`.
    """

    def __init__(self, screener: Screener) -> None:
        self._screener = screener

    @property
    def classes(self) -> tuple[str, ...]:
        """Labels of the field network."""
        return self._screener.bundle.field.labels

    @property
    def workers(self) -> int:
        """Threads of the session."""
        return self._screener.session.threads

    def predict(self, rgb: Picture) -> Answer:
        """Judge one picture, (H, W, 3) uint8 sRGB, as screening does; nothing is refused."""
        spec = self._screener.bundle.field
        _, outputs = self._screener.field_outputs(rgb)
        judgement = judge_field(outputs.logits, outputs.distance, spec)
        values = np.array([judgement.probabilities[name] for name in spec.labels])
        return Answer(values, judgement.novelty, judgement.in_domain, outputs.features)


@dataclass(frozen=True)
class Answers:
    """What was said of one file: of the picture as it is, and of each perturbed version. Or why it was not read."""

    path: Path
    plain: Answer | None
    perturbed: dict[str, Answer]
    failure: str | None = None


def predict_files(
    predictor: Predictor,
    paths: Sequence[Path],
    perturbations: Mapping[str, Perturbation],
    limits: Limits | None = None,
) -> Iterator[Answers]:
    """Read each file once and judge it, as it is and perturbed.

    Parameters
    ----------
    predictor
        Gives the probabilities.
    paths
        Files of pictures.
    perturbations
        By name; each takes the picture as read and gives another one of the same shape.
    limits
        The largest picture that is read.

    Yields
    ------
    Answers
        One a file, in order. A file that cannot be read has a `failure` and does not stop the others.
    """
    within = limits or Limits()

    def judge(path: Path) -> Answers:
        try:
            rgb = read_image(path, within).pixels
        except (LeukolensError, OSError, MemoryError, cv2.error) as error:
            return Answers(path, None, {}, str(error) or type(error).__name__)
        perturbed = {name: predictor.predict(change(rgb)) for name, change in perturbations.items()}
        return Answers(path, predictor.predict(rgb), perturbed)

    return map_ordered(judge, paths, workers=predictor.workers)
