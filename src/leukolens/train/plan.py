"""What a training run is to do: pictures, split, fold and recipe; and who it is, for a run to be gone on with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leukolens.data.catalogue import Catalogue, catalogue_sha256
from leukolens.data.groups import Groups
from leukolens.data.leaks import check_against, shared_with_training
from leukolens.data.split import Split
from leukolens.data.stamp import SplitStamp, stamp_split
from leukolens.finding import DataError
from leukolens.train.division import Division, divide
from leukolens.train.recipe import Recipe
from leukolens.train.start import check_start, start_of


@dataclass(frozen=True)
class Plan:
    """What a run is to do.

    Attributes
    ----------
    catalogue
        The pictures, fingerprinted.
    split
        Its split, read against this catalogue.
    fold
        Which fold of the split.
    recipe
        How to train.
    source
        Where data and split lie on this machine, for `leukolens export` to find them again; no part of the identity.
    recovered
        Groups of an audit to check the split against, or to count with what a leaky one shares with training.
    reason
        Why the test side is looked at, in the words of whoever trains; for the log of decisions.
    """

    catalogue: Catalogue
    split: Split
    fold: int
    recipe: Recipe
    source: Mapping[str, Any] = field(default_factory=dict)
    recovered: Groups | None = None
    reason: str | None = None

    @property
    def leaky(self) -> bool:
        """Whether images that show the same thing can stand on two sides, by the split or by the order of samples."""
        return self.split.leaky or self.recipe.samples.leaky

    def division(self) -> Division:
        """Return which samples train, validate and test."""
        _check_fold(self)
        labels = class_indices(self.catalogue)
        return divide(self.recipe.samples, self.split.folds[self.fold], labels, self.recipe.seed)

    def stamp(self) -> SplitStamp:
        """Return what must stand beside every figure; see `leukolens.data.leaks.check_against` for what is refused."""
        _check_fold(self)
        shared = None
        if self.recovered is not None:
            check_against(self.split, self.recovered)
            shared = shared_with_training(self.split.folds[self.fold], self.recovered)
        return replace(stamp_split(self.split, shared), leaky=self.leaky)

    def identity(self) -> dict[str, Any]:
        """Return what must be the same for a run to be resumed."""
        return {
            "recipe": self.recipe.model_dump(mode="json"),
            "data_sha256": catalogue_sha256(self.catalogue),
            "split_sha256": self.split.sha256,
            "split_method": self.split.method,
            "split_grouping": self.split.grouping,
            "split_leaky": self.leaky,
            "leaky_order": self.recipe.samples.order if self.recipe.samples.leaky else None,
            "fold": self.fold,
            "classes": list(self.catalogue.classes),
            "negative": list(self.catalogue.negative) if self.catalogue.negative is not None else None,
            "start": start_of(self.recipe.network),
        }


def class_indices(catalogue: Catalogue) -> NDArray[np.int64]:
    """Return the class index of each picture, (N,)."""
    numbers = {name: number for number, name in enumerate(catalogue.classes)}
    return np.array([numbers[item.label] for item in catalogue.items], np.int64)


def check_unseen(plan: Plan) -> None:
    """See that a plan's start weights have learned from nothing that it holds out.

    Raises
    ------
    DataError
        See `leukolens.train.start.check_start`.
    """
    identity = plan.identity()
    check_start(identity["start"], identity)


def _check_fold(plan: Plan) -> None:
    if not 0 <= plan.fold < len(plan.split.folds):
        raise DataError(
            f"the split has no fold {plan.fold}", expected=f"a number from 0 to {len(plan.split.folds) - 1}"
        )
