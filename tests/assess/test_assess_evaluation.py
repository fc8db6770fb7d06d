from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from assess_pictures import RedPredictor, paint

from leukolens.assess.evaluation import figure_names
from leukolens.assess.judging import evaluate
from leukolens.assess.perturbed import choose_stresses
from leukolens.assess.provenance import select
from leukolens.assess.requirements import check_requirements, parse_requirements
from leukolens.data import fingerprint, make_split, open_catalogue, read_groups
from leukolens.finding import DataError, UsageError
from leukolens.smear.perturb import STRESSES

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "data"))
from data_sets import group_rows, write_rows


def test_figures_of_a_known_predictor(evaluation):
    scores = evaluation.scores
    assert scores.matrix.tolist() == [[6, 0, 0, 0], [0, 6, 0, 0], [0, 0, 0, 6], [0, 0, 6, 0]]
    assert scores.overall["accuracy"].value == 0.5
    assert [(pair.label, pair.predicted, pair.count) for pair in scores.confusions] == [
        ("Pre-B", "Pro-B", 6),
        ("Pro-B", "Pre-B", 6),
    ]
    assert scores.leukaemia.figures["auc"].value == 1
    assert evaluation.p_all[:6].max() < 0.05 < 0.95 < evaluation.p_all[6:].min()
    assert (evaluation.novelty == 0.25).all()


def test_stresses_are_paired_with_the_pictures_as_they_are(evaluation):
    grey, nothing = evaluation.stressed
    assert np.array_equal(nothing.predictions.probabilities, evaluation.predictions.probabilities)
    assert nothing.loss.accuracy.value == 0
    assert nothing.loss.accuracy.low < 0 < nothing.loss.accuracy.high
    assert grey.loss.accuracy.value == 0.5 - grey.accuracy.value
    assert grey.recall["Benign"].value == 0


def test_names_are_known_before_the_figures(evaluation):
    names = figure_names(evaluation.scores.classes, ("Benign",), ["grey", "none"])
    assert names == list(evaluation.figures())


def test_unreadable_files_are_told_and_left_out(tmp_path):
    for label, red in (("Benign", 40), ("Pre-B", 160)):
        for number in range(3):
            paint(tmp_path / label / f"{number}.png", red, red + number)
    (tmp_path / "Benign" / "9.png").write_bytes(b"no picture")
    catalogue = fingerprint(open_catalogue(tmp_path))
    done = []
    found = evaluate(RedPredictor(), catalogue, select(catalogue), progress=done.append)
    assert done == list(range(1, 8))
    assert [one.path for one in found.unread] == ["Benign/9.png"]
    assert found.unread[0].reason
    assert len(found.items) == len(found.predictions) == 6
    assert found.p_all is None
    assert found.scores.by_class["Pro-B"]["recall"].value is None


def test_nothing_readable_is_refused(tmp_path):
    for name in ("Benign/1.png", "Pre-B/1.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"no picture")
    catalogue = fingerprint(open_catalogue(tmp_path))
    with pytest.raises(DataError, match="None of the images can be read"):
        evaluate(RedPredictor(), catalogue, select(catalogue))


def test_other_classes_are_refused_with_both_lists(catalogue):
    stranger = RedPredictor(classes=("Benign", "Pre-B"))
    with pytest.raises(DataError, match=r"Benign, Pre-B.*Early Pre-B.*Pro-B"):
        evaluate(stranger, catalogue, select(catalogue))


def test_predictor_that_breaks_is_not_taken_for_a_bad_file(catalogue):
    class Broken(RedPredictor):
        def predict(self, rgb):
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        evaluate(Broken(), catalogue, select(catalogue))


# --- which images -----------------------------------------------------------------------------------------------


def test_all_images_without_a_split(catalogue, with_patients):
    everything = select(catalogue)
    assert everything.indices == tuple(range(24))
    assert everything.stamp.leaky is None
    assert len(set(everything.groups)) == 24
    assert "no patients are known" in everything.grouping
    assert len(set(select(with_patients).groups)) == 12


def test_side_of_a_fold(with_patients):
    split = make_split(with_patients, method="random-image", folds=3, seed=1)
    chosen = select(with_patients, split, 1, "test")
    assert chosen.indices == split.folds[1].test
    assert chosen.stamp.leaky
    assert chosen.stamp.short == "LEAKY random split by image, fold 1, test"
    assert chosen.stamp.split_sha256 == split.sha256
    by_patient = select(with_patients, make_split(with_patients, method="patient", folds=3), 0)
    assert not by_patient.stamp.leaky
    assert by_patient.stamp.short == "Split by patient, fold 0, test"


def test_patients_are_groups_whatever_the_split(with_patients):
    split = make_split(with_patients, method="random-image", folds=3, seed=1)
    chosen = select(with_patients, split, 0, "train")
    patients = {with_patients.items[index].patient for index in chosen.indices}
    assert len(set(chosen.groups)) == len(patients)


@pytest.mark.parametrize(
    ("fold", "side", "part"),
    [(None, "test", "--fold, 0 to 2"), (3, "test", "0 to 2"), (0, "tset", "'test'"), (-1, "test", "0 to 2")],
)
def test_wrong_part_of_a_split(catalogue, fold, side, part):
    split = make_split(catalogue, method="random-image", folds=3)
    with pytest.raises(UsageError, match=part):
        select(catalogue, split, fold, side)


def test_part_without_a_split(catalogue):
    with pytest.raises(UsageError, match="--split"):
        select(catalogue, None, 0)
    with pytest.raises(UsageError, match="--split"):
        select(catalogue, None, None, "train")


def test_empty_side_is_refused(catalogue):
    split = make_split(catalogue, method="random-image", folds=3)
    with pytest.raises(DataError, match="no image on the side 'validation'"):
        select(catalogue, split, 0, "validation")


# --- requirements and stresses ----------------------------------------------------------------------------------


def test_requirements_are_compared(evaluation):
    figures = evaluation.figures()
    texts = ["accuracy=0.5", "accuracy.low=0.5", "accuracy.high=0.5", "recall.Early Pre-B=1", "log_loss=0.01",
             "log_loss=9", "loss.none.accuracy=0", "loss.grey.accuracy=-0.9"]  # fmt: skip
    checked = check_requirements(parse_requirements(texts, list(figures)), figures)
    assert [one.met for one in checked] == [True, False, True, True, False, True, True, False]


def test_figure_that_is_not_defined_is_not_met(evaluation):
    nothing = replace(evaluation.figures()["accuracy"], value=None, low=0.0, high=1.0)
    (checked,) = check_requirements(parse_requirements(["accuracy=0"], ["accuracy"]), {"accuracy": nothing})
    assert not checked.met
    assert checked.found is None


@pytest.mark.parametrize("text", ["accuracy", "accuracy=", "accuracy=much", "accuracy=nan", "=0.9", "accurracy=0.9"])
def test_what_is_no_requirement(text):
    with pytest.raises(UsageError):
        parse_requirements([text], ["accuracy", "f1"])


def test_nearest_figure_is_named():
    with pytest.raises(UsageError, match="'balanced_accuracy'"):
        parse_requirements(["balancedaccuracy=0.9"], ["accuracy", "balanced_accuracy"])


def test_stresses_by_name():
    assert choose_stresses(None, STRESSES) == {}
    assert choose_stresses("all", STRESSES) == STRESSES
    assert list(choose_stresses("blur, grey", STRESSES)) == ["blur", "grey"]
    with pytest.raises(UsageError, match="'grey'"):
        choose_stresses("gray", STRESSES)


def test_only_the_fold_asked_for_is_held_against_the_groups(with_patients, tmp_path):
    split = make_split(with_patients, method="patient", folds=3)
    joined = [split.folds[number].test[0] for number in (0, 1)]
    rows = group_rows(with_patients, lambda label, at: f"{label} {at}")
    for index in joined:
        rows[index]["field_group"] = "one field"
    groups = read_groups(write_rows(tmp_path / "groups.csv", rows), with_patients)
    assert select(with_patients, split, 2, "test", groups).indices == tuple(split.folds[2].test)
    for fold in (0, 1):
        with pytest.raises(DataError, match=f"(?s)Fold {fold} .*one field"):
            select(with_patients, split, fold, "test", groups)
