from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import numpy as np
import pytest
from audit_parts import describe
from audit_sets import render, save, write_table

from leukolens.audit.group_table import encode_groups, group_rows
from leukolens.audit.picture import Picture, look_at
from leukolens.audit.run import Settings, audit
from leukolens.audit.scan import Describers, readable, scan
from leukolens.data import open_catalogue
from leukolens.data.manifest import Entry, read_entries
from leukolens.finding import DataError
from leukolens.smear.synth import render_field


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("scan")
    for number in range(6):
        save(root / "A" / f"{number}.png", render(number))
        save(root / "B" / f"{number}.jpg", render(50 + number), 90)
    (root / "A" / "broken.png").write_bytes(b"no picture")
    (root / "B" / "empty.jpg").touch()
    return root


def test_manifest_lines_are_those_of_data_check(small: Path) -> None:
    catalogue = open_catalogue(small)
    records = scan(catalogue, Describers(), jobs=1)
    assert [record.entry for record in records] == read_entries(catalogue)
    assert [records[number].entry.path for number in range(len(records)) if number not in readable(records)] == [
        "A/broken.png",
        "B/empty.jpg",
    ]


@pytest.mark.slow
def test_processes_give_what_one_gives(small: Path) -> None:
    catalogue, counted = open_catalogue(small), []
    alone = scan(catalogue, Describers(field=describe), jobs=1)
    shared = scan(catalogue, Describers(field=describe), jobs=2, progress=counted.append)
    assert counted == list(range(1, len(catalogue) + 1))
    for one, other in zip(alone, shared, strict=True):
        assert one.entry == other.entry
        assert (one.measured is None) == (other.measured is None)
        if one.measured is not None and other.measured is not None:
            assert one.measured.light == other.measured.light
            assert one.measured.field == other.measured.field
            assert one.measured.field[0] == Path(one.entry.path).stem
            assert np.array_equal(one.measured.hashes.bits, other.measured.hashes.bits)
            assert np.array_equal(one.measured.features, other.measured.features)


def end_abruptly(picture: Picture) -> None:
    os._exit(9)


@pytest.mark.slow
def test_a_process_that_ends_abruptly_is_told(small: Path) -> None:
    with pytest.raises(DataError, match=r"ended abruptly.*--jobs 1"):
        scan(open_catalogue(small), Describers(field=end_abruptly), jobs=2)


def test_marks_are_painted_out(tmp_path: Path) -> None:
    marked, plain = (render_field(3, width=640, height=480, scale_bar=bar).pixels for bar in ("100 pixel", None))
    seen = look_at(tmp_path / "x.png", marked)
    assert seen.marks.any()
    assert np.array_equal(seen.rgb, marked)
    assert (
        np.abs(seen.clean.astype(int) - plain)[seen.marks].mean()
        < 0.5 * np.abs(marked.astype(int) - plain)[seen.marks].mean()
    )
    untouched = look_at(tmp_path / "x.png", render(3))
    assert untouched.clean is untouched.rgb


def test_large_pictures_are_reduced(tmp_path: Path) -> None:
    assert look_at(tmp_path / "x.png", np.full((900, 1300, 3), 220, np.uint8)).small.shape == (443, 640, 3)


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def test_groups_are_named_in_the_order_of_the_files() -> None:
    entries = [
        Entry("A/1.png", "A", "p1", 5, "aa", "x"),
        Entry("A/2.png", "A", None, 5, "bb", None, reason="cut off"),
        Entry("A/3.png", "A", "p1", 5, "cc", "y"),
        Entry("B/1.png", "B", None, 5, "bb", None, reason="cut off"),
        Entry("B/2.png", "B", None, 5, "aa", "x"),
        Entry("B/3.png", "B", None, 0, None, None, reason="gone"),
    ]
    content = encode_groups(group_rows(entries, [0, 2, 4], [0, 1, 0], [7, 7, 7], [3, 3, 9]))
    found = rows_of(content)
    assert list(found[0]) == [
        "path",
        "sha256",
        "label",
        "patient",
        "duplicate_group",
        "field_group",
        "session_group",
        "readable",
    ]
    assert [row["duplicate_group"] for row in found] == ["d1", "d2", "d3", "d2", "d1", "d4"]
    assert [row["field_group"] for row in found] == ["f1", "f2", "f1", "f2", "f1", "f3"]
    # The copy in B takes the session of the first, whatever was found for itself.
    assert [row["session_group"] for row in found] == ["s1", "", "s1", "", "s1", ""]
    assert [row["readable"] for row in found] == ["yes", "no", "yes", "no", "yes", "no"]
    assert found[0]["patient"] == "p1"


def test_what_was_not_sought_stays_empty() -> None:
    entries = [Entry("A/1.png", "A", None, 5, "aa", "x")]
    (row,) = rows_of(encode_groups(group_rows(entries, [0], [0], None, None)))
    assert (row["field_group"], row["session_group"]) == ("", "")


def test_the_groups_file_is_the_same_from_another_folder_and_table(tmp_path: Path) -> None:
    pytest.importorskip("faiss", reason="needs leukolens[audit]")
    for number in range(8):
        save(tmp_path / "x" / "A" / f"{number}.png", render(number % 6))
    skip = Settings(skip=frozenset({"labels"}))
    first = audit(open_catalogue(tmp_path / "x"), skip).groups_csv
    (tmp_path / "x").rename(tmp_path / "y")
    assert audit(open_catalogue(tmp_path / "y"), skip).groups_csv == first
    table = write_table(tmp_path / "t.csv", [(f"A/{n}.png", "A", "p") for n in range(8)])
    other = audit(open_catalogue(tmp_path / "y", labels=table, patient_column="patient"), skip).groups_csv
    assert [row["duplicate_group"] for row in rows_of(other)] == [row["duplicate_group"] for row in rows_of(first)]
    assert rows_of(first)[6]["duplicate_group"] == "d1"
