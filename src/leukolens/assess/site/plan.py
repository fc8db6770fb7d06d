"""The plan: what a laboratory will call good enough, written down before it sees an answer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from leukolens.finding import DataError, nearest
from leukolens.train.recipe_file import read_yaml

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

PLAN_FILE: Final = "plan.yaml"
NEGATIVE: Final = "no leukaemia"
POSITIVE: Final = "leukaemia"
CAP_CASES: Final = 60
"""Least number of cases for one use by CAP's guideline (Evans et al. 2022, doi 10.5858/arpa.2020-0723-CP)."""

_LEAST_ANSWERS: Final = 2


class CriterionName(BaseModel):
    """What a criterion is about.

    Attributes
    ----------
    words
        The figure in words.
    at_most
        Whether small is good.
    basis
        What it is a share of: "leukaemia" or "no leukaemia" cases, all "cases", "repeated" cases; "" for what is no
        share of cases known beforehand.
    """

    model_config = ConfigDict(frozen=True)
    words: str
    at_most: bool = False
    basis: Literal["leukaemia", "no leukaemia", "cases", "repeated", ""] = ""


CRITERIA: Final = {
    "sensitivity": CriterionName(words="leukaemia cases that were called leukaemia", basis="leukaemia"),
    "specificity": CriterionName(words="other cases that were called no leukaemia", basis="no leukaemia"),
    "no_answer": CriterionName(words="cases that got no answer", at_most=True, basis="cases"),
    "review": CriterionName(words="cases that a person must look at", at_most=True, basis="cases"),
    "same_again": CriterionName(words="images whose finding was identical when screened again"),
    "captures_agree": CriterionName(words="cases whose repeated captures got one answer", basis="repeated"),
    "p_all_spread": CriterionName(words="standard deviation of p_all between captures of a case", at_most=True),
    "kappa_with_readers": CriterionName(words="Cohen's kappa of leukolens with a reader, the lowest"),
    "alpha_between_readers": CriterionName(words="Krippendorff's alpha between the readers"),
    "same_reader_again": CriterionName(words="agreement of a reader's second reading with the first, the lowest"),
    "subtype": CriterionName(words="leukaemia cases with a label whose label was right"),
}
"""The figures that a plan can set, in the order of the report."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Criterion(_Strict):
    """What one figure must reach: at least, or at most, with its whole interval or with the figure alone."""

    at_least: float | None = Field(default=None, ge=-1.0, le=1.0)
    at_most: float | None = Field(default=None, ge=0.0, le=1.0)
    judged_by: Literal["interval", "figure"] = "interval"

    @model_validator(mode="after")
    def _one_bound(self) -> Criterion:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("give either at_least or at_most")
        return self

    @property
    def bound(self) -> float:
        """The number to be reached."""
        return self.at_least if self.at_least is not None else self.at_most or 0.0


class BundleId(_Strict):
    """The model by name, version, and the SHA-256 of its ``bundle.json``."""

    name: str
    version: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class CaseNumbers(_Strict):
    """How many cases of each truth are planned."""

    leukaemia: int = Field(ge=0)
    no_leukaemia: int = Field(ge=0)

    @property
    def total(self) -> int:
        """All of them."""
        return self.leukaemia + self.no_leukaemia


class Expected(_Strict):
    """What the laboratory believes the true figures to be; used only to tell how likely they can be shown."""

    sensitivity: float = Field(default=0.98, gt=0, lt=1)
    specificity: float = Field(default=0.98, gt=0, lt=1)


class Readers(_Strict):
    """How readers answer.

    Attributes
    ----------
    answers
        In their order, from the one farthest from leukaemia.
    leukaemia_from
        The first of them that counts as leukaemia.
    washout_days
        Days between two readings of one reader at least.
    """

    answers: tuple[str, ...] = (NEGATIVE, POSITIVE)
    leukaemia_from: str = POSITIVE
    washout_days: int = Field(default=14, ge=0)

    @model_validator(mode="after")
    def _in_order(self) -> Readers:
        if len(self.answers) < _LEAST_ANSWERS or len(set(self.answers)) < len(self.answers):
            raise ValueError("answers: give two or more, each once")
        if self.leukaemia_from not in self.answers[1:]:
            raise ValueError("leukaemia_from: give one of the answers, not the first")
        return self

    def positive(self, answer: str) -> bool:
        """Tell whether an answer counts as leukaemia."""
        return self.answers.index(answer) >= self.answers.index(self.leukaemia_from)


class Plan(_Strict):
    """The content of ``plan.yaml``."""

    schema_: Literal["1"] = Field(default="1", alias="schema")
    laboratory: str = Field(min_length=1)
    prepared_by: str = Field(min_length=1)
    prepared: str
    use: str = ""
    leukolens: str
    bundle: BundleId
    threshold: float = Field(default=0.5, gt=0, lt=1)
    review_counts_as: Literal["its answer", "no answer"] = "its answer"
    level: float = Field(default=0.95, gt=0.5, lt=1)
    cases: CaseNumbers
    expected: Expected = Expected()
    criteria: dict[str, Criterion]
    readers: Readers = Readers()
    notes: str = ""

    @field_validator("criteria")
    @classmethod
    def _known(cls, given: dict[str, Criterion]) -> dict[str, Criterion]:
        for name, criterion in given.items():
            if name not in CRITERIA:
                raise ValueError(f"no criterion is called {name!r}. {nearest(name, CRITERIA)}")
            if (criterion.at_most is not None) != CRITERIA[name].at_most:
                raise ValueError(f"{name}: give at_{'most' if CRITERIA[name].at_most else 'least'}")
            if name == "p_all_spread" and criterion.judged_by == "interval":
                raise ValueError("p_all_spread has no interval: set judged_by: figure")
        if not given:
            raise ValueError("set one criterion at least")
        return given


_PARTS: Final[dict[str, type[BaseModel]]] = {
    "bundle": BundleId,
    "cases": CaseNumbers,
    "criteria": Criterion,
    "expected": Expected,
    "readers": Readers,
}


def read_plan(text: str, what: str) -> Plan:
    """Read a plan.

    Parameters
    ----------
    text
        YAML.
    what
        What it is called in messages.

    Raises
    ------
    DataError, UsageError
        It is not YAML, has a key twice or an unknown one, or a value that is out of range.
    """
    raw = read_yaml(text, what)
    if not isinstance(raw, dict):
        raise DataError(f"{what} is no plan", expected="a YAML mapping", found=type(raw).__name__)
    try:
        return Plan.model_validate(raw)
    except ValidationError as error:
        raise _described(what, error.errors()[0]) from error


def _described(what: str, error: ErrorDetails) -> DataError:
    place = ".".join(str(part) for part in error["loc"])
    words = re.sub("^Value error, ", "", error["msg"])
    todo = None
    if error["type"] == "extra_forbidden":
        whole: type[BaseModel] = _PARTS[str(error["loc"][0])] if len(error["loc"]) > 1 else Plan
        words, todo = "unknown key", nearest(str(error["loc"][-1]), whole.model_fields)
    shown = None if isinstance(error["input"], dict) else repr(error["input"])[:100]
    return DataError(f"{what}{', field ' + repr(place) if place else ''}: {words}", found=shown, todo=todo)


def load_plan(folder: Path) -> tuple[Plan, str]:
    """Read ``plan.yaml`` of a folder; return also its text.

    Raises
    ------
    DataError
        It is missing or no plan.
    """
    path = folder / PLAN_FILE
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"The plan {str(path)!r} cannot be read",
            expected="the file that 'leukolens verify-site plan' wrote",
            todo="put it back, or begin a new folder with 'leukolens verify-site plan --out DIR'",
        ) from error
    return read_plan(text, PLAN_FILE), text
