"""The plan: written, read, judged for what it can show, and refused where it says nothing sensible."""

from __future__ import annotations

import pytest
from site_folders import call, plan

from leukolens.assess.site.plan import load_plan, read_plan
from leukolens.assess.site.plan_text import plan_text
from leukolens.assess.site.planning import check_plan, prospects
from leukolens.finding import DataError, LeukolensError


@pytest.fixture
def text(tmp_path) -> str:
    assert plan(tmp_path / "site", leukaemia=40, no_leukaemia=40, sensitivity=0.85, specificity=0.85) == 0
    return (tmp_path / "site" / "plan.yaml").read_text("utf-8")


def test_plan_is_read_as_it_was_written(tmp_path, text) -> None:
    found, same = load_plan(tmp_path / "site")
    assert same == text
    assert plan_text(found) == text
    assert found.laboratory == "St Elsewhere"
    assert list(found.criteria) == ["sensitivity", "specificity", "no_answer", "same_again", "kappa_with_readers"]
    assert len(found.bundle.sha256) == 64


@pytest.mark.parametrize("name", ['Dr "X": #1', "Ünï\ncode", "yes", "- a"])
def test_any_name_survives_the_file(tmp_path, name) -> None:
    assert call("plan", "--out", tmp_path, "--laboratory", name, "--by", "1") == 0
    assert load_plan(tmp_path)[0].laboratory == name


def test_it_says_what_the_cases_can_show(text) -> None:
    sensitivity = prospects(read_plan(text, "plan"))[0]
    assert sensitivity.sentence == (
        "sensitivity: with 40 cases of leukaemia you can show a lower bound of 0.912 at best; 0.85 is asked for, and 1 "
        "error is allowed. If the true sensitivity is 0.98, the chance to show it is 81 %."
    )
    weaker = prospects(read_plan(text.replace("sensitivity: 0.98", "sensitivity: 0.95"), "plan"))[0]
    assert weaker.sentence.endswith("is 40 %; 84 cases would make it 80 %.")


def test_too_few_cases_for_the_criteria(tmp_path, capsys) -> None:
    assert plan(tmp_path / "site", leukaemia=10, sensitivity=0.9) == 2
    told = capsys.readouterr().err
    assert "too few cases for sensitivity" in told
    assert "a lower bound of 0.692 at best" in told
    assert "needs 36 cases without an error" in told
    assert not (tmp_path / "site" / "plan.yaml").exists()


def test_share_without_an_answer_and_repeated_cases_are_counted_too(text) -> None:
    strict = text.replace(
        "no_answer: {at_most: 0.1, judged_by: figure}", "no_answer: {at_most: 0.01, judged_by: interval}"
    )
    with pytest.raises(DataError, match=r"an upper bound of 0.045 at best; 0.01 is asked for, which needs 368 cases"):
        check_plan(read_plan(strict, "plan"))
    repeats = read_plan(text.replace("criteria:\n", "criteria:\n  captures_agree: {at_least: 0.7}\n"), "plan")
    assert len(check_plan(repeats)) == 2
    assert check_plan(repeats, repeated=11)[0].allowed == 0
    with pytest.raises(DataError, match="with 5 cases captured repeatedly"):
        check_plan(repeats, repeated=5)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("sensitivity: {at_least", "sensitivty: {at_least", "Did you mean 'sensitivity'"),
        ("sensitivity: {at_least: 0.85", "sensitivity: {at_most: 0.85", "give at_least"),
        ("at_least: 0.85, judged_by: interval", "at_leest: 0.85", "Did you mean 'at_least'"),
        ("at_least: 0.85, judged_by: interval", "at_least: 85", "less than or equal to 1"),
        ("threshold: 0.5", "threshold: 1.5", "threshold"),
        ("threshold: 0.5", "threshold: 0.5\nthreshold: 0.4", "stands twice"),
        ("threshold: 0.5", "threshhold: 0.5", "Did you mean 'threshold'"),
        ("leukaemia: 40", "leukaemia: many", "leukaemia"),
        ('leukaemia_from: "leukaemia"', 'leukaemia_from: "maybe"', "give one of the answers"),
        ('["no leukaemia", "leukaemia"]', '["leukaemia"]', "two or more"),
        ("judged_by: figure}", "judged_by: luck}", "judged_by"),
    ],
)
def test_what_makes_no_sense_is_named(text, old, new, told) -> None:
    assert old in text
    with pytest.raises(LeukolensError, match=told):
        read_plan(text.replace(old, new, 1), "plan.yaml")


def test_a_plan_that_is_none(text) -> None:
    with pytest.raises(DataError, match="no plan"):
        read_plan("- a\n- b\n", "plan.yaml")
    with pytest.raises(DataError, match="one criterion at least"):
        read_plan(text[: text.index("criteria:")] + "criteria: {}\n", "plan.yaml")
    with pytest.raises(DataError, match="p_all_spread has no interval"):
        read_plan(text.replace("criteria:\n", "criteria:\n  p_all_spread: {at_most: 0.1}\n"), "plan.yaml")


def test_a_plan_is_not_written_over_unasked(tmp_path, text, capsys) -> None:
    assert plan(tmp_path / "site") == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (tmp_path / "site" / "plan.yaml").read_text("utf-8") == text


def test_fewer_than_cap_asks_for_is_said(tmp_path, capsys) -> None:
    assert plan(tmp_path / "site") == 0
    assert "8 cases; CAP's guideline for whole slide imaging asks for 60" in capsys.readouterr().out
