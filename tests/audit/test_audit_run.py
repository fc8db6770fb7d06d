"""The whole audit on a rendered data set in which trouble was planted."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from audit_parts import PARTS
from audit_sets import Planted, render, save

from leukolens.audit.findings import AuditResult
from leukolens.audit.parts import Parts
from leukolens.audit.result import describe_audit
from leukolens.audit.run import Audit, Settings, audit
from leukolens.audit.steps import SKIPPABLE
from leukolens.data import open_catalogue
from leukolens.finding import DataError

WITHOUT_LABELS = Settings(skip=frozenset({"labels"}))


def describe(found: Audit) -> AuditResult:
    return describe_audit(found, "x", {"leukolens": "0", "packages": {}})


@pytest.mark.slow
class TestPlanted:
    def test_near_copies_are_found_however_turned_and_nothing_else(self, planted: Planted, result: AuditResult) -> None:
        found = {frozenset((pair.first.path, pair.second.path)) for pair in result.near_duplicates.pairs}
        assert found >= planted.near
        allowed = set().union(*planted.near) | set(planted.conflict)
        assert set().union(*found) <= allowed
        assert result.near_duplicates.recognised > 0.95

    def test_exact_copies_share_a_group(self, planted: Planted, audited: Audit) -> None:
        groups = {row.entry.path: row.duplicate for row in audited.rows}
        assert groups[planted.exact[0]] == groups[planted.exact[1]]
        assert len({groups[path] for path in set().union(*planted.near)}) == 1
        assert len(set(groups.values())) == len(groups) - 5

    def test_the_contradiction_fails_it(self, planted: Planted, result: AuditResult) -> None:
        assert [(one.pair.first.path, one.pair.second.path) for one in result.contradictions] == [planted.conflict]
        assert result.failed
        assert result.headline.startswith("The check failed")
        assert result.verdict[0].level == "failed"

    def test_wrong_labels_are_in_doubt(self, planted: Planted, result: AuditResult) -> None:
        flagged = [one.picture.path for one in result.labels.flagged]
        assert set(flagged) >= planted.wrong
        assert len(flagged) <= len(planted.wrong) + 4
        assert len(flagged) > result.labels.by_chance
        suggested = {one.picture.path: one.suggested for one in result.labels.flagged}
        assert suggested["blast/d-wrong.png"] == "normal"

    def test_what_is_odd_dark_or_blurred_is_found(self, planted: Planted, result: AuditResult) -> None:
        assert result.outliers.flagged[0].picture.path == planted.odd
        light = {one.picture.path: one.why for one in result.lighting.flagged}
        assert "out of focus" in light[planted.blurred]
        assert "under-exposed" in light[planted.dark]
        assert len(light) <= 4

    def test_parts_are_called_and_told(self, result: AuditResult) -> None:
        assert result.fields.status == result.sessions.status == result.probes.status == "done"
        assert result.fields.groups == 1
        assert result.fields.pairs[0].note == "shifted by 12 px"
        assert result.groups.field == result.groups.duplicate - 1
        assert result.groups.session == len({*range(result.groups.session)})
        assert sum(result.sessions.by_class.values()) >= 7
        assert [row[0] for row in result.probes.rows] == ["brightness", "brightness"]
        told = " ".join(one.text for one in result.verdict)
        assert "The class is given away by 1 of 2 shortcuts: brightness." in told

    def test_a_field_holds_all_copies_of_its_pictures(self, audited: Audit) -> None:
        field_of = {}
        for row in audited.rows:
            assert field_of.setdefault(row.duplicate, row.field) == row.field

    def test_the_json_reads_back_and_keeps_its_schema(self, result: AuditResult) -> None:
        content = json.loads(result.to_json())
        jsonschema.validate(content, AuditResult.model_json_schema(by_alias=True))
        assert content["kind"] == "leukolens audit"
        assert AuditResult.model_validate(content).verdict == result.verdict


def two_classes(root: Path, each: int, classes: tuple[str, ...] = ("A", "B")) -> Path:
    for place, label in enumerate(classes):
        for number in range(each):
            save(root / label / f"{number}.png", render(100 * place + number))
    return root


def test_skipped_parts_are_neither_measured_nor_done(tmp_path: Path) -> None:
    catalogue = open_catalogue(two_classes(tmp_path, 3))
    found = audit(catalogue, Settings(skip=frozenset(SKIPPABLE)), parts=PARTS)
    assert all(one.field is None and one.session is None and one.probe is None for one in found.measured)
    told = describe(found)
    for section in (told.fields, told.sessions, told.labels, told.outliers, told.probes):
        assert section.status == "skipped"
        assert "--skip" in section.reason
    assert told.groups.field is None


def test_one_class_gets_what_can_be_done_and_is_told_why_not_the_rest(tmp_path: Path) -> None:
    root = two_classes(tmp_path, 24, ("A",))
    save(root / "A" / "again.jpg", render(5), 85)
    told = describe(audit(open_catalogue(root), parts=PARTS))
    assert [(pair.first.path, pair.second.path) for pair in told.near_duplicates.pairs] == [("A/5.png", "A/again.jpg")]
    assert told.sessions.status == told.outliers.status == "done"
    assert told.labels.status == told.probes.status == "not possible"
    assert "at least two classes" in told.labels.reason
    assert "at least two classes" in told.probes.reason
    assert not told.failed
    assert any("at least two classes" in one.text for one in told.verdict)
    assert any(one.level == "warning" and "One class alone (A)" in one.text for one in told.verdict)
    assert "warning" in told.headline


def test_two_images(tmp_path: Path) -> None:
    told = describe(audit(open_catalogue(two_classes(tmp_path, 1)), parts=Parts()))
    assert told.groups.duplicate == 2
    assert "20 pictures" in told.labels.reason
    assert "20 are needed, and there are 2" in told.outliers.reason
    assert told.near_duplicates.unrelated_pairs == 0
    assert told.fields.status == "not possible"
    assert any(one.level == "warning" and "Fewer than 30 pictures of A (1), B (1)" in one.text for one in told.verdict)
    assert "warning" in told.headline


def test_two_images_that_are_one_contradict_each_other(tmp_path: Path) -> None:
    save(tmp_path / "A" / "x.png", render(1))
    save(tmp_path / "B" / "y.jpg", render(1), 80)
    told = describe(audit(open_catalogue(tmp_path), parts=Parts()))
    assert told.failed
    assert "under the labels 'A' and 'B'" in told.contradictions[0].what


def test_no_readable_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "A").mkdir()
    for number in range(3):
        (tmp_path / "A" / f"{number}.png").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"None of the 3 images can be read.*'A/0.png'.*leukolens data check"):
        audit(open_catalogue(tmp_path), WITHOUT_LABELS)


def test_some_unreadable_images_are_left_out_of_all_figures(tmp_path: Path) -> None:
    root = two_classes(tmp_path, 4)
    (root / "A" / "1.png").write_bytes(b"nothing")
    found = audit(open_catalogue(root), parts=replace(PARTS, fields=None))
    told = describe(found)
    assert [one.path for one in told.check.unreadable] == ["A/1.png"]
    assert len(found.items) == len(found.measured) == 7
    assert told.groups.duplicate == 7
    assert len(found.rows) == 8
    assert "1 of 8 files cannot be read" in " ".join(one.text for one in told.verdict)
