from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from leukolens.data import open_catalogue
from leukolens.data.check import check_data, prepare_folder, write_check
from leukolens.data.manifest import MANIFEST_COLUMNS, pixel_sha256, read_entries
from leukolens.finding import OutputError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_clean_set_is_counted(tree) -> None:
    catalogue = open_catalogue(tree({"a": ["1.png", "2.png"], "b": ["1.bmp"]}), negative=["b"])
    seen: list[int] = []
    check, entries = check_data(catalogue, progress=seen.append)
    assert seen == [1, 2, 3]
    assert (check.images, check.classes, check.negative) == (3, {"a": 2, "b": 1}, ["b"])
    assert [size.model_dump() for size in check.sizes] == [{"width": 20, "height": 16, "n": 3}]
    assert check.formats == {"PNG": 2, "BMP": 1}
    assert check.modes == {"RGB": 3}
    assert (check.unreadable, check.duplicates, check.conflicts, check.patients) == ([], [], [], None)
    assert check.bytes == sum(entry.bytes for entry in entries) == sum(item.bytes for item in catalogue.items)


def test_broken_files_are_named_and_the_rest_is_read(tree) -> None:
    root = tree({"a": ["1.png", "2.png"], "b": ["1.png"]})
    whole = (root / "a" / "1.png").read_bytes()
    (root / "a" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (root / "a" / "empty.jpg").touch()
    (root / "b" / "text.jpg").write_text("no image at all")
    check, entries = check_data(open_catalogue(root))
    assert [found.path for found in check.unreadable] == ["a/cut.png", "a/empty.jpg", "b/text.jpg"]
    assert all(found.reason for found in check.unreadable)
    assert check.images == 6
    assert sum(size.n for size in check.sizes) == 3
    row = next(entry for entry in entries if entry.path == "b/text.jpg")
    assert row.sha256 == hashlib.sha256(b"no image at all").hexdigest()
    assert (row.pixel_sha256, row.width, row.height, row.bytes) == (None, None, None, 15)
    assert check.catalogue_sha256 is not None


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_a_file_without_permission_is_unreadable(tree) -> None:
    root = tree({"a": ["1.png"], "b": ["1.png"]})
    (root / "a" / "1.png").chmod(0)
    check, entries = check_data(open_catalogue(root))
    assert len(check.unreadable) == 1
    assert entries[0].sha256 is None
    assert check.catalogue_sha256 is None


def test_a_file_that_goes_away_is_unreadable(tree) -> None:
    catalogue = open_catalogue(tree({"a": ["1.png"], "b": ["1.png"]}))
    catalogue.locate(catalogue.items[0]).unlink()
    check, entries = check_data(catalogue)
    assert [found.path for found in check.unreadable] == ["a/1.png"]
    assert entries[0].sha256 is None
    assert check.catalogue_sha256 is None


def test_duplicates_by_bytes_and_by_pixels_and_contradictions(tree) -> None:
    root = tree({"a": ["1.png", "2.png", "3.png"], "b": ["1.png", "2.png"]})
    shutil.copy(root / "a" / "1.png", root / "a" / "copy.png")
    Image.open(root / "a" / "2.png").save(root / "a" / "same pixels.bmp")
    shutil.copy(root / "a" / "3.png", root / "b" / "other class.png")
    check, _ = check_data(open_catalogue(root))
    assert [(found.same, found.paths, found.labels) for found in check.duplicates] == [
        ("bytes", ("a/1.png", "a/copy.png"), ("a",)),
        ("bytes", ("a/3.png", "b/other class.png"), ("a", "b")),
        ("pixels", ("a/2.png", "a/same pixels.bmp"), ("a",)),
    ]
    assert [found.paths for found in check.conflicts] == [("a/3.png", "b/other class.png")]


def test_one_image_of_two_patients_is_a_contradiction(tree) -> None:
    root = tree({"a": ["1.png", "2.png"]})
    shutil.copy(root / "a" / "1.png", root / "a" / "3.png")
    (root / "t.csv").write_text("path,label,patient\na/1.png,x,P1\na/2.png,y,P1\na/3.png,x,P2\n")
    check, _ = check_data(open_catalogue(root / "t.csv", patient_column="patient"))
    assert check.patients == 2
    assert [found.patients for found in check.conflicts] == [("P1", "P2")]


def test_colour_modes_and_what_was_done_to_read(tree) -> None:
    root = tree({"a": ["1.png"], "b": ["1.png"]})
    grey = np.arange(20 * 16, dtype=np.uint16).reshape(16, 20).astype(np.uint8)
    Image.fromarray(grey).save(root / "a" / "grey.png")
    Image.open(root / "a" / "1.png").convert("CMYK").save(root / "b" / "print.jpg")
    shutil.copy(root / "b" / "1.png", root / "b" / "misnamed.jpg")
    check, _ = check_data(open_catalogue(root))
    assert check.modes == {"RGB": 3, "L": 1, "CMYK": 1}
    assert check.reading


def test_the_same_pixels_in_another_shape_are_another_picture() -> None:
    pixels = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    assert pixel_sha256(pixels) == hashlib.sha256(b"6x4:" + pixels.tobytes()).hexdigest()
    assert pixel_sha256(pixels) != pixel_sha256(pixels.reshape(6, 4, 3))
    assert pixel_sha256(pixels[:, ::-1]) == pixel_sha256(pixels[:, ::-1].copy())


def test_manifest_and_json_on_disk(tree, tmp_path: Path) -> None:
    root = tree({"a": ['odd, "name" ü.png', "2.png"], "b": ["1.png"]})
    (root / "b" / "2.jpg").write_bytes(b"")
    check, entries = check_data(open_catalogue(root))
    prepare_folder(tmp_path / "out" / "deep", len(entries))
    written = write_check(check, entries, tmp_path / "out" / "deep")
    assert [path.name for path in written] == ["manifest.csv", "check.json"]
    assert hashlib.sha256(written[0].read_bytes()).hexdigest() == check.manifest_sha256
    with written[0].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == MANIFEST_COLUMNS
    assert [row["path"] for row in rows] == ["a/2.png", 'a/odd, "name" ü.png', "b/1.png", "b/2.jpg"]
    assert rows[0]["sha256"] == hashlib.sha256((root / "a" / "2.png").read_bytes()).hexdigest()
    assert (rows[0]["width"], rows[0]["height"], rows[0]["label"], rows[0]["patient"]) == ("20", "16", "a", "")
    assert (rows[3]["width"], rows[3]["bytes"]) == ("", "0")
    assert json.loads(written[1].read_text()) == check.model_dump(by_alias=True, mode="json")


def test_the_manifest_does_not_depend_on_the_number_of_workers(tree) -> None:
    catalogue = open_catalogue(tree({"a": [f"{n}.png" for n in range(12)], "b": ["1.png"]}))
    assert read_entries(catalogue, workers=1) == read_entries(catalogue, workers=2)


def test_an_interrupt_ends_the_reading(tree) -> None:
    catalogue = open_catalogue(tree({"a": [f"{n}.png" for n in range(6)], "b": ["1.png"]}))

    def stop(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_entries(catalogue, progress=stop)


def test_a_folder_that_cannot_be_written_to_is_found_first(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError) as error:
        prepare_folder(tmp_path / "file" / "out", 1)
    assert error.value.exit_code == 2


@pytest.mark.skipif(os.name == "nt" or os.uname().sysname == "Darwin", reason="file names must be Unicode here")
def test_a_name_that_is_no_unicode_is_reported_and_written(tree, tmp_path: Path) -> None:
    root = tree({"a": ["1.png"], "b": ["1.png"]})
    name = os.fsdecode(b"\xff.png")
    (root / "a" / "1.png").rename(root / "a" / name)
    (root / "a" / os.fsdecode(b"\xfe.jpg")).write_text("broken")
    check, entries = check_data(open_catalogue(root))
    assert check.unreadable[0].path == "a/\\udcfe.jpg"
    manifest, summary = write_check(check, entries, tmp_path)
    assert b"a/\xff.png" in manifest.read_bytes()
    assert "udcfe" in summary.read_text()
