from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from tiny_bundle import write_tiny_bundle

from leukolens.engine.session import Session
from leukolens.finding import Finding, OutputError, UsageError
from leukolens.finding.output import probe_folder
from leukolens.screen import Screener, ScreenResult, load
from leukolens.screen.cases import build_cases, case_by_folder, cases_from_csv, one_case
from leukolens.screen.inputs import Input, list_inputs
from leukolens.screen.journal import read_findings
from leukolens.screen.run import run


def lines(out: Path) -> list[dict[str, object]]:
    content = (out / "findings.jsonl").read_text(encoding="utf-8")
    assert content == "" or content.endswith("\n")
    return [json.loads(line) for line in content.splitlines()]


def sources(out: Path) -> list[str]:
    return [str(line["source"]) for line in lines(out)]


class Counting:
    """A session that counts its pictures, and stops the run at one of them."""

    def __init__(self, session: Session, stop_at: int | None = None, error: type[BaseException] = KeyboardInterrupt):
        self._session = session
        self.runs = 0
        self._stop_at = stop_at
        self._error = error

    def __getattr__(self, name: str) -> object:
        return getattr(self._session, name)

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        self.runs += 1
        if self.runs == self._stop_at:
            raise self._error
        return self._session.run(images)


def counting(screener: Screener, stop_at: int | None = None) -> tuple[Screener, Counting]:
    session = Counting(screener.session, stop_at)
    return Screener(screener.bundle, session), session  # type: ignore[arg-type]


def test_a_run_writes_a_finding_an_image_in_order_and_the_cases(
    screener: Screener, slides: Path, tmp_path: Path
) -> None:
    inputs = list_inputs([slides])
    out = tmp_path / "deep" / "out"
    summary = run(screener, inputs, out)
    assert sources(out) == [item.source for item in inputs]
    assert [Path(source).name for source in sources(out)][:4] == [f"field {n}.png" for n in (1, 2, 10, 11)]
    assert list(read_findings(out / "findings.jsonl")) == [screener.screen(i.path, name=i.source) for i in inputs]
    cases = json.loads((out / "cases.json").read_text())
    assert [(case["case"], case["images"]) for case in cases] == [
        (f"{slides}/patient 1", 4),
        (f"{slides}/patient 2", 4),
    ]
    assert [case.case for case in summary.cases] == [case["case"] for case in cases]
    assert (summary.statuses, summary.before) == ({"ok": 8}, 0)
    assert {path.name for path in out.iterdir()} == {"findings.jsonl", "cases.json", "run.json"}


def test_the_manifest_says_what_the_run_was_done_with(screener: Screener, slides: Path, tmp_path: Path) -> None:
    run(screener, list_inputs([slides]), tmp_path / "out", aspect=4 / 3)
    manifest = json.loads((tmp_path / "out" / "run.json").read_text())
    assert manifest["bundle"] == {"name": "tiny", "version": "1.0", "sha256": screener.bundle.sha256}
    assert manifest["aspect"] == pytest.approx(4 / 3)
    assert manifest["images"] == {"ok": 8}
    assert manifest["finished"] >= manifest["started"]
    assert manifest["packages"]["numpy"] == np.__version__
    assert len(manifest["images_sha256"]) == 64
    assert manifest["models"][0]["precision"] == "f32"


def test_errors_are_findings_too(screener: Screener, slides: Path, tmp_path: Path) -> None:
    (slides / "patient 1" / "field 3.png").write_bytes(b"torn")
    summary = run(screener, list_inputs([slides]), tmp_path / "out")
    assert summary.statuses == {"ok": 8, "error": 1}
    assert [line["status"] for line in lines(tmp_path / "out")][2] == "error"


def test_results_come_by_in_order_after_they_are_written(screener: Screener, slides: Path, tmp_path: Path) -> None:
    seen: list[str] = []

    def look(result: ScreenResult) -> None:
        seen.append(result.finding.source)
        assert sources(tmp_path / "out") == seen
        assert result.prepared is not None
        assert result.outputs is not None

    run(screener, list_inputs([slides]), tmp_path / "out", on_result=look)
    assert len(seen) == 8


@pytest.mark.parametrize("stop_at", [1, 4, 8])
@pytest.mark.parametrize("torn", [b"", b'{"schema":"1","sou', b"\0\0\0"], ids=["whole", "torn", "zeros"])
def test_a_run_that_was_stopped_goes_on_and_does_each_input_once(
    screener: Screener, slides: Path, tmp_path: Path, stop_at: int, torn: bytes
) -> None:
    inputs = list_inputs([slides])
    unbroken, out = tmp_path / "unbroken", tmp_path / "out"
    run(screener, inputs, unbroken)
    stopped, _ = counting(screener, stop_at)
    with pytest.raises(KeyboardInterrupt):
        run(stopped, inputs, out)
    done = len(lines(out))
    assert done < 8
    assert not (out / "cases.json").exists()
    with (out / "findings.jsonl").open("ab") as stream:
        stream.write(torn)
    going_on, session = counting(screener)
    summary = run(going_on, inputs, out, resume=True)
    assert session.runs == 8 - done
    assert summary.before == done
    assert (out / "findings.jsonl").read_bytes() == (unbroken / "findings.jsonl").read_bytes()
    assert (out / "cases.json").read_bytes() == (unbroken / "cases.json").read_bytes()


def test_going_on_with_a_finished_run_does_nothing_again(screener: Screener, slides: Path, tmp_path: Path) -> None:
    inputs = list_inputs([slides])
    run(screener, inputs, tmp_path / "out")
    before = (tmp_path / "out" / "findings.jsonl").read_bytes()
    again, session = counting(screener)
    summary = run(again, inputs, tmp_path / "out", resume=True)
    assert (session.runs, summary.before, summary.statuses) == (0, 8, {"ok": 8})
    assert (tmp_path / "out" / "findings.jsonl").read_bytes() == before


def test_going_on_with_new_pictures_keeps_the_order_of_the_inputs(
    screener: Screener, slides: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run(screener, list_inputs([slides]), out)
    shutil.copy(slides / "patient 1" / "field 1.png", slides / "patient 1" / "field 5.png")
    inputs = list_inputs([slides])
    going_on, session = counting(screener)
    run(going_on, inputs, out, resume=True)
    assert session.runs == 1
    assert sources(out) == [item.source for item in inputs]
    assert not list(out.glob(".*"))


def test_going_on_with_other_inputs_keeps_what_was_there(screener: Screener, slides: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first, second = (list_inputs([slides / f"patient {n}"]) for n in (2, 1))
    run(screener, first, out)
    summary = run(screener, second, out, resume=True)
    assert sources(out) == [item.source for item in (*first, *second)]
    assert [case.case for case in summary.cases] == [f"{slides}/patient 2", f"{slides}/patient 1"]


@pytest.mark.parametrize("content", [None, b""])
def test_resume_into_a_folder_without_findings_simply_starts(
    screener: Screener, slides: Path, tmp_path: Path, content: bytes | None
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    if content is not None:
        (out / "findings.jsonl").write_bytes(content)
    assert run(screener, list_inputs([slides]), out, resume=True).statuses == {"ok": 8}
    assert (out / "notes.txt").read_text() == "mine"


def test_findings_are_not_written_over_unasked(screener: Screener, slides: Path, tmp_path: Path) -> None:
    inputs, out = list_inputs([slides]), tmp_path / "out"
    run(screener, inputs, out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(OutputError, match=r"holds findings already.*--resume.*--overwrite"):
        run(screener, inputs, out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    run(screener, inputs[:2], out, overwrite=True)
    assert sources(out) == [item.source for item in inputs[:2]]
    with pytest.raises(UsageError, match="exclude each other"):
        run(screener, inputs, out, overwrite=True, resume=True)


def test_going_on_with_another_bundle_or_aspect_is_refused(screener: Screener, slides: Path, tmp_path: Path) -> None:
    inputs, out = list_inputs([slides]), tmp_path / "out"
    run(screener, inputs[:3], out)
    other = load(write_tiny_bundle(tmp_path / "other", name="other"), engine="onnxruntime", threads=1)
    with pytest.raises(OutputError, match=r"another bundle.*tiny 1.0.*other 1.0"):
        run(other, inputs, out, resume=True)
    with pytest.raises(OutputError, match=r"another declared aspect.*none.*1.5"):
        run(screener, inputs, out, resume=True, aspect=1.5)
    (out / "run.json").unlink()
    with pytest.raises(OutputError, match=r"run\.json"):
        run(screener, inputs, out, resume=True)
    assert len(sources(out)) == 3


class Renamed:
    """A session that says to run in another engine."""

    def __init__(self, session: Session, engine: str, version: str) -> None:
        self._session = session
        self.engine, self.engine_version = engine, version

    def __getattr__(self, name: str) -> object:
        return getattr(self._session, name)


def test_going_on_with_another_engine_or_version_is_refused(screener: Screener, slides: Path, tmp_path: Path) -> None:
    inputs, out = list_inputs([slides]), tmp_path / "out"
    run(screener, inputs[:3], out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    version = screener.session.engine_version
    for engine, other in (("openvino", version), ("onnxruntime", "0.1")):
        renamed = Screener(screener.bundle, Renamed(screener.session, engine, other))  # type: ignore[arg-type]
        with pytest.raises(
            OutputError, match=rf"another engine.*onnxruntime {version}.*{engine} {other}.*--engine onnxruntime"
        ) as caught:
            run(renamed, inputs, out, resume=True)
        assert caught.value.exit_code == 2
        assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert run(screener, inputs, out, resume=True).before == 3


def test_a_file_that_holds_no_findings_is_not_touched(screener: Screener, slides: Path, tmp_path: Path) -> None:
    inputs, out = list_inputs([slides]), tmp_path / "out"
    run(screener, inputs[:2], out)
    with (out / "findings.jsonl").open("a") as stream:
        stream.write("my own notes\n")
    before = (out / "findings.jsonl").read_bytes()
    with pytest.raises(OutputError, match=r"line 3 .* is no finding"):
        run(screener, inputs, out, resume=True)
    assert (out / "findings.jsonl").read_bytes() == before


def test_a_picture_without_a_case_stops_the_run_before_it_starts(
    screener: Screener, slides: Path, tmp_path: Path
) -> None:
    table = tmp_path / "cases.csv"
    table.write_text("path,case\na.png,1\n")
    with pytest.raises(UsageError, match="does not name"):
        run(screener, list_inputs([slides]), tmp_path / "out", case_of=cases_from_csv(table))
    assert not (tmp_path / "out").exists()


def test_one_case_for_all(screener: Screener, slides: Path, tmp_path: Path) -> None:
    (case,) = run(screener, list_inputs([slides]), tmp_path / "out", case_of=one_case("patient 7")).cases
    assert (case.case, case.images) == ("patient 7", 8)


@pytest.mark.parametrize("below", ["file", "file/out", "file/a/b"])
def test_an_output_that_cannot_be_written_is_found_before_any_work(
    screener: Screener, slides: Path, tmp_path: Path, below: str
) -> None:
    (tmp_path / "file").write_text("in the way")
    idle, session = counting(screener)
    with pytest.raises(OutputError, match="cannot be written"):
        run(idle, list_inputs([slides]), tmp_path / below)
    assert session.runs == 0


def test_too_little_space_is_found_before_any_work(screener: Screener, slides: Path, tmp_path: Path) -> None:
    idle, session = counting(screener)
    with pytest.raises(OutputError, match="too little space"):
        run(idle, list_inputs([slides]), tmp_path / "out", bytes_per_image=2**60)
    assert session.runs == 0
    assert not (tmp_path / "out").exists()


def test_a_full_disk_before_the_start_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OutputError, match="No space left on device"):
        probe_folder(tmp_path / "out", 0)
    assert list(tmp_path.iterdir()) == []


def test_unicode_from_end_to_end(screener: Screener, slides: Path, tmp_path: Path) -> None:
    folder = tmp_path / "بیمار ۱ 🩸"
    shutil.copytree(slides / "patient 1", folder)
    run(screener, list_inputs([folder]), tmp_path / "خروجی")
    assert sources(tmp_path / "خروجی")[0] == f"{folder}/field 1.png"
    assert str(folder) in (tmp_path / "خروجی" / "cases.json").read_text(encoding="utf-8")


def test_pictures_whose_names_are_no_text_are_found_again(screener: Screener, slides: Path, tmp_path: Path) -> None:
    bad = slides / "patient 1" / "caf\udce9.png"
    try:
        shutil.copy(slides / "patient 1" / "field 1.png", bad)
    except (OSError, UnicodeError):
        pytest.skip("this file system has no names that are no text")
    inputs = list_inputs([slides])
    run(screener, inputs, tmp_path / "out")
    again, session = counting(screener)
    run(again, inputs, tmp_path / "out", resume=True)
    assert session.runs == 0
    assert any("caf\\xe9.png" in source for source in sources(tmp_path / "out"))
    assert [case.case for case in build_cases(read_findings(tmp_path / "out" / "findings.jsonl"), case_by_folder)] == [
        f"{slides}/patient 1",
        f"{slides}/patient 2",
    ]


def test_findings_read_back_are_those_written(screener: Screener, slides: Path, tmp_path: Path) -> None:
    inputs = [Input(path, path.name) for path in sorted((slides / "patient 2").iterdir())]
    run(screener, inputs, tmp_path / "out")
    for finding, line in zip(read_findings(tmp_path / "out" / "findings.jsonl"), lines(tmp_path / "out"), strict=True):
        assert isinstance(finding, Finding)
        assert json.loads(finding.to_json()) == line
