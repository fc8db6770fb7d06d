"""The verb: exit codes, files, and what it says to bad input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from audit_sets import Planted, render, save, write_table

import leukolens
from leukolens.cli.main import main

pytest.importorskip("sklearn", reason="needs leukolens[audit]")
pytestmark = pytest.mark.slow
FILES = {"report.html", "audit.json", "groups.csv", "pictures.csv", "manifest.json"}


class Answer(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]):
    def go(*arguments: object) -> Answer:
        capsys.readouterr()
        code = main(["audit", *map(str, arguments)])
        return Answer(code, *capsys.readouterr())

    return go


@pytest.fixture
def small(tmp_path: Path) -> Path:
    for place, label in enumerate(("blast", "normal")):
        for number in range(3):
            save(tmp_path / "data" / label / f"{number}.png", render(100 * place + number))
    return tmp_path / "data"


def test_a_sound_data_set_ends_with_0_and_all_files(call, small: Path, tmp_path: Path) -> None:
    answer = call(small, "--out", tmp_path / "out", "--jobs", 1)
    assert answer.code == 0
    assert answer.err == ""
    assert {one.name for one in (tmp_path / "out").iterdir()} == FILES
    assert "Audit of data: " in answer.out
    assert "For research use only" in answer.out
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    found = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert manifest["command"] == "audit"
    assert manifest["seed"] == found["seed"] == 88
    assert manifest["configuration"]["groups_sha256"] == found["groups_sha256"]
    assert found["data_sha256"] == manifest["data_sha256"]
    assert str(tmp_path) not in (tmp_path / "out" / "manifest.json").read_text()
    assert str(tmp_path) not in (tmp_path / "out" / "report.html").read_text()


def test_contradictions_end_with_4_and_all_files(call, planted: Planted, tmp_path: Path) -> None:
    answer = call(planted.root, "--out", tmp_path / "out", "--jobs", 2)
    assert answer.code == 4
    assert {one.name for one in (tmp_path / "out").iterdir()} == FILES
    assert "failed: The same picture stands under two labels: 1 pair." in answer.out
    assert "blast/7.png and normal/c-conflict.jpg" in answer.err
    assert "report.html" in answer.err


def test_unreadable_files_end_with_1(call, small: Path, tmp_path: Path) -> None:
    (small / "blast" / "1.png").write_bytes(b"nothing")
    answer = call(small, "--out", tmp_path / "out", "--jobs", 1)
    assert answer.code == 1
    assert "blast/1.png: " in answer.out
    assert "1 of 6 files cannot be read" in answer.out


def test_no_readable_image_ends_with_2(call, small: Path, tmp_path: Path) -> None:
    for file in small.rglob("*.png"):
        file.write_bytes(b"nothing")
    answer = call(small, "--out", tmp_path / "out")
    assert answer.code == 2
    assert "None of the 6 images can be read" in answer.err
    assert not (tmp_path / "out" / "audit.json").exists()


def test_contradictory_patients_say_what_is_wrong(call, tmp_path: Path) -> None:
    for number in range(4):
        save(tmp_path / f"{number}.png", render(number))
    save(tmp_path / "again.jpg", render(0), 85)
    rows = [
        ("0.png", "A", "7"),
        ("1.png", "A", "07"),
        ("2.png", "A", "8"),
        ("3.png", "B", "8"),
        ("again.jpg", "A", "9"),
    ]
    table = write_table(tmp_path / "t.csv", rows)
    answer = call(tmp_path, "--labels", table, "--patient-column", "patient", "--out", tmp_path / "out", "--jobs", 1)
    assert answer.code == 4
    assert "The same picture stands under two patients: 1 pair." in answer.out
    assert "under the patients '7' and '9'" in answer.err
    assert "'7', '07' differ in their writing only" in answer.out
    assert "Patient '8' has pictures under several labels: 1 of A, 1 of B" in answer.out


def test_an_audit_is_not_written_over_unasked(call, small: Path, tmp_path: Path) -> None:
    first = ("--out", tmp_path / "out", "--jobs", 1, "--skip", "labels", "--skip", "outliers")
    assert call(small, *first).code == 0
    before = (tmp_path / "out" / "audit.json").read_bytes()
    answer = call(small, *first)
    assert answer.code == 2
    assert "holds an audit already" in answer.err
    assert "--overwrite" in answer.err
    assert (tmp_path / "out" / "audit.json").read_bytes() == before
    assert call(small, *first, "--overwrite").code == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--skip", "probe"), "Did you mean 'probes'?"),
        (("--jobs", "0"), "--jobs"),
        (("--negative", "blst"), "blast"),
        (("--patient-column", "who"), "without a table of labels"),
        (("--labels", "nowhere.csv"), "nowhere.csv"),
    ],
)
def test_wrong_use_ends_with_2_before_the_work(call, small: Path, tmp_path: Path, options, words: str) -> None:
    answer = call(small, "--out", tmp_path / "out", *options)
    assert answer.code == 2
    assert words in answer.err
    assert not (tmp_path / "out").exists()


def test_a_missing_data_set_and_a_file_as_out_end_with_2(call, small: Path, tmp_path: Path) -> None:
    assert call(tmp_path / "nowhere", "--out", tmp_path / "out").code == 2
    (tmp_path / "file").write_text("x")
    answer = call(small, "--out", tmp_path / "file")
    assert answer.code == 2
    assert "cannot be written to" in answer.err


def test_without_scikit_learn_it_says_what_to_install_before_the_work(small: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['sklearn'] = None; from leukolens.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    paths = os.pathsep.join(filter(None, [str(Path(leukolens.__file__).parent.parent), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-c", code, "audit", str(small), "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": paths},
    )
    assert done.returncode == 2
    assert "leukolens[audit]" in done.stderr
    assert not (tmp_path / "out").exists()


def test_layout_and_laboratories_are_taken_as_said(call, small: Path, tmp_path: Path) -> None:
    assert "Did you mean 'cnmc'?" in call(small, "--out", tmp_path / "out", "--layout", "cnms").err
    rows = [f"{path.relative_to(small).as_posix()},{path.parent.name},L1" for path in sorted(small.rglob("*.png"))]
    (tmp_path / "table.csv").write_text("\n".join(["path,label,laboratory", *rows]) + "\n")
    more = ["--labels", tmp_path / "table.csv", "--laboratory-column", "laboratory", "--jobs", 1]
    skipped = [word for part in ("fields", "sessions", "labels", "outliers", "probes") for word in ("--skip", part)]
    assert call(small, "--out", tmp_path / "out", *more, *skipped).code == 0
    assert json.loads((tmp_path / "out" / "audit.json").read_text())["check"]["laboratories"] == {"L1": 6}
    told = json.loads((tmp_path / "out" / "manifest.json").read_text())["configuration"]["command_line"]
    assert "--laboratory-column laboratory" in told
