from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from data_sets import catalogue_of, group_rows, plain_set, write_rows

from leukolens.data import read_groups
from leukolens.data.groups import interleaved, runs
from leukolens.finding import DataError

if TYPE_CHECKING:
    from pathlib import Path

Rows = list[dict[str, str]]


def in_tens(label: str, at: int) -> str:
    return f"{label} {at // 10}"


def test_groups_are_read_in_the_order_of_the_catalogue(tmp_path: Path) -> None:
    catalogue = plain_set(a=20, b=20)
    rows = group_rows(catalogue, in_tens)
    path = write_rows(tmp_path / "groups.csv", [row | {"blur": "0.1"} for row in reversed(rows)])
    groups = read_groups(path, catalogue)
    assert groups.names["session_group"] == tuple(row["session_group"] for row in rows)
    assert groups.names["duplicate_group"] == (None,) * 40
    assert (groups.file, groups.sha256) == ("groups.csv", hashlib.sha256(path.read_bytes()).hexdigest())
    assert groups.keys(["duplicate_group", "session_group"])[39] == [("session_group", "b 1")]


def test_the_same_images_entered_elsewhere_have_the_same_groups(tmp_path: Path) -> None:
    catalogue = replace(plain_set(Benign=4, Pre=4), layout="taleqani")
    rows = [row | {"path": f"Original/{row['path']}"} for row in group_rows(catalogue, in_tens)]
    assert read_groups(write_rows(tmp_path / "g.csv", rows), catalogue).names["session_group"][0] == "Benign 0"


def without(column: str) -> Any:
    def change(rows: Rows) -> Rows:
        return [{name: value for name, value in row.items() if name != column} for row in rows]

    return change


def first_row(**values: str) -> Any:
    return lambda rows: [rows[0] | values, *rows[1:]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without("field_group"), "no column 'field_group'"),
        (without("sha256"), "no column 'sha256'"),
        (lambda rows: [row | {"path": f"other/{row['path']}"} for row in rows], "another data set"),
        (lambda rows: rows[1:], r"1 images without a row, 'a/00001.png' first"),
        (lambda rows: [*rows, rows[0] | {"path": "a/new.png"}], "1 images with a row that are not in the data set"),
        (first_row(sha256="0" * 64), "'a/00001.png' has another file"),
        (first_row(label="b"), "'a/00001.png' has another label"),
        (lambda rows: [*rows, rows[0]], "stands twice"),
        (lambda rows: [*rows, rows[0] | {"field_group": "x"}], "stands twice"),
    ],
)
def test_a_groups_file_that_does_not_fit_is_refused(tmp_path: Path, change: Any, words: str) -> None:
    catalogue = plain_set(a=5, b=5)
    path = write_rows(tmp_path / "groups.csv", change(group_rows(catalogue, in_tens)))
    with pytest.raises(DataError, match=words) as error:
        read_groups(path, catalogue)
    assert error.value.expected
    assert error.value.found
    assert "leukolens audit" in (error.value.todo or "")


def test_copies_in_two_fields_contradict_each_other(tmp_path: Path) -> None:
    catalogue = catalogue_of([("a", "same", None), ("a", "same", None), ("b", "b", None)])
    with pytest.raises(DataError, match=r"'a/00001.png' and 'a/00002.png' are the same file"):
        read_groups(write_rows(tmp_path / "groups.csv", group_rows(catalogue, in_tens)), catalogue)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b'path,"sha', b"path;sha256\n"])
def test_what_is_no_groups_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "groups.csv").write_bytes(content)
    with pytest.raises(DataError, match=r"groups\.csv"):
        read_groups(tmp_path / "groups.csv", plain_set(a=2, b=2))
    with pytest.raises(DataError, match="No groups file"):
        read_groups(tmp_path / "none.csv", plain_set(a=2, b=2))


def test_a_row_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    catalogue = plain_set(a=2, b=2)
    path = write_rows(tmp_path / "groups.csv", group_rows(catalogue, in_tens))
    path.write_text(path.read_text()[:-12])
    with pytest.raises(DataError, match="Line 5"):
        read_groups(path, catalogue)


def test_sessions_that_alternate_are_interleaved() -> None:
    assert runs([]) == []
    assert runs(["a", "a", "b", "a"]) == [2, 1, 1]
    assert not interleaved([])
    assert not interleaved(["a", "a", "b", "b", "a", "a"])
    assert not interleaved([f"{n // 10}" for n in range(100)])
    assert not interleaved([f"{n}" for n in range(100)])
    assert not interleaved(["a", "b"] * 2)
    assert interleaved(["a", "b"] * 3)
    assert interleaved(["a", "b"] * 30 + ["a"] * 50)
    assert not interleaved(["a", "b"] * 20 + ["a"] * 50)
    assert not interleaved([None] * 9)


@pytest.mark.parametrize(
    ("content", "message", "found"),
    [
        ("", "groups.csv is empty", "no line"),
        ("\n \n", "groups.csv is empty", "no line"),
        (
            "path,sha256,label,duplicate_group,field_group,session_group\n",
            "groups.csv has no rows",
            "its header alone",
        ),
    ],
)
def test_an_empty_groups_file_is_told_as_such(tmp_path: Path, content: str, message: str, found: str) -> None:
    (tmp_path / "groups.csv").write_text(content)
    with pytest.raises(DataError) as error:
        read_groups(tmp_path / "groups.csv", plain_set(a=2, b=2))
    assert error.value.message == message
    assert error.value.found == found
    assert error.value.expected
    assert "leukolens audit DATA" in (error.value.todo or "")
