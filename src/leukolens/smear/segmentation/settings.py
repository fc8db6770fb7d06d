"""The constants of both segmentations, as data that a recipe and a bundle hold."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

Level = Annotated[int, Field(ge=0, le=255)]
Area = Annotated[int, Field(ge=0, le=1_000_000)]
HSV = tuple[Level, Level, Level]

SWAPPED_BOUNDS: Final[tuple[HSV, HSV]] = ((168, 50, 50), (182, 255, 255))
"""The data authors' bounds, for a hue that was computed with red and blue exchanged."""
RIGHT_BOUNDS: Final[tuple[HSV, HSV]] = ((121, 50, 50), (132, 255, 255))
"""The same colours by their right hue, but for rounding to half degrees at the borders.

Exchanging red and blue mirrors the hue about green: h becomes 240 degrees - h, in OpenCV's half degrees 120 - h modulo
180, and leaves saturation and value as they are. OpenCV's hue ends at 179, so that the authors' 168 to 182 is 168 to
179, and 120 - 168 = -48 is 132, 120 - 179 = -59 is 121: hues of 242 to 264 degrees, blue-violet.
"""


class SegmentKMeans(BaseModel):
    """The thesis' segmentation: a* in few clusters, those above a threshold, holes filled, small things dropped.

    Attributes
    ----------
    clusters
        Number of clusters of a*.
    threshold
        A pixel is kept where the centre of its cluster, its decimals cut off, is above this; 8-bit a* (128 is grey).
    min_object
        Objects (joined by edges, not corners) of fewer px are dropped. 0 keeps all.
    min_hole
        Background regions of fewer px, which are those cut off by the border, are filled. 0 fills none.

    Notes
    -----
    Both areas are those of the thesis for fields squeezed to 224 x 224 px. In true shapes, 224 x 168 px, the same
    cells take three quarters of that: 150 and 188 px.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["segment-kmeans"] = "segment-kmeans"
    clusters: int = Field(default=7, ge=1, le=64)
    threshold: Level = 141
    min_object: Area = 200
    min_hole: Area = 250


class SegmentHSV(BaseModel):
    """The data authors' segmentation: a range of hue, saturation and value.

    Attributes
    ----------
    channels
        "swapped": hue is computed as they did, with OpenCV's conversion for RGB on a picture in the order BGR, a slip
        that takes blue for red. "right": it is computed rightly.
    low, high
        Bounds, both inclusive, in OpenCV's 8 bit: hue in half degrees (0 to 179), saturation and value 0 to 255. None
        takes `SWAPPED_BOUNDS` or `RIGHT_BOUNDS`, which select the same colours but for rounding at their borders.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["segment-hsv"] = "segment-hsv"
    channels: Literal["swapped", "right"] = "swapped"
    low: HSV | None = None
    high: HSV | None = None

    def bounds(self) -> tuple[HSV, HSV]:
        """Return the lower and the upper bound that apply."""
        low, high = SWAPPED_BOUNDS if self.channels == "swapped" else RIGHT_BOUNDS
        return self.low or low, self.high or high
