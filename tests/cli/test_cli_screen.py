"""``leukolens screen``: its outputs, exit codes and options, with a real pipeline and a small bundle."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest
from cli_calls import spawn

from leukolens.cli.screen_run import parse_aspect
from leukolens.finding import CLASS_NOTE, RESEARCH_USE, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from cli_calls import Call


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_picture_without_a_folder_is_told_in_full(call: Call, slides: Path, bundle: Path) -> None:
    code, out, err = call("screen", slides / "a" / "1.png", "--bundle", bundle)
    assert (code, err) == (0, "")
    for needed in ("Picture", "1.png", "Answer", "Decision", "f32", RESEARCH_USE):
        assert needed in out


def test_several_pictures_are_a_table_and_a_count(call: Call, slides: Path, bundle: Path) -> None:
    code, out, err = call("screen", slides, "--bundle", bundle)
    assert (code, err) == (0, "")
    flat = " ".join(out.split())
    for needed in ("4 pictures:", RESEARCH_USE, "p ALL", "Case"):
        assert needed in flat
    assert sum(f"{name}" in out for name in ("a/1.png", "a/2.jpg", "b/1.png", "b/10.png")) == 4


def test_classes_are_never_shown_without_what_they_are(call: Call, slides: Path, bundle: Path) -> None:
    findings = lines(call("screen", slides, "--bundle", bundle, "--json").out)
    out = " ".join(call("screen", slides, "--bundle", bundle).out.split())
    assert (CLASS_NOTE in out) == any(finding["label"] for finding in findings)


def test_json_is_alone_on_standard_output_and_in_order(call: Call, slides: Path, bundle: Path) -> None:
    code, out, err = call("screen", slides, "--bundle", bundle, "--json")
    assert (code, err) == (0, "")
    sources = [str(finding["source"]) for finding in lines(out)]
    assert [source.removeprefix(f"{slides}/") for source in sources] == ["a/1.png", "a/2.jpg", "b/1.png", "b/10.png"]


def test_folder_gets_all_files_and_json_repeats_the_findings(
    call: Call, slides: Path, bundle: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    code, out, err = call("screen", slides, "--bundle", bundle, "--out", folder, "--json")
    assert (code, err) == (0, "")
    assert {path.name for path in folder.iterdir()} == {"findings.jsonl", "cases.json", "run.json", "report.html"}
    assert out == (folder / "findings.jsonl").read_text("utf-8")
    cases = json.loads((folder / "cases.json").read_text("utf-8"))
    assert [case["case"].rpartition("/")[2] for case in cases] == ["a", "b"]
    page = (folder / "report.html").read_text("utf-8")
    assert page.count("<article") == 4
    assert page.count("data:image/jpeg") >= 4
    assert RESEARCH_USE in page


@pytest.mark.parametrize("options", [(), ("--json",), ("--out", "OUT"), ("--out", "OUT", "--json")])
def test_what_cannot_be_read_is_told_and_the_rest_is_done(
    call: Call, slides: Path, bundle: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    (slides / "a" / "0.png").write_bytes(b"")
    (slides / "b" / "2.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    chosen = [str(tmp_path / "out") if option == "OUT" else option for option in options]
    code, out, err = call("screen", slides, "--bundle", bundle, *chosen)
    assert (code, err) == (1, "")
    if "--json" in options:
        findings = lines(out)
        assert [finding["status"] for finding in findings] == ["error", "ok", "ok", "ok", "error", "ok"]
        assert all(finding["reason"] for finding in findings if finding["status"] == "error")
    else:
        assert "2 could not be read" in " ".join(out.split())
    if "--out" in options:
        page = (tmp_path / "out" / "report.html").read_text("utf-8")
        assert 'id="errors"' in page
        assert page.count("<article") == 4


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (("--resume",), "--out"),
        (("--overwrite",), "--out"),
        (("--no-report",), "--out"),
        (("--resume", "--overwrite", "--out", "x"), "exclude each other"),
        (("--case", "1", "--cases", "x.csv"), "exclude each other"),
        (("--cases", "nowhere.csv"), "nowhere.csv"),
        (("--aspect", "wide"), "4:3"),
        (("--engine", "opnvino"), "Did you mean 'openvino'?"),
        (("--only", "feild"), "Did you mean 'field'?"),
        (("--only", "cells"), "no cell network"),
        (("--bundle", "nowhere"), "no bundle 'nowhere'"),
        (("--threads", "0"), "--threads"),
        (("--pictures", "-1"), "--pictures"),
    ],
)
def test_wrong_options_have_code_2(
    call: Call, slides: Path, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...],
    hint: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    given = () if "--bundle" in options else ("--bundle", bundle)
    code, out, err = call("screen", slides, *given, *options)
    assert (code, out) == (2, "")
    assert hint in err
    assert {path.name for path in tmp_path.iterdir()} == {"slides"}


def test_missing_input_names_what_is_near(call: Call, slides: Path, bundle: Path) -> None:
    code, out, err = call("screen", slides / "a" / "2.jpeg", "--bundle", bundle)
    assert (code, out) == (2, "")
    assert "Did you mean '2.jpg'?" in err


def test_changed_bundle_is_refused(call: Call, slides: Path, bundle: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(bundle, copy)
    with (copy / "field.onnx").open("ab") as stream:
        stream.write(b"x")
    code, out, err = call("screen", slides, "--bundle", copy, "--out", tmp_path / "out")
    assert (code, out) == (2, "")
    assert "field.onnx" in err
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_found_before_the_work(
    call: Call, slides: Path, bundle: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    code, out, err = call("screen", slides, "--bundle", bundle, "--out", tmp_path / "file" / "below")
    assert (code, out) == (2, "")
    assert "below" in err


def test_findings_are_not_overwritten_unasked(call: Call, slides: Path, bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    assert call("screen", slides / "a", "--bundle", bundle, "--out", folder).code == 0
    before = (folder / "findings.jsonl").read_bytes()
    code, out, err = call("screen", slides, "--bundle", bundle, "--out", folder)
    assert (code, out) == (2, "")
    assert "--resume" in err
    assert "--overwrite" in err
    assert (folder / "findings.jsonl").read_bytes() == before
    assert call("screen", slides, "--bundle", bundle, "--out", folder, "--resume").code == 0
    assert len((folder / "findings.jsonl").read_text("utf-8").splitlines()) == 4
    assert (folder / "report.html").read_text("utf-8").count("<article") == 4
    assert call("screen", slides / "b", "--bundle", bundle, "--out", folder, "--overwrite", "--no-report").code == 0
    assert len((folder / "findings.jsonl").read_text("utf-8").splitlines()) == 2
    assert not (folder / "report.html").exists()


def test_cases_by_name_and_by_table(call: Call, slides: Path, bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    call("screen", slides, "--bundle", bundle, "--out", folder, "--case", "patient 7", "--no-report")
    assert [case["case"] for case in json.loads((folder / "cases.json").read_text("utf-8"))] == ["patient 7"]
    table = tmp_path / "slides" / "cases.csv"
    rows = ["a/1.png,x", "a/2.jpg,y", "b/1.png,x", "b/10.png,y"]
    table.write_text("\n".join(["path,case", *rows]))
    call("screen", slides, "--bundle", bundle, "--out", folder, "--cases", table, "--overwrite")
    cases = json.loads((folder / "cases.json").read_text("utf-8"))
    assert [(case["case"], case["images"]) for case in cases] == [("x", 2), ("y", 2)]
    table.write_text("\n".join(["path,case", *rows[:3]]))
    code, _, err = call("screen", slides, "--bundle", bundle, "--cases", table)
    assert code == 2
    assert "10.png" in err


def test_declared_aspect_reaches_the_finding(call: Call, slides: Path, bundle: Path) -> None:
    one = ("screen", slides / "a" / "1.png", "--bundle", bundle, "--json")
    quality = lines(call(*one, "--aspect", "16:9").out)[0]["quality"]
    assert isinstance(quality, dict)
    assert quality["squeeze_source"] == "declared"
    assert quality["squeeze"] == pytest.approx((16 / 9) / (4 / 3), rel=1e-3)  # the picture is 320 x 240
    assert lines(call(*one, "--aspect", str(16 / 9)).out) == lines(call(*one, "--aspect", "16:9").out)


def test_list_on_standard_input(slides: Path, bundle: Path) -> None:
    process = spawn("screen", "-", "--bundle", bundle, "--json", stdin=-1)
    out, err = process.communicate(os.fsencode(f"{slides / 'b'}\n{slides / 'a' / '1.png'}\n"), timeout=120)
    assert process.returncode == 0, err
    names = [str(one["source"]).removeprefix(f"{slides}/") for one in lines(out.decode())]
    assert names == ["b/1.png", "b/10.png", "a/1.png"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_ctrl_c_keeps_what_is_done_and_resume_goes_on(slides: Path, bundle: Path, tmp_path: Path) -> None:
    for number in range(400):
        (slides / "a" / f"more {number}.png").write_bytes((slides / "a" / "1.png").read_bytes())
    folder = tmp_path / "out"
    arguments = ("screen", slides, "--bundle", bundle, "--out", folder, "--threads", 1, "--no-report")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job has Ctrl-C ignored
    try:
        process = spawn(*arguments)
    finally:
        signal.signal(signal.SIGINT, before)
    deadline = time.monotonic() + 120
    findings = folder / "findings.jsonl"
    while not (findings.exists() and findings.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert out == b""
    assert b"--resume" in err
    assert b"Traceback" not in err
    done = len(findings.read_text("utf-8").splitlines())
    assert 0 < done < 404
    again = spawn(*arguments, "--resume")
    assert again.communicate(timeout=300)
    assert again.returncode == 0
    sources = [one["source"] for one in lines(findings.read_text("utf-8"))]
    assert len(sources) == len(set(sources)) == 404


@pytest.mark.parametrize(
    ("text", "ratio"), [("4:3", 4 / 3), ("1.333", 1.333), ("1", 1.0), ("3:4", 0.75), ("1024:768", 4 / 3)]
)
def test_aspect_is_a_ratio_or_a_number(text: str, ratio: float) -> None:
    assert parse_aspect(text) == pytest.approx(ratio)


@pytest.mark.parametrize("text", ["", "4:", ":3", "4:0", "0", "-1", "nan", "inf", "4:3:2", "4/3", "1000"])
def test_what_is_no_aspect_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--aspect"):
        parse_aspect(text)
