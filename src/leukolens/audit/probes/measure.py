"""One picture's record: what every probe sees of it, under every look."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.audit.probes.cell_features import dark_nuclei, number_of_cells, position_of_cells, regions_of
from leukolens.audit.probes.file_facts import file_facts
from leukolens.audit.probes.looks import views
from leukolens.audit.probes.pixel_features import background, colour_histogram, corners, mean_colour

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from leukolens.audit.probes.cell_features import FindNuclei
    from leukolens.audit.probes.looks import Look

CORNERS: Final = tuple(f"corner, {where}" for where in ("upper left", "upper right", "lower left", "lower right"))
_LENGTHS: Final[Mapping[str, int]] = {
    "background": 21,
    "mean colour": 9,
    "colour histogram": 96,
    **dict.fromkeys(CORNERS, 87),
    "number of cells": 5,
    "position of cells": 6,
}
_ENDS: Final = tuple(accumulate(_LENGTHS.values()))
PARTS: Final[Mapping[str, slice]] = {
    name: slice(end - length, end) for (name, length), end in zip(_LENGTHS.items(), _ENDS, strict=True)
}
"""Where in the row of a look the numbers of each probe stand."""


ROW: Final = _ENDS[-1]
"""Numbers in the row of a look."""


@dataclass(frozen=True, eq=False, slots=True)
class ProbeFeatures:
    """What the probes see of one picture. Small (about 14 kB) and picklable.

    Attributes
    ----------
    looks
        (L, 485) float32, a row for each look, see `PARTS`; NaN where the look could not be fitted, and for the
        position of cells where there is none.
    file
        (51,) float32, see `file_facts`.
    """

    looks: NDArray[np.float32]
    file: NDArray[np.float32]


def measure_probes(
    rgb: NDArray[np.uint8],
    file_bytes: bytes,
    looks: Sequence[Look],
    find_nuclei: FindNuclei = dark_nuclei,
    *,
    clean: NDArray[np.uint8] | None = None,
) -> ProbeFeatures:
    """Measure what the probes see of one picture.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8 sRGB, as read.
    file_bytes
        The file that it was read from.
    looks
        As `fit_looks` gives them, the same for the whole data set.
    find_nuclei
        Gives the mask (H, W) bool of nuclei of a picture (H, W, 3) uint8. It is called once for each look.
    clean
        (H, W, 3) uint8, `rgb` with its burned-in marks painted out, where that is at hand already.

    Returns
    -------
    ProbeFeatures

    Raises
    ------
    ImageError
        `rgb` is not a picture of that form.
    """
    rows = [
        np.full(ROW, np.nan, np.float32) if seen is None else _look_row(seen, find_nuclei)
        for seen in views(rgb, looks, clean)
    ]
    return ProbeFeatures(np.stack(rows), file_facts(file_bytes))


def _look_row(rgb: NDArray[np.uint8], find_nuclei: FindNuclei) -> NDArray[np.float32]:
    nuclei = regions_of(find_nuclei(rgb))
    parts = [background(rgb), mean_colour(rgb), colour_histogram(rgb), *corners(rgb)]
    return np.concatenate([*parts, number_of_cells(nuclei), position_of_cells(nuclei)])
