"""The steps in their order: what each refuses, and that nothing is lost by a refusal."""

from __future__ import annotations

import json
import shutil

import pytest
from site_folders import BY, CASES, call, go, plan, write_table

from leukolens.assess.site.record import append_entry, read_record
from leukolens.assess.site.tables import read_bytes
from leukolens.finding import DataError, OutputError

pytestmark = pytest.mark.slow


def snapshot(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refuse(capsys, *words: object) -> str:
    capsys.readouterr()
    assert call(*words) == 2
    return capsys.readouterr().err


@pytest.fixture
def planned(tmp_path):
    assert plan(tmp_path / "site") == 0
    return tmp_path / "site"


def cases(folder, laboratory, table="cases.csv", truth="truth.csv") -> list[object]:
    return ["cases", folder, laboratory / table, "--truth", laboratory / truth, "--by", BY]


# -- order


@pytest.mark.parametrize(
    ("until", "words", "missing"),
    [
        ("plan", ["run"], "cases"),
        ("plan", ["readings", "readings.csv"], "cases"),
        ("plan", ["unblind", "--truth", "truth.csv"], "cases"),
        ("plan", ["commit", "--truth", "truth.csv", "--reason", "x"], "cases"),
        ("cases", ["unblind", "--truth", "truth.csv"], "run"),
        ("cases", ["report"], "unblind"),
        ("run", ["report"], "unblind"),
    ],
)
def test_a_step_before_its_time_is_refused(laboratory, tmp_path, capsys, until, words, missing) -> None:
    folder = tmp_path / "site"
    assert go(laboratory, folder, until=until) == 0
    before = snapshot(folder)
    given = [laboratory / word if word.endswith(".csv") else word for word in words]
    told = refuse(capsys, given[0], folder, *given[1:], "--by", BY)
    assert f"The step {missing!r} comes first" in told
    assert f"leukolens verify-site {missing}" in told
    assert snapshot(folder) == before


def test_a_step_after_its_time_is_refused(site, laboratory, capsys) -> None:
    assert "The step 'run' was done" in refuse(capsys, "run", site, "--by", BY)
    assert "The step 'cases' was done" in refuse(capsys, *cases(site, laboratory))
    assert "is sealed" in refuse(capsys, "plan", "--out", site, "--laboratory", "x", "--by", BY, "--overwrite")
    assert call("unblind", site, "--truth", laboratory / "truth.csv", "--by", BY) == 0
    for words in (
        ["readings", site, laboratory / "readings.csv"],
        ["unblind", site, "--truth", laboratory / "truth.csv"],
        ["commit", site, "--truth", laboratory / "truth.csv", "--reason", "late"],
    ):
        assert "The step 'unblind' was done" in refuse(capsys, *words, "--by", BY)


def test_no_verification_there(tmp_path, capsys) -> None:
    assert "holds no verification" in refuse(capsys, "status", tmp_path)
    assert "verify-site plan" in refuse(capsys, "run", tmp_path / "nowhere", "--by", BY)


# -- the seal and the trail


def test_a_changed_plan_is_refused_and_shown(site, laboratory, capsys) -> None:
    path = site / "plan.yaml"
    sealed = path.read_text("utf-8")
    path.write_text(sealed.replace("sensitivity: {at_least: 0.3", "sensitivity: {at_least: 0.2"), "utf-8")
    for words in (["status", site], ["unblind", site, "--truth", laboratory / "truth.csv", "--by", BY]):
        told = refuse(capsys, *words)
        assert "is not the plan that was sealed" in told
        assert "-  sensitivity: {at_least: 0.3" in told
        assert "+  sensitivity: {at_least: 0.2" in told
    path.write_text(sealed, "utf-8")
    assert call("unblind", site, "--truth", laboratory / "truth.csv", "--by", BY) == 0
    path.write_text(sealed.replace("threshold: 0.5", "threshold: 0.9"), "utf-8")
    told = refuse(capsys, "report", site, "--by", BY)
    assert "-threshold: 0.5" in told
    assert "+threshold: 0.9" in told
    path.unlink()
    assert "found no file" in refuse(capsys, "report", site, "--by", BY)


def test_a_plan_may_change_until_it_is_sealed(planned, laboratory) -> None:
    path = planned / "plan.yaml"
    path.write_text(path.read_text("utf-8").replace("threshold: 0.5", "threshold: 0.4"), "utf-8")
    assert call("status", planned) == 0
    assert call(*cases(planned, laboratory)) == 0
    assert call("status", planned) == 0


@pytest.mark.parametrize("name", ["cases.csv", "screening/findings.jsonl", "again/cases.json", "readings-1.csv"])
@pytest.mark.parametrize("how", ["changed", "missing"])
def test_what_a_step_left_must_stay(site, capsys, name, how) -> None:
    path = site / name
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes().replace(b"C1", b"C2", 1))
    told = refuse(capsys, "status", site)
    assert repr(name) in told
    assert how in told


@pytest.mark.parametrize(
    "spoil",
    [
        lambda lines: [lines[0].replace(b"A. Turner", b"B. Turner"), *lines[1:]],
        lambda lines: lines[1:],
        lambda lines: [lines[0], *lines[2:]],
        lambda lines: [*lines[:2], b"nonsense\n", *lines[2:]],
    ],
    ids=["changed", "first gone", "one gone", "one put in"],
)
def test_a_spoilt_trail_is_refused(site, capsys, spoil) -> None:
    path = site / "record.jsonl"
    path.write_bytes(b"".join(spoil(path.read_bytes().splitlines(keepends=True))))
    assert "is broken at line" in refuse(capsys, "status", site)


def test_a_line_torn_off_by_a_kill_counts_as_not_written(site) -> None:
    path = site / "record.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"number": 99, "st')
    entries, head = read_record(site)
    assert len(entries) == whole.count(b"\n")
    append_entry(site, "readings", BY, after=head)
    assert path.read_bytes().startswith(whole)
    assert len(read_record(site)[0]) == len(entries) + 1


def test_two_programs_at_a_time(site) -> None:
    _, head = read_record(site)
    append_entry(site, "readings", BY, after=head)
    with pytest.raises(OutputError, match="has grown meanwhile"):
        append_entry(site, "readings", BY, after=head)


def test_trail_names_who_and_what_and_no_path_of_the_machine(site, tmp_path, laboratory) -> None:
    entries, _ = read_record(site)
    assert [entry.step for entry in entries] == ["plan", "cases", "commit", "run started", "run", "readings"]
    assert {entry.by for entry in entries} == {BY}
    text = (site / "record.jsonl").read_text("utf-8")
    assert str(laboratory.resolve()) not in text


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
    import sys
    from pathlib import Path

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
