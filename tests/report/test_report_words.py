"""Words and numbers: hostile names made harmless, probabilities never rounded to certainty, order of review."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leukolens.finding import Finding
from leukolens.report.summary import Summary, summarise
from leukolens.report.words import (
    answer,
    answer_sentence,
    probability_of_label,
    probability_text,
    review_rank,
    visible,
    what_was_done,
    why_review,
)


def finding(**changes: object) -> Finding:
    return Finding.model_validate({"source": "a.jpg", "sha256": None, "status": "ok", **changes})


@given(st.text())
def test_a_shown_name_is_printable_and_can_be_encoded(name: str) -> None:
    shown = visible(name)
    shown.encode("utf-8")
    assert not any(sign < " " or 0x7F <= ord(sign) < 0xA0 for sign in shown)
    assert not set(shown) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2028\u2029\ufeff")


@pytest.mark.parametrize("name", ["cell 1.jpg", "آزمایش.png", "細胞.tif", "नमूना\u200d.jpg", "Müller/ß.webp"])
def test_names_in_any_script_stay_as_they_are(name: str) -> None:
    assert visible(name) == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [("a\x1b[2Jb", "a\\x1b[2Jb"), ("a\nb", "a\\nb"), ("a\udcffb", "a\\udcffb"), ("a\u202egpj", "a\\u202egpj")],
)
def test_what_steers_a_terminal_or_a_reader_is_spelled_out(name: str, shown: str) -> None:
    assert visible(name) == shown


@given(st.floats(0, 1))
def test_probability_is_right_to_two_places_and_never_certain(value: float) -> None:
    text = probability_text(value)
    assert text not in {"0.00", "1.00"}
    if text[0] in "<>":
        assert value < 0.01 if text[0] == "<" else value > 0.99
    else:
        assert abs(float(text) - value) <= 0.0051


@pytest.mark.parametrize(
    ("changes", "word", "part"),
    [
        (
            {"conclusion": "lymphoblasts", "p_all": 0.97},
            "Lymphoblasts",
            "shows leukaemic lymphoblasts; probability that",
        ),
        ({"conclusion": "none seen", "p_all": 0.03}, "None seen", "shows no leukaemic lymphoblasts"),
        ({"conclusion": "no white cells"}, "No white cells", "No white cells were found"),
        ({"p_all": 0.4}, "No conclusion", "Nothing can be said"),
        ({"status": "refused", "reason": "no stain"}, "Refused", "cannot be judged"),
        ({"status": "error", "reason": "empty"}, "Error", "could not be read"),
    ],
)
def test_answers_in_words(changes: dict[str, object], word: str, part: str) -> None:
    one = finding(**changes)
    assert answer(one) == word
    assert part in answer_sentence(one)


def test_an_answer_for_review_says_that_it_does_not_count_yet() -> None:
    sentences = [answer_sentence(finding(conclusion="none seen", decision=one)) for one in ("review", "report")]
    assert ["person must look" in one for one in sentences] == [True, False]


def test_notes_are_parted_into_reasons_and_steps() -> None:
    one = finding(reason="dark", notes=["bar painted out", "review: two labels", "bar painted out", "review: dark"])
    assert why_review(one) == ["dark", "two labels"]
    assert what_was_done(one) == ["bar painted out"]


def test_label_with_its_probability() -> None:
    assert probability_of_label(finding(label="Pre-B", probabilities={"Pre-B": 0.9, "Benign": 0.1})) == "Pre-B 0.90"
    assert probability_of_label(finding()) == "–"


def test_review_comes_first_then_the_most_probable() -> None:
    low, high, unsure = finding(decision="report", p_all=0.1), finding(decision="report", p_all=0.9), finding()
    assert sorted([low, high, unsure], key=review_rank) == [unsure, high, low]


def test_summary_counts_each_picture_once() -> None:
    findings = [
        finding(conclusion="lymphoblasts", p_all=1.0, decision="report"),
        finding(conclusion="none seen", p_all=0.0, decision="report"),
        finding(conclusion="no white cells"),
        finding(),
        finding(status="refused", reason="x"),
        finding(status="error", reason="x"),
        finding(status="error", reason="y"),
    ]
    got = summarise(findings)
    assert got == Summary(7, 1, 1, 1, 1, 1, 2, 5)
    assert got.sentence() == (
        "7 pictures: 1 with lymphoblasts, 1 with none seen, 1 without white cells, 1 without conclusion, 1 refused, "
        "2 could not be read; 5 for review."
    )
    assert summarise([]).sentence() == "0 pictures."
