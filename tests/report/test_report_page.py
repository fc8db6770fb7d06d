"""The page: parsed as a browser would, with hostile names, without a network, with bounded size."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from leukolens.engine.spec import BundleSpec, Conformal, FieldNetworkSpec, Provenance
from leukolens.finding import CLASS_NOTE, CLASSES, RESEARCH_USE, Case, FieldFinding, Finding, KindShare, OutputError
from leukolens.finding.schema import ModelRef, Quality
from leukolens.report import About, Summary, View, space_needed, write_report

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = [
    "<script>alert(1)</script>.jpg",
    '"><img src=x onerror=alert(1)>.jpg',
    "' onmouseover='alert(1).jpg",
    "{{ 7 * 7 }}{% raw %}.jpg",
    "a&lt;b&amp;.jpg",
    "</style></script><!--.jpg",
    "\u202egpj.exe",
    "bad\udcff\x1b[31m.jpg",
]
VOID = {"meta", "img", "input", "rect", "stop", "br"}


class Page(HTMLParser):
    """Collects tags with attributes, the text, and whether tags nest."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.scripts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in {"script", "style"}:
            self.scripts.append(data)
        else:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def finding(source: str, **changes: object) -> Finding:
    values = {
        "source": source,
        "sha256": "ab" * 32,
        "status": "ok",
        "conclusion": "lymphoblasts",
        "p_all": 0.98,
        "label": "Pre-B",
        "probabilities": {"Benign": 0.02, "Early Pre-B": 0.03, "Pre-B": 0.9, "Pro-B": 0.05},
        "prediction_set": ["Pre-B"],
        "decision": "report",
        "novelty": 0.25,
        "quality": quality(),
        "models": [
            ModelRef(role="field", name="tiny", version="1", sha256="cd" * 32, engine="openvino", precision="f32")
        ],
        "width": 40,
        "height": 40,
        "notes": ["EXIF orientation 6 applied"],
    }
    return Finding.model_construct(**(values | changes)) if "\udcff" in source else Finding(**(values | changes))


def quality(**changes: object) -> Quality:
    values = {
        "focus": 0.8,
        "exposure": 71.0,
        "clipped_fraction": 0.0,
        "stain": 0.1,
        "red_cells": 0.3,
        "white_cells": 0.1,
        "burned_in": 0.012,
        "squeeze": 1.333,
        "squeeze_source": "picture",
        "flags": [],
    }
    return Quality.model_validate(values | changes)


def case(name: str, images: int = 1, decision: str = "report", p_all: float | None = 0.98) -> Case:
    nothing = KindShare(n=0, fraction=None, low=None, high=None)
    return Case.model_validate(
        {
            "case": name,
            "images": images,
            "cells": 0,
            "differential": {},
            "blasts": nothing,
            "p_all": p_all,
            "conclusion": "lymphoblasts",
            "decision": decision,
            "reasons": ["<b>because</b>"],
        }
    )


def spec() -> BundleSpec:
    return BundleSpec(
        schema="1",
        name="tiny",
        version="1",
        created=datetime(2026, 11, 1, tzinfo=UTC),
        networks={
            "field": FieldNetworkSpec(
                sha256="cd" * 32,
                architecture="tiny",
                labels=CLASSES,
                conformal=Conformal(alpha=0.05, threshold=0.5, n=312),
            )
        },
        provenance=Provenance(
            terms="cite <the> authors",
            figures={"held out": {"accuracy": {"value": 0.991, "low": 0.982, "high": 0.996}}, "other": [1.5, None]},
        ),
    )


def view(_: Finding) -> View:
    rgb = np.full((40, 40, 3), 230, np.uint8)
    cv2.circle(rgb, (20, 20), 8, (110, 50, 150), -1)
    evidence = np.zeros((40, 40), np.float32)
    evidence[10:30, 10:30] = 9.0
    return View(rgb, evidence, "Pre-B")


Write = Callable[..., tuple[Page, str, Summary]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def go(findings: list[Finding], cases: list[Case] | None = None, **options: object) -> tuple[Page, str, Summary]:
        path = tmp_path / "report.html"
        settings = {"case_of": lambda _: "c", "view_of": view} | options
        cases = [case("c", len(findings))] if cases is None else cases
        summary = write_report(path, findings, cases, **settings)
        html = path.read_text("utf-8")
        assert [one.name for one in tmp_path.iterdir()] == ["report.html"]
        return Page(html), html, summary

    return go


def test_page_says_what_it_must(write: Write) -> None:
    page, _, summary = write([finding("a.jpg")], about=About(spec=spec(), bundle_sha256="ef" * 32))
    assert summary.lymphoblasts == 1
    assert page.open == []
    for needed in (
        RESEARCH_USE,
        CLASS_NOTE,
        "a.jpg",
        "shows leukaemic lymphoblasts",
        "0.98",
        "Pre-B",
        "EXIF orientation 6 applied",
        "1.333, as recognised in the picture",
        "squeeze by 1.333 undone",
        "painted out, 1.2 % of the picture",
        "1.2 %",
        "openvino",
        "cd" * 32,
        "ef" * 32,
        "0.991 (0.982 to 0.996)",
        "cite <the> authors",
        "95.0 %",
        "312 pictures",
    ):
        assert needed in page.text, needed


def test_no_request_leaves_the_page_and_nothing_runs_but_its_own_script(write: Write) -> None:
    page, html, _ = write([finding("a.jpg")], about=About(spec=spec()))
    bare = re.sub(r"data:image/jpeg;base64,[\w+/=]*", "", html).replace("// The page", "")
    assert not re.search(r"https?:|//", bare)
    assert "@import" not in bare
    assert "url(" not in bare.replace("url(#scale)", "")
    for tag, attrs in page.tags:
        assert not [name for name in attrs if name.startswith("on") or name == "style"], tag
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            assert (attrs.get(name) or "#").startswith(("#", "data:image/jpeg;base64,")), (tag, name)
    assert not {tag for tag, _ in page.tags} & {"link", "iframe", "object", "embed", "base"}
    policy = next(one["content"] for one in page.all("meta") if one.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert len(page.scripts) == 2
    for text in page.scripts:
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text(write: Write, name: str) -> None:
    plain, _, _ = write([finding("a.jpg"), finding("a.jpg", status="error", reason="a.jpg", decision="review")])
    findings = [
        finding(name, label=name, prediction_set=[name], notes=[name, f"review: {name}"]),
        finding(name, status="error", reason=name, decision="review"),
    ]
    page, _, _ = write(findings, [case(name, 2)], case_of=lambda _: name)
    count = [sum(tag == wanted for tag, _ in page.tags) for wanted in ("script", "style", "img")]
    assert count == [1, 1, sum(tag == "img" for tag, _ in plain.tags)]
    assert page.open == []
    if name.isprintable():
        assert page.text.count(name) >= 5


def test_pictures_are_shown_in_true_shapes_with_words_for_those_who_do_not_see_them(write: Write) -> None:
    page, _, _ = write([finding("a.jpg")])
    pictures = page.all("img")
    assert len(pictures) == 2
    sizes = []
    for attrs in pictures:
        coded = base64.b64decode((attrs["src"] or "").partition(",")[2])
        shape = cv2.imdecode(np.frombuffer(coded, np.uint8), cv2.IMREAD_COLOR).shape
        sizes.append(shape[:2])
        assert (attrs["height"], attrs["width"]) == (str(shape[0]), str(shape[1]))
        assert "a.jpg" in (attrs["alt"] or "") or "Pre-B" in (attrs["alt"] or "")
    assert sizes == [(360, 480)] * 2


def test_picture_that_is_gone_is_told(write: Write) -> None:
    page, _, _ = write([finding("a.jpg")], view_of=lambda _: None)
    assert page.all("img") == []
    assert "could not be read again" in page.text


def test_refused_picture_is_shown_without_map_and_with_its_reason(write: Write) -> None:
    refused = finding(
        "a.jpg", status="refused", reason="no stain found", conclusion=None, p_all=None, label=None,
        probabilities=None, prediction_set=[], decision="review", models=[], quality=quality(flags=["no red cells"]),
    )  # fmt: skip
    page, _, _ = write([refused], view_of=lambda _: View(np.zeros((30, 40, 3), np.uint8)))
    assert len(page.all("img")) == 1
    for needed in ("Refused", "no stain found", "no red cells", "No network took part"):
        assert needed in page.text


def test_outside_the_domain_bars_say_so(write: Write) -> None:
    outside = finding(
        "a.jpg", conclusion=None, label=None, probabilities=None, prediction_set=[], decision="review",
        field=FieldFinding(probabilities={"Benign": 0.9, "Pre-B": 0.1}),
    )  # fmt: skip
    page, _, _ = write([outside])
    assert "outside its domain: not to be relied on" in page.text
    assert "none: no class is named" in page.text
    assert "Speaks for Pre-B, outside its domain" in page.text
    assert "0.98, outside its domain" in page.text


def test_review_comes_first_within_a_case_and_among_cases(write: Write) -> None:
    findings = [
        finding("x/1.jpg", p_all=0.2),
        finding("x/2.jpg", p_all=0.9),
        finding("y/3.jpg", p_all=0.1),
        finding("y/4.jpg", p_all=0.05, decision="review"),
    ]
    cases = [case("x", 2, p_all=0.9), case("y", 2, decision="review", p_all=0.1)]
    page, _, _ = write(findings, cases, case_of=lambda source: source[0])
    assert [one["id"] for one in page.all("article")] == ["p4", "p3", "p2", "p1"]


def test_at_most_so_many_pictures_and_all_rows(write: Write) -> None:
    findings = [finding(f"{i}.jpg", p_all=i / 50, decision="review" if i == 3 else "report") for i in range(50)]
    asked: list[str] = []

    def look(one: Finding) -> View:
        asked.append(one.source)
        return view(one)

    page, html, _ = write(findings, view_of=look, pictures=5)
    assert asked == ["3.jpg", "49.jpg", "48.jpg", "47.jpg", "46.jpg"]
    assert len(page.all("article")) == 5
    assert sum("data-item" in one for one in page.all("tr")) == 50
    assert "5 of 50 readable pictures are shown here" in page.text
    anchors = {attrs["id"] for _, attrs in page.tags if attrs.get("id")}
    targets = {one["href"] for one in page.all("a")}
    assert {(one or "").removeprefix("#") for one in targets} <= anchors
    assert len(html) < 400_000


def test_space_is_foreseen_on_the_high_side_but_not_wildly(write: Write) -> None:
    findings = [finding(f"{'folder/' * 5}{i}.jpg") for i in range(40)]
    _, html, _ = write(findings, pictures=30, about=About(spec=spec()))
    assert len(html.encode()) < space_needed(40, 30) < 30 * 200_000


def test_links_lead_somewhere_and_ids_are_unique(write: Write) -> None:
    findings = [finding("a.jpg"), finding("b.jpg", status="error", reason="empty", decision="review")]
    page, _, _ = write(findings, about=About(spec=spec()))
    ids = [attrs["id"] for _, attrs in page.tags if attrs.get("id")]
    assert len(ids) == len(set(ids))
    assert {(one["href"] or "").removeprefix("#") for one in page.all("a")} <= set(ids)


def test_nothing_to_tell_still_makes_a_page(write: Write) -> None:
    page, _, summary = write([], [])
    assert summary.pictures == 0
    assert "0 pictures." in page.text


def test_a_page_that_cannot_be_written_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write_report(tmp_path / "missing" / "report.html", [], [], case_of=lambda _: "c")


def test_a_page_that_fails_halfway_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")

    def fail(_: Finding) -> View:
        raise RuntimeError("decoder")

    with pytest.raises(RuntimeError, match="decoder"):
        write_report(path, [finding("a.jpg")], [case("c")], case_of=lambda _: "c", view_of=fail)
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["report.html"]
