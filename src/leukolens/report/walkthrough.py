"""The page of ``leukolens preprocess``: each picture as a strip of its stages, in one file that opens offline."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from leukolens.report.templating import page_environment, page_values
from leukolens.report.words import visible
from leukolens.smear.resampling import reduce_to

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from leukolens.report.stages import Stage

_PACKAGE: Final = "leukolens.report"
_LONGEST: Final = 320
_QUALITY: Final = 88


@dataclass(frozen=True)
class Figure:
    """One stage as the page shows it: a data URI, its size in px, its caption and time."""

    source: str
    width: int
    height: int
    caption: str
    time: str


@dataclass(frozen=True)
class Strip:
    """One picture: its name, the folder of its files, and its stages."""

    name: str
    folder: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Walkthrough:
    """All that the page says beside the strips.

    Attributes
    ----------
    created
        When, in words.
    steps
        Names of the steps, in order.
    second
        Name of the segmentation that makes the second training sample; empty where there is none.
    fitted_on
        What the steps were fitted on, in words; empty where nothing had to be fitted.
    pictures
        How many were done.
    notes
        What a reader has to know beside that, in sentences.
    medians
        Stage and median time, in words.
    threads
        On how many threads OpenCV worked at most.
    errors
        Name and reason of each picture that could not be read.
    """

    created: str
    steps: tuple[str, ...]
    second: str
    fitted_on: str
    pictures: int
    notes: tuple[str, ...]
    medians: tuple[tuple[str, str], ...]
    threads: int
    errors: tuple[tuple[str, str], ...]


def make_strip(name: str, folder: str, stages: Sequence[Stage]) -> Strip:
    """Reduce and encode the stages of one picture.

    Parameters
    ----------
    name
        As given by the user.
    folder
        Where its files are, relative to the page.
    stages
        From `stages_of`.
    """
    return Strip(visible(name), visible(folder), tuple(map(_figure, stages)))


def milliseconds(seconds: float) -> str:
    """Return a time as text.

    Examples
    --------
    >>> milliseconds(0.00123), milliseconds(0.25)
    ('1.2 ms', '250 ms')
    """
    value = 1e3 * seconds
    return f"{value:.1f} ms" if value < 100 else f"{value:.0f} ms"


def write_walkthrough(strips: Sequence[Strip], about: Walkthrough) -> bytes:
    """Return the page as UTF-8: style and pictures inside, no script, nothing loaded from elsewhere."""
    values = page_values(_PACKAGE, "preprocess.css") | {
        "about": about,
        "notes": [visible(note) for note in about.notes],
        "errors": [(visible(name), visible(reason)) for name, reason in about.errors],
        "strips": strips,
    }
    return page_environment(_PACKAGE).get_template("preprocess.html.j2").render(values).encode()


def _figure(stage: Stage) -> Figure:
    small = reduce_to(stage.picture, _LONGEST)
    time = "" if stage.seconds is None else milliseconds(stage.seconds)
    return Figure(_data_uri(small), small.shape[1], small.shape[0], stage.caption, time)


def _data_uri(picture: NDArray[np.uint8]) -> str:
    """Encode colour as JPEG, and grey, which has hard edges and few levels, as PNG."""
    if picture.ndim == 2:
        kind, (_, coded) = "png", cv2.imencode(".png", picture)
    else:
        kind, (_, coded) = "jpeg", cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return f"data:image/{kind};base64," + base64.b64encode(coded.tobytes()).decode("ascii")
