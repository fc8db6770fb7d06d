"""The log of looks at held-out images: chain, counting, several processes, and places where it cannot be kept."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from leukolens.cli.main import main
from leukolens.data.decision_log import FIRST, LOG_FILE, Opened, log_beside, missing_lines, read_log
from leukolens.data.openings import Look, bundle_opener, record_opening, run_opener

pytest.importorskip("filelock", reason="needs leukolens[train]")

SPLIT = "a" * 64
BUNDLE = bundle_opener("made-up", "1", "b" * 64)


def look(fold: int = 0, side: str = "test", split: str | None = SPLIT, reason: str | None = None) -> Look:
    opened = Opened(split_sha256=split, fold=fold, side=side, images=7, data_sha256="c" * 64)
    return Look(opened, "leukolens evaluate made-up", (BUNDLE,), {"predictions.csv": b"path,label\n"}, reason)


@pytest.fixture
def split_file(tmp_path: Path) -> Path:
    (tmp_path / "splits").mkdir()
    return tmp_path / "splits" / "five.json"


def test_each_look_is_counted_for_its_own_side(split_file: Path) -> None:
    numbers = [
        record_opening(one, split_file=split_file).number
        for one in (look(), look(), look(1), look(side="validation"), look(split="d" * 64), look())
    ]
    assert numbers == [1, 2, 1, 1, 1, 3]
    log = read_log(log_beside(split_file))
    assert [one.opening for one in log.decisions] == numbers
    assert log.faults == ()
    assert log.decisions[0].previous == FIRST


def test_each_line_holds_the_hash_of_the_one_before(split_file: Path) -> None:
    for _ in range(3):
        record_opening(look(), split_file=split_file)
    lines = log_beside(split_file).read_bytes().splitlines()
    for before, after in itertools.pairwise(lines):
        assert json.loads(after)["previous"] == hashlib.sha256(before).hexdigest()


def test_figures_are_named_by_the_hash_of_their_file(split_file: Path) -> None:
    record_opening(look(), split_file=split_file)
    (line,) = read_log(log_beside(split_file)).decisions
    assert line.figures == {"predictions.csv": hashlib.sha256(b"path,label\n").hexdigest()}


def test_what_is_said(split_file: Path) -> None:
    first = record_opening(look(reason=" to choose the epoch "), split_file=split_file)
    second = record_opening(look(), split_file=split_file)
    assert "The test side of fold 0 has been opened once, first on " in first.sentence
    assert "opened 2 times" in second.sentence
    assert "follow the test images" in second.sentence
    assert second.logs == ("five.decisions.jsonl",)
    assert read_log(log_beside(split_file)).decisions[0].reason == "to choose the epoch"
    assert second.as_json()["number"] == 2
    assert second.first == read_log(log_beside(split_file)).decisions[0].time


def test_the_count_of_the_split_is_told_in_the_folder_too(split_file: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    record_opening(look(), split_file=split_file, folders=[tmp_path / "one"])
    openings = record_opening(look(), split_file=split_file, folders=[tmp_path / "two"])
    (line,) = read_log(tmp_path / "two" / LOG_FILE).decisions
    assert (line.number, line.opening) == (1, 2)
    assert openings.logs == ("five.decisions.jsonl", f"two/{LOG_FILE}")


def test_a_place_that_cannot_be_written_is_said(split_file: Path, tmp_path: Path) -> None:
    log_beside(split_file).mkdir()
    (tmp_path / "out").mkdir()
    openings = record_opening(look(), split_file=split_file, folders=[tmp_path / "out"])
    assert openings.logs == (f"out/{LOG_FILE}",)
    assert "could not be kept" in openings.sentence
    assert "earlier looks may be missing" in openings.sentence
    nowhere = record_opening(look(), split_file=split_file)
    assert "recorded nowhere" in nowhere.sentence
    assert "as far as is known" in nowhere.sentence
    assert nowhere.line_sha256 is None


def test_a_log_that_can_be_read_still_counts_where_it_cannot_be_written(
    split_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_opening(look(), split_file=split_file)

    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("leukolens.data.openings.append_decision", refuse)
    openings = record_opening(look(), split_file=split_file)
    assert openings.number == 2
    assert "Read-only file system" in openings.sentence


def test_a_split_file_that_is_not_at_hand_is_said(tmp_path: Path) -> None:
    assert "not at hand" in record_opening(look(), folders=[tmp_path]).sentence
    assert "not at hand" not in record_opening(look(split=None), folders=[tmp_path]).sentence


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda lines: [lines[0], lines[1].replace(b"made-up", b"another"), lines[2]], "Line 2 of .* was changed"),
        (lambda lines: [lines[0], lines[2]], "Line 2 of .* does not follow"),
        (lambda lines: [lines[1], lines[2]], "Line 1 of .* does not follow"),
        (lambda lines: [lines[0], b"{}", lines[1], lines[2]], "Line 2 of .* cannot be read"),
        (lambda lines: [lines[0], lines[1], lines[2].replace(b'"fold": 0', b'"fold": 1')], "Line 3 of .* was changed"),
        (lambda lines: [lines[1], lines[0], lines[2]], "Line 1 of .* does not follow"),
        (lambda lines: [*lines, b"\xff\xfe"], "Line 4 of .* cannot be read"),
        (lambda lines: [*lines, lines[2]], "Line 4 of .* does not follow"),
    ],
)
def test_a_broken_chain_is_found(split_file: Path, damage, fault: str, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(3):
        record_opening(look(), split_file=split_file)
    path = log_beside(split_file)
    assert main(["data", "log", str(split_file)]) == 0
    path.write_bytes(b"\n".join(damage(path.read_bytes().splitlines())) + b"\n")
    assert any(re.search(fault, one) for one in read_log(path).faults)
    capsys.readouterr()
    assert main(["data", "log", str(split_file)]) == 4
    assert re.search(fault, capsys.readouterr().err)
    assert "The log is broken" in record_opening(look(), split_file=split_file).sentence


def test_a_line_that_was_changed_and_sealed_again_breaks_the_next(split_file: Path) -> None:
    for _ in range(3):
        record_opening(look(), split_file=split_file)
    path = log_beside(split_file)
    lines = path.read_bytes().splitlines()
    content = json.loads(lines[1]) | {"reason": "a better one"}
    del content["sha256"]
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    lines[1] = json.dumps(content | {"sha256": hashlib.sha256(text.encode()).hexdigest()}).encode()
    path.write_bytes(b"\n".join(lines) + b"\n")
    assert [fault.split(" of ")[0] for fault in read_log(path).faults] == ["Line 3"]


def test_a_line_that_a_crash_cut_off_does_not_swallow_the_next(split_file: Path) -> None:
    record_opening(look(), split_file=split_file)
    path = log_beside(split_file)
    path.write_bytes(path.read_bytes() + b'{"schema": "1", "num')
    openings = record_opening(look(), split_file=split_file)
    assert openings.number == 2
    log = read_log(path)
    assert len(log.decisions) == 2
    assert [one.number for one in log.decisions] == [1, 3]
    assert any("Line 2" in fault for fault in log.faults)
    assert not any("Line 3" in fault for fault in log.faults)


def test_a_result_whose_line_was_cut_off_is_found(split_file: Path, tmp_path: Path) -> None:
    for _ in range(2):
        openings = record_opening(look(), split_file=split_file)
    out = tmp_path / "evaluation"
    out.mkdir()
    (out / "metrics.json").write_text(json.dumps({"test_openings": openings.as_json()}))
    command = ["data", "log", str(split_file), "--result", str(out)]
    assert main(command) == 0
    path = log_beside(split_file)
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    assert read_log(path).faults == ()
    assert missing_lines(read_log(path), {"it": str(openings.line_sha256)}) == ["it"]
    assert main(command) == 4


def test_what_is_no_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "split.json").write_text("{}")
    for place in (tmp_path, tmp_path / "split.json", tmp_path / "nothing.json", tmp_path / "no.jsonl"):
        assert main(["data", "log", str(place)]) == 2
        assert "no log of decisions" in capsys.readouterr().err


def test_the_log_as_json(split_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record_opening(look(reason="why"), split_file=split_file)
    capsys.readouterr()
    assert main(["data", "log", str(split_file), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["faults"] == []
    assert content["lines"][0]["reason"] == "why"


def test_a_run_without_its_weights_has_a_name_all_the_same(tmp_path: Path) -> None:
    assert run_opener("made up", tmp_path / "weights.safetensors").sha256 == "0" * 64


@pytest.mark.slow
def test_processes_that_append_at_once_lose_no_line(split_file: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from leukolens.data.decision_log import Opened\n"
        "from leukolens.data.openings import Look, bundle_opener, record_opening\n"
        "one = Look(Opened(split_sha256='a' * 64, fold=0, images=7), 'x', (bundle_opener('m', '1', 'b' * 64),), {})\n"
        "for _ in range(20):\n"
        "    record_opening(one, split_file=Path(sys.argv[1]))\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code, str(split_file)]) for _ in range(4)]
    assert [process.wait(120) for process in processes] == [0] * 4
    log = read_log(log_beside(split_file))
    assert log.faults == ()
    assert sorted(one.opening for one in log.decisions) == list(range(1, 81))
