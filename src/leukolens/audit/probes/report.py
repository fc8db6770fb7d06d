"""The result of the probes, as it stands in ``audit.json``."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

GIVES: Final = "gives the class away"
NEIGHBOURS: Final = "only with neighbours on both sides"
SIGNS: Final = "signs of it"
NOT_SHOWN: Final = "not shown"
NOT_MEASURABLE: Final = "not measurable"
Verdict = Literal[
    "gives the class away", "only with neighbours on both sides", "signs of it", "not shown", "not measurable"
]
SIGNIFICANT: Final = 0.05


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SchemeScore(_Frozen):
    """One probe under one scheme of folds.

    Attributes
    ----------
    balanced_accuracy, low, high
        0 to 1, every image tested once, with the 95 % interval over groups (images, where there are no groups).
    chance, chance_high
        Mean and 95 % quantile of the same where labels are dealt anew.
    p
        (1 + drawings that reach the figure) / (1 + drawings).
    gives_away
        `low` lies above `chance_high`.
    memory
        Random folds only, where groups are given: the mean where the labels of whole groups are dealt anew. What lies
        above `chance` is memory of groups and no sign of any class.
    """

    balanced_accuracy: float
    low: float
    high: float
    chance: float
    chance_high: float
    p: float
    gives_away: bool
    memory: float | None = None


class ProbeResult(_Frozen):
    """One probe under one look.

    Attributes
    ----------
    probe, sees
        Its name, and all that it sees.
    look
        Name of the look; None for what no normalisation touches.
    random, grouped
        With stratified random folds, as most papers do; with whole groups kept together. None: not measured.
    verdict
        By groups where these could be measured, otherwise by random folds. "gives the class away": the whole interval
        lies above what labels dealt anew reach in 95 % of the drawings. "signs of it": only p is 0.05 or less, as in
        small data sets, and in one of twenty by chance. "only with neighbours on both sides": random folds give it
        away, and with groups apart there is no sign.
    effect
        The verdict and its size in a sentence, or why it was not measured.
    todo
        What to do about it; None where nothing is shown.
    """

    probe: str
    sees: str
    look: str | None
    random: SchemeScore | None
    grouped: SchemeScore | None
    verdict: Verdict
    effect: str
    todo: str | None


class LookNote(_Frozen):
    """A look, and why it could not be fitted."""

    name: str
    meaning: str
    failed: str | None


class SchemeNote(_Frozen):
    """A scheme of folds: how many folds and units it has, or why it could not be used."""

    name: Literal["random", "grouped"]
    folds: int | None
    groups: int | None
    not_measurable: str | None


class ProbeReport(_Frozen):
    """All probes of a data set.

    Attributes
    ----------
    classes
        Images of each class that were probed.
    left_out
        Images of each class with too few of them.
    schemes, looks
        See there.
    level, permutations, seed
        Of intervals and quantiles; drawings of the labels; where all that is random starts.
    results
        Probe by probe, in each one look by look.
    notes
        What a reader must know besides.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    schema_: Literal["1"] = Field(default="1", alias="schema")
    kind: Literal["leukolens shortcut probes"] = "leukolens shortcut probes"
    classes: dict[str, int]
    left_out: dict[str, int]
    schemes: list[SchemeNote]
    looks: list[LookNote]
    level: float
    permutations: int
    seed: int
    results: list[ProbeResult]
    notes: list[str]

    def to_json(self) -> str:
        """Return the report as indented JSON."""
        return self.model_dump_json(by_alias=True, indent=2) + "\n"
