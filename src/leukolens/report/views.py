"""The pictures of a page: each is read and explained again when the page comes to it, so that none is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from leukolens.explain import class_evidence, place_evidence
from leukolens.finding import LeukolensError
from leukolens.report.thumbnails import View
from leukolens.smear.reading import read_image
from leukolens.smear.resampling import reduce_to

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from leukolens.finding import Finding
    from leukolens.screen import Screener

LONGEST: Final = 640
"""Longest side, px, to which a picture is reduced before anything is drawn over it."""

_GONE: Final = (LeukolensError, OSError, MemoryError, cv2.error)


def views_of(
    screener: Screener, paths: Mapping[str, Path], *, aspect: float | None = None
) -> Callable[[Finding], View | None]:
    """Return how to get the picture of a finding, with the evidence for the class that the network holds likeliest.

    Parameters
    ----------
    screener
        What made the findings.
    paths
        Where pictures are, by the source of their findings.
    aspect
        As it was declared when they were screened.

    Returns
    -------
    callable
        From a finding to its view. None where the picture is no longer there, cannot be read, or is another one by
        its SHA-256. A finding without classes has a view without evidence.
    """

    def view(finding: Finding) -> View | None:
        path = paths.get(finding.source)
        if path is None:
            return None
        try:
            image = read_image(path, screener.limits)
            if image.sha256 != finding.sha256:
                return None
            return _explain(screener, image.pixels, finding, aspect)
        except _GONE:
            return None

    return view


def _explain(screener: Screener, pixels: NDArray[np.uint8], finding: Finding, aspect: float | None) -> View:
    height, width = pixels.shape[:2]
    shown = reduce_to(pixels, LONGEST)
    label = _likeliest(finding)
    if label is None:
        return View(shown)
    prepared, outputs = screener.field_outputs(pixels, aspect=aspect)
    evidence = class_evidence(outputs.class_map, screener.bundle.field.labels, label)
    return View(shown, place_evidence(evidence, prepared, (width, height), (shown.shape[1], shown.shape[0])), label)


def _likeliest(finding: Finding) -> str | None:
    """Return the class to explain: the one named, or outside the domain the one that the network leans to."""
    if finding.status != "ok" or finding.conclusion == "no white cells" or finding.field is None:
        return None
    probabilities = finding.field.probabilities
    return finding.label or max(probabilities, key=probabilities.__getitem__)
