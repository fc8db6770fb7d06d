from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from leukolens.finding import Finding, UsageError, json_schema
from leukolens.screen.cases import build_cases, case_by_folder, cases_from_csv, one_case


def found(source: str, p_all: float | None = 0.9, **changes: object) -> Finding:
    values: dict[str, object] = {
        "source": source,
        "sha256": "0" * 64,
        "status": "ok",
        "p_all": p_all,
        "label": "Pre-B",
        "conclusion": None if p_all is None else "lymphoblasts" if p_all >= 0.5 else "none seen",
        "decision": "report",
    }
    return Finding.model_validate({**values, **changes})


OUTSIDE = {"label": None, "conclusion": None, "decision": "review"}
ERROR = {"status": "error", "reason": "torn", "label": None, "conclusion": None, "decision": "review", "p_all": None}
EMPTY = {"label": None, "conclusion": "no white cells", "decision": "review", "p_all": None}


@pytest.mark.parametrize(
    ("source", "case"),
    [
        ("slides/patient 1/a.png", "slides/patient 1"),
        ("a.png", "."),
        ("./a.png", "."),
        ("/abs/p/a.png", "/abs/p"),
        ("in/a\\b.jpg", "in"),
        ("in/bad\\xff.jpg", "in"),
        ("a\\b.jpg", "."),
    ],
)
def test_cases_by_folder(source: str, case: str) -> None:
    assert case_by_folder(source) == case


def test_pictures_of_one_folder_are_one_case_in_order_of_appearance() -> None:
    cases = build_cases([found("b/1.png", 0.8), found("a/1.png"), found("b/2.png", 1.0)], case_by_folder)
    assert [(case.case, case.images) for case in cases] == [("b", 2), ("a", 1)]
    assert cases[0].p_all == pytest.approx(0.9)
    assert (cases[0].conclusion, cases[0].decision, cases[0].reasons) == ("lymphoblasts", "report", [])


def test_a_case_fits_the_contract() -> None:
    (case,) = build_cases([found("a/1.png")], one_case("patient 7"))
    content = json.loads(case.model_dump_json(by_alias=True))
    assert set(content) == {
        "case",
        "images",
        "cells",
        "differential",
        "blasts",
        "p_all",
        "conclusion",
        "decision",
        "reasons",
    }
    assert content["case"] == "patient 7"
    assert content["differential"] == {}
    assert content["blasts"] == {"n": 0, "fraction": None, "low": None, "high": None}
    schema = json_schema()
    jsonschema.validate(content, {"$ref": "#/$defs/Case", "$defs": schema["$defs"]})


def test_pictures_outside_the_domain_do_not_count_but_are_told() -> None:
    (case,) = build_cases([found("a/1", 0.2), found("a/2", 0.9, **OUTSIDE)], case_by_folder)
    assert case.p_all == pytest.approx(0.2)
    assert (case.conclusion, case.decision) == ("none seen", "review")
    assert any(reason.startswith("1 of 2 pictures lie outside") for reason in case.reasons)


def test_a_case_all_outside_the_domain_has_no_p_all() -> None:
    (case,) = build_cases([found("a/1", 0.9, **OUTSIDE)], case_by_folder)
    assert (case.p_all, case.conclusion, case.decision) == (None, None, "review")
    assert "no picture gives a p_all that counts" in case.reasons


def test_errors_and_empty_pictures_are_counted_and_lead_to_review() -> None:
    (case,) = build_cases([found("a/1"), found("a/2", **ERROR), found("a/3", **EMPTY)], case_by_folder)
    assert (case.images, case.decision, case.conclusion) == (3, "review", "lymphoblasts")
    assert "1 of 3 pictures could not be read" in case.reasons
    assert "1 of 3 pictures show no white cells" in case.reasons


def test_a_case_without_white_cells() -> None:
    (case,) = build_cases([found("a/1", **EMPTY), found("a/2", **EMPTY)], case_by_folder)
    assert (case.p_all, case.conclusion, case.decision) == (None, "no white cells", "review")
    (with_error,) = build_cases([found("a/1", **EMPTY), found("a/2", **ERROR)], case_by_folder)
    assert with_error.conclusion == "no white cells"
    (only_errors,) = build_cases([found("a/2", **ERROR)], case_by_folder)
    assert only_errors.conclusion is None


def test_pictures_that_disagree_lead_to_review() -> None:
    (case,) = build_cases([found("a/1", 0.9), found("a/2", 0.3)], case_by_folder)
    assert case.decision == "review"
    assert any("disagree: 1 with lymphoblasts, 1 with none seen" in reason for reason in case.reasons)


def test_a_table_of_cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tables").mkdir()
    table = tmp_path / "tables" / "cases.csv"
    table.write_text(
        "\ufeffNote, Path ,CASE\nx,slides/a.png,patient 1\ny,./slides//b.png,patient 1\nz,near.png,پ ۱\n,,\n",
        encoding="utf-8",
    )
    case_of = cases_from_csv(table)
    assert case_of("slides/a.png") == case_of("slides/b.png") == case_of(str(tmp_path / "tables/slides/a.png"))
    assert case_of("tables/near.png") == "پ ۱"
    with pytest.raises(UsageError, match=r"does not name 'slides/c\.png'"):
        case_of("slides/c.png")


def test_a_table_from_windows_and_names_that_hold_a_backslash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    table = tmp_path / "cases.csv"
    table.write_text("path,case\nslides\\a.png,1\nslides/bad\\xff.png,2\n", encoding="utf-8")
    case_of = cases_from_csv(table)
    assert case_of("slides/a.png") == case_of(f"{tmp_path}/slides/a.png") == "1"
    assert case_of("slides/bad\\xff.png") == case_of(f"{tmp_path}/slides/bad\\xff.png") == "2"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"file,case\na,b\n", "lacks a column"),
        (b"", "lacks a column"),
        (b"path,case\na.png,1\na.png,2\n", "second case"),
        (b"path,case\na.png,\n", "line 2.*not complete"),
        (b"path,case\n\xff.png,1\n", "cannot be read"),
    ],
)
def test_a_table_that_cannot_be_used(tmp_path: Path, content: bytes, words: str) -> None:
    table = tmp_path / "cases.csv"
    table.write_bytes(content)
    with pytest.raises(UsageError, match=words):
        cases_from_csv(table)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.csv"):
        cases_from_csv(tmp_path / "none.csv")
