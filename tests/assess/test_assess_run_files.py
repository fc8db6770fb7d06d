"""What a run wrote of itself, read back: damaged files are told with their names, and every digit counts."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from assess_runs import CLASSES, write_run

pytest.importorskip("torch", reason="needs leukolens[train]")

from leukolens.assess.folds import pooled_csv
from leukolens.assess.run_figures import figures_of, in_common_order, predictions_of
from leukolens.assess.run_groups import group_images_of
from leukolens.assess.runs import read_run
from leukolens.data.catalogue import Catalogue, Item
from leukolens.finding import DataError
from leukolens.train.predict import write_predictions


@pytest.fixture
def run(tmp_path) -> Path:
    return write_run(tmp_path / "run", folds=(0,), pooled=False, wrong=2)


def change(path: Path, number: int, **cells: str) -> None:
    """Change cells of one row of a table."""
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    rows[number] |= cells
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("recipe", "x"),
        ("recipe", {"network": "vgg19"}),
        ("data_sha256", 3),
        ("split_method", None),
        ("split_leaky", "yes"),
        ("fold", "0"),
        ("fold", -1),
        ("classes", "Benign"),
        ("classes", ["Benign"]),
    ],
)
def test_a_part_of_another_kind_is_named(run, part, value):
    content = json.loads((run / "training.json").read_text())
    content["run"][part] = value
    (run / "training.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"training\.json.*does not describe a run") as error:
        read_run(run, "run")
    assert part in error.value.found


@pytest.mark.parametrize("content", ['{"run": []}', '{"run": "x"}', "[]", "3", "{}"])
def test_training_file_of_another_shape(run, content):
    (run / "training.json").write_text(content)
    with pytest.raises(DataError, match=r"training\.json"):
        read_run(run, "run")


@pytest.mark.parametrize("part", [{"test": 3}, {"test": {"n": "40"}}, {"pictures": {"train": "x"}}, {"leaky_order": 1}])
def test_summary_of_another_shape(run, part):
    content = json.loads((run / "summary.json").read_text())
    (run / "summary.json").write_text(json.dumps(content | part))
    with pytest.raises(DataError, match=r"summary\.json"):
        read_run(run, "run")


@pytest.mark.parametrize("value", ["nan", "-0.2", "0.9", "inf"])
def test_numbers_that_are_no_probabilities_are_told_by_file_and_image(run, value):
    change(run / "predictions-test.csv", 7, **{"p Pre-B": value})
    with pytest.raises(DataError, match=r"predictions-test\.csv.*'21\.png'"):
        read_run(run, "run")


@pytest.mark.parametrize("column", ["label", "predicted"])
def test_a_class_that_is_none_is_told_by_file_and_image(run, column):
    change(run / "predictions-test.csv", 7, **{column: "Pre-C"})
    with pytest.raises(DataError, match=r"predictions-test\.csv.*'21\.png'") as error:
        read_run(run, "run")
    assert "Pre-C" in error.value.found


def test_a_prediction_against_its_own_probabilities_is_refused(run):
    with (run / "predictions-test.csv").open(newline="") as stream:
        row = list(csv.DictReader(stream))[7]
    other = next(name for name in CLASSES if name != row["predicted"])
    change(run / "predictions-test.csv", 7, predicted=other)
    with pytest.raises(DataError, match=r"predictions-test\.csv.*'21\.png'") as error:
        read_run(run, "run")
    assert other in error.value.found
    assert row["predicted"] in error.value.expected


def test_right_and_accuracy_count_the_same_where_six_decimals_tie(run):
    """The network knew which was higher, the table does not: the first class counts, in both."""
    tie = {"p Benign": "0.500000", "p Early Pre-B": "0.500000", "p Pre-B": "0.000000", "p Pro-B": "0.000000"}
    change(run / "predictions-test.csv", 7, label="Early Pre-B", predicted="Early Pre-B", **tie)
    read = read_run(run, "run")
    told = figures_of(predictions_of(read.rows, read.classes, group_images_of([read])))
    assert told["accuracy"].value == pytest.approx(read.folds[0].right / 40)


def test_a_run_that_tested_samples_is_told_what_to_do(run):
    content = json.loads((run / "summary.json").read_text())
    order = {"order": "thesis", "told": [], "test": {"n": 40, "with_twin": 3}}
    (run / "summary.json").write_text(json.dumps(content | {"leaky_order": order}))
    with pytest.raises(DataError, match="tested samples") as error:
        read_run(run, "run")
    assert "'thesis'" in error.value.found
    assert "before-validation" in error.value.todo
    root = Path(__file__).parents[2]
    assert (root / "benchmarks" / "leaky_order.py").is_file()
    assert "benchmarks/leaky_order.py" in error.value.todo


def test_saturated_probabilities_keep_their_order(tmp_path):
    """Six decimals made one number of them, and half of the AUC with it."""
    items = tuple(Item(path=f"{k}.png", label=CLASSES[k % 2], patient=None, bytes=1, sha256=str(k)) for k in range(40))
    catalogue = Catalogue(tmp_path, items, CLASSES, "class folders")
    small = np.array([1e-8 if k % 2 else 1e-7 for k in range(40)])
    probabilities = np.stack([small, np.zeros(40), np.zeros(40), 1 - small], axis=1)
    run = write_run(tmp_path / "run", folds=(0,), pooled=False)
    write_predictions(run / "predictions-test.csv", catalogue, CLASSES, range(40), probabilities)
    read = read_run(run, "run")
    predictions = predictions_of(in_common_order(read.rows), read.classes, group_images_of([read]))
    benign = predictions.probabilities[:, 0]
    assert benign[predictions.labels == 0].min() > benign[predictions.labels == 1].max()
    assert "1e-08" in pooled_csv(read)


def test_device_is_read_where_it_was_written(tmp_path):
    known = read_run(write_run(tmp_path / "gpu", device="NVIDIA A100"), "gpu")
    assert {fold.device for fold in known.folds} == {"NVIDIA A100"}
    assert {fold.device for fold in read_run(write_run(tmp_path / "old"), "old").folds} == {None}
