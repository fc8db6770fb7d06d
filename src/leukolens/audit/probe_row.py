"""One line of the table of shortcut probes."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class ProbeRow(BaseModel):
    """One shortcut probe before or after one normalisation.

    Attributes
    ----------
    probe, what
        Its name, and in words what it sees.
    normalisation
        "none", or the step done before.
    balanced_accuracy, low, high
        Mean recall over the classes with its 95 % interval, 0 to 1.
    chance
        Of guessing: 1 over the number of classes.
    null_mean, null_high
        Mean and 97.5th percentile under permuted labels.
    p
        Of the permutation test.
    pictures, groups
        How many were predicted, and in how many groups that were kept together.
    note
        Why there is no figure, or what to know of it; "" where there is nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    probe: str
    what: str
    normalisation: str
    balanced_accuracy: float | None = None
    low: float | None = None
    high: float | None = None
    chance: float | None = None
    null_mean: float | None = None
    null_high: float | None = None
    p: float | None = None
    pictures: int | None = None
    groups: int | None = None
    note: str = ""
