"""Every metric against an independent implementation: numbers worked out by hand, scikit-learn, torchmetrics."""

from __future__ import annotations

import numpy as np
import pytest
from assess_samples import guess, perfect

from leukolens.assess.areas import macro_auc
from leukolens.assess.confusion import (
    CLASS_METRICS,
    accuracy,
    confusion_matrix,
    f1,
    macro,
    precision,
    recall,
    specificity,
)
from leukolens.assess.losses import LARGEST_LOG_LOSS, brier_losses, confidence_gaps, log_losses, reliability
from leukolens.assess.predictions import check_predictions
from leukolens.assess.ranking import area_under_roc, average_precision, corners, curve, placements
from leukolens.assess.scores import score

metrics = pytest.importorskip("sklearn.metrics", reason="needs leukolens[train]")

GRID = [
    (n, classes, skill, seed) for n in (12, 150, 900) for classes in (2, 3, 6) for skill, seed in ((0.3, 1), (3, 2))
]


@pytest.fixture(params=GRID, ids=lambda case: "n{}-c{}-s{}".format(*case[:3]))
def sample(request):
    n, classes, skill, seed = request.param
    return guess(n, classes, skill, seed)


# --- by hand ----------------------------------------------------------------------------------------------------


@pytest.fixture
def by_hand():
    """Class A: 4 images, 3 right, 1 taken for B. Class B: 3 images, 1 right, 2 taken for A. Class C: 1 image, right."""
    labels = [0, 0, 0, 0, 1, 1, 1, 2]
    predicted = [0, 0, 0, 1, 1, 0, 0, 2]
    probabilities = np.full((8, 3), 0.1)
    probabilities[np.arange(8), predicted] = 0.8
    return check_predictions(labels, probabilities, ("A", "B", "C"))


def test_figures_by_hand(by_hand):
    assert confusion_matrix(by_hand.labels, by_hand.predicted, 3).tolist() == [[3, 1, 0], [2, 1, 0], [0, 0, 1]]
    assert accuracy(by_hand).value == 5 / 8
    assert [recall(by_hand, c).value for c in range(3)] == [3 / 4, 1 / 3, 1.0]
    assert [precision(by_hand, c).value for c in range(3)] == [3 / 5, 1 / 2, 1.0]
    assert [specificity(by_hand, c).value for c in range(3)] == [2 / 4, 4 / 5, 1.0]
    assert [f1(by_hand, c).value for c in range(3)] == pytest.approx([6 / 9, 2 / 5, 1.0])
    assert macro(by_hand, "recall").value == pytest.approx((3 / 4 + 1 / 3 + 1) / 3)


def test_losses_by_hand(by_hand):
    right, wrong = -np.log(0.8), -np.log(0.1)
    assert log_losses(by_hand).mean() == pytest.approx((5 * right + 3 * wrong) / 8)
    # Right: 0.2^2 + 2 * 0.1^2. Wrong: 0.9^2 + 0.8^2 + 0.1^2.
    assert brier_losses(by_hand).mean() == pytest.approx((5 * 0.06 + 3 * 1.46) / 8)
    assert confidence_gaps(by_hand).mean() == pytest.approx(0.8 - 5 / 8)


def test_areas_by_hand():
    positive = np.array([True, True, False, True, False])
    scores = np.array([0.9, 0.6, 0.6, 0.4, 0.1])
    # Six pairs: 0.9 beats both, 0.6 ties one and beats one, 0.4 beats one.
    assert area_under_roc(positive, scores) == pytest.approx((2 + 1.5 + 1) / 6)
    # Thresholds 0.9, 0.6, 0.4: precision 1, 2/3, 3/4, each with a third of the recall.
    assert average_precision(positive, scores) == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)
    points = curve(positive, scores)
    assert points.true_positives.tolist() == [1, 2, 3, 3]
    assert points.false_positives.tolist() == [0, 1, 1, 2]
    of_positives, of_negatives = placements(positive, scores)
    assert of_positives.tolist() == [1, 0.75, 0.5]
    assert of_negatives == pytest.approx([1.5 / 3, 1])


def test_weights_count_as_copies():
    rng = np.random.default_rng(3)
    positive, scores = rng.random(40) < 0.4, rng.integers(0, 15, 40) / 15
    weights = rng.integers(0, 4, (5, 40)).astype(float)
    together = average_precision(positive, scores, weights)
    for one, own in zip(together, weights.astype(int), strict=True):
        assert one == pytest.approx(float(average_precision(np.repeat(positive, own), np.repeat(scores, own))))
    assert np.isnan(average_precision(positive, scores, np.where(positive, 0.0, 1.0)))


# --- against scikit-learn ---------------------------------------------------------------------------------------


def test_decisions_as_scikit_learn(sample):
    true, called = sample.labels, sample.predicted
    classes = list(range(len(sample.classes)))
    matrix = confusion_matrix(true, called, len(classes))
    assert np.array_equal(matrix, metrics.confusion_matrix(true, called, labels=classes))
    assert accuracy(sample).value == pytest.approx(metrics.accuracy_score(true, called))
    assert macro(sample, "recall").value == pytest.approx(metrics.balanced_accuracy_score(true, called))
    theirs = metrics.precision_recall_fscore_support(true, called, labels=classes, zero_division=0)
    for index in sample.present:
        assert recall(sample, index).value == pytest.approx(theirs[1][index])
        assert f1(sample, index).value == pytest.approx(theirs[2][index])
        if matrix[:, index].any():
            assert precision(sample, index).value == pytest.approx(theirs[0][index])
        assert specificity(sample, index).value == pytest.approx(
            metrics.recall_score(true != index, called != index, zero_division=0)
        )
    present = sample.present
    assert macro(sample, "precision").value == pytest.approx(theirs[0][present].mean())
    assert macro(sample, "f1").value == pytest.approx(theirs[2][present].mean())


def test_rankings_as_scikit_learn(sample):
    for index in sample.present:
        positive, scores = sample.labels == index, sample.probabilities[:, index].round(2)
        assert area_under_roc(positive, scores) == pytest.approx(metrics.roc_auc_score(positive, scores))
        assert average_precision(positive, scores) == pytest.approx(metrics.average_precision_score(positive, scores))
        false, true, thresholds = metrics.roc_curve(positive, scores, drop_intermediate=False)
        ours = curve(positive, scores)
        assert ours.thresholds == pytest.approx(thresholds[1:])
        assert ours.true_positives / ours.positives == pytest.approx(true[1:])
        assert ours.false_positives / ours.negatives == pytest.approx(false[1:])


def test_macro_auc_as_scikit_learn():
    for seed, classes in ((0, 3), (1, 5)):
        sample = guess(300, classes, 1.0, seed)
        theirs = metrics.roc_auc_score(sample.labels, sample.probabilities, multi_class="ovr", average="macro")
        assert macro_auc(sample).value == pytest.approx(theirs)


def test_corners_keep_the_area():
    sample = guess(800, 2, 1.0, 5)
    full = curve(sample.labels == 1, sample.probabilities[:, 1])
    few = corners(full)
    area = [
        np.trapezoid(
            np.r_[0, points.true_positives] / points.positives, np.r_[0, points.false_positives] / points.negatives
        )
        for points in (full, few)
    ]
    assert area[0] == pytest.approx(area[1])
    assert len(few.thresholds) < 0.8 * len(full.thresholds)


def test_losses_as_scikit_learn(sample):
    labels = list(range(len(sample.classes)))
    assert log_losses(sample).mean() == pytest.approx(
        metrics.log_loss(sample.labels, sample.probabilities, labels=labels)
    )
    if len(labels) == 2:
        one_sided = metrics.brier_score_loss(sample.labels == 1, sample.probabilities[:, 1])
        assert brier_losses(sample).mean() == pytest.approx(2 * one_sided)


def test_impossible_answer_has_a_finite_loss():
    certain = check_predictions([0], [[0.0, 1.0]], ("A", "B"))
    assert log_losses(certain)[0] == pytest.approx(LARGEST_LOG_LOSS)
    assert brier_losses(certain)[0] == 2


def test_reliability_bins_as_numpy_histogram():
    sample = guess(500, 4, 1.0, 2)
    bins = reliability(sample, bins=10)
    confidence = sample.probabilities.max(axis=1)
    assert [one.accuracy.n for one in bins] == [n for n in np.histogram(confidence, 10, (0, 1))[0] if n]
    total = sum(one.accuracy.n * one.accuracy.value for one in bins)
    assert total == pytest.approx(np.sum(sample.predicted == sample.labels))
    assert all(one.low <= one.confidence <= one.high for one in bins)


def test_confidence_of_one_is_in_the_last_bin():
    (only,) = reliability(perfect())
    assert (only.low, only.high, only.accuracy.n) == (0.9, 1.0, 60)


# --- against torchmetrics ---------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_everything_as_torchmetrics(seed):
    torch = pytest.importorskip("torch", reason="needs leukolens[train]")
    theirs = pytest.importorskip("torchmetrics.functional.classification", reason="needs leukolens[train]")
    sample = guess(400, 4, 1.2, seed)
    scores = score(sample, ("Benign",), replicates=100)
    logits, labels = torch.tensor(sample.probabilities), torch.tensor(sample.labels)
    functions = {
        "recall": theirs.multiclass_recall,
        "precision": theirs.multiclass_precision,
        "specificity": theirs.multiclass_specificity,
        "f1": theirs.multiclass_f1_score,
        "auc": theirs.multiclass_auroc,
        "average_precision": theirs.multiclass_average_precision,
    }
    for name, function in functions.items():
        own = [scores.by_class[label][name].value for label in sample.classes]
        assert own == pytest.approx(function(logits, labels, num_classes=4, average=None).tolist(), abs=2e-6), name
        assert scores.overall[name].value == pytest.approx(
            float(function(logits, labels, num_classes=4, average="macro")), abs=2e-6
        )
    accurate = theirs.multiclass_accuracy(logits, labels, num_classes=4, average="micro")
    assert scores.overall["accuracy"].value == pytest.approx(float(accurate), abs=1e-6)
    binary = torch.tensor(1 - sample.probabilities[:, 0]), torch.tensor((sample.labels != 0).astype(int))
    figures = scores.leukaemia.figures
    for name, function in {
        "auc": theirs.binary_auroc,
        "average_precision": theirs.binary_average_precision,
        "sensitivity": theirs.binary_recall,
        "specificity": theirs.binary_specificity,
        "ppv": theirs.binary_precision,
        "npv": theirs.binary_negative_predictive_value,
    }.items():
        assert figures[name].value == pytest.approx(float(function(*binary)), abs=2e-6), name


# --- degenerate input -------------------------------------------------------------------------------------------


def test_metrics_do_not_depend_on_the_order_of_images(sample):
    order = np.random.default_rng(0).permutation(len(sample))
    turned = check_predictions(sample.labels[order], sample.probabilities[order], sample.classes)
    for name in CLASS_METRICS:
        ours, theirs = macro(sample, name), macro(turned, name)
        assert ours.value == pytest.approx(theirs.value)
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


def test_renaming_classes_moves_the_figures_with_them():
    sample = guess(300, 4, 1.0, 7)
    order = [2, 0, 3, 1]
    inverse = np.argsort(order)
    renamed = check_predictions(
        inverse[sample.labels], sample.probabilities[:, order], [sample.classes[i] for i in order]
    )
    one, other = score(sample, replicates=100), score(renamed, replicates=100)
    for name in sample.classes:
        for metric in ("recall", "precision", "specificity", "f1", "auc"):
            assert one.by_class[name][metric] == other.by_class[name][metric]
