from __future__ import annotations

import hashlib
import os
import random
import unicodedata
from pathlib import Path

import pytest

from leukolens.data import Catalogue, catalogue_sha256, fingerprint, open_catalogue
from leukolens.finding import DataError
from leukolens.finding.paths import IMAGE_SUFFIXES, natural_key

KAGGLE = {
    "Original/Benign": ["WBC-Benign-001.png", "WBC-Benign-010.png", "WBC-Benign-2.png"],
    "Original/Early": ["e1.png"],
    "Original/Pre": ["p1.png", "p2.png"],
    "Original/Pro": ["o1.png"],
    "Segmented/Benign": ["s1.png"],
    "Segmented/Early": ["s2.png"],
    "Segmented/Pre": ["s3.png"],
    "Segmented/Pro": ["s4.png"],
}
FOUR = ("Benign", "Early Pre-B", "Pre-B", "Pro-B")


def paths(catalogue: Catalogue) -> list[str]:
    return [item.path for item in catalogue.items]


def refused(error: pytest.ExceptionInfo[DataError], *words: str) -> None:
    for word in words:
        assert word in str(error.value)


# order --------------------------------------------------------------------------------------------------------------


def test_numbers_are_ordered_as_numbers_and_part_by_part() -> None:
    wanted = ["a/img-2.png", "a/img-10.png", "A/img-11.png", "a/img-x.png", "a-1/img-1.png", "b/1.png", "b/01.png"]
    shuffled = random.Random(1).sample(wanted, len(wanted))
    assert sorted(shuffled, key=natural_key)[:5] == wanted[:5]
    assert sorted(["b/01.png", "b/1.png"], key=natural_key) == sorted(["b/1.png", "b/01.png"], key=natural_key)


def test_order_compares_digits_with_text_without_failing() -> None:
    assert min(["1", "a", "", "٣", "a1", "1a"], key=natural_key) == ""


# class folders ------------------------------------------------------------------------------------------------------


def test_class_folders_with_nested_folders_and_unicode(tree) -> None:
    root = tree({"Zelle ä": ["10.png", "9.png"], "正常": ["深い/1.JPG", "2.webp"], "empty": []})
    catalogue = open_catalogue(root)
    assert catalogue.layout == "class folders"
    assert catalogue.classes == ("Zelle ä", "正常")
    assert paths(catalogue) == ["Zelle ä/9.png", "Zelle ä/10.png", "正常/2.webp", "正常/深い/1.JPG"]
    assert catalogue.negative is None
    assert catalogue.counts() == {"Zelle ä": 2, "正常": 2}
    assert any("empty" in note for note in catalogue.notes)
    for item in catalogue.items:
        assert item.bytes == catalogue.locate(item).stat().st_size
        assert item.sha256 is None
        assert item.patient is None


def test_labels_are_composed_unicode_and_paths_stay_as_they_are(tree) -> None:
    name = unicodedata.normalize("NFD", "Kälte")
    catalogue = open_catalogue(tree({name: ["1.png"], "b": ["1.png"]}))
    assert "Kälte" in catalogue.classes
    assert all(catalogue.locate(item).is_file() for item in catalogue.items)


@pytest.mark.skipif(os.name == "nt" or os.uname().sysname == "Darwin", reason="file names must be Unicode here")
def test_a_name_that_is_no_unicode_can_be_listed_and_hashed(tree, draw) -> None:
    root = tree({"a": ["1.png"], "b": ["1.png"]})
    (root / "a" / "1.png").rename(root / "a" / os.fsdecode(b"\xff\xfe.png"))
    catalogue = fingerprint(open_catalogue(root))
    assert len(catalogue) == 2
    assert len(catalogue_sha256(catalogue)) == 64


def test_hidden_files_loose_images_and_other_files_are_no_items(tree, draw) -> None:
    root = tree({"a": ["1.png"], "b": ["1.png"], ".cache": ["x.png"], "__MACOSX": ["y.png"]})
    draw(root / "loose.png", 9)
    draw(root / "a" / "._1.png", 10)
    (root / "a" / "notes.txt").write_text("no image")
    catalogue = open_catalogue(root)
    assert paths(catalogue) == ["a/1.png", "b/1.png"]
    assert any("loose.png" in note for note in catalogue.notes)


def test_link_loops_end_and_links_to_images_count(tree) -> None:
    root = tree({"a": ["1.png"], "b": ["1.png", "deep/2.png"]})
    (root / "a" / "loop").symlink_to(root / "a", target_is_directory=True)
    (root / "b" / "deep" / "up").symlink_to(root / "b", target_is_directory=True)
    (root / "b" / "self").symlink_to(root / "b" / "self")
    (root / "a" / "2.png").symlink_to(root / "b" / "1.png")
    assert paths(open_catalogue(root)) == ["a/1.png", "a/2.png", "b/1.png", "b/deep/2.png"]


def test_pipes_and_broken_links_are_left_out_and_named(tree) -> None:
    root = tree({"a": ["1.png"], "b": ["1.png"]})
    os.mkfifo(root / "a" / "pipe.png")
    (root / "a" / "broken.png").symlink_to(root / "nowhere.png")
    catalogue = open_catalogue(root)
    assert paths(catalogue) == ["a/1.png", "b/1.png"]
    assert sum("no regular file" in note for note in catalogue.notes) == 2


@pytest.mark.parametrize("names", [["train", "test"], ["Train", "val", "TEST"]])
def test_folders_of_a_split_are_not_taken_for_classes(tree, names: list[str]) -> None:
    with pytest.raises(DataError) as error:
        open_catalogue(tree({name: ["x/1.png"] for name in names}))
    refused(error, "one folder a class")


@pytest.mark.parametrize("kind", ["missing", "empty", "text file", "only loose"])
def test_no_data_set_says_what_is_expected(tmp_path: Path, draw, kind: str) -> None:
    place = tmp_path / "place"
    if kind == "text file":
        place.write_text("x")
    elif kind != "missing":
        place.mkdir()
    if kind == "only loose":
        draw(place / "1.png", 1)
    with pytest.raises(DataError) as error:
        open_catalogue(place)
    refused(error, "Expected", "place")
    assert error.value.todo


def test_own_negative_classes(tree) -> None:
    root = tree({"blast": ["1.png"], "normal": ["1.png"], "reactive": ["1.png"]})
    assert open_catalogue(root, negative=["reactive", "normal"]).negative == ("normal", "reactive")
    with pytest.raises(DataError) as error:
        open_catalogue(root, negative=["normel"])
    refused(error, "'normel'", "Did you mean 'normal'")


def test_classes_asked_for_give_the_order_and_refuse_others(tree) -> None:
    root = tree({"blast": ["1.png"], "normal": ["1.png"]})
    assert open_catalogue(root, classes=["normal", "blast", "third"]).classes == ("normal", "blast", "third")
    with pytest.raises(DataError) as error:
        open_catalogue(root, classes=["normal", "blasts"])
    refused(error, "'blast'", "Did you mean 'blasts'")


# the Kaggle layout --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("below", "prefix"), [("", "Original/"), ("Original", "")])
def test_kaggle_layout(tree, below: str, prefix: str) -> None:
    catalogue = open_catalogue(tree(KAGGLE) / below)
    assert catalogue.layout == "taleqani"
    assert catalogue.classes == FOUR
    assert catalogue.negative == ("Benign",)
    assert catalogue.counts() == dict(zip(FOUR, (3, 1, 2, 1), strict=True))
    assert paths(catalogue)[:3] == [f"{prefix}Benign/WBC-Benign-{n}.png" for n in ("001", "2", "010")]
    assert not any("Segmented" in path for path in paths(catalogue))
    assert bool(prefix) == any("Segmented" in note for note in catalogue.notes)


def test_kaggle_layout_one_folder_down(tree, tmp_path: Path) -> None:
    tree(KAGGLE, tmp_path / "outer" / "versions")
    catalogue = open_catalogue(tmp_path / "outer")
    assert catalogue.layout == "taleqani"
    assert paths(catalogue)[0] == "versions/Original/Benign/WBC-Benign-001.png"


def test_the_same_images_have_one_hash_however_they_are_entered(tree, tmp_path: Path) -> None:
    root = tree(KAGGLE, tmp_path / "outer" / "inner")
    hashes = {
        catalogue_sha256(fingerprint(open_catalogue(place))) for place in (root, root / "Original", tmp_path / "outer")
    }
    assert len(hashes) == 1
    assert catalogue_sha256(fingerprint(open_catalogue(root / "Segmented"))) not in hashes


def test_segmented_alone_and_part_of_the_classes(tree) -> None:
    root = tree({"Original/Benign": ["1.png"], "Original/Pro": ["1.png"], "Segmented/Pro": ["1.png"]})
    assert open_catalogue(root).classes == ("Benign", "Pro-B")
    segmented = open_catalogue(root / "Segmented")
    assert (segmented.layout, segmented.classes, segmented.negative) == ("taleqani-segmented", ("Pro-B",), ())


def test_original_and_segmented_with_other_classes_are_not_mixed(tree) -> None:
    root = tree({"Original/x": ["1.png"], "Original/y": ["1.png"], "Segmented/x": ["1.png"]})
    with pytest.raises(DataError) as error:
        open_catalogue(root)
    refused(error, "'Original' itself")
    assert open_catalogue(root / "Original").classes == ("x", "y")


def test_some_of_the_four_names_elsewhere_are_somebodys_own_classes(tree) -> None:
    catalogue = open_catalogue(tree({"Benign": ["1.png"], "Pre": ["1.png"]}))
    assert (catalogue.layout, catalogue.classes, catalogue.negative) == ("class folders", ("Benign", "Pre"), None)


# tables -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def images(tree) -> Path:
    return tree({"pics": ["2.png", "10.png", "1.png"], "more": ["ä ö.png"]})


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_table_with_own_columns(images: Path, tmp_path: Path, mark: str) -> None:
    rows = ["file|diagnosis|who|free", "pics/2.png|blast|P2|x", "pics/10.png|normal|P1|", "", "more/ä ö.png|blast|P1"]
    table = tmp_path / "table.csv"
    table.write_text("\ufeff" + "\r\n".join(row.replace("|", mark) for row in rows) + "\r\n", encoding="utf-8")
    catalogue = open_catalogue(
        images, labels=table, label_column="diagnosis", path_column="file", patient_column="who", negative=["normal"]
    )
    assert [(item.path, item.label, item.patient) for item in catalogue.items] == [
        ("more/ä ö.png", "blast", "P1"),
        ("pics/2.png", "blast", "P2"),
        ("pics/10.png", "normal", "P1"),
    ]
    assert (catalogue.layout, catalogue.classes, catalogue.negative) == ("csv", ("blast", "normal"), ("normal",))


def test_table_may_be_the_data_set(images: Path) -> None:
    table = images / "labels.csv"
    table.write_text("path,label\npics/1.png,a\n./pics/2.png,b\n")
    catalogue = open_catalogue(table)
    assert catalogue.root == images
    assert paths(catalogue) == ["pics/1.png", "pics/2.png"]
    assert catalogue.items[0].patient is None


def test_table_with_backslashes_and_absolute_paths(images: Path) -> None:
    table = images / "labels.csv"
    table.write_text(f"path,label\npics\\1.png,a\n{images / 'pics' / '2.png'},b\n")
    assert paths(open_catalogue(images, labels=table)) == ["pics/1.png", "pics/2.png"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("path,label\npics/1.png,a\npics/1.png,b\n", ["twice", "rows 2 and 3"]),
        ("path,label\npics/1.png,a\npics//./1.png,b\n", ["twice"]),
        ("path,label\n../secret.png,a\n", ["leaves the data set", "row 2"]),
        ("path,label\npics/../../secret.png,a\n", ["leaves the data set"]),
        ("path,label\n/etc/passwd,a\n", ["leaves the data set"]),
        ("path,label\nC:\\pics\\1.png,a\n", ["leaves the data set"]),
        ("path,label\npics/1.png,\n", ["no 'label'", "Row 2"]),
        ("path,label\npics/1.png\n", ["no 'label'"]),
        ("path,label\npics/1.png,NaN\n", ["no 'label'"]),
        ("path,label\n,a\n", ["no 'path'"]),
        ("path,label\npics/1.png,a\npics/3.png,a\npics/4.png,a\n", ["2 of the images", "'pics/3.png'", "not there"]),
        ("path,label\npics,a\n", ["1 of the images"]),
        ("path,lable\npics/1.png,a\n", ["no column 'label'", "Did you mean 'lable'"]),
        ("path,label,label\npics/1.png,a,b\n", ["2 columns 'label'"]),
        ("path,label\n", ["only a header"]),
        ("", ["no column 'path'"]),
        ('path,label\n"pics/1.png,a\n', ["cannot be read"]),
        ("path,label\npics/1\0.png,a\n", []),
    ],
)
def test_table_that_does_not_fit(images: Path, text: str, words: list[str]) -> None:
    table = images / "labels.csv"
    table.write_text(text)
    with pytest.raises(DataError) as error:
        open_catalogue(images, labels=table)
    refused(error, *words)
    assert error.value.exit_code == 2


def test_table_with_an_empty_patient_or_no_such_column_or_no_file(images: Path) -> None:
    table = images / "labels.csv"
    table.write_text("path,label,patient\npics/1.png,a,P1\npics/2.png,b,\n")
    with pytest.raises(DataError, match=r"Row 3 of labels\.csv has no 'patient'"):
        open_catalogue(images, labels=table, patient_column="patient")
    with pytest.raises(DataError, match="Did you mean 'patient'"):
        open_catalogue(images, labels=table, patient_column="patients")
    with pytest.raises(DataError, match=r"none\.csv"):
        open_catalogue(images, labels=images / "none.csv")
    with pytest.raises(DataError, match="without a table"):
        open_catalogue(images, patient_column="patient")


# fingerprints -------------------------------------------------------------------------------------------------------


def test_fingerprint_hashes_every_file_and_leaves_nothing_behind(tree) -> None:
    root = tree({"a": ["1.png", "2.png"], "b": ["1.png"]})
    before = sorted(root.rglob("*"))
    opened, seen = open_catalogue(root), []
    catalogue = fingerprint(opened, progress=seen.append)
    assert seen == [1, 2, 3]
    for item in catalogue.items:
        assert item.sha256 == hashlib.sha256(catalogue.locate(item).read_bytes()).hexdigest()
    assert sorted(root.rglob("*")) == before
    assert all(item.sha256 is None for item in opened.items)
    with pytest.raises(DataError, match="fingerprint"):
        catalogue_sha256(opened)


def test_fingerprint_of_a_file_that_has_gone(tree) -> None:
    catalogue = open_catalogue(tree({"a": ["1.png"], "b": ["1.png"]}))
    catalogue.locate(catalogue.items[0]).unlink()
    with pytest.raises(DataError, match=r"'a/1.png' cannot be read"):
        fingerprint(catalogue)


def test_catalogue_hash_changes_with_content_and_name_only(tree, draw) -> None:
    root = tree({"a": ["1.png"], "b": ["1.png"]})
    first = catalogue_sha256(fingerprint(open_catalogue(root)))
    os.utime(root / "a" / "1.png", (0, 0))
    assert catalogue_sha256(fingerprint(open_catalogue(root))) == first
    draw(root / "a" / "1.png", 77)
    second = catalogue_sha256(fingerprint(open_catalogue(root)))
    (root / "a" / "1.png").rename(root / "a" / "2.png")
    assert len({first, second, catalogue_sha256(fingerprint(open_catalogue(root)))}) == 3


def test_documentation_names_every_ending_of_an_image() -> None:
    text = (Path(__file__).parents[2] / "docs" / "data.md").read_text("utf-8")
    assert {f"`{ending}`" for ending in IMAGE_SUFFIXES} <= set(text.split("## Fetching")[0].replace(",", " ").split())
