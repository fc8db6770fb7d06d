"""The decision: what is concluded from a field network's judgement, and whether a person must look."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leukolens.engine.spec import FieldNetworkSpec
    from leukolens.finding.schema import Conclusion, Decision
    from leukolens.trust.field import FieldJudgement

NO_WHITE_CELLS: Final = "no white cells"
"""The flag of `leukolens.finding.Quality` for a picture in which nothing carries nuclear stain."""

USUAL: Final = 0.99
"""Novelty up to which a picture counts as like those of the calibration; beyond it a person must look."""

POSITIVE_FROM: Final = 0.5
"""`p_all` from which the conclusion is "lymphoblasts"."""


@dataclass(frozen=True)
class Verdict:
    """What a finding says, after the decision. The attributes are those of `leukolens.finding.Finding`."""

    p_all: float | None = None
    label: str | None = None
    probabilities: dict[str, float] | None = None
    prediction_set: list[str] = field(default_factory=list)
    conclusion: Conclusion | None = None
    decision: Decision = "review"
    novelty: float | None = None
    notes: list[str] = field(default_factory=list)


def decide(judgement: FieldJudgement, flags: Sequence[str], spec: FieldNetworkSpec) -> Verdict:
    """Decide what is said of one picture.

    "report" needs all of: the picture lies in the domain and not at its border (`USUAL`); its prediction set has one
    label, which is as probable as true labels are and agrees with `p_all`; no measure of quality is out of its usual
    range. Everything else is "review", and the notes say why.

    Parameters
    ----------
    judgement
        Of the field network.
    flags
        Measures of quality out of their usual range, in words.
    spec
        Of the field network.
    """
    if NO_WHITE_CELLS in flags:
        notes = [f"review: quality: {flag}" for flag in flags]
        return Verdict(conclusion="no white cells", novelty=judgement.novelty, notes=notes)
    p_all = probability_of_leukaemia(judgement, spec)
    notes = [f"review: {reason}" for reason in _doubts(judgement, flags, spec)]
    if not judgement.in_domain:
        return Verdict(p_all=p_all, novelty=judgement.novelty, notes=notes)
    return Verdict(
        p_all=p_all,
        label=max(judgement.probabilities, key=judgement.probabilities.__getitem__),
        probabilities=judgement.probabilities,
        prediction_set=list(judgement.prediction_set),
        conclusion=_conclude(p_all),
        decision="review" if notes else "report",
        novelty=judgement.novelty,
        notes=notes,
    )


def probability_of_leukaemia(judgement: FieldJudgement, spec: FieldNetworkSpec) -> float | None:
    """Return 1 minus the probabilities of the labels that mean no leukaemia; None where the bundle names none.

    Parameters
    ----------
    judgement
        Of the field network.
    spec
        Of the field network.
    """
    if not spec.negative_labels:
        return None
    # The sum of the others, not 1 minus the sum: exact where p_all is tiny.
    positive = sum(p for label, p in judgement.probabilities.items() if label not in spec.negative_labels)
    return min(1.0, max(0.0, positive))


def _conclude(p_all: float | None) -> Conclusion | None:
    if p_all is None:
        return None
    return "lymphoblasts" if p_all >= POSITIVE_FROM else "none seen"


def _doubts(judgement: FieldJudgement, flags: Sequence[str], spec: FieldNetworkSpec) -> list[str]:
    doubts = []
    if not judgement.in_domain:
        doubts.append(
            "the picture is unlike those that the model learned from, so no label is given"
            + ("" if judgement.novelty is None else f" (farther than {_all_or_share(judgement.novelty)} of them)")
        )
    elif judgement.novelty is not None and judgement.novelty > USUAL:
        doubts.append("the picture is at the border of what the model learned from")
    if spec.novelty is None:
        doubts.append("the bundle cannot tell whether the picture is like those that the model learned from")
    if spec.conformal is None:
        doubts.append("the bundle was not calibrated for prediction sets")
    if judgement.in_domain:
        doubts += _doubts_of_the_label(judgement, spec)
    doubts += [f"quality: {flag}" for flag in flags]
    return doubts


def _doubts_of_the_label(judgement: FieldJudgement, spec: FieldNetworkSpec) -> list[str]:
    doubts = []
    if len(judgement.prediction_set) > 1:
        doubts.append(f"more than one label is possible: {', '.join(judgement.prediction_set)}")
    best = max(judgement.probabilities, key=judgement.probabilities.__getitem__)
    if spec.conformal is not None and 1 - judgement.probabilities[best] > spec.conformal.threshold:
        doubts.append("no label is as probable as the right one nearly always is")
    conclusion = _conclude(probability_of_leukaemia(judgement, spec))
    if conclusion is not None and (conclusion == "lymphoblasts") == (best in spec.negative_labels):
        doubts.append("the most probable label and the sum over the labels of leukaemia disagree")
    return doubts


def _all_or_share(novelty: float) -> str:
    return "all" if novelty >= 1.0 else f"{min(novelty, USUAL):.0%}"
