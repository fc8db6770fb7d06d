from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from audit_sets import MANIFEST, render, save

from leukolens.audit.findings import AuditResult, Pair, Shown
from leukolens.audit.gallery import PAIRS, Gallery, spread, strip
from leukolens.audit.output import AUDIT_FILE, claim_folder, write_audit
from leukolens.audit.page import page
from leukolens.audit.result import describe_audit
from leukolens.audit.run import Audit, audit
from leukolens.data import open_catalogue
from leukolens.finding import OutputError

pytest.importorskip("sklearn", reason="needs leukolens[audit]")
pytestmark = pytest.mark.slow
VOID = {"meta", "img", "br", "link", "input"}


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.open += [] if tag in VOID else [tag]
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found["href"]] if "href" in found else []
        self.pictures += [found] if tag == "img" else []
        assert tag != "script"

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text.append(data)


def read(content: str) -> Reader:
    reader = Reader()
    reader.feed(content)
    reader.close()
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids))
    return reader


@pytest.fixture(scope="module")
def whole(audited: Audit, result: AuditResult) -> str:
    return page(audited, result, MANIFEST)


def test_the_page_is_whole_and_loads_nothing(whole: str) -> None:
    found = read(whole)
    assert all(link.startswith("#") and link[1:] in found.ids for link in found.links)
    assert all(one["src"].startswith("data:image/") and one["alt"] for one in found.pictures)
    assert re.search(r"https?:", re.sub('data:[^"]*', "", whole)) is None
    assert "default-src 'none'" in whole
    assert len(whole) < 2_000_000


def test_the_verdict_comes_first_and_everything_is_told(whole: str, result: AuditResult) -> None:
    text = " ".join("".join(read(whole).text).split())
    assert text.index(result.headline) < text.index("Contradictions") < text.index("Repeated captures")
    for words in (
        "blast/7.png and normal/c-conflict.jpg are nearly the same picture under the labels",
        "turned by 270 degrees",
        "shifted by 12 px",
        "Brightness gives the class away on 62 pictures.",
        "55.0 (47.0 to 63.0)",
        "labelled normal (",
        "For research use only, not a diagnosis.",
        "The pictures on this page are your own",
        "blast: 33 files, 5 sessions",
    ):
        assert words in text


def test_copies_are_not_shown_again_as_fields(whole: str, result: AuditResult) -> None:
    assert "known already" in result.to_json()
    assert "known already" not in whole


def test_light_and_dark_are_there(whole: str) -> None:
    assert "color-scheme: light dark" in whole
    assert "prefers-color-scheme: dark" in whole


def test_names_cannot_break_the_page(tmp_path: Path) -> None:
    bad = "<img src=x onerror=alert(1)>\u202e"
    for number in range(3):
        save(tmp_path / bad / f"{number}.png", render(number))
        save(tmp_path / "B" / f"{number}.png", render(number))
    (tmp_path / "B" / "<b>.png").write_bytes(b"nothing")
    found = audit(open_catalogue(tmp_path))
    content = page(found, describe_audit(found, bad, MANIFEST), MANIFEST)
    assert "<img src=x" not in content
    assert "\u202e" not in content
    assert "&lt;img src=x" in content
    read(content)


def test_galleries_are_bounded_and_spread() -> None:
    pairs = [
        Pair(
            kind="same field", first=Shown(path=f"{n}", label="A"), second=Shown(path="x", label="A"), score=1, note=""
        )
        for n in range(1000)
    ]
    chosen = spread(pairs, PAIRS)
    assert len(chosen) == PAIRS
    assert (chosen[0], chosen[-1]) == (pairs[0], pairs[-1])
    assert spread(pairs[:5], PAIRS) == pairs[:5]


def test_a_picture_that_has_gone_leaves_a_place(tmp_path: Path) -> None:
    small = Gallery({"a": tmp_path / "gone.png"}).show(Shown(path="a", label="A"))
    assert small.source is None
    assert small.width > 0


def test_strips_are_one_pixel_a_file() -> None:
    coded = base64.b64decode(strip(["s1", "s1", "s2", "", "s1"]).partition(",")[2])
    row = cv2.imdecode(np.frombuffer(coded, np.uint8), cv2.IMREAD_COLOR)[0]
    assert row.shape == (5, 3)
    assert (row[0] == row[1]).all()
    assert (row[0] == row[4]).all()
    assert not (row[0] == row[2]).all()
    assert row[3].tolist() == [128, 128, 128]


def test_files_are_written_whole_and_not_over_another_audit(
    tmp_path: Path, audited: Audit, result: AuditResult
) -> None:
    claim_folder(tmp_path / "out", 60)
    written = write_audit(tmp_path / "out", audited, result, MANIFEST)
    assert written[-1] == AUDIT_FILE
    assert sorted(written) == sorted(one.name for one in (tmp_path / "out").iterdir())
    assert len((tmp_path / "out" / "pictures.csv").read_text().splitlines()) == 1 + len(audited.items)
    with pytest.raises(OutputError, match="holds an audit already"):
        claim_folder(tmp_path / "out", 60)
    claim_folder(tmp_path / "out", 60, overwrite=True)
