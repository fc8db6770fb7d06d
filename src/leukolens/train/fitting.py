"""Fitting preprocessing on the training side of a fold, before anything is prepared with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from leukolens.data.catalogue import Catalogue, sha256_of
from leukolens.finding import DataError, ImageError
from leukolens.finding.output import put_file
from leukolens.smear.fitting import MOST, chosen_places, fit_preparation, needs_fitting
from leukolens.smear.prepare import Preparation
from leukolens.smear.reading import read_image
from leukolens.smear.steps import needs_fit

FITTED_FILE: Final = "preparation.json"
"""Where a run keeps its preparation, if training pictures were needed to fit it."""

_KEY: Final = "fitted_on"


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

    What another preparation or other pictures left there, such as an earlier run that was stopped, is fitted anew.

    Parameters
    ----------
    folder
        The run's folder.
    preparation
        As the recipe says it.
    catalogue, train
        The pictures, fingerprinted, and which of them are trained on.

    Raises
    ------
    DataError
        See `fitted`.
    """
    if not needs_fitting(preparation):
        return preparation
    key = _fitted_on(preparation, catalogue, train)
    if _read(folder).get(_KEY) != key:
        done = fitted(preparation, training_pictures(catalogue, train)).model_dump(mode="json")
        content = json.dumps({_KEY: key} | done, indent=2)
        put_file(folder / FITTED_FILE, (content + "\n").encode(), todo="choose another --out")
    return read_fitted(folder, preparation)


def read_fitted(folder: Path, preparation: Preparation) -> Preparation:
    """Return the preparation that a run was trained with: the recipe's, unless steps of it had to be fitted.

    Raises
    ------
    DataError
        It had to be, and the file is missing, cannot be read, or holds another preparation than the recipe's.
    """
    if not needs_fitting(preparation):
        return preparation
    kept = {key: value for key, value in _read(folder).items() if key != _KEY}
    try:
        found = Preparation.model_validate(kept) if kept else None
    except ValueError:
        found = None
    if found is None or needs_fitting(found):
        raise DataError(
            f"{folder} does not say how its pictures were prepared",
            expected=f"a readable {FITTED_FILE}",
            todo="train again",
        )
    if _without_references(found, preparation) != preparation:
        raise DataError(
            f"{FITTED_FILE} in {folder} is not the preparation of the run's recipe",
            expected=f"steps {_kinds(preparation)} at {preparation.width} x {preparation.height}",
            found=f"steps {_kinds(found)} at {found.width} x {found.height}, or other settings of them",
            todo="put the run's own file back, or train again",
        )
    return found


def _read(folder: Path) -> dict[str, Any]:
    try:
        content = json.loads((folder / FITTED_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _fitted_on(preparation: Preparation, catalogue: Catalogue, train: Sequence[int]) -> str:
    """Return what a fit depends on, as one SHA-256: the preparation and the pictures in their order."""
    told = [preparation.model_dump_json(), *(sha256_of(catalogue.items[index]) for index in train)]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def _without_references(found: Preparation, recipe: Preparation) -> Preparation:
    """Return a fitted preparation as it was before: what the recipe leaves to be fitted is taken out again."""
    steps = [
        step.model_copy(update={"reference": None})
        if position < len(recipe.steps) and needs_fit(recipe.steps[position]) and hasattr(step, "reference")
        else step
        for position, step in enumerate(found.steps)
    ]
    return found.model_copy(update={"steps": tuple(steps)})


def _kinds(preparation: Preparation) -> str:
    return ", ".join(step.kind for step in preparation.steps)


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
