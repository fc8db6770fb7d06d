"""Folds as one run: every image once, every fold told, what is missing said."""

from __future__ import annotations

import csv
import json
import shutil

import pytest
from assess_runs import CLASSES, write_run

from leukolens.assess.folds import aggregate_folds, folds_line, write_folds
from leukolens.assess.run_groups import group_images_of
from leukolens.assess.runs import claim_run_folder, read_run
from leukolens.data.split import Fold, Split, SplitItem, sealed, write_split
from leukolens.finding import DataError, OutputError


def a_split(images=120, folds=3, method="random-image", size=1) -> Split:
    """As `write_run` deals the images; `size` neighbours of a fold are one group."""
    from assess_runs import sha

    parts = [tuple(range(number, images, folds)) for number in range(folds)]
    group = {
        index: number * images + place // size for number, part in enumerate(parts) for place, index in enumerate(part)
    }
    return sealed(
        Split(
            method=method,
            seed=0,
            parameters={},
            labels=CLASSES,
            layout="folders",
            grouping="neighbours",
            leaky=method == "random-image",
            note="",
            catalogue_sha256="c" * 64,
            items=tuple(
                SplitItem(path=f"{i}.png", sha256=sha(str(i)), label=CLASSES[i // 3 % 4], group=group[i])
                for i in range(images)
            ),
            folds=tuple(
                Fold(train=tuple(sorted(set(range(images)) - set(part))), validation=(), test=part, left_out=())
                for part in parts
            ),
        )
    )


def test_folds_are_pooled_and_each_is_told(tmp_path):
    folds = write_folds(write_run(tmp_path / "run", wrong=2))
    assert folds.whole
    assert [fold.right for fold in folds.run.folds] == [38, 38, 38]
    assert folds.figures["accuracy"].value == pytest.approx(114 / 120)
    content = json.loads((tmp_path / "run" / "folds.json").read_text(), parse_constant=pytest.fail)
    assert content["whole"] is True
    assert content["errors"] == 6
    assert [(one["n"], one["right"]) for one in content["folds"]] == [(40, 38)] * 3
    assert content["folds"][0]["seconds"] == 90
    assert content["folds"][0]["processor_seconds"] == 130
    assert content["split"]["leaky"] is True
    rows = list(csv.DictReader((tmp_path / "run" / "predictions-test.csv").open()))
    assert len(rows) == len({row["path"] for row in rows}) == 120
    assert [row["fold"] for row in rows] == ["0"] * 40 + ["1"] * 40 + ["2"] * 40
    table = (tmp_path / "run" / "folds.md").read_text()
    assert "| 1 | 38 | 40 | 95.00 %" in table
    assert "LEAKY" in table
    line = folds_line(folds)
    assert "114 of 120 right" in line
    assert "38/40, 38/40, 38/40" in line
    assert "MISSING" not in line


@pytest.mark.parametrize("size", [1, 4])
def test_folds_and_a_comparison_say_the_same_of_a_run(tmp_path, size):
    """Whatever the order of the rows: the bootstrap of both meets the same images, or groups, in the same order."""
    pytest.importorskip("torch", reason="needs leukolens[train]")
    from leukolens.assess.comparison import compare_runs

    split = a_split(method="patient", size=size)
    identity = {"split_sha256": split.sha256, "split_method": "patient", "wrong": 3, "seed": 5}
    folder = write_run(tmp_path / "run", **identity)
    told = aggregate_folds(folder, splits=[split]).figures
    assert told["ece"].groups == (None if size == 1 else 30)
    turned = write_run(tmp_path / "turned", **identity)
    for path in turned.glob("fold-*/predictions-test.csv"):
        header, *rows = path.read_text().splitlines()
        path.write_text("\n".join([header, *reversed(rows)]))
    assert aggregate_folds(turned, splits=[split]).figures == told
    for one in (folder, turned):
        assert compare_runs([read_run(one, "run")], splits=[split]).entries[0].figures == told


def test_writing_twice_says_the_same(tmp_path):
    write_folds(write_run(tmp_path / "run"))
    before = (tmp_path / "run" / "folds.json").read_bytes()
    write_folds(tmp_path / "run")
    assert (tmp_path / "run" / "folds.json").read_bytes() == before


def test_a_hole_is_named(tmp_path):
    folds = aggregate_folds(write_run(tmp_path / "run", folds=(0, 2)))
    assert folds.missing == ("fold 1 is not there",)
    assert not folds.whole
    assert "MISSING: fold 1 is not there" in folds_line(folds)


def test_folds_missing_at_the_end_show_in_the_number_of_images(tmp_path):
    run = write_run(tmp_path / "run", folds=(0, 1))
    assert aggregate_folds(run).missing == ("40 images are predicted by no fold that is there",)
    assert aggregate_folds(run, count=4).missing == ("fold 2 is not there", "fold 3 is not there")
    split = a_split()
    known = write_run(tmp_path / "known", folds=(0, 1), split_sha256=split.sha256)
    assert aggregate_folds(known, splits=[split]).missing == ("fold 2 is not there",)


def test_a_fold_that_is_being_trained_is_missing(tmp_path):
    run = write_run(tmp_path / "run")
    (run / "fold-1" / "summary.json").unlink()
    folds = aggregate_folds(run)
    assert folds.missing == ("fold 1 is not finished",)
    assert len(folds.run.rows) == 80


def test_times_that_were_not_written_are_not_made_up(tmp_path):
    folds = aggregate_folds(write_run(tmp_path / "run", times=False))
    assert {fold.seconds for fold in folds.run.folds} == {None}
    assert {fold.epochs for fold in folds.run.folds} == {2}


@pytest.mark.parametrize("read", [lambda folder: read_run(folder, "run"), aggregate_folds, write_folds])
def test_a_folder_of_folds_and_a_single_run_is_neither(tmp_path, read):
    run = write_run(tmp_path / "run")
    single = write_run(tmp_path / "single", folds=(1,), pooled=False)
    for path in single.iterdir():
        shutil.copy(path, run)
    before = (run / "predictions-test.csv").read_bytes()
    with pytest.raises(DataError, match="a single run and folds") as error:
        read(run)
    assert "fold-0, fold-1, fold-2" in error.value.found
    assert (run / "predictions-test.csv").read_bytes() == before
    assert read_run(run / "fold-1", "fold 1").folds[0].right == 40


def test_a_folder_is_for_a_single_run_or_for_folds(tmp_path):
    folds = write_run(tmp_path / "folds")
    single = write_run(tmp_path / "single", folds=(0,), pooled=False)
    for folder in (tmp_path / "new", tmp_path):
        claim_run_folder(folder, folds=True)
        claim_run_folder(folder, folds=False)
    claim_run_folder(folds, folds=True)
    claim_run_folder(single, folds=False)
    with pytest.raises(OutputError, match=r"holds a single run.*another --out"):
        claim_run_folder(single, folds=True)
    with pytest.raises(OutputError, match=r"holds folds.*another --out"):
        claim_run_folder(folds, folds=False)


def test_an_image_twice_is_refused(tmp_path):
    run = write_run(tmp_path / "run")
    text = (run / "fold-1" / "predictions-test.csv").read_text().replace("\n1.png", "\n0.png", 1)
    (run / "fold-1" / "predictions-test.csv").write_text(text)
    with pytest.raises(DataError, match=r"'0\.png' twice"):
        aggregate_folds(run)


def test_folds_of_two_runs_are_refused(tmp_path):
    run = write_run(tmp_path / "run", folds=(0, 1))
    write_run(run, folds=(2,), split_sha256="6" * 64)
    with pytest.raises(DataError, match="a different split_sha256"):
        aggregate_folds(run)


def test_nothing_finished(tmp_path):
    with pytest.raises(DataError, match="no finished fold"):
        aggregate_folds(tmp_path)


@pytest.mark.parametrize(
    ("file", "content", "part"),
    [
        ("predictions-test.csv", "path,label\n", "not whole"),
        ("predictions-test.csv", "path,label\na,b\n" * 40, "no column"),
        ("predictions-test.csv", None, "no table of predictions"),
        ("summary.json", "{", "cannot be read"),
        ("summary.json", "[]", "JSON object"),
        ("summary.json", '{"train": 3}', "predicted nothing"),
        ("training.json", "{}", "does not describe a run"),
        ("training.json", "no json", "cannot be read"),
    ],
)
def test_damaged_runs_are_refused_with_the_reason(tmp_path, file, content, part):
    run = write_run(tmp_path / "run", folds=(0,), pooled=False)
    (run / file).unlink() if content is None else (run / file).write_text(content)
    with pytest.raises(DataError, match=part):
        read_run(run, "run")


def test_what_is_no_run(tmp_path):
    (tmp_path / "file").write_text("")
    for path, part in ((tmp_path / "nowhere", "nothing"), (tmp_path / "file", "a file"), (tmp_path, "is no run")):
        with pytest.raises(DataError, match=part):
            read_run(path, "run")
    run = write_run(tmp_path / "run", folds=(0,), pooled=False)
    (run / "summary.json").unlink()
    with pytest.raises(DataError, match="not finished"):
        read_run(run, "run")


def test_groups_come_from_the_split_file_of_training(tmp_path):
    split = a_split(method="patient", size=4)
    write_split(split, tmp_path / "split.json")
    identity = {"split_sha256": split.sha256, "split_method": "patient", "split_leaky": False}
    with_file = write_run(tmp_path / "a", source={"split": str(tmp_path / "split.json")}, wrong=4, **identity)
    folds = aggregate_folds(with_file)
    assert folds.figures["accuracy"].groups == 30
    assert folds.grouping.words == "patients and exact duplicates"
    without = aggregate_folds(write_run(tmp_path / "b", wrong=4, **identity))
    assert without.figures["accuracy"].groups is None
    assert "--split" in without.grouping.words
    narrow, wide = (one.figures["accuracy"].high - one.figures["accuracy"].low for one in (without, folds))
    assert wide > 1.2 * narrow
    known = group_images_of([read_run(tmp_path / "b", "b")], [split])
    assert len(set(known.numbers.values())) == 30


def test_a_split_file_that_was_changed_is_not_believed(tmp_path):
    split = a_split(method="patient", size=4)
    write_split(split, tmp_path / "split.json")
    identity = {"split_sha256": "7" * 64, "split_method": "patient"}
    folds = aggregate_folds(write_run(tmp_path / "a", source={"split": str(tmp_path / "split.json")}, **identity))
    assert folds.figures["accuracy"].groups is None


def test_patients_come_from_the_table_of_training(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    rows = ["path,label,who"]
    for index in range(120):
        (data / f"{index}.png").write_bytes(b"x")
        rows.append(f"{index}.png,{CLASSES[index // 3 % 4]},patient {index // 12}")
    (data / "labels.csv").write_text("\n".join(rows))
    source = {
        "data": str(data),
        "labels": str(data / "labels.csv"),
        "label_column": "label",
        "path_column": "path",
        "patient_column": "who",
    }
    folds = aggregate_folds(write_run(tmp_path / "run", source=source))
    assert folds.figures["accuracy"].groups == 10
    assert folds.grouping.words == "patients and exact duplicates"


def test_unwritable(tmp_path):
    run = write_run(tmp_path / "run")
    (run / "folds.md").mkdir()
    (run / "folds.md" / "in the way").write_text("")
    with pytest.raises(OutputError, match="folds"):
        write_folds(run)
    assert not (run / "folds.json").exists()
