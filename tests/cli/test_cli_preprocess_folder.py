"""The folder of ``leukolens preprocess``: what an earlier run left, and what is nobody else's business."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from leukolens.cli import preprocess_run

if TYPE_CHECKING:
    from cli_calls import Call


def test_a_folder_with_content_is_refused_unless_told(call: Call, slides: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("keep", "utf-8")
    code, _, err = call("preprocess", slides, "--out", out)
    assert code == 2
    assert "--overwrite" in err
    assert call("preprocess", slides, "--out", out, "--overwrite").code == 0
    assert len(list((out / "pictures").iterdir())) == 4
    # Another run in its place leaves no picture of the one before, and no stranger's file is touched.
    assert call("preprocess", slides / "b", "--out", out, "--overwrite", "--steps", "segment-hsv").code == 0
    assert [folder.name for folder in sorted((out / "pictures").iterdir())] == ["0001-1", "0002-10"]
    assert (out / "mine.txt").read_text("utf-8") == "keep"


def test_a_record_that_names_files_elsewhere_removes_none(call: Call, slides: Path, tmp_path: Path) -> None:
    out, other = tmp_path / "out", tmp_path / "other.png"
    out.mkdir()
    other.write_bytes(b"x")
    files = ["../other.png", str(other)]
    (out / "preprocess.json").write_text(json.dumps({"pictures": [{"files": files}]}), "utf-8")
    assert call("preprocess", slides / "b", "--out", out, "--overwrite").code == 0
    assert other.exists()


def sources(out: Path) -> list[str]:
    return [row["source"] for row in json.loads((out / "preprocess.json").read_text("utf-8"))["pictures"]]


def test_a_run_does_not_take_its_own_output_for_input(
    call: Call, slides: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(slides)
    for arguments in (["."], [".", "--overwrite"], ["../slides", "--overwrite"], [slides, "--overwrite", "--masks"],
                      [".", "--overwrite"]):  # fmt: skip
        assert call("preprocess", *arguments, "--out", "look").code == 0
        assert [Path(name).name for name in sources(slides / "look")] == ["1.png", "2.jpg", "1.png", "10.png"]


def test_a_folder_that_is_named_is_input_but_for_what_a_run_wrote(call: Call, slides: Path) -> None:
    out = slides / "a"
    assert call("preprocess", out, "--out", out, "--overwrite").code == 0
    assert call("preprocess", out, "--out", out, "--overwrite", "--masks").code == 0
    assert call("preprocess", out, "--out", out, "--overwrite").code == 0
    assert [Path(name).name for name in sources(out)] == ["1.png", "2.jpg"]
    code, _, err = call("preprocess", out / "pictures", "--out", out, "--overwrite")
    assert code == 2
    assert "nothing to prepare but what an earlier run wrote" in err
    assert len(list((out / "pictures").iterdir())) == 2


@pytest.mark.parametrize("again", [[], ["--masks"]])
@pytest.mark.parametrize("masks", [[], ["--masks"]])
def test_a_killed_run_leaves_nothing_to_the_next(
    call: Call, slides: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, masks: list[str], again: list[str]
) -> None:
    out = tmp_path / "out"
    assert call("preprocess", slides, "--out", out, "--steps", "segment-hsv").code == 0
    write, written = preprocess_run._write_png, []

    def killed(path: Path, picture: object) -> None:
        written.append(path)
        if len(written) == 3:
            path.with_name(f".{path.name}.17.part").write_bytes(b"half")
            raise KeyboardInterrupt
        write(path, picture)

    with monkeypatch.context() as patch:
        patch.setattr(preprocess_run, "_write_png", killed)
        assert call("preprocess", slides, "--out", out, "--overwrite", "--steps", "segment-kmeans", *masks).code != 0
    record = json.loads((out / "preprocess.json").read_text("utf-8"))
    assert record["status"] == "running"
    assert not (out / "preprocess.html").exists()
    pictures = [path for path in out.rglob("*.png") if not path.name.startswith(".")]
    assert len(pictures) == 2, "those of the run before are gone"
    assert call("preprocess", slides / "b", "--out", out, "--overwrite", "--steps", "segment-hsv", *again).code == 0
    record = json.loads((out / "preprocess.json").read_text("utf-8"))
    assert record["status"] == "done"
    named = {file for row in record["pictures"] for file in row["files"]}
    assert {path.relative_to(out).as_posix() for path in out.rglob("*.png") if path.suffix == ".png"} == named


def test_a_fit_that_fails_leaves_the_earlier_run(call: Call, slides: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert call("preprocess", slides, "--out", out).code == 0
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    (tmp_path / "empty").mkdir()
    assert call("preprocess", slides, "--out", out, "--overwrite", "--fit-on", tmp_path / "empty").code == 2
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_masks_in_the_place_of_a_walkthrough_leave_no_empty_folder(call: Call, slides: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert call("preprocess", slides, "--out", out).code == 0
    (out / "pictures" / "empty").mkdir()
    _, printed, _ = call("preprocess", slides, "--out", out, "--overwrite", "--masks")
    assert (out / "pictures").is_dir(), "what is in it is not ours"
    (out / "pictures" / "empty").rmdir()
    _, printed, _ = call("preprocess", slides, "--out", out, "--overwrite", "--masks")
    assert not (out / "pictures").exists()
    assert "pictures" not in printed.splitlines()[-1]


def test_a_link_out_of_the_folder_is_not_followed(call: Call, slides: Path, tmp_path: Path) -> None:
    out, other = tmp_path / "out", tmp_path / "other"
    other.mkdir()
    (other / "01-original.png").write_bytes(b"x")
    (out / "pictures").mkdir(parents=True)
    (out / "pictures" / "0001-1").symlink_to(other)
    rows = [{"folder": "pictures/0001-1", "files": ["pictures/0001-1/01-original.png"]}]
    (out / "preprocess.json").write_text(json.dumps({"pictures": rows}), "utf-8")
    assert call("preprocess", slides / "a" / "2.jpg", "--out", out, "--overwrite").code == 0
    assert (other / "01-original.png").read_bytes() == b"x"
