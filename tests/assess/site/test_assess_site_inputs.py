"""What a laboratory may get wrong: lists, pictures, readings, the truth. Each is named, and nothing is lost."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from site_folders import BY, CASES, call, cases, go, refuse, snapshot, write_table

from leukolens.assess.site.record import read_record
from leukolens.assess.site.tables import read_bytes
from leukolens.finding import DataError

pytestmark = pytest.mark.slow

# -- the list of cases


def test_a_list_that_tells_the_truth_is_not_blind(own, planned, capsys) -> None:
    write_table(own / "cases.csv", [["case", "images", "Diagnosis"], ["C1", "images/C1", "ALL"]])
    assert "is not blind" in refuse(capsys, *cases(planned, own))
    assert len(read_record(planned)[0]) == 1


def listed(*rows: list[object]) -> list[list[object]]:
    good = [[case, f"images/{case}", "", ""] for case in CASES]
    return [["case", "images", "repeat_of", "patient"], *good, *rows]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (listed()[:5], "too few cases for the plan"),
        ([["case"], ["C1"]], "no column 'images'"),
        ([["case", "images", "colour"], ["C1", "images/C1", "red"]], "unknown column 'colour'"),
        ([["case", "images"]], "has no row"),
        ([["case", "images"], ["", "images/C1"]], "Line 2 of cases.csv has no 'case'"),
        (listed(["C9", "images/C99", "", ""]), "Line 10 of cases.csv"),
        (listed(["C9", "images/C1", "", ""]), "stands twice"),
        (listed(["C9", "images/C1b.png", "C77", ""]), "repeats 'C77', which is no case of its own"),
        (listed(["C2", "images/C1b.png", "C1", ""]), "makes 'C2' a repetition"),
        (listed(["C9", "images/C1b.png", "", "P1"], ["C10", "images/C5b.png", "", "P1"]), "patient 'P1' a second case"),
        (listed(["C / 9", "images/C1b.png", "", ""]), "' / '"),
    ],
)
def test_lists_of_cases_that_are_wrong(own, planned, capsys, rows, told) -> None:
    write_table(own / "cases.csv", rows)
    assert told in refuse(capsys, *cases(planned, own))
    assert len(read_record(planned)[0]) == 1
    assert not (planned / "cases.csv").exists()


def test_a_copy_is_no_repetition(own, planned, capsys) -> None:
    shutil.copy(own / "images/C1/field.png", own / "images/C1b.png")
    assert "is a copy of 'images/C1/field.png'" in refuse(capsys, *cases(planned, own))


def test_the_truth_must_be_promised(planned, laboratory, capsys) -> None:
    words = ["cases", planned, laboratory / "cases.csv", "--by", BY]
    assert "must be promised" in refuse(capsys, *words)
    assert "64 hexadecimal digits" in refuse(capsys, *words, "--truth-sha256", "abc")
    assert "is not there" in refuse(capsys, *words, "--truth", laboratory / "none.csv")


def test_the_promise_is_the_hash_alone(site, laboratory) -> None:
    text = (site / "record.jsonl").read_text("utf-8")
    assert "no leukaemia" not in text.replace(json.dumps((site / "plan.yaml").read_text("utf-8"))[1:-1], "")
    assert not (site / "truth.csv").exists()
    for path in site.rglob("*"):
        assert path.is_dir() or b"flow" not in path.read_bytes(), path


# -- screening


def test_another_model_is_refused(laboratory, tmp_path, capsys) -> None:
    pytest.importorskip("onnx", reason="needs leukolens[train]")
    sys.path.insert(0, str(Path(__file__).parents[2] / "engine"))
    from tiny_bundle import write_tiny_bundle

    folder = tmp_path / "site"
    assert go(laboratory, folder, until="cases") == 0
    other = write_tiny_bundle(tmp_path / "tiny")
    assert "is not the one of the plan" in refuse(capsys, "run", folder, "--bundle", other, "--by", BY)


def test_a_picture_that_changed_or_went_is_named(own, tmp_path, capsys) -> None:
    folder = tmp_path / "site"
    assert go(own, folder, until="cases") == 0
    (own / "images/C2/field.png").unlink()
    shutil.copy(own / "images/C3/field.png", own / "images/C4/field.png")
    told = refuse(capsys, "run", folder, "--by", BY)
    assert "missing: 'images/C2/field.png'" in told
    assert "changed: 'images/C4/field.png'" in told
    assert not (folder / "screening").exists()


def test_pictures_may_move_if_one_says_where(own, tmp_path, capsys) -> None:
    folder = tmp_path / "site"
    assert go(own, folder, until="cases") == 0
    moved = own.rename(tmp_path / "elsewhere")
    assert "missing" in refuse(capsys, "run", folder, "--by", BY)
    assert call("run", folder, "--by", BY, "--images", moved) == 0


def test_no_readable_picture(own, tmp_path, capsys) -> None:
    for index, path in enumerate(sorted((own / "images").rglob("*.png"))):
        path.write_bytes(b"no picture %d" % index)
    folder = tmp_path / "site"
    assert go(own, folder, until="cases") == 0
    told = refuse(capsys, "run", folder, "--by", BY)
    assert "None of the 10 pictures could be read" in told
    assert "JPEG, PNG" in told
    assert not any(entry.step == "run" for entry in read_record(folder)[0])


# -- readings


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([["Dr C", "C99", "leukaemia", 1, ""]], "names 1 cases that are not in the list, by 'Dr C'"),
        ([["Dr C", "C1", "perhaps", 1, ""]], "an answer that the plan does not know"),
        ([["Dr C", "C1", "leukaemia", 3, ""]], "expected 1 or 2"),
        ([["Dr C", "C1", "leukaemia", 1, "1.3.2026"]], "a day such as 2026-03-31"),
        ([["Dr C", "C1", "leukaemia", 1, ""], ["Dr C", "C1", "no leukaemia", 1, ""]], "contradicts themselves"),
        ([["Dr A", "C1", "no leukaemia", 1, "2026-03-01"]], "Reader 'Dr A' contradicts themselves about case 'C1'"),
        ([["Dr A", "C1", "leukaemia", 1, "2026-03-01"]], "is there already"),
    ],
)
def test_readings_that_are_wrong(site, tmp_path, capsys, rows, told) -> None:
    before = snapshot(site)
    table = write_table(tmp_path / "more.csv", [["reader", "case", "answer", "reading", "date"], *rows])
    found = refuse(capsys, "readings", site, table, "--by", BY)
    assert told.casefold() in found.casefold()
    assert snapshot(site) == before


def test_readings_are_added_to_those_there(site, tmp_path) -> None:
    table = write_table(tmp_path / "more.csv", [["Reader", "CASE", "answer"], ["Dr C", "C1", " Leukaemia "]])
    assert call("readings", site, table, "--by", BY) == 0
    assert (site / "readings-2.csv").read_text("utf-8").splitlines()[1] == "Dr C,C1,leukaemia,1,"


def test_unblinding_without_the_readings_that_the_plan_asks_for(laboratory, tmp_path, capsys) -> None:
    folder = tmp_path / "site"
    assert go(laboratory, folder, until="run") == 0
    words = ["unblind", folder, "--truth", laboratory / "truth.csv", "--by", BY]
    assert "the plan asks for kappa_with_readers" in refuse(capsys, *words)
    assert call(*words, "--without-readings") == 0
    assert call("report", folder, "--by", BY) == 4
    content = json.loads((folder / "site.json").read_text("utf-8"))
    (kappa,) = [one for one in content["criteria"] if one["name"] == "kappa_with_readers"]
    assert (kappa["verdict"], kappa["figure"]) == ("not shown", None)


# -- the truth


def test_a_truth_that_changed_is_refused_unseen(site, own, capsys) -> None:
    path = own / "truth.csv"
    path.write_text(path.read_text("utf-8").replace("C6,no leukaemia", "C6,leukaemia"), "utf-8")
    before = snapshot(site)
    told = refuse(capsys, "unblind", site, "--truth", path, "--by", BY)
    assert "is not the truth that was promised" in told
    assert "commit" in told
    assert snapshot(site) == before


def truths(*rows: list[object]) -> list[list[object]]:
    good = [[case, "leukaemia" if case < "C5" else "no leukaemia"] for case in CASES]
    return [["case", "truth"], *good, *rows]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (truths()[:-1], "no truth for 1 of 8 cases: 'C8'"),
        (truths(["C77", "leukaemia"]), "truth for 1 cases that are not in the list: 'C77'"),
        (truths(["C1", "no leukaemia"]), "contradicts itself about case 'C1', lines 2 and 10"),
        ([*truths()[:-1], ["C8", "probably"]], "unknown truth"),
        ([["case", "truth", "subtype"], ["C1", "leukaemia", "T-ALL"]], "subtype that the model does not know"),
    ],
)
def test_a_promised_truth_that_cannot_be_used(own, tmp_path, capsys, rows, told) -> None:
    write_table(own / "truth.csv", rows)
    folder = tmp_path / "site"
    assert go(own, folder, until="readings") == 0
    assert told in refuse(capsys, "unblind", folder, "--truth", own / "truth.csv", "--by", BY)
    assert not (folder / "truth.csv").exists()
    # It was seen into, which stays on record; a corrected file can be promised, and the report says what happened.
    assert read_record(folder)[0][-1].step == "truth opened"
    write_table(own / "truth.csv", truths())
    assert call("commit", folder, "--truth", own / "truth.csv", "--reason", "a slip", "--by", BY) == 0
    assert call("unblind", folder, "--truth", own / "truth.csv", "--by", BY) == 0
    assert call("report", folder, "--by", BY) == 4
    content = json.loads((folder / "site.json").read_text("utf-8"))
    assert content["blind"] is False
    said = " ".join(content["blindness"])
    assert "a slip" in said
    assert told in said
    assert "Not proven blind" in (folder / "report.html").read_text("utf-8")


def test_a_truth_promised_again_before_screening_is_still_blind(own, tmp_path) -> None:
    folder = tmp_path / "site"
    assert go(own, folder, until="cases") == 0
    write_table(own / "truth.csv", truths())
    assert call("commit", folder, "--truth", own / "truth.csv", "--reason", "a typing error", "--by", BY) == 0
    for words in (["run", folder], ["readings", folder, own / "readings.csv"]):
        assert call(*words, "--by", BY) == 0
    assert call("unblind", folder, "--truth", own / "truth.csv", "--by", BY) == 0
    assert call("report", folder, "--by", BY) == 4
    content = json.loads((folder / "site.json").read_text("utf-8"))
    assert content["blind"] is True
    assert "a typing error" in " ".join(content["blindness"])
    assert "For 8 of 8 cases the truth file names no reference method." in content["deviations"]


def test_one_class_only_is_told_with_what_is_needed(own, tmp_path, capsys) -> None:
    write_table(own / "truth.csv", [["case", "truth"], *([case, "leukaemia"] for case in CASES)])
    folder = tmp_path / "site"
    assert go(own, folder, until="unblind") == 0
    assert (
        "There is no case without leukaemia, so specificity cannot be shown; 4 were planned." in capsys.readouterr().out
    )
    assert call("report", folder, "--by", BY) == 4
    content = json.loads((folder / "site.json").read_text("utf-8"))
    (one,) = [one for one in content["criteria"] if one["name"] == "specificity"]
    assert one["verdict"] == "not shown"
    assert one["why"] == "No case to count; 4 cases with no leukaemia at least would be needed."
    assert "0 cases are no leukaemia; 4 were planned." in content["deviations"]


def test_a_table_that_is_no_table(own, planned, capsys) -> None:
    (own / "cases.csv").write_bytes(b"\xff\xfe\x00\x01")
    assert "cannot be read" in refuse(capsys, *cases(planned, own))
    huge = own / "huge.csv"
    with huge.open("wb") as stream:
        stream.truncate(60 * 2**20)
    with pytest.raises(DataError, match="is too large"):
        read_bytes(huge, "The table")
