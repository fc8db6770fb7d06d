from __future__ import annotations

import base64
import io
import json
import threading
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from leukolens.data.download import download
from leukolens.data.kaggle import AccessError, find_access
from leukolens.data.taleqani import COUNTS, DOI, PAGE, get_taleqani, instructions
from leukolens.data.unpack import UnpackLimits, unpack
from leukolens.finding import DataError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = {"Authorization": "Basic c29tZTpib2R5"}
FEW = {"Benign": 2, "Early Pre-B": 3, "Pre-B": 1, "Pro-B": 2}
TREE = {
    f"{part}/{name}": [f"{n}.png" for n in range(count)]
    for part in ("Original", "Segmented")
    for name, count in zip(("Benign", "Early", "Pre", "Pro"), FEW.values(), strict=True)
}


def zipped(root: Path, prefix: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(root.rglob("*")):
            archive.write(path, prefix + path.relative_to(root).as_posix())
    return buffer.getvalue()


@dataclass
class Server:
    """A server on this machine that behaves as told and remembers what it was asked."""

    content: bytes = b""
    needs: str | None = SECRET["Authorization"]
    break_after: list[int] = field(default_factory=list)  # bytes to send before closing, one entry a request
    codes: list[int] = field(default_factory=list)  # answers to give before the good one
    ranges: bool = True
    redirect_to: str | None = None
    asked: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    url: str = ""


def handler_of(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            server.asked.append((self.path, wanted, self.headers.get("Authorization")))
            if server.codes:
                self.answer(server.codes.pop(0))
            elif self.path == "/elsewhere":
                self.send_file(wanted)
            elif server.needs and self.headers.get("Authorization") != server.needs:
                self.answer(403)
            elif server.redirect_to:
                self.answer(302, {"Location": server.redirect_to})
            else:
                self.send_file(wanted)

        def answer(self, code: int, headers: dict[str, str] | None = None) -> None:
            self.send_response(code)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def send_file(self, wanted: str | None) -> None:
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and server.ranges else 0
            total = len(server.content)
            if start >= total and wanted and server.ranges:
                self.answer(416, {"Content-Range": f"bytes */{total}"})
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
            self.send_header("Content-Length", str(total - start))
            self.end_headers()
            end = start + server.break_after.pop(0) if server.break_after else total
            self.wfile.write(server.content[start:end])

    return Handler


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(state))
    state.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield state
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.fixture
def archive(tree, tmp_path: Path) -> bytes:
    return zipped(tree(TREE, tmp_path / "source"))


# the whole way ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "leukemia/"])
def test_the_data_set_is_fetched_unpacked_and_counted(server: Server, tree, tmp_path: Path, prefix: str) -> None:
    server.content = zipped(tree(TREE, tmp_path / "source"), prefix)
    steps: list[tuple[int, int | None]] = []
    to = tmp_path / "deep" / "taleqani"
    catalogue = get_taleqani(
        to, SECRET, url=server.url, counts=FEW, progress=lambda done, total: steps.append((done, total))
    )
    assert catalogue.counts() == FEW
    assert catalogue.root == to
    assert steps[-1] == (len(server.content), len(server.content))
    assert sorted(path.name for path in to.iterdir()) == ["Original", "Segmented"]
    again = get_taleqani(to, None, url="https://nowhere.invalid", counts=FEW)
    assert again == catalogue
    assert len(server.asked) == 1


def test_an_archive_from_the_browser_is_used_and_kept(archive: bytes, tmp_path: Path) -> None:
    to = tmp_path / "to"
    to.mkdir()
    (to / "archive.zip").write_bytes(archive)
    assert get_taleqani(to, None, counts=FEW).counts() == FEW
    assert sorted(path.name for path in to.iterdir()) == ["Original", "Segmented", "archive.zip"]


def test_without_access_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(AccessError) as error:
        get_taleqani(tmp_path / "to", None)
    assert error.value.exit_code == 2
    assert not (tmp_path / "to").exists()


def test_instructions_name_page_doi_terms_and_place(tmp_path: Path) -> None:
    text = instructions(tmp_path / "here")
    assert DOI == "10.34740/KAGGLE/DSV/2175623"
    for word in (PAGE, DOI, "10.1002/int.22753", "cite", "No licence text", str(tmp_path / "here"), "KAGGLE_API_TOKEN"):
        assert word in text
    assert COUNTS == {"Benign": 504, "Early Pre-B": 985, "Pre-B": 963, "Pro-B": 804}


def test_a_data_set_that_is_not_whole_is_refused_and_leaves_nothing(
    server: Server, archive: bytes, tmp_path: Path
) -> None:
    server.content = archive
    with pytest.raises(DataError) as error:
        get_taleqani(tmp_path / "to", SECRET, url=server.url)
    assert "504 Benign" in str(error.value)
    assert "2 Benign" in str(error.value)
    assert list((tmp_path / "to").iterdir()) == []


def test_a_folder_that_holds_less_is_not_taken_for_whole(tree, tmp_path: Path) -> None:
    root = tree(TREE)
    (root / "Original" / "Pro" / "0.png").unlink()
    with pytest.raises(DataError, match="not hold the whole data set"):
        get_taleqani(root, SECRET, counts=FEW)


def test_a_damaged_archive_is_refused_and_fetched_anew_next_time(
    server: Server, archive: bytes, tmp_path: Path
) -> None:
    server.content = archive[: len(archive) // 2]
    with pytest.raises(DataError, match="no whole ZIP archive"):
        get_taleqani(tmp_path / "to", SECRET, url=server.url, counts=FEW)
    server.content = archive
    assert get_taleqani(tmp_path / "to", SECRET, url=server.url, counts=FEW).counts() == FEW


def test_an_unwritable_place_is_found_before_anything_is_asked(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError):
        get_taleqani(tmp_path / "file" / "to", SECRET, url=server.url)
    assert server.asked == []


# downloading --------------------------------------------------------------------------------------------------------


def test_a_broken_download_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    server.content = bytes(range(256)) * 4000
    server.break_after = [300_000, 400_000]
    target = download(server.url, tmp_path / "f.zip", secret=SECRET, pause=0)
    assert target.read_bytes() == server.content
    assert [asked[1] for asked in server.asked] == [None, "bytes=300000-", "bytes=700000-"]
    assert not (tmp_path / "f.zip.part").exists()


def test_the_next_call_goes_on_with_what_the_last_one_left(server: Server, tmp_path: Path) -> None:
    server.content = bytes(range(256)) * 4000
    server.break_after = [5000]
    with pytest.raises(AccessError, match="call again"):
        download(server.url, tmp_path / "f.zip", secret=SECRET, attempts=1)
    assert (tmp_path / "f.zip.part").stat().st_size == 5000
    assert not (tmp_path / "f.zip").exists()
    assert download(server.url, tmp_path / "f.zip", secret=SECRET).read_bytes() == server.content
    assert server.asked[-1][1] == "bytes=5000-"


def test_a_server_without_ranges_sends_all_again(server: Server, tmp_path: Path) -> None:
    server.content, server.ranges = b"x" * 10_000, False
    (tmp_path / "f.zip.part").write_bytes(b"y" * 4000)
    assert download(server.url, tmp_path / "f.zip", secret=SECRET).read_bytes() == server.content


def test_a_part_that_is_whole_already_is_taken(server: Server, tmp_path: Path) -> None:
    server.content = b"x" * 10_000
    (tmp_path / "f.zip.part").write_bytes(server.content)
    assert download(server.url, tmp_path / "f.zip", secret=SECRET).read_bytes() == server.content


def test_a_part_that_is_too_long_is_thrown_away(server: Server, tmp_path: Path) -> None:
    server.content = b"x" * 10_000
    (tmp_path / "f.zip.part").write_bytes(b"y" * 20_000)
    assert download(server.url, tmp_path / "f.zip", secret=SECRET, pause=0).read_bytes() == server.content


def test_busy_servers_are_asked_again_and_refusals_are_not(server: Server, tmp_path: Path) -> None:
    server.content, server.codes = b"abc", [503, 429]
    assert download(server.url, tmp_path / "f.zip", secret=SECRET, pause=0).read_bytes() == b"abc"
    asked = len(server.asked)
    with pytest.raises(AccessError, match="refused access"):
        download(server.url, tmp_path / "g.zip", secret={"Authorization": "Basic wrong"}, pause=0)
    server.codes = [404]
    with pytest.raises(AccessError, match="HTTP 404"):
        download(server.url, tmp_path / "g.zip", secret=SECRET, pause=0)
    assert len(server.asked) == asked + 2


def test_the_secret_is_not_sent_on(server: Server, tmp_path: Path) -> None:
    server.content, server.redirect_to = b"abc", "/elsewhere"
    assert download(server.url, tmp_path / "f.zip", secret=SECRET).read_bytes() == b"abc"
    assert [secret for _, _, secret in server.asked] == [SECRET["Authorization"], None]
    assert server.asked[1][0] == "/elsewhere"


@pytest.mark.parametrize("place", ["http://example.invalid/x", "ftp://example.invalid/x", "file:///etc/passwd"])
def test_plain_addresses_are_refused_also_behind_a_redirect(server: Server, tmp_path: Path, place: str) -> None:
    with pytest.raises(AccessError, match="not encrypted"):
        download(place, tmp_path / "f.zip")
    server.redirect_to = place
    with pytest.raises(AccessError):
        download(server.url, tmp_path / "f.zip", secret=SECRET, attempts=1)
    assert not (tmp_path / "f.zip").exists()


def test_too_much_is_refused(server: Server, tmp_path: Path) -> None:
    server.content = b"x" * 10_000
    with pytest.raises(DataError, match="too large"):
        download(server.url, tmp_path / "f.zip", secret=SECRET, max_bytes=9999)


def test_no_server_is_an_access_error(tmp_path: Path) -> None:
    with pytest.raises(AccessError, match="could not be reached"):
        download("http://127.0.0.1:9/x", tmp_path / "f.zip", attempts=2, pause=0)


# unpacking ----------------------------------------------------------------------------------------------------------


def zip_of(path: Path, entries: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=compression)
    return path


@pytest.mark.parametrize("name", ["../x.txt", "a/../../x.txt", "/x.txt", "..\\x.txt", "C:\\x.txt", "C:x.txt", "a/.."])
def test_names_that_lead_out_are_refused_before_anything_is_written(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "in" / "side"
    folder.mkdir(parents=True)
    archive = zip_of(tmp_path / "evil.zip", {"good.txt": b"x", name: b"evil"})
    with pytest.raises(DataError, match="outside its folder"):
        unpack(archive, folder)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["evil.zip", "in", "side"]


def test_links_in_archives_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr(link, "/etc")
        archive.writestr("link/x", "evil")
    with pytest.raises(DataError, match="a link"):
        unpack(tmp_path / "evil.zip", tmp_path)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (UnpackLimits(files=1), "at most 1 files"),
        (UnpackLimits(bytes_per_file=99_999), "bytes in one file"),
        (UnpackLimits(bytes_in_all=150_000), "bytes in all"),
    ],
)
def test_bombs_are_refused_before_anything_is_written(tmp_path: Path, limits: UnpackLimits, words: str) -> None:
    folder = tmp_path / "to"
    folder.mkdir()
    archive = zip_of(tmp_path / "bomb.zip", {"a": b"0" * 100_000, "b": b"0" * 100_000})
    with pytest.raises(DataError, match=words):
        unpack(archive, folder, limits)
    assert list(folder.iterdir()) == []


def test_a_bomb_that_lies_about_its_size_is_stopped(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "bomb.zip", {"a": b"0" * 5_000_000})
    content = archive.read_bytes()
    true, lie = (5_000_000).to_bytes(4, "little"), (1000).to_bytes(4, "little")
    assert true in content
    archive.write_bytes(content.replace(true, lie))
    folder = tmp_path / "to"
    folder.mkdir()
    with pytest.raises(DataError, match="no whole ZIP"):
        unpack(archive, folder)
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 1000


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut"])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(DataError):
        unpack(tmp_path / "x.zip", tmp_path)
    with pytest.raises(DataError):
        unpack(tmp_path / "missing.zip", tmp_path)


def test_unpacking_gives_what_was_packed(tmp_path: Path) -> None:
    entries = {"a/ö.txt": b"one", "b.bin": bytes(1000), "a/b/c": b""}
    folder = tmp_path / "to"
    folder.mkdir()
    assert unpack(zip_of(tmp_path / "x.zip", entries), folder) == 3
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.relative_to(folder).as_posix(): path.read_bytes() for path in files} == entries


# access -------------------------------------------------------------------------------------------------------------


def test_access_is_found_where_kaggle_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert find_access({}) is None
    (tmp_path / ".kaggle").mkdir()
    (tmp_path / ".kaggle" / "access_token").write_text("t0\n")
    assert find_access({}) == {"Authorization": "Bearer t0"}
    (tmp_path / ".kaggle" / "kaggle.json").write_text(json.dumps({"username": "me", "key": "k1"}))
    basic = find_access({})
    assert basic is not None
    assert base64.b64decode(basic["Authorization"].removeprefix("Basic ")) == b"me:k1"
    other = tmp_path / "other"
    other.mkdir()
    (other / "kaggle.json").write_text(json.dumps({"username": "you", "key": "k2"}))
    assert find_access({"KAGGLE_CONFIG_DIR": str(other)}) != basic
    assert find_access({"KAGGLE_USERNAME": "me", "KAGGLE_KEY": "k1"}) == basic
    assert find_access({"KAGGLE_USERNAME": "me"}) == basic
    assert find_access({"KAGGLE_API_TOKEN": "t1", "KAGGLE_USERNAME": "me", "KAGGLE_KEY": "k"}) == {
        "Authorization": "Bearer t1"
    }


@pytest.mark.parametrize("text", ["", "[]", '{"username": "me"}', "nonsense", '"text"'])
def test_a_file_of_access_that_is_none_says_so(tmp_path: Path, text: str) -> None:
    (tmp_path / "kaggle.json").write_text(text)
    with pytest.raises(AccessError, match="not Kaggle's file"):
        find_access({"KAGGLE_CONFIG_DIR": str(tmp_path)})
