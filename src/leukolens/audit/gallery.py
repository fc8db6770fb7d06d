"""Small pictures for the page: pairs side by side and single pictures, no more than a page can bear."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

import cv2
import numpy as np

from leukolens.finding import ImageError
from leukolens.report.thumbnails import View, embed
from leukolens.report.words import visible
from leukolens.smear.reading import read_image

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from leukolens.audit.findings import Pair, Shown

LONGEST: Final = 176
"""Longer side of a small picture, px: about 8 kB each."""
PAIRS: Final = 24
SINGLES: Final = 24
"""How many pairs and single pictures a gallery shows; a page with all galleries full stays under 5 MB."""


class Small(NamedTuple):
    """A small picture: data URI, or None where it cannot be read any more; its size in px; what to write under it."""

    source: str | None
    width: int
    height: int
    path: str
    label: str
    patient: str | None


@dataclass
class Gallery:
    """Makes small pictures of a data set, each once.

    Attributes
    ----------
    files
        From the paths in findings to files.
    """

    files: dict[str, Path]
    _made: dict[str, tuple[str | None, int, int]] = field(default_factory=dict)

    def show(self, shown: Shown) -> Small:
        """Return the small picture of one finding."""
        if shown.path not in self._made:
            self._made[shown.path] = self._make(shown.path)
        patient = None if shown.patient is None else visible(shown.patient)
        return Small(*self._made[shown.path], visible(shown.path), visible(shown.label), patient)

    def pair(self, pair: Pair) -> tuple[Small, Small]:
        """Return both small pictures of a pair."""
        return self.show(pair.first), self.show(pair.second)

    def _make(self, path: str) -> tuple[str | None, int, int]:
        try:
            made = embed(View(read_image(self.files[path]).pixels), longest=LONGEST)
        except ImageError:
            return None, LONGEST, LONGEST
        return made.picture, made.width, made.height


def spread(found: Sequence[Pair], most: int) -> list[Pair]:
    """Choose pairs over the whole list, so that those shown are no run of neighbours.

    Parameters
    ----------
    found
        Pairs in the order of the data set.
    most
        How many to choose.
    """
    if len(found) <= most:
        return list(found)
    return [found[int(place)] for place in np.linspace(0, len(found) - 1, most).round()]


def strip(groups: Iterable[str]) -> str:
    """Draw the groups of neighbouring files as one row of coloured pixels, a PNG as data URI.

    Parameters
    ----------
    groups
        Name of the group of each file, in order; "" is grey.
    """
    row = np.array([[_colour(name) for name in groups]], np.uint8)
    _, coded = cv2.imencode(".png", row[..., ::-1])
    return "data:image/png;base64," + base64.b64encode(coded.tobytes()).decode("ascii")


@cache
def _colour(name: str) -> tuple[int, int, int]:
    """Return a colour (red, green, blue) by the number in a name; numbers that follow each other differ clearly."""
    number = int("".join(filter(str.isdigit, name)) or 0)
    if number == 0:
        return (128, 128, 128)
    hue = (number * 137.508) % 360.0  # the golden angle
    value = (0.62, 0.88)[number // 3 % 2]
    spot = np.array([[[hue, 0.55 + 0.15 * (number % 3), value]]], np.float32)
    red, green, blue = (round(255 * float(part)) for part in cv2.cvtColor(spot, cv2.COLOR_HSV2RGB)[0, 0])
    return red, green, blue
