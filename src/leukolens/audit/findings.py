"""What an audit found, as ``audit.json`` holds it."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from leukolens.data.check import DataCheck


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Section(_Frozen):
    """One part of the audit.

    Attributes
    ----------
    status, reason
        Whether it was done, and why not: a sentence that says what would be needed.
    """

    status: Literal["done", "skipped", "not possible"] = "done"
    reason: str | None = None


class Shown(_Frozen):
    """One picture of a finding: path relative to the data set, label and patient."""

    path: str
    label: str
    patient: str | None = None


class Pair(_Frozen):
    """Two pictures that show the same; `kind`, `score` and `note` as in `leukolens.audit.links.Link`."""

    kind: Literal["same bytes", "same pixels", "near-duplicate", "same field"]
    first: Shown
    second: Shown
    score: float
    note: str


class NearDuplicates(Section):
    """Near-duplicates by perceptual hashes.

    Attributes
    ----------
    threshold_bits, of_bits
        Pairs that differ in at most so many bits of so many.
    false_rate, false_expected
        Upper estimates of the unrelated pairs under it: share of all pairs, and number in this data set.
    unrelated_pairs, median_bits
        Pairs that this was read from, and the median of their distances; None where it was assumed.
    how
        The same in words.
    recognised
        Share of the pictures that are still under the threshold against themselves after being reduced to 80 % and
        stored as JPEG of quality 75.
    pairs
        In the order of the pictures.
    """

    threshold_bits: int | None = None
    of_bits: int | None = None
    false_rate: float | None = None
    false_expected: float | None = None
    unrelated_pairs: int | None = None
    median_bits: int | None = None
    how: str = ""
    recognised: float | None = None
    pairs: list[Pair] = []


class Fields(Section):
    """Repeated captures of one field: pairs, groups of two or more and the pictures in them; `facts` say how."""

    groups: int | None = None
    pictures: int | None = None
    pairs: list[Pair] = []
    facts: dict[str, Any] = {}


class Sessions(Section):
    """Recovered sessions: how many, in all and by class, and how many fields lie in more than one of them."""

    groups: int | None = None
    by_class: dict[str, int] = {}
    divided_fields: int | None = None
    notes: list[str] = []
    facts: dict[str, Any] = {}


class Contradiction(_Frozen):
    """The same picture under two labels or patients; `what` says what is wrong and what would settle it."""

    about: list[Literal["label", "patient"]]
    pair: Pair
    what: str


class PatientOddity(_Frozen):
    """Names of patients that are alike, or a patient with several labels."""

    patients: list[str]
    what: str


class DoubtfulLabel(_Frozen):
    """A label that is likely wrong, with what the classifier says instead; `p_*` are its probabilities."""

    picture: Shown
    suggested: str
    p_label: float
    p_suggested: float


class Labels(Section):
    """Likely label errors by confident learning.

    Attributes
    ----------
    classes, left_out, judged
        Classes that were compared, those with too few pictures, and pictures judged.
    accuracy
        Share of the labels that the held-out classifier calls right.
    flagged
        The surest first.
    estimated_errors
        Number of wrong labels by the calibrated joint distribution.
    by_chance, by_chance_low, by_chance_high
        How many would be flagged if no label were wrong: mean and 95 % range.
    joint
        Estimated number of pictures by label (rows) and what they show (columns).
    method
        In words.
    """

    classes: list[str] = []
    left_out: list[str] = []
    judged: int | None = None
    accuracy: float | None = None
    flagged: list[DoubtfulLabel] = []
    estimated_errors: float | None = None
    by_chance: float | None = None
    by_chance_low: float | None = None
    by_chance_high: float | None = None
    joint: list[list[float]] = []
    method: str = ""


class OutlyingPicture(_Frozen):
    """A picture unlike the others: robust z score of its distance, and the features that stand out with theirs."""

    picture: Shown
    z: float
    because: list[tuple[str, float]]


class Outliers(Section):
    """Outliers, the furthest first, and how many there would be of as many normally distributed values."""

    flagged: list[OutlyingPicture] = []
    by_chance: float | None = None
    method: str = ""


class LightPicture(_Frozen):
    """A picture that is blurred, too dark or too bright, and why it counts as such."""

    picture: Shown
    focus: float
    exposure: float
    clipped: float
    z: float
    why: list[str]


class Lighting(Section):
    """Blur and exposure, the worst first; medians over the data set."""

    flagged: list[LightPicture] = []
    median_focus: float | None = None
    median_exposure: float | None = None


class FileProperty(_Frozen):
    """A property of files, the number of pictures of each class with it, whether it is rare, and gives a class away."""

    name: str
    value: str
    counts: dict[str, int]
    rare: bool
    telling: bool


class Probes(Section):
    """Shortcut probes: how well the class is told by what ought not to tell it.

    `tried` and `giving` name the shortcuts, and those that give the class away; `headings` and `rows` are the table as
    it is shown, `sentences` what it means; `report` has the figures.
    """

    tried: list[str] = []
    giving: list[str] = []
    headings: list[str] = []
    rows: list[list[str]] = []
    sentences: list[str] = []
    notes: list[str] = []
    report: dict[str, Any] = {}


class Statement(_Frozen):
    """One sentence of the verdict. "failed" decides the exit code."""

    level: Literal["failed", "warning", "note", "good"]
    text: str


class GroupCounts(_Frozen):
    """How many groups there are, those of one picture included; None where they were not sought."""

    duplicate: int
    field: int | None
    session: int | None


class AuditResult(_Frozen):
    """Everything that an audit found.

    Attributes
    ----------
    data, data_sha256
        Name of the data set's folder; hash over paths and files, None where a file could not be read at all.
    headline, verdict
        One sentence, and all of them, the most serious first.
    check
        What `leukolens data check` says: counts, sizes, formats, exact duplicates, unreadable files.
    groups_sha256
        Of ``groups.csv``.
    seconds
        Time that each step took.
    peak_memory_mib
        Upper estimate: of this process, plus the largest of the others as often as there were; None where unknown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    schema_: Literal["1"] = Field(default="1", alias="schema")
    kind: Literal["leukolens audit"] = "leukolens audit"
    use: str
    data: str
    data_sha256: str | None
    headline: str
    verdict: list[Statement]
    check: DataCheck
    groups: GroupCounts
    near_duplicates: NearDuplicates
    fields: Fields
    sessions: Sessions
    contradictions: list[Contradiction]
    patients: list[PatientOddity]
    labels: Labels
    outliers: Outliers
    lighting: Lighting
    files: list[FileProperty]
    probes: Probes
    groups_sha256: str
    seed: int
    jobs: int
    leukolens: str
    packages: dict[str, str]
    seconds: dict[str, float]
    peak_memory_mib: float | None

    @property
    def failed(self) -> bool:
        """Whether a check failed."""
        return any(statement.level == "failed" for statement in self.verdict)

    def to_json(self) -> str:
        """Return the result as indented JSON."""
        return json.dumps(self.model_dump(by_alias=True, mode="json"), indent=2, ensure_ascii=True) + "\n"
