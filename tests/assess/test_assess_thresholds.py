"""A threshold chosen on another evaluation, and evaluations set against each other."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from assess_evaluations import evaluation_from, subset
from assess_samples import guess

from leukolens.assess.about import About
from leukolens.assess.against import align, check_images, check_names, compare_predictions
from leukolens.assess.paired import holm, paired_test
from leukolens.assess.past import read_evaluation
from leukolens.assess.results import metrics_json
from leukolens.assess.seen import Training
from leukolens.assess.tables import predictions_csv
from leukolens.assess.thresholds import choose_threshold, threshold_from
from leukolens.finding import DataError, UsageError

pytest.importorskip("scipy", reason="needs leukolens[train]")

BUNDLE = "ab" * 32
ABOUT = About("red", "1", BUNDLE, "net", "none", "f32", "pictures", "cd" * 32, "", Training("unknown", ""))


def written(folder, evaluation, about=ABOUT, **split):
    folder.mkdir(exist_ok=True)
    content = json.loads(metrics_json(evaluation, about))
    content["split"] |= split
    (folder / "metrics.json").write_text(json.dumps(content), encoding="utf-8")
    (folder / "predictions.csv").write_text(predictions_csv(evaluation), encoding="utf-8")
    return read_evaluation(folder)


@pytest.fixture(scope="module")
def sample():
    return guess(300, 4, 2.0, 4, group=10)


@pytest.fixture
def past(sample, tmp_path):
    return written(tmp_path / "validation", evaluation_from(sample), side="validation", short="fold 0, validation")


# --- the threshold ----------------------------------------------------------------------------------------------


def test_highest_threshold_that_keeps_the_sensitivity():
    positive = np.array([True] * 10 + [False] * 5)
    p_all = np.r_[np.linspace(0.1, 1.0, 10), np.full(5, 0.35)]
    for kept, reached in ((1.0, 10), (0.95, 10), (0.9, 9), (0.5, 5)):
        threshold = choose_threshold(positive, p_all, kept)
        assert (p_all[positive] >= threshold).sum() == reached
        assert (p_all[positive] >= threshold + 1e-5).sum() < reached


def test_threshold_of_another_evaluation(past, sample):
    threshold, source = threshold_from(
        past, 0.99, bundle_sha256=BUNDLE, negative_classes=("Benign",), images=["f" * 64]
    )
    p_all = 1 - sample.probabilities[:, 0]
    sick = sample.labels != 0
    assert source.sensitivity == pytest.approx(np.mean(p_all[sick] >= threshold))
    assert 0.99 <= source.sensitivity < 1
    assert source.specificity == pytest.approx(np.mean(p_all[~sick] < threshold))
    assert (source.images, source.positives) == (300, int(sick.sum()))
    assert source.split == "fold 0, validation"
    assert "0.99" in source.rule
    assert "'validation'" in source.rule


def test_threshold_of_the_same_images_is_refused(past):
    images = ["f" * 64, past.rows[3].sha256]
    with pytest.raises(DataError, match=r"other images.*1 of the 2 images"):
        threshold_from(past, 0.99, bundle_sha256=BUNDLE, negative_classes=("Benign",), images=images)


def test_threshold_of_another_model_or_of_a_test_side_is_refused(past):
    with pytest.raises(DataError, match="another model"):
        threshold_from(past, 0.99, bundle_sha256="0" * 64, negative_classes=("Benign",), images=[])
    with pytest.raises(DataError, match="test side"):
        threshold_from(replace(past, side="test"), 0.99, bundle_sha256=BUNDLE, negative_classes=("Benign",), images=[])


def test_threshold_needs_a_question_and_leukaemia(past, sample, tmp_path):
    with pytest.raises(UsageError, match="--negative"):
        threshold_from(past, 0.99, bundle_sha256=BUNDLE, negative_classes=(), images=[])
    with pytest.raises(UsageError, match="--keep-sensitivity"):
        threshold_from(past, 1.5, bundle_sha256=BUNDLE, negative_classes=("Benign",), images=[])
    benign = written(tmp_path / "benign", evaluation_from(subset(sample, sample.labels == 0)))
    with pytest.raises(DataError, match="none of leukaemia"):
        threshold_from(benign, 0.99, bundle_sha256=BUNDLE, negative_classes=("Benign",), images=[])


def test_folder_without_an_evaluation(tmp_path, past):
    with pytest.raises(UsageError, match="holds no evaluation"):
        read_evaluation(tmp_path / "nowhere")
    folder = tmp_path / "validation"
    table = (folder / "predictions.csv").read_text("utf-8")
    (folder / "predictions.csv").write_text("\n".join(table.splitlines()[:20]) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"do not belong together.*300 images"):
        read_evaluation(folder)
    (folder / "metrics.json").write_text('{"kind": "leukolens comparison"}', encoding="utf-8")
    with pytest.raises(DataError, match="no evaluation's"):
        read_evaluation(folder)
    (folder / "metrics.json").write_text("no JSON", encoding="utf-8")
    with pytest.raises(DataError, match="no evaluation's"):
        read_evaluation(folder)


# --- against others ---------------------------------------------------------------------------------------------


def test_others_are_tested_in_groups_with_holm(sample, tmp_path):
    own = evaluation_from(sample)
    hashes = [item.sha256 for item in own.items]
    others = [guess(300, 4, skill, seed, group=10) for skill, seed in ((2.2, 4), (1.0, 5))]
    others = [replace(other, labels=sample.labels) for other in others]
    read = [written(tmp_path / f"other-{n}", evaluation_from(other)) for n, other in enumerate(others)]
    aligned = {(one.name, one.bundle): align(one, sample, hashes) for one in read}
    for told, other in zip(aligned.values(), others, strict=True):
        assert np.allclose(told.probabilities, other.probabilities, atol=1e-6)
        assert np.array_equal(told.groups, sample.groups)
    compared = compare_predictions(sample, aligned, replicates=200)
    tests = [paired_test(sample, other) for other in others]
    assert [one.test for one in compared] == tests
    assert all(one.test.method == "sign-flip" for one in compared)
    assert [one.adjusted for one in compared] == holm([test.p for test in tests])
    for one, other in zip(compared, others, strict=True):
        difference = np.mean(sample.predicted == sample.labels) - np.mean(other.predicted == other.labels)
        assert one.differences["accuracy"].value == pytest.approx(difference)
        assert one.differences["accuracy"].low < difference < one.differences["accuracy"].high
    assert compared[1].adjusted < 0.05


def test_order_of_rows_and_classes_does_not_matter(sample, tmp_path):
    own = evaluation_from(sample)
    hashes = [item.sha256 for item in own.items]
    read = written(tmp_path / "same", own)
    turned = replace(
        read,
        rows=tuple(row._replace(probabilities=row.probabilities[::-1]) for row in reversed(read.rows)),
        classes=read.classes[::-1],
    )
    assert np.allclose(align(turned, sample, hashes).probabilities, sample.probabilities, atol=1e-6)


def test_other_images_labels_or_classes_are_refused(sample, tmp_path):
    own = evaluation_from(sample)
    hashes = [item.sha256 for item in own.items]
    read = written(tmp_path / "same", own)
    with pytest.raises(DataError, match="1 that are not among them"):
        check_images(read, hashes[1:])
    with pytest.raises(DataError, match="1 of them missing"):
        align(replace(read, rows=read.rows[1:]), sample, hashes)
    assert len(align(read, subset(sample, np.arange(300) > 0), hashes[1:], unread=hashes[:1])) == 299
    first = read.rows[0]
    other = next(name for name in read.classes if name != first.label)
    with pytest.raises(DataError, match="1 that differ"):
        align(replace(read, rows=(first._replace(label=other), *read.rows[1:])), sample, hashes)
    with pytest.raises(DataError, match="other classes"):
        align(replace(read, classes=("A", "B", "C", "D")), sample, hashes)
    with pytest.raises(UsageError, match="'same'"):
        check_names([read, read])
