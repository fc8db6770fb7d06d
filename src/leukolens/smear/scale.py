"""Bringing a picture to the scale that a network learned at: how large a pixel is, and which windows are judged."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from leukolens.finding import ImageError
from leukolens.smear.ground import Placing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukolens.smear.prepare import Preparation

Content = Literal["field", "cell"]
Source = Literal["said", "file", "published", "not known"]

MOST_WINDOWS: Final = 4
"""Windows along a side; of a picture that would take more, as many are judged, evenly spread."""
SPARE: Final = 0.1
"""Share of a window that a picture may be larger, along a side, without a further one: its edges are then cut off."""
COARSEST: Final = 3.0
"""How many times larger than those of the training a picture's pixels may be: beyond it no cell can be seen."""


@dataclass(frozen=True)
class PixelScale:
    """How large a pixel is, and who says so.

    Attributes
    ----------
    um_per_px
        (x, y) micrometres a pixel of the picture as given; None where it is not known.
    source
        "said" by the user, stated in the "file", "published" by the data set's owners, or "not known".
    """

    um_per_px: tuple[float, float] | None
    source: Source


def choose_scale(
    *, said: float | None = None, stated: tuple[float, float] | None = None, published: float | None = None
) -> PixelScale:
    """Return the size of a pixel from whoever knows it best.

    Parameters
    ----------
    said
        Micrometres a pixel by the user, who overrules everybody.
    stated
        (x, y) by the file's own metadata, see `leukolens.smear.pixel_size`.
    published
        By the owners of the data set.

    Returns
    -------
    PixelScale
        "not known" where nobody says. A size measured from the red cells, once there is one, belongs before that.
    """
    if said is not None:
        return PixelScale((said, said), "said")
    if stated is not None:
        return PixelScale(stated, "file")
    if published is not None:
        return PixelScale((published, published), "published")
    return PixelScale(None, "not known")


@dataclass(frozen=True)
class Window:
    """A part of a picture that is judged for itself.

    Attributes
    ----------
    left, top, width, height
        Where it is, px of the picture as given.
    aspect
        Its true width divided by its true height.
    placing
        How large it lies in the prepared picture.
    """

    left: int
    top: int
    width: int
    height: int
    aspect: float
    placing: Placing

    def cut(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return this part (height, width, 3) of a picture (H, W, 3)."""
        return np.ascontiguousarray(rgb[self.top : self.top + self.height, self.left : self.left + self.width])


def windows_at_scale(
    width: int,
    height: int,
    um_per_px: tuple[float, float],
    target: float,
    spec: Preparation,
    content: Content = "field",
) -> tuple[Window, ...]:
    """Divide a picture into windows that `prepare` brings to the scale of the training.

    A picture that shows more than a prepared one does is cut into windows of a prepared picture's extent; one that
    shows less lies in its middle, on a plain ground of its own background's colour.

    Parameters
    ----------
    width, height
        Of the picture as given, px.
    um_per_px
        (x, y) micrometres of one of its pixels.
    target
        Micrometres of a pixel of the prepared field in training, after any squeeze was undone.
    spec
        The bundle's preparation.
    content
        "cell" for a picture cut out around one cell: it is never cut, and its ground comes from its border.

    Returns
    -------
    tuple of Window
        From left to right and from top to bottom, at most `MOST_WINDOWS` along each side.

    Raises
    ------
    ImageError
        Its pixels are more than `COARSEST` times as large as those of the training.
    """
    if max(um_per_px) > COARSEST * target:
        raise ImageError(
            "the picture is too coarse to be brought to the bundle's scale",
            expected=f"at most {COARSEST * target:.3g} µm per px",
            found=f"{max(um_per_px):.3g} µm per px",
            todo="check the size of its pixels, or take a picture of a higher magnification",
        )
    spec = spec.of_field
    across, down = um_per_px[0] / target, um_per_px[1] / target
    wide, high = width * across, height * down
    turned = spec.landscape and wide < high
    frame = (spec.height, spec.width) if turned else (spec.width, spec.height)
    placing = Placing(down, "border" if content == "cell" else "background")
    if content == "cell":
        return (Window(0, 0, width, height, wide / high, placing),)
    return tuple(
        Window(left, top, wide_px, high_px, wide_px * across / (high_px * down), placing)
        for top, high_px in _spread(height, frame[1] / down)
        for left, wide_px in _spread(width, frame[0] / across)
    )


def _spread(length: int, extent: float) -> list[tuple[int, int]]:
    """Return starts and lengths of windows of `extent` px over a side of `length` px; the whole side where it fits."""
    own = min(length, max(1, round(extent)))
    count = min(MOST_WINDOWS, max(1, math.ceil(length / own - SPARE)))
    if count == 1:
        return [((length - own) // 2, own)]
    if count * own <= length:  # not all of it can be seen: in the middle of equal parts
        return [(round((index + 0.5) * length / count - own / 2), own) for index in range(count)]
    return [(round(index * (length - own) / (count - 1)), own) for index in range(count)]
