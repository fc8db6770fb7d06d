from __future__ import annotations

import pytest

from leukolens.engine.spec import Conformal, FieldNetworkSpec
from leukolens.trust import FieldJudgement, decide


def judgement(
    *values: float, labels: tuple[str, ...] | None = None, novelty: float | None = 0.3, in_domain: bool = True
) -> FieldJudgement:
    probabilities = dict(zip(("Benign", "Early Pre-B", "Pre-B", "Pro-B"), values, strict=True))
    top = max(probabilities, key=probabilities.__getitem__)
    return FieldJudgement(probabilities, labels or (top,), novelty, in_domain)


STRICT = Conformal(alpha=0.01, threshold=0.4, n=100)
SURE = judgement(0.01, 0.02, 0.96, 0.01)


def test_a_plain_picture_is_reported(spec: FieldNetworkSpec) -> None:
    verdict = decide(SURE, [], spec)
    assert verdict.decision == "report"
    assert verdict.label == "Pre-B"
    assert verdict.conclusion == "lymphoblasts"
    assert verdict.p_all == pytest.approx(0.99)
    assert verdict.probabilities == SURE.probabilities
    assert verdict.prediction_set == ["Pre-B"]
    assert verdict.notes == []


@pytest.mark.parametrize(("benign", "conclusion"), [(0.5, "lymphoblasts"), (0.5001, "none seen"), (1.0, "none seen")])
def test_the_conclusion_turns_at_one_half(spec: FieldNetworkSpec, benign: float, conclusion: str) -> None:
    assert decide(judgement(benign, 1 - benign, 0.0, 0.0), [], spec).conclusion == conclusion


def test_all_negative_labels_count(spec: FieldNetworkSpec) -> None:
    both = spec.model_copy(update={"negative_labels": ("Benign", "Pro-B")})
    assert decide(judgement(0.2, 0.3, 0.1, 0.4), [], both).p_all == pytest.approx(0.4)


def test_a_tiny_probability_is_not_lost_to_rounding(spec: FieldNetworkSpec) -> None:
    assert decide(judgement(1.0, 1e-20, 0.0, 0.0), [], spec).p_all == pytest.approx(1e-20, rel=1e-6)


def test_without_negative_labels_there_is_no_p_all(spec: FieldNetworkSpec) -> None:
    verdict = decide(SURE, [], spec.model_copy(update={"negative_labels": ()}))
    assert verdict.p_all is None
    assert verdict.conclusion is None
    assert verdict.label == "Pre-B"


def test_outside_the_domain_there_is_a_p_all_but_no_label(spec: FieldNetworkSpec) -> None:
    verdict = decide(judgement(0.01, 0.02, 0.96, 0.01, novelty=1.0, in_domain=False), [], spec)
    assert verdict.p_all == pytest.approx(0.99)
    assert (verdict.label, verdict.probabilities, verdict.conclusion, verdict.prediction_set) == (None, None, None, [])
    assert verdict.decision == "review"
    assert "unlike those that the model learned from" in verdict.notes[0]


def test_no_white_cells(spec: FieldNetworkSpec) -> None:
    verdict = decide(SURE, ["blurred", "no white cells"], spec)
    assert verdict.conclusion == "no white cells"
    assert (verdict.p_all, verdict.label, verdict.probabilities, verdict.prediction_set) == (None, None, None, [])
    assert verdict.decision == "review"
    assert any("no white cells" in note for note in verdict.notes)
    assert any("blurred" in note for note in verdict.notes)


@pytest.mark.parametrize(
    ("judged", "flags", "changes", "words"),
    [
        (judgement(0.3, 0.4, 0.2, 0.1, labels=("Early Pre-B", "Benign")), [], {}, "more than one label is possible"),
        (judgement(0.15, 0.35, 0.35, 0.15), [], {"conformal": STRICT}, "as probable as the right one"),
        (judgement(0.45, 0.35, 0.2, 0.0), [], {}, "disagree"),
        (judgement(0.4, 0.35, 0.25, 0.0), [], {"negative_labels": ("Early Pre-B", "Pre-B")}, "disagree"),
        (SURE, ["out of focus"], {}, "quality: out of focus"),
        (SURE, [], {"conformal": None}, "not calibrated for prediction sets"),
        (SURE, [], {"novelty": None}, "cannot tell whether the picture is like"),
    ],
)
def test_each_doubt_leads_to_review_and_is_said(
    spec: FieldNetworkSpec, judged: FieldJudgement, flags: list[str], changes: dict[str, object], words: str
) -> None:
    verdict = decide(judged, flags, spec.model_copy(update=changes))
    assert verdict.decision == "review"
    assert len(verdict.notes) == 1
    assert words in verdict.notes[0]
    assert verdict.label is not None
