"""Fitting for ``leukolens preprocess``: on which pictures, what they say, and what to make of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.finding import ImageError, UsageError
from leukolens.finding.paths import plain
from leukolens.smear.fitting import chosen_places, fit_preparation, needs_fitting
from leukolens.smear.reading import read_image
from leukolens.smear.sources import printable
from leukolens.smear.staining import background_colour

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from leukolens.screen.inputs import Input
    from leukolens.smear.prepare import Preparation

UNLIKE: Final = 1.2
"""Ratio of the brightest to the darkest background, in one channel, from which on pictures are told to be unlike.

It is 1.13 over 40 fields of BCCD and 1.11 over 160 of the Taleqani data but for one (1.29); both together have 1.25.
"""


@dataclass(frozen=True)
class Fitted:
    """A preparation that can be applied, and how it came to be.

    Attributes
    ----------
    preparation
        Every step ready.
    on
        What was fitted on, in words; empty where nothing had to be fitted.
    notes
        What a reader has to know of it, in sentences.
    left_out
        Name and reason of each picture of --fit-on that could not be read.
    """

    preparation: Preparation
    on: str = ""
    notes: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()


def fit(
    preparation: Preparation, inputs: Sequence[Input], aspect: float | None, fit_on: Path | None, out: Path
) -> Fitted:
    """Fit what needs it.

    Parameters
    ----------
    preparation
        As asked for.
    inputs
        To fit on where `fit_on` is None.
    aspect
        As `prepare` takes it.
    fit_on
        A folder to fit on instead.
    out
        The folder of the output, of which nothing is fitted on.

    Raises
    ------
    UsageError
        `fit_on` is not there or holds no pictures, none of the pictures can be read, or nothing can be measured on
        them.
    """
    from leukolens.screen.inputs import list_inputs

    # What was named and is missing is an error, needed or not.
    source = inputs if fit_on is None else list_inputs([fit_on], purpose="fit on", without=out)
    name = "" if fit_on is None else plain(fit_on.resolve().name)
    if not needs_fitting(preparation):
        unused = f"The folder {name} of --fit-on was not used: no step needs a fit."
        return Fitted(preparation, notes=() if fit_on is None else (unused,))
    grounds: list[NDArray[np.float32]] = []
    left_out: list[tuple[str, str]] = []

    def readable() -> Iterator[NDArray[np.uint8]]:
        for place in chosen_places(len(source)):
            try:
                pixels = read_image(source[place].path).pixels
            except ImageError as error:
                left_out.append((_below(source[place].path, fit_on), reason_of(error, source[place].path)))
                continue
            grounds.append(background_colour(pixels))
            yield pixels

    try:
        fitted = fit_preparation(preparation, readable(), aspect=aspect)
    except ImageError as error:
        raise UsageError(f"the steps cannot be fitted: {error}", todo="name better pictures with --fit-on") from error
    where = "the inputs themselves" if fit_on is None else f"the folder {name}"
    on = f"{where}, {len(grounds)} {'picture' if len(grounds) == 1 else 'pictures'}"
    # An input that cannot be read is told of when its turn comes.
    told = () if fit_on is None else tuple(left_out)
    return Fitted(fitted, on, tuple(_notes(grounds, len(told))), told)


def unlike_by(grounds: Sequence[NDArray[np.float32]]) -> float:
    """Return by which factor backgrounds (3,) differ at most, in the channel where they differ most; 1: not at all."""
    levels = np.asarray(grounds, np.float64)
    return float((levels.max(axis=0) / levels.min(axis=0)).max())


def reason_of(error: ImageError, path: Path) -> str:
    """Return why a picture cannot be read, without its path, which stands beside it already."""
    return str(error).removeprefix(f"{printable(path)} cannot be read: ")


def _below(path: Path, folder: Path | None) -> str:
    """Return the name of a picture in a folder, from the folder's own name on."""
    return plain((path if folder is None else Path(folder.resolve().name) / path.relative_to(folder)).as_posix())


def _notes(grounds: Sequence[NDArray[np.float32]], left_out: int) -> Iterator[str]:
    if left_out:
        was = "was" if left_out == 1 else "were"
        yield f"{left_out} of the pictures to fit on could not be read and {was} left out."
    factor = unlike_by(grounds)
    if factor >= UNLIKE:
        yield (
            "The pictures that were fitted on are unlike: the empty background of one is "
            f"{factor:.2f} times as bright as that of another. Several laboratories or lamps together have no one "
            "stain, and colours may come out false: fit on pictures of one, with --fit-on."
        )
