"""Images through the same way as in screening: reading, preparing, the field network, calibration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

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

    from leukolens.assess.rescaling import Rescaling
    from leukolens.screen import Screener
    from leukolens.smear.reading import SmearImage
    from leukolens.smear.scale import Window

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
    no_white_cells
        Whether the predictor says that it sees none, and so gives no answer; `probabilities` then mean nothing.
    features
        (D,) float32, what the network sees in it; None where the predictor cannot say.
    """

    probabilities: NDArray[np.float64]
    novelty: float | None = None
    in_domain: bool = True
    no_white_cells: bool = False
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


@runtime_checkable
class Viewer(Protocol):
    """A predictor that looks at each file in a way of its own."""

    def view(self, path: Path, image: SmearImage) -> Callable[[Picture], Answer]:
        """Return what judges the pixels of a file, as they are or perturbed."""


class BundlePredictor:
    """The field network of a loaded bundle.

    Parameters
    ----------
    screener
        From `leukolens.screen.load`.
    rescaling
        Brings pictures to the scale of the training first; None: each is judged as it is.
    """

    def __init__(self, screener: Screener, rescaling: Rescaling | None = None) -> None:
        self._screener = screener
        self._rescaling = rescaling

    @property
    def classes(self) -> tuple[str, ...]:
        """Labels of the field network."""
        return self._screener.bundle.field.labels

    @property
    def workers(self) -> int:
        """Threads of the session."""
        return self._screener.session.threads

    def view(self, path: Path, image: SmearImage) -> Callable[[Picture], Answer]:
        """Return what judges the pixels of a file: as they are, or window by window at the scale of the training."""
        windows = () if self._rescaling is None else self._rescaling.windows(path, image)
        if not windows:
            return self.predict
        return lambda rgb: mean_answer([self.predict(window.cut(rgb), window) for window in windows])

    def predict(self, rgb: Picture, window: Window | None = None) -> Answer:
        """Judge one picture, (H, W, 3) uint8 sRGB, as screening does; nothing is refused."""
        spec = self._screener.bundle.field
        aspect, placing = (None, None) if window is None else (window.aspect, window.placing)
        prepared, outputs = self._screener.field_outputs(rgb, aspect=aspect, placing=placing)
        judgement = judge_field(outputs.logits, outputs.distance, spec)
        values = np.array([judgement.probabilities[name] for name in spec.labels])
        return Answer(values, judgement.novelty, judgement.in_domain, prepared.bare, outputs.features)


def mean_answer(answers: Sequence[Answer]) -> Answer:
    """Return one answer for the windows of a picture: means, and in the domain where at least half of them are.

    Windows without white cells count where there are no others.
    """
    bare = all(one.no_white_cells for one in answers)
    answers = answers if bare else [one for one in answers if not one.no_white_cells]
    features = [one.features for one in answers if one.features is not None]
    known = [one.novelty for one in answers if one.novelty is not None]
    return Answer(
        np.mean([one.probabilities for one in answers], axis=0),
        float(np.mean(known)) if known else None,
        2 * sum(one.in_domain for one in answers) >= len(answers),
        bare,
        np.mean(features, axis=0) if len(features) == len(answers) else None,
    )


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
            image = read_image(path, within)
            judge_pixels = predictor.view(path, image) if isinstance(predictor, Viewer) else predictor.predict
        except (LeukolensError, OSError, MemoryError, cv2.error) as error:
            return Answers(path, None, {}, str(error) or type(error).__name__)
        perturbed = {name: judge_pixels(change(image.pixels)) for name, change in perturbations.items()}
        return Answers(path, judge_pixels(image.pixels), perturbed)

    return map_ordered(judge, paths, workers=predictor.workers)
