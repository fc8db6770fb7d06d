"""What several runs said of the same images, computed once for all the pairs that they stand in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leukolens.assess.paired_bootstrap import figure_draws
from leukolens.assess.run_figures import figures_of, in_common_order, predictions_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leukolens.assess.paired_bootstrap import Draws
    from leukolens.assess.predictions import Predictions
    from leukolens.assess.run_groups import Grouping
    from leukolens.assess.run_tables import Row
    from leukolens.assess.runs import Run
    from leukolens.statistics.intervals import Estimate

Part = tuple[str, tuple[int, ...]]
"""Name of a run and numbers of folds."""


class Answers:
    """What runs said of the images of certain folds, their figures, and those on resamples; each computed once.

    Parameters
    ----------
    groupings
        Which images belong together, by the hash of the data.
    seed
        Of the bootstrap.
    """

    def __init__(self, groupings: Mapping[str, Grouping], seed: int) -> None:
        self._groupings = groupings
        self._seed = seed
        self._predictions: dict[Part, Predictions] = {}
        self._figures: dict[Part, dict[str, Estimate]] = {}
        self._draws: dict[Part, Draws] = {}

    def rows(self, run: Run, folds: tuple[int, ...]) -> list[Row]:
        """Return the rows of these folds, in the order common to all runs."""
        return in_common_order([row for fold in run.folds if fold.number in folds for row in fold.rows])

    def predictions(self, run: Run, folds: tuple[int, ...]) -> Predictions:
        """Return what the run said of the images of these folds."""
        part = (run.name, folds)
        if part not in self._predictions:
            grouping = self._groupings[run.identity["data_sha256"]]
            self._predictions[part] = predictions_of(self.rows(run, folds), run.classes, grouping)
        return self._predictions[part]

    def figures(self, run: Run, folds: tuple[int, ...]) -> dict[str, Estimate]:
        """Return the figures on the images of these folds."""
        part = (run.name, folds)
        if part not in self._figures:
            self._figures[part] = figures_of(self.predictions(run, folds), self._seed)
        return self._figures[part]

    def draws(self, run: Run, folds: tuple[int, ...]) -> Draws:
        """Return the figures on resamples of the images of these folds."""
        part = (run.name, folds)
        if part not in self._draws:
            self._draws[part] = figure_draws(self.predictions(run, folds), seed=self._seed)
        return self._draws[part]
