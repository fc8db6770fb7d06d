from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from leukolens.finding import UsageError
from leukolens.finding.paths import natural_key
from leukolens.screen.inputs import list_inputs, source_name


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (
        "s/10.png",
        "s/2.JPG",
        "s/1/b.tif",
        "s/1/A.webp",
        "s/.hidden/x.png",
        "s/.x.png",
        "s/notes.txt",
        "s/Thumbs.db",
        "s/3.d/c.bmp",
        "other.dat",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sources(*args: str | Path, stdin: bytes | None = None) -> list[str]:
    return [item.source for item in list_inputs(args, None if stdin is None else io.BytesIO(stdin))]


def test_folders_are_searched_in_natural_order_without_hidden_and_other_files(tree: Path) -> None:
    expected = ["s/1/A.webp", "s/1/b.tif", "s/2.JPG", "s/3.d/c.bmp", "s/10.png"]
    assert sources("s") == expected
    assert sources("s/") == expected
    assert sources("s//") == expected
    assert [item.path for item in list_inputs(["s"])] == [Path(name) for name in expected]


def test_sources_are_paths_as_given(tree: Path) -> None:
    assert sources(".")[0] == "./s/1/A.webp"
    assert sources("./s")[0] == "./s/1/A.webp"
    assert sources(tree / "s")[0] == f"{tree}/s/1/A.webp"
    assert sources("../" + tree.name + "/s/2.JPG") == [f"../{tree.name}/s/2.JPG"]


def test_a_file_named_outright_is_taken_whatever_its_name(tree: Path) -> None:
    assert sources("other.dat", "s/.x.png", "s/notes.txt") == ["other.dat", "s/.x.png", "s/notes.txt"]


def test_each_source_is_taken_once(tree: Path) -> None:
    assert sources("s/10.png", "s", "s/10.png")[0] == "s/10.png"
    assert len(sources("s/10.png", "s", "s/10.png")) == 5


@pytest.mark.parametrize(
    "content",
    [
        b"s/10.png\ns/1\n",
        b"s/10.png\r\n\r\ns/1",
        b"\xef\xbb\xbfs/10.png\ns/1\n",
        b"s/10.png\0s/1\0",
    ],
    ids=["lines", "windows", "byte order mark", "nul"],
)
def test_a_list_on_standard_input(tree: Path, content: bytes) -> None:
    assert sources("-", stdin=content) == ["s/10.png", "s/1/A.webp", "s/1/b.tif"]
    assert sources("s/2.JPG", "-", stdin=content)[:2] == ["s/2.JPG", "s/10.png"]


def test_names_with_line_breaks_come_in_lists_with_nul(tree: Path) -> None:
    (tree / "two\nlines.png").write_bytes(b"x")
    assert sources("-", stdin=b"two\nlines.png\0") == ["two\nlines.png"]


def test_unicode_names(tree: Path) -> None:
    for name in ("Müller.png", "涂片.png", "🩸.png"):
        (tree / "s" / "1" / name).write_bytes(b"x")
    assert set(sources("s/1")) >= {"s/1/Müller.png", "s/1/涂片.png", "s/1/🩸.png"}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names that are no text")
def test_names_that_are_no_text_become_text(tree: Path) -> None:
    path = os.fsencode(tree) + b"/s/1/caf\xe9.png"
    Path(os.fsdecode(path)).write_bytes(b"x")
    assert "s/1/caf\\xe9.png" in sources("s/1")
    assert source_name(os.fsdecode(b"caf\xe9")).encode() == b"caf\\xe9"


def test_a_backslash_parts_a_source_on_windows_alone() -> None:
    assert source_name("slides\\p\\a.png", separator="\\") == "slides/p/a.png"
    assert source_name("slides/a\\b.png", separator="/") == "slides/a\\b.png"


def test_what_is_missing_is_named_before_anything_is_read(tree: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no 's/11.png'.*Did you mean '10.png'"):
        list_inputs(["s", "s/11.png"])
    with pytest.raises(UsageError, match=r"'nothing/at/all\.png'"):
        list_inputs(["nothing/at/all.png"])
    with pytest.raises(UsageError, match=r"'gone\.png'"):
        list_inputs(["-"], io.BytesIO(b"s/10.png\ngone.png\n"))
    with pytest.raises(UsageError, match="''"):
        list_inputs([""])
    with pytest.raises(UsageError, match="and 2 more"):
        list_inputs(["n1", "n2", "n3", "n4", "n5"])


def test_nothing_to_screen_is_said(tree: Path) -> None:
    (tree / "empty").mkdir()
    with pytest.raises(UsageError, match="nothing to screen in empty"):
        list_inputs(["empty"])
    with pytest.raises(UsageError, match="nothing to screen in the list"):
        list_inputs(["-"], io.BytesIO(b"\n"))
    with pytest.raises(UsageError, match="nothing to prepare in empty"):
        list_inputs(["empty"], purpose="prepare")


@pytest.mark.parametrize("without", ["s/1", "s/3.d/../1", "again"])
def test_a_folder_can_be_left_out_of_a_search(tree: Path, without: str) -> None:
    (tree / "again").symlink_to(tree / "s" / "1")
    rest = ["s/2.JPG", "s/3.d/c.bmp", "s/10.png"]
    assert [item.source for item in list_inputs(["s"], without=Path(without))] == rest
    # What is named is taken.
    assert [item.source for item in list_inputs(["s/1"], without=Path(without))] == ["s/1/A.webp", "s/1/b.tif"]
    assert [item.source for item in list_inputs(["s", "s/1/A.webp"], without=Path(without))] == [*rest, "s/1/A.webp"]
    assert len(list_inputs(["s"], without=Path("nowhere"))) == 5


def test_links_that_lead_in_circles_end(tree: Path) -> None:
    (tree / "s" / "1" / "up").symlink_to(tree / "s")
    (tree / "s" / "self").symlink_to(tree / "s" / "self")
    (tree / "s" / "again").symlink_to(tree / "s" / "1")
    assert sources("s") == ["s/1/A.webp", "s/1/b.tif", "s/2.JPG", "s/3.d/c.bmp", "s/10.png"]


def test_links_to_pictures_are_followed_and_broken_ones_not_lost(tree: Path) -> None:
    (tree / "s" / "1" / "link.png").symlink_to(tree / "s" / "10.png")
    (tree / "s" / "1" / "broken.png").symlink_to(tree / "gone")
    assert {"s/1/link.png", "s/1/broken.png"} <= set(sources("s/1"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_named_like_a_picture_does_not_block(tree: Path) -> None:
    os.mkfifo(tree / "s" / "1" / "pipe.png")
    assert "s/1/pipe.png" in sources("s/1")


def test_natural_order() -> None:
    names = ["b", "a10", "a2", "A1", "a02", "10", "9", "١", ""]
    assert sorted(names, key=natural_key) == ["", "9", "10", "A1", "a02", "a2", "a10", "b", "١"]
