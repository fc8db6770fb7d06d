"""Answers, repetitions and verdicts, on cases made up one by one."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from leukolens.assess.site.accuracy import judge_cases
from leukolens.assess.site.agreement import MISSING
from leukolens.assess.site.answers import Answer, read_answers
from leukolens.assess.site.case_list import CaseList, Picture
from leukolens.assess.site.plan import Criterion, Plan
from leukolens.assess.site.readers import judge_pair
from leukolens.assess.site.readings import Reading, short_washouts
from leukolens.assess.site.repeatability import compare_captures
from leukolens.assess.site.truth import Truth
from leukolens.assess.site.verdict import _judge, lowest
from leukolens.finding import Finding
from leukolens.screen.cases import build_cases
from leukolens.statistics.intervals import Estimate, clopper_pearson


def answer(p_all: float | None, *, case: str = "c", day: str = "", label: str | None = None) -> Answer:
    called = None if p_all is None else p_all >= 0.5
    why = "outside the domain" if p_all is None else ""
    return Answer(case, "1", day, 1, p_all, called, why, review=p_all is None, label=label, reasons=())


def finding(source: str, **values: object) -> Finding:
    return Finding.model_validate({"source": source, "sha256": "0" * 64, "status": "ok", "decision": "report"} | values)


def in_domain(source: str, p_all: float, **values: object) -> Finding:
    probabilities = {"Benign": 1 - p_all, "Pre-B": p_all}
    label = max(probabilities, key=probabilities.__getitem__)
    conclusion = "lymphoblasts" if p_all >= 0.5 else "none seen"
    own = {"p_all": p_all, "label": label, "probabilities": probabilities, "conclusion": conclusion}
    return finding(source, **(own | values))


FINDINGS = {
    "sure": [in_domain("sure 1", 0.9), in_domain("sure 2", 0.8)],
    "none": [in_domain("none", 0.45)],
    "review": [in_domain("review", 0.9, decision="review", notes=["review: quality: blurred"])],
    "elsewhere": [finding("elsewhere", p_all=0.99, decision="review")],
    "empty": [finding("empty", conclusion="no white cells", decision="review")],
    "torn": [finding("torn", status="error", reason="it is cut off", sha256=None)],
    "mostly torn": [
        finding("torn 1", status="error", reason="it is cut off"),
        finding("torn 2", status="error", reason="it is cut off"),
        finding("torn 3", conclusion="no white cells"),
    ],
    "partly": [in_domain("partly 1", 0.7), finding("partly 2", status="error", reason="it is cut off")],
    "refused": [finding("refused", status="refused", reason="no smear")],
}


@pytest.fixture
def answers_of(tmp_path):
    """Write findings as screening does and read the answers by a plan."""
    units = {one.source: f"{case} / 1" for case, own in FINDINGS.items() for one in own}
    (tmp_path / "screening").mkdir()
    everything = [one for own in FINDINGS.values() for one in own]
    lines = "".join(one.to_json() + "\n" for one in everything)
    (tmp_path / "screening" / "findings.jsonl").write_text(lines, "utf-8")
    cases = [one.model_dump(by_alias=True) for one in build_cases(everything, units.__getitem__)]
    (tmp_path / "screening" / "cases.json").write_text(json.dumps(cases), "utf-8")
    pictures = tuple(Picture(case, "1", "", one.source, "") for case, own in FINDINGS.items() for one in own)

    def read(**plan: object) -> dict[str, Answer]:
        asked = Plan.model_construct(**({"threshold": 0.5, "review_counts_as": "its answer"} | plan))
        return {case: own[0] for case, own in read_answers(tmp_path, CaseList(pictures), asked).items()}

    return read


def test_answers_and_why_there_is_none(answers_of) -> None:
    found = {case: (one.word, one.why) for case, one in answers_of().items()}
    assert found == {
        "sure": ("leukaemia", ""),
        "none": ("no leukaemia", ""),
        "review": ("leukaemia", ""),
        "elsewhere": ("no answer", "outside the domain"),
        "empty": ("no answer", "no white cells"),
        "torn": ("no answer", "not readable"),
        "mostly torn": ("no answer", "not readable"),
        "partly": ("leukaemia", ""),
        "refused": ("no answer", "refused"),
    }
    sure = answers_of()["sure"]
    assert (sure.images, sure.label, sure.review) == (2, "Pre-B", False)
    assert sure.p_all == pytest.approx(0.85)
    reasons = answers_of()["mostly torn"].reasons
    assert "it is cut off (2 pictures)" in reasons
    assert "2 of 3 pictures could not be read" in reasons


def test_threshold_and_review_are_the_plans(answers_of) -> None:
    assert answers_of(threshold=0.4)["none"].word == "leukaemia"
    assert answers_of(threshold=0.86)["sure"].word == "no leukaemia"
    strict = answers_of(review_counts_as="no answer")
    assert (strict["review"].word, strict["review"].why) == ("no answer", "for review")
    assert strict["sure"].word == "leukaemia"
    assert (strict["partly"].word, strict["partly"].why) == ("no answer", "for review")  # a torn picture needs a look
    assert strict["elsewhere"].why == "outside the domain"


def test_cases_without_an_answer_count_as_wrong_on_both_sides() -> None:
    answers = {"a": [answer(0.9)], "b": [answer(0.1)], "c": [answer(None)], "d": [answer(0.2)], "e": [answer(None)]}
    truths = {case: Truth(case in "abc") for case in answers}
    found = judge_cases(answers, truths)
    assert found.table == {
        "leukaemia": {"leukaemia": 1, "no leukaemia": 1, "no answer": 1},
        "no leukaemia": {"leukaemia": 0, "no leukaemia": 1, "no answer": 1},
    }
    figures = {name: (one.value, one.n) for name, one in found.figures.items()}
    assert figures["sensitivity"] == (1 / 3, 3)
    assert figures["sensitivity_answered"] == (1 / 2, 2)
    assert figures["specificity"] == (1 / 2, 2)
    assert figures["specificity_answered"] == (1.0, 1)
    assert figures["agreement"] == (2 / 5, 5)
    assert figures["no_answer"] == figures["review"] == (2 / 5, 5)
    assert [one.outcome for one in found.discordant()] == ["missed", "no answer", "no answer"]


def test_the_first_capture_answers_for_its_case() -> None:
    found = judge_cases({"a": [answer(0.9), answer(0.1)]}, {"a": Truth(positive=True)})
    assert found.figures["sensitivity"].value == 1.0


def test_labels_are_judged_where_both_are_known() -> None:
    answers = {name: [answer(0.9, label=label)] for name, label in (("a", "Pre-B"), ("b", "Pro-B"), ("c", None))}
    truths = {name: Truth(True, "", subtype) for name, subtype in (("a", "Pre-B"), ("b", "Pre-B"), ("c", "Pre-B"))}
    assert judge_cases(answers, truths).figures["subtype"].n == 2
    assert judge_cases(answers, truths).figures["subtype"].value == 0.5


def test_captures() -> None:
    found = compare_captures(
        {
            "one capture": [answer(0.9)],
            "agrees": [answer(0.9), answer(0.96, day="2")],
            "near, differs": [answer(0.45, day="1"), answer(0.55, day="2"), answer(0.6, day="2")],
            "no answer twice": [answer(None), answer(None)],
            "one without": [answer(0.9), answer(None)],
        },
        0.5,
    )
    assert [one.case for one in found.cases] == ["agrees", "near, differs", "no answer twice", "one without"]
    assert (found.agree.value, found.agree.n) == (2 / 4, 4)
    assert (found.near.value, found.near.n) == (0.0, 1)
    assert (found.far.value, found.far.n) == (2 / 3, 3)
    assert (found.days.value, found.days.n) == (0.0, 1)
    variances = [np.var([0.9, 0.96], ddof=1) * 1, np.var([0.45, 0.55, 0.6], ddof=1) * 2]
    assert found.deviation == pytest.approx(math.sqrt(sum(variances) / 3))
    assert found.largest == pytest.approx(0.15)


def test_no_captures() -> None:
    found = compare_captures({"a": [answer(0.9)]}, 0.5)
    assert (found.cases, found.deviation, found.agree.value) == ((), None, None)


@pytest.mark.parametrize(
    ("name", "criterion", "figure", "word", "told"),
    [
        ("sensitivity", Criterion(at_least=0.85), clopper_pearson(40, 40), "met", "lower bound is 0.9119"),
        ("sensitivity", Criterion(at_least=0.85), clopper_pearson(38, 40), "not shown", "too wide to say."),
        ("sensitivity", Criterion(at_least=0.85), clopper_pearson(20, 40), "not met", "upper bound is 0.6"),
        ("sensitivity", Criterion(at_least=0.85), clopper_pearson(9, 9), "not shown", "23 cases of leukaemia at least"),
        ("sensitivity", Criterion(at_least=0.85), clopper_pearson(0, 0), "not shown", "No case to count; 23 cases"),
        ("sensitivity", Criterion(at_least=0.85), None, "not shown", "Nothing was measured for it"),
        ("sensitivity", Criterion(at_least=0.85, judged_by="figure"), clopper_pearson(38, 40), "met", "0.95"),
        ("sensitivity", Criterion(at_least=0.96, judged_by="figure"), clopper_pearson(38, 40), "not met", "0.95"),
        ("no_answer", Criterion(at_most=0.1), clopper_pearson(0, 60), "met", "upper bound is 0.05963"),
        ("no_answer", Criterion(at_most=0.1), clopper_pearson(3, 60), "not shown", "too wide"),
        ("no_answer", Criterion(at_most=0.1), clopper_pearson(30, 60), "not met", "lower bound is 0.368"),
        ("no_answer", Criterion(at_most=0.1, judged_by="figure"), clopper_pearson(6, 60), "met", "0.1"),
        ("no_answer", Criterion(at_most=0.1, judged_by="figure"), clopper_pearson(7, 60), "not met", "0.1167"),
        ("kappa_with_readers", Criterion(at_least=0.6), Estimate(0.7, 0.5, 0.8, "x", 9), "not shown", "0.5 to 0.8"),
    ],
)
def test_verdicts(name, criterion, figure, word, told) -> None:
    found = _judge(name, criterion, figure, 0.95)
    assert found.word == word
    assert told in found.sentence


def test_the_lowest_of_several_readers_counts() -> None:
    high, low, none = Estimate(0.9, 0.8, 1, "x", 9), Estimate(0.9, 0.5, 1, "x", 9), Estimate(None, -1, 1, "x", 9)
    assert lowest([high, low]) is low
    assert lowest([high, none, low]) is none
    assert lowest([]) is None


def test_percent_agreement_indices_and_adjusted_kappa_by_hand() -> None:
    # 40 both positive, 9 first only, 6 second only, 45 both negative: Byrt et al. 1993, Table 1 and their formulas.
    one = np.repeat([1, 1, 0, 0], [40, 9, 6, 45])
    two = np.repeat([1, 0, 1, 0], [40, 9, 6, 45])
    pair = judge_pair("a", "b", one, two, ("no leukaemia", "leukaemia"), 1, replicates=50)
    assert pair.table == ((45, 6), (9, 40))
    assert pair.agreement.value == 0.85
    assert pair.kappa.estimate.value == pytest.approx(0.70, abs=5e-3)
    assert pair.adjusted.value == pytest.approx(0.70)
    assert pair.adjusted.low == pytest.approx(2 * clopper_pearson(85, 100).low - 1)
    assert pair.prevalence == pytest.approx(0.05)
    assert pair.bias == pytest.approx(0.03)
    assert (pair.positive.value, pair.positive.n) == (40 / 46, 46)
    assert (pair.negative.value, pair.negative.n) == (45 / 54, 54)


def test_no_answer_agrees_with_nothing_and_missing_cases_do_not_count() -> None:
    machine, reader = np.array([1, 2, 2, 0, 1]), np.array([1, 1, 0, 0, MISSING])
    pair = judge_pair("m", "r", machine, reader, ("no leukaemia", "leukaemia", "no answer"), 1, replicates=50)
    assert pair.n == 4
    assert pair.agreement.value == 0.5
    assert (pair.positive.value, pair.negative.value) == (0.5, 0.5)
    assert pair.weighted is None


def test_three_ordered_answers() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(3)
    one, two = rng.integers(3, size=(2, 50))
    pair = judge_pair("a", "b", one, two, ("no", "maybe", "yes"), 2, replicates=50)
    assert pair.weighted is not None
    assert pair.weighted.estimate.value == pytest.approx(metrics.cohen_kappa_score(one, two, weights="quadratic"))
    assert pair.adjusted.value == pytest.approx((3 * (one == two).mean() - 1) / 2)
    assert pair.positive.n == (two == 2).sum()


def test_washout() -> None:
    def read(case: str, reading: str, day: str) -> Reading:
        return Reading("Dr A", case, "leukaemia", reading, day)

    enough = [read("a", "1", "2026-03-01"), read("a", "2", "2026-03-15")]
    assert short_washouts(enough, 14) == []
    assert short_washouts(enough, 15) == [
        "Dr A read 1 of 1 cases again before 15 days had passed (at the soonest after 14)."
    ]
    unknown = [*enough, read("b", "1", ""), read("b", "2", "2026-03-20")]
    assert short_washouts(unknown, 14) == ["Dr A: 1 second readings have no two dates; the washout is not known."]
