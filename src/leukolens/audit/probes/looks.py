"""The looks under which a data set is probed: as it is, without burned-in marks, and after each normalisation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.finding import ImageError
from leukolens.smear.marks import find_marks, paint_out
from leukolens.smear.normalisation.illumination import FlattenIllumination
from leukolens.smear.normalisation.macenko import Macenko
from leukolens.smear.normalisation.reinhard import Reinhard
from leukolens.smear.normalisation.vahadane import Vahadane
from leukolens.smear.perturb import to_grey
from leukolens.smear.pixels import check_pixels
from leukolens.smear.resampling import reduce_to
from leukolens.smear.steps import apply_steps, fit_steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from leukolens.smear.steps import Normalisation, Segmentation

    Picture = NDArray[np.uint8]

SIDE: Final = 256
"""Longer side in pixels above which a picture is reduced before it is probed: means, histograms and corners stay."""
SAMPLE: Final = 64
"""Pictures that references are fitted on."""


@dataclass(frozen=True)
class Look:
    """One way to look at a picture.

    Attributes
    ----------
    name
        Short, for tables and JSON.
    meaning
        What is done, in one clause.
    marks_out
        Whether burned-in marks are painted out first, as `prepare` does.
    grey
        Whether colour is taken away.
    steps
        Normalisations, applied last.
    failed
        Why the normalisation could not be fitted; such a look is not measured. None: it is ready, or needs no fit.
    """

    name: str
    meaning: str
    marks_out: bool = True
    grey: bool = False
    steps: tuple[Normalisation | Segmentation, ...] = ()
    failed: str | None = None


LOOKS: Final = (
    Look("as it is", "nothing is changed", marks_out=False),
    Look("marks out", "burned-in marks are painted out"),
    Look("grey", "marks out, then Rec. 709 luma alone", grey=True),
    Look(
        "even light",
        "marks out, then the background's surface divided out and brought to that of the reference",
        steps=(FlattenIllumination(level="reference"),),
    ),
    Look("Reinhard", "marks out, then mean and spread of L*a*b* as in the reference", steps=(Reinhard(),)),
    Look("Macenko", "marks out, then the two dyes and the background of the reference", steps=(Macenko(),)),
    Look("Vahadane", "marks out, then the same by sparse factorisation", steps=(Vahadane(),)),
)
"""Every look that is offered, not yet fitted. The first is the one that the others are compared with."""


def sample_places(count: int, seed: int, most: int = SAMPLE) -> list[int]:
    """Draw which of `count` pictures references are fitted on, without a look at their labels.

    Parameters
    ----------
    count
        Pictures of the data set.
    seed
        The same seed draws the same.
    most
        How many at most.

    Returns
    -------
    list of int
        In rising order.
    """
    drawn = np.random.default_rng((seed, count)).permutation(count)[:most]
    return sorted(int(place) for place in drawn)


def fit_looks(pictures: Iterable[Picture], looks: Sequence[Look] = LOOKS) -> tuple[Look, ...]:
    """Fit the references of all looks on a sample of pictures, before the data set is scanned.

    Parameters
    ----------
    pictures
        (H, W, 3) uint8 each, of any size, drawn with `sample_places`: no label is used. One is held at a time.
    looks
        Those to fit.

    Returns
    -------
    tuple of Look
        Ready for `measure_probes`. One that cannot be fitted (grey pictures, two laboratories together, no picture) has
        the reason in `failed`.
    """
    clean = [reduced(without_marks(rgb)) for rgb in pictures]
    return tuple(_fit(look, clean) for look in looks)


def _fit(look: Look, clean: list[Picture]) -> Look:
    try:
        return replace(look, steps=fit_steps(look.steps, clean))
    except ImageError as error:
        return replace(look, failed=str(error))


def views(rgb: Picture, looks: Sequence[Look], clean: Picture | None = None) -> Iterator[Picture | None]:
    """Yield a picture under each look.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB.
    looks
        Fitted.
    clean
        (H, W, 3) uint8, `rgb` with its burned-in marks painted out; None: they are looked for.

    Yields
    ------
    ndarray or None
        (h, w, 3) uint8, the longer side at most `SIDE`; None where the look could not be fitted.

    Raises
    ------
    ImageError
        `rgb` is not a picture of that form.
    """
    given = reduced(rgb)
    clean = reduced(without_marks(rgb) if clean is None else clean)
    for look in looks:
        if look.failed is not None:
            yield None
            continue
        start = clean if look.marks_out else given
        yield apply_steps(to_grey(start) if look.grey else start, look.steps)


def reduced(rgb: Picture) -> Picture:
    """Return a picture (H, W, 3) uint8 with its longer side at most `SIDE`."""
    check_pixels(rgb, "probed")
    return reduce_to(rgb, SIDE)


def without_marks(rgb: Picture) -> Picture:
    """Return a picture (H, W, 3) uint8 with its burned-in marks painted out; itself where none is found."""
    check_pixels(rgb, "probed")
    mask = find_marks(rgb)
    return paint_out(rgb, mask) if mask.any() else rgb
