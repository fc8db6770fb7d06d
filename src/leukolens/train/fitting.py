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
from leukolens.smear.fitting import MOST, chosen_places, fit_preparation, needs_fitting
from leukolens.smear.prepare import Preparation
from leukolens.smear.reading import read_image

FITTED_FILE: Final = "preparation.json"
"""Where a run keeps its preparation, if training pictures were needed to fit it."""


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


def fit_once(folder: Path, preparation: Preparation, catalogue: Catalogue, train: Sequence[int]) -> Preparation:
    """Fit a preparation on the training side and keep it in the run's folder; a resumed run takes what is there.

    Parameters
    ----------
    folder
        The run's folder.
    preparation
        As the recipe says it.
    catalogue, train
        The pictures, and which of them are trained on.

    Raises
    ------
    DataError
        See `fitted`; or the file in the folder cannot be read.
    """
    if not needs_fitting(preparation):
        return preparation
    if not (folder / FITTED_FILE).exists():
        content = fitted(preparation, training_pictures(catalogue, train)).model_dump_json(indent=2)
        put_file(folder / FITTED_FILE, (content + "\n").encode(), todo="choose another --out")
    return read_fitted(folder, preparation)


def read_fitted(folder: Path, preparation: Preparation) -> Preparation:
    """Return the preparation that a run was trained with: the recipe's, unless steps of it had to be fitted.

    Raises
    ------
    DataError
        It had to be, and the file is missing or cannot be read.
    """
    if not needs_fitting(preparation):
        return preparation
    try:
        return Preparation.model_validate_json((folder / FITTED_FILE).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"{folder} does not say how its pictures were prepared",
            expected=f"a readable {FITTED_FILE}",
            todo="train again",
        ) from error


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
    for position in chosen_places(len(indices), most):
        item = catalogue.items[indices[position]]
        try:
            yield read_image(catalogue.locate(item)).pixels
        except ImageError as error:
            raise DataError(f"training picture {item.path!r}: {error}", todo="see `leukolens data check`") from error
