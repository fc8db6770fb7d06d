"""The images of other laboratories through the same way as in screening, at the scale of the training where asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from leukolens.finding import LeukolensError
from leukolens.screen.ordered import map_ordered
from leukolens.smear.reading import read_image
from leukolens.smear.scale import PixelScale

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from leukolens.assess.rescaling import Rescaling
    from leukolens.finding import Finding
    from leukolens.screen import Screener
    from leukolens.smear.reading import SmearImage


UNKNOWN: Final = PixelScale(None, "not known")


@dataclass(frozen=True)
class Judged:
    """What screening says of one file.

    Attributes
    ----------
    probabilities
        (C,) float64 in the order of the bundle's labels; None where it was refused.
    label
        As a finding gives it: None outside the domain, and where no white cells are seen.
    novelty
        0 to 1; None where the bundle cannot say.
    refused
        Why it was refused; empty where it was not.
    bare
        Whether screening sees no white cells in it, and so says nothing; its probabilities are the network's all the
        same.
    scale
        How large a pixel is, and who says so; not asked where nothing was brought to scale.
    windows
        How many parts of it were judged; their probabilities are averaged.
    """

    probabilities: NDArray[np.float64] | None
    label: str | None
    novelty: float | None
    refused: str = ""
    scale: PixelScale = UNKNOWN
    windows: int = 1
    bare: bool = False


@dataclass(frozen=True)
class Failed:
    """Why a file could not be read."""

    reason: str


def judge_files(screener: Screener, files: Sequence[tuple[Path, Rescaling | None]]) -> Iterator[Judged | Failed]:
    """Screen files, a few at a time, in their order.

    Parameters
    ----------
    screener
        The bundle.
    files
        Each with what brings it to scale; None judges it as it is.

    Yields
    ------
    Judged or Failed
        One a file; one that cannot be read does not stop the others.
    """

    def judge(task: tuple[Path, Rescaling | None]) -> Judged | Failed:
        path, rescaling = task
        try:
            image = read_image(path, screener.limits)
            return _judge(screener, path, image, rescaling)
        except (LeukolensError, OSError, MemoryError, cv2.error) as error:
            return Failed(str(error) or type(error).__name__)

    return map_ordered(judge, files, workers=screener.session.threads)


def _judge(screener: Screener, path: Path, image: SmearImage, rescaling: Rescaling | None) -> Judged | Failed:
    windows = () if rescaling is None else rescaling.windows(path, image)
    if windows:
        findings = [
            screener.examine(window.cut(image.pixels), aspect=window.aspect, placing=window.placing).finding
            for window in windows
        ]
    else:
        findings = [screener.examine(image.pixels).finding]
    failed = next((one for one in findings if one.status == "error"), None)
    if failed is not None:
        return Failed(failed.reason or "it could not be judged")
    scale = UNKNOWN if rescaling is None else rescaling.scale(path)
    return combine(findings, screener.bundle.field.labels, scale)


def combine(findings: Sequence[Finding], labels: Sequence[str], scale: PixelScale) -> Judged:
    """Put the findings of a picture's windows together.

    Parameters
    ----------
    findings
        At least one, none with status "error".
    labels
        Of the bundle, in the network's order.
    scale
        Of the picture.

    Returns
    -------
    Judged
        Means of those that were not refused, and of those with white cells where any has; refused where all were. It
        has a label where at least half of them do: that of the highest mean probability.
    """
    seen = [one for one in findings if one.status == "ok" and one.field is not None]
    seen = [one for one in seen if one.conclusion != "no white cells"] or seen
    if not seen:
        return Judged(None, None, None, findings[0].reason or "refused", scale, len(findings))
    rows = [[one.field.probabilities[name] for name in labels] for one in seen if one.field is not None]
    mean = np.asarray(rows, np.float64).mean(axis=0)
    known = [one.novelty for one in seen if one.novelty is not None]
    labelled = 2 * sum(one.label is not None for one in seen) >= len(seen)
    return Judged(
        probabilities=mean,
        label=labels[int(mean.argmax())] if labelled else None,
        novelty=float(np.mean(known)) if known else None,
        scale=scale,
        windows=len(findings),
        bare=all(one.conclusion == "no white cells" for one in seen),
    )
