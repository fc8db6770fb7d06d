"""``leukolens card`` of a data set: what reading it tells, what an audit adds, what is published of Taleqani."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from card_cases import make_audit

from leukolens.cards.evidence import read_result
from leukolens.cli.main import main
from leukolens.finding import DataError


def call(*words: object) -> int:
    return main(["card", *map(str, words)])


def item(out: Path, number: str) -> dict[str, Any]:
    content = json.loads((out / "datasheet.json").read_text("utf-8"))
    (found,) = (one for section in content["sections"] for one in section["items"] if one["id"] == number)
    return found


def words(out: Path, number: str) -> str:
    return " ".join(one["text"] for one in item(out, number)["statements"])


def hashes(fields: Path) -> list[tuple[str, str]]:
    paths = sorted(path for path in fields.rglob("*.png"))
    return [(str(path.relative_to(fields)), hashlib.sha256(path.read_bytes()).hexdigest()) for path in paths]


def test_what_reading_tells(fields: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert call(fields, "--negative", "A", "--out", out) == 0
    assert words(out, "2.2").startswith("5 images")
    assert item(out, "2.2")["statements"][0]["table"]["rows"] == [["A", "2", "40.0%"], ["B", "3", "60.0%"]]
    assert "1 sets with 2 files have the same bytes" in words(out, "2.9")
    assert "1 files cannot be read" in words(out, "2.9")
    assert "No patients are named" in words(out, "2.7")
    assert "no leukaemia: A" in words(out, "2.5")
    assert [one["topic"] for one in item(out, "2.7")["open"]] == ["relationships"]
    assert item(out, "1.3")["status"] == "open"
    check = json.loads((out / "check.json").read_text("utf-8"))
    for number in ("2.1", "2.2", "2.5", "2.9"):
        for statement in item(out, number)["statements"]:
            for source in statement["sources"]:
                place: Any = check
                for step in source["place"].split("/")[1:]:
                    place = place[int(step) if isinstance(place, list) else step]


def test_patients_of_a_table(fields: Path, tmp_path: Path) -> None:
    table = fields / "labels.csv"
    table.write_text("path,label,patient\nA/1.png,A,p1\nA/2.png,A,p1\nB/1.png,B,p2\n")
    out = tmp_path / "out"
    assert call(fields, "--labels", table, "--patient-column", "patient", "--out", out) == 0
    assert "2 patients are named" in words(out, "2.7")
    assert item(out, "2.7")["status"] == "filled"


def test_an_audit_of_these_data(fields: Path, tmp_path: Path) -> None:
    audit, out = make_audit(tmp_path / "audit", hashes(fields)), tmp_path / "out"
    assert call(fields, "--audit", audit, "--out", out) == 0
    (groups,) = (one["table"]["rows"] for one in item(out, "2.7")["statements"] if one["table"])
    assert ["captures of one field", "3", "2", "4", "2"] in groups
    assert ["slides or sittings, as far as they could be recovered", "1", "1", "5", "5"] in groups
    findings = {tuple(row) for one in item(out, "2.9")["statements"] if one["table"] for row in one["table"]["rows"]}
    assert {("outliers", "2 found"), ("blur · median", "3.5"), ("corner", "0.877")} <= findings


@pytest.mark.parametrize(
    "content",
    [{}, {"probes": [{"name": "corner", "accuracy": 0.9}]}, {"deep": {"a": {"b": [1, 2]}}}, {"probes": "odd"}],
)
def test_an_audit_is_read_leniently(content: Any, fields: Path, tmp_path: Path) -> None:
    audit = make_audit(tmp_path / "audit", hashes(fields), content)
    assert call(fields, "--audit", audit, "--out", tmp_path / "out") == 0
    (audit / "groups.csv").unlink()
    assert call(fields, "--audit", audit) == 0


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda audit: (audit / "groups.csv").write_text("path,sha256\nA/1.png," + "0" * 64 + "\n"), "other data"),
        (lambda audit: (audit / "groups.csv").write_text("path\n"), "holds no groups"),
        (lambda audit: (audit / "groups.csv").write_bytes(b"\xff\xfe"), "cannot be read"),
        (lambda audit: (audit / "audit.json").write_text("{"), "cannot be read"),
        (lambda audit: (audit / "audit.json").write_text("[]"), "is no audit"),
    ],
)
def test_an_audit_that_cannot_be_used(
    damage, message: str, fields: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    audit = make_audit(tmp_path / "audit", hashes(fields))
    damage(audit)
    assert call(fields, "--audit", audit) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--evaluation", "--run", "--checklist"])
def test_options_of_bundles_are_refused(option: str, fields: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(fields, option, "all" if option == "--checklist" else fields) == 2
    assert f"{option} is for bundles" in capsys.readouterr().err


def test_what_is_published_of_taleqani(fields: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (fields / "A").rename(fields / "Benign")
    (fields / "B").rename(fields / "Pro")
    root = fields.rename(tmp_path / "Original")
    assert call(root) == 0
    text = capsys.readouterr().out
    assert "Taleqani Hospital, Tehran" in text
    assert "3,256 images of 89 patients" in text
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps({"answers": {"setting": "Two hospitals."}}))
    assert call(root, "--answers", answers) == 0  # what a person says stands instead
    text = capsys.readouterr().out
    assert "Two hospitals." in text
    assert "One hospital: Taleqani" not in text


@pytest.mark.real
def test_the_real_images(tmp_path: Path) -> None:
    import os

    data = Path(os.environ.get("LEUKOLENS_DATA", "")) / "taleqani" / "Original"
    if not data.is_dir():
        pytest.skip("the real images are not there: set LEUKOLENS_DATA")
    assert call(data, "--out", tmp_path / "out") == 0
    assert "40 sets with 80 files have the same bytes" in words(tmp_path / "out", "2.9")


def test_a_data_set_that_cannot_be_read_gets_no_card(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "data" / "A").mkdir(parents=True)
    (tmp_path / "data" / "B").mkdir()
    for label in "AB":
        (tmp_path / "data" / label / "x.png").write_bytes(b"no picture")
    assert call(tmp_path / "data", "--out", tmp_path / "cards") == 2
    assert "None of the images can be read" in " ".join(capsys.readouterr().err.split())


def test_an_audit_is_no_evaluation(tmp_path: Path) -> None:
    (tmp_path / "audit.json").write_text('{"kind": "leukolens audit"}', "utf-8")
    with pytest.raises(DataError, match="holds no result"):
        read_result(tmp_path)


def test_layout_and_laboratories_are_taken_as_said(
    fields: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(fields, "--out", tmp_path / "out", "--layout", "cnms") == 2
    assert "Did you mean 'cnmc'?" in capsys.readouterr().err
    table = fields / "labels.csv"
    table.write_text("path,label,laboratory\nA/1.png,A,L1\nB/1.png,B,L2\n")
    assert call(table, "--laboratory-column", "laboratory", "--out", tmp_path / "out") == 0
    assert json.loads((tmp_path / "out" / "check.json").read_text("utf-8"))["laboratories"] == {"L1": 1, "L2": 1}
