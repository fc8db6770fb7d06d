"""Fitting the steps of a preparation on pictures: those of the training side of a split, or of one laboratory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.smear.normalisation.density import evenly
from leukolens.smear.prepare import prepare
from leukolens.smear.steps import fit_steps, needs_fit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from leukolens.smear.prepare import Preparation


MOST: Final = 200
"""How many pictures a fit takes at most: means and percentiles over more do not change, and time and memory do."""


def needs_fitting(spec: Preparation) -> bool:
    """Tell whether a preparation has a step that cannot be applied before it is fitted."""
    return any(needs_fit(step) for step in spec.steps)


def chosen_places(count: int, most: int = MOST) -> list[int]:
    """Return which of `count` pictures a fit takes: all, or `most` of them at even distances."""
    return [int(place) for place in evenly(np.arange(count), most)]


def fit_preparation(
    spec: Preparation, pictures: Iterable[NDArray[np.uint8]], *, aspect: float | None = None
) -> Preparation:
    """Fit the steps of a preparation that need it.

    Parameters
    ----------
    spec
        What to do.
    pictures
        (H, W, 3) uint8 each, as read, of the training side alone. They are prepared and then all held at a time.
    aspect
        As `prepare` takes it.

    Returns
    -------
    Preparation
        Every step ready to be applied; `spec` itself where nothing needs to be fitted, and then no picture is taken.

    Raises
    ------
    ImageError
        A step cannot be fitted on these pictures.
    """
    if not needs_fitting(spec):
        return spec
    bare = spec.of_field.model_copy(update={"steps": ()})
    inner = (_without_padding(rgb, bare, aspect) for rgb in pictures)
    return spec.model_copy(update={"steps": fit_steps(spec.steps, inner)})


def _without_padding(rgb: NDArray[np.uint8], bare: Preparation, aspect: float | None) -> NDArray[np.uint8]:
    prepared = prepare(rgb, bare, aspect=aspect)
    left, top, wide, high = prepared.window
    return prepared.pixels[top : top + high, left : left + wide]
