"""Small pictures for the page, in true shapes, as data that the page carries itself."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from leukolens.explain import overlay

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH = 480
"""Longest side of a small picture, px."""

_QUALITY = 82


@dataclass(frozen=True)
class View:
    """One picture with the evidence to be drawn over it.

    Attributes
    ----------
    rgb
        (H, W, 3) uint8, sRGB, in the shape as given or reduced.
    evidence
        (H, W) float32 in logits, or None where there is none.
    evidence_label
        The class that the evidence speaks for.
    """

    rgb: NDArray[np.uint8]
    evidence: NDArray[np.float32] | None = None
    evidence_label: str | None = None


@dataclass(frozen=True)
class Thumbnails:
    """What the page embeds of one picture: data URIs, and the size of both in px."""

    picture: str
    overlay: str | None
    overlay_label: str | None
    width: int
    height: int


def embed(view: View, squeeze: float = 1.0, *, longest: int = WIDTH) -> Thumbnails:
    """Reduce a picture to true shapes and encode it, plain and with its class map.

    Parameters
    ----------
    view
        The picture and its evidence.
    squeeze
        Factor on the width that gives true shapes.
    longest
        Longest side of the result, px. A smaller picture is enlarged to it.

    Returns
    -------
    Thumbnails
        JPEG, as ``data:`` URIs.
    """
    height, width = view.rgb.shape[:2]
    scale = longest / max(height, width * squeeze)
    size = (max(1, round(width * squeeze * scale)), max(1, round(height * scale)))
    shrinks = size[0] < width or size[1] < height
    small = cv2.resize(view.rgb, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    picture = np.asarray(small, np.uint8)
    drawn = None
    if view.evidence is not None:
        evidence = cv2.resize(view.evidence, size, interpolation=cv2.INTER_LINEAR)
        drawn = _jpeg_uri(overlay(picture, np.asarray(evidence, np.float32)))
    return Thumbnails(_jpeg_uri(picture), drawn, view.evidence_label if drawn else None, size[0], size[1])


def _jpeg_uri(rgb: NDArray[np.uint8]) -> str:
    _, coded = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(coded.tobytes()).decode("ascii")
