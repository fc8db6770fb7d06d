"""Fitting preprocessing on the training side of a fold, before anything is prepared with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from leukolens.data.catalogue import Catalogue
from leukolens.finding import DataError, ImageError
from leukolens.finding.output import put_file
from leukolens.smear.fitting import fit_preparation
from leukolens.smear.prepare import Preparation
from leukolens.smear.reading import read_image

PREPARATION_FILE: Final = "preparation.json"
MOST: Final = 200
"""How many pictures a fit takes at most: means and percentiles over more do not change, and time and memory do."""


def fitted(preparation: Preparation, pictures: Iterable[NDArray[np.uint8]]) -> Preparation:
    """Fit the steps of a preparation that have no reference yet.

    Parameters
    ----------
    preparation
        As the recipe says it.
    pictures
        (H, W, 3) uint8 each, as read: of the training side of the fold and of nothing else, see `training_pictures`.
        None is taken where nothing needs to be fitted.

    Returns
    -------
    Preparation
        To prepare all pictures of the fold with, and to go into the bundle.

    Raises
    ------
    DataError
        A step cannot be fitted on these pictures.
    """
    try:
        return fit_preparation(preparation, pictures)
    except ImageError as error:
        raise DataError(f"preprocessing cannot be fitted on the training side: {error}") from error


def training_pictures(catalogue: Catalogue, indices: Sequence[int], most: int = MOST) -> Iterator[NDArray[np.uint8]]:
    """Read pictures of one side of a fold, at even distances where there are more than `most`.

    Parameters
    ----------
    catalogue
        The pictures.
    indices
        Which of them belong to the side.
    most
        How many to read.

    Yields
    ------
    ndarray
        (H, W, 3) uint8, sRGB.

    Raises
    ------
    DataError
        A picture cannot be read.
    """
    chosen = np.unique(np.linspace(0, len(indices) - 1, min(most, len(indices))).round().astype(np.intp))
    for position in chosen:
        item = catalogue.items[indices[position]]
        try:
            yield read_image(catalogue.locate(item)).pixels
        except ImageError as error:
            raise DataError(f"training picture {item.path!r}: {error}", todo="see `leukolens data check`") from error


def write_preparation(run: Path, preparation: Preparation) -> None:
    """Keep the fitted preparation in a run's folder, for its export and for whoever wants to know.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    content = preparation.model_dump_json(indent=2) + "\n"
    put_file(run / PREPARATION_FILE, content.encode(), todo="make space, or choose another folder")


def read_preparation(run: Path, recipe: Preparation) -> Preparation:
    """Return the fitted preparation of a run; that of its recipe where it was trained before there were steps.

    Raises
    ------
    DataError
        The file is no preparation.
    """
    path = run / PREPARATION_FILE
    if not path.is_file():
        return recipe
    try:
        return Preparation.model_validate_json(path.read_text("utf-8"))
    except ValueError as error:  # pydantic's and Unicode's are of this kind
        raise DataError(f"{path} is no preparation", found=str(error).splitlines()[0], todo="train again") from error
