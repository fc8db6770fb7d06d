"""docs/verify-site.md: its commands are run as they stand, its tables are read, and what it says of criteria is so."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest
from site_folders import write_field, write_table

from leukolens.assess.site.case_list import COLUMNS, OPTIONAL
from leukolens.assess.site.plan import CRITERIA
from leukolens.assess.site.tables import parse_rows
from leukolens.cli.main import main

DOCUMENTATION = (Path(__file__).parents[3] / "docs" / "verify-site.md").read_text("utf-8")
COMMANDS = re.findall(r"^    leukolens (verify-site .*)$", DOCUMENTATION, re.MULTILINE)


def tables() -> list[bytes]:
    """The CSV examples: runs of indented lines that begin with a header of commas."""
    found = re.findall(r"(?:^    [^\n]*,[^\n]*\n)+", DOCUMENTATION, re.MULTILINE)
    return [re.sub("^    ", "", text, flags=re.MULTILINE).encode() for text in found if "leukolens" not in text]


def test_its_tables_are_read() -> None:
    cases, truth, readings = tables()
    rows = parse_rows(cases, "cases.csv", COLUMNS, OPTIONAL)
    assert rows[2].cells["repeat_of"] == "C001"
    assert len(parse_rows(truth, "truth.csv", ("case", "truth", "reference"), ("subtype",))) == 2
    assert len(parse_rows(readings, "readings.csv", ("reader", "case", "answer", "reading", "date"), ())) == 2


def test_it_names_every_criterion_and_no_other() -> None:
    (table,) = re.findall(r"\| criterion \|[^\n]*\n[^\n]*\n(.*?)\n\n", DOCUMENTATION, re.DOTALL)
    named = [name for line in table.splitlines() for name in re.findall("`(\\w+)`", line.split("|")[1])]
    assert named == list(CRITERIA)


@pytest.mark.slow
def test_its_commands_are_run(tmp_path, monkeypatch, capsys) -> None:
    """Eighty cases of one picture, shifted copies of two rendered fields: the way counts, not the answers."""
    monkeypatch.chdir(tmp_path)
    fields = []
    for seed, content in enumerate(("all", "benign")):
        write_field(tmp_path / "field.png", seed, content)
        fields.append(cv2.resize(cv2.imread("field.png"), (320, 240)))
    cases, truth = [["case", "images", "repeat_of", "day"]], [["case", "truth", "reference", "subtype"]]
    readings = [["reader", "case", "answer", "reading", "date"]]
    for number in range(80):
        case, sick = f"C{number + 1:03}", number % 2 == 0
        Path("pictures", case).mkdir(parents=True)
        cv2.imwrite(f"pictures/{case}/1.png", np.roll(fields[not sick], 7 * number, axis=1))
        cases.append([case, f"pictures/{case}", "", "2026-03-02"])
        truth.append([case, "leukaemia" if sick else "no leukaemia", "flow cytometry", ""])
        readings.append(["Dr A", case, "leukaemia" if sick else "no leukaemia", 1, "2026-03-02"])
    for name, rows in (("cases.csv", cases), ("truth.csv", truth), ("readings.csv", readings)):
        write_table(tmp_path / name, rows)
    steps = [shlex.split(command)[1] for command in COMMANDS]
    assert steps == ["plan", "status", "cases", "run", "readings", "unblind", "report"]
    told = {}
    for step, command in zip(steps, COMMANDS, strict=True):
        code = main(shlex.split(command))
        told[step] = capsys.readouterr()
        assert code == 0 or (step == "report" and code == 4), told[step].err
    quoted = re.sub(r"\s+", " ", DOCUMENTATION)
    sentence = re.search('"(with 40 cases of leukaemia [^"]*)"', quoted)
    assert sentence is not None
    assert f"sensitivity: {sentence[1]}" in told["plan"].out
    (listed,) = re.findall(r"\| file \| holds \|\n(.*?)\n\n", DOCUMENTATION, re.DOTALL)
    named = [name for line in listed.splitlines()[1:] for name in re.findall("`([^`]*)`", line.split("|")[1])]
    assert {name for name in named if not Path("verification", name).exists()} == {"other-engine/"}
    here = {path.name + "/" * path.is_dir() for path in Path("verification").iterdir()}
    assert here <= set(named)
