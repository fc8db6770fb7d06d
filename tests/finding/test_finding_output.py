from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from leukolens.finding import OutputError
from leukolens.finding.output import csv_text, probe_folder, put_file, put_files, try_folder


def fill_disk(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    """Leave so many bytes on the disk: more are refused when they are brought there."""

    def sync(file: int) -> None:
        if os.fstat(file).st_size > room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("leukolens.finding.output.os.fsync", sync)


def test_folder_that_is_tried_is_not_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try_folder(tmp_path / "a" / "b", todo="choose another", size=200_001)
    probe_folder(tmp_path / "a" / "b", 200_001)
    monkeypatch.chdir(tmp_path)
    try_folder(Path("c/d"), todo="choose another")
    assert list(tmp_path.iterdir()) == []


def test_folder_that_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    try_folder(tmp_path / "a", todo="choose another")
    assert list((tmp_path / "a").iterdir()) == []


def test_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for folder in (tmp_path / "a" / ("b" * 300), tmp_path / "link"):
        with pytest.raises(OutputError, match=r"cannot be written to.*Choose another"):
            try_folder(folder, todo="choose another")
    assert [path.name for path in tmp_path.iterdir()] == ["link"]


@pytest.mark.parametrize("size", [65_536, 300_000])
def test_folder_on_a_full_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    fill_disk(monkeypatch, size)
    try_folder(tmp_path, todo="make room", size=size)
    fill_disk(monkeypatch, size - 1)
    with pytest.raises(OutputError, match=r"cannot be written to.*No space left.*Make room") as error:
        try_folder(tmp_path, todo="make room", size=size)
    assert error.value.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot be written to"):
        try_folder(tmp_path / "file" / "out", todo="choose another")


def test_file_is_put_into_a_folder_that_it_makes(tmp_path: Path) -> None:
    put_file(tmp_path / "a" / "b.json", b"one", todo="make room")
    assert (tmp_path / "a" / "b.json").read_bytes() == b"one"


def test_file_replaces_another(tmp_path: Path) -> None:
    put_file(tmp_path / "a.json", b"one", todo="make room")
    put_file(tmp_path / "a.json", b"two", todo="make room")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.json", b"two")]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_file_that_breaks_off_leaves_the_former_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    put_file(tmp_path / "a.json", b"one", todo="make room")

    def half(path: Path, content: bytes) -> None:
        with path.open("wb") as file:
            file.write(content[:1])
        raise error

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises((OutputError, KeyboardInterrupt)):
        put_file(tmp_path / "a.json", b"two", todo="make room")
    monkeypatch.undo()
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.json", b"one")]


def test_file_over_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json" / "b").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"a\.json.*cannot be written.*Make room"):
        put_file(tmp_path / "a.json", b"two", todo="make room")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_the_last_file_says_that_the_others_are_whole(tmp_path: Path) -> None:
    files = {"page.html": "é", "pixels.png": b"\x89", "result.json": "{}"}
    assert put_files(tmp_path, files, todo="make room") == list(files)
    assert (tmp_path / "page.html").read_text("utf-8") == "é"
    (tmp_path / "pixels.png").unlink()
    (tmp_path / "pixels.png").mkdir()
    with pytest.raises(OutputError, match=r"pixels\.png"):
        put_files(tmp_path, files, todo="make room")
    assert not (tmp_path / "result.json").exists()


def test_rows_are_written_as_csv() -> None:
    rows = [["path", "p"], ['a, "b".png', None], ["two\nlines", 0.5], ("ü", "")]
    assert csv_text(rows) == 'path,p\n"a, ""b"".png",\n"two\nlines",0.5\nü,\n'
