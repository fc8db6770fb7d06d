"""What the probes promise: false alarms as rare as said, intervals that hold, a classifier that is what it says."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy", reason="needs leukolens[audit]")

from leukolens.audit.probes.cell_features import number_of_cells, position_of_cells, regions_of
from leukolens.audit.probes.dealing import deal_groups, deal_images, drawn_labels
from leukolens.audit.probes.discriminant import CrossValidation, balanced_accuracies, embed
from leukolens.audit.probes.scoring import make_scheme, score, worst_of
from leukolens.audit.probes.words import told, verdict_of

GIVES, SIGNS = "gives the class away", "signs of it"


def drawn_set(rng, groups, size, columns, *, alike=0.0, shift=0.0):
    """Two classes; features share `alike` of their variance within a group; class 1 lies `shift` higher."""
    group = np.repeat(np.arange(groups), size)
    labels = (group % 2).astype(np.intp)
    own = rng.normal(size=(groups, columns))[group]
    features = np.sqrt(alike) * own + np.sqrt(1 - alike) * rng.normal(size=(len(group), columns))
    return features + shift * labels[:, None], labels, group


def outcome(features, labels, group, seed, permutations=99):
    basis = embed(features, seed)
    by_image, by_group = deal_images(labels, seed), deal_groups(labels, group, seed)
    random = score(basis, make_scheme(by_image, labels, None, permutations, seed))
    grouped = score(basis, make_scheme(by_group, labels, group, permutations, seed))
    return random, grouped


# --- false alarms -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_false_alarms_of_images_without_groups_are_as_rare_as_said():
    rng = np.random.default_rng(0)
    p, verdicts = [], []
    for seed in range(300):
        features, labels, group = drawn_set(rng, 30, 2, 5)
        random, _ = outcome(features, labels, group, seed)
        p.append(random.p)
        verdicts.append(verdict_of(told(random), None))
    # 300 draws at 5 %: 15 expected, standard deviation 3.8.
    assert 5 <= np.count_nonzero(np.array(p) <= 0.05) <= 26
    assert 0.42 <= np.mean(p) <= 0.58
    assert np.mean([verdict in (GIVES, SIGNS) for verdict in verdicts]) <= 0.09
    assert np.mean([verdict == GIVES for verdict in verdicts]) <= 0.02


@pytest.mark.slow
def test_false_alarms_stay_rare_where_images_of_a_group_are_alike():
    """Whole groups are dealt anew: single images would take each session for a mark of its class."""
    rng = np.random.default_rng(1)
    grouped_p, random_p, verdicts = [], [], []
    for seed in range(200):
        features, labels, group = drawn_set(rng, 20, 4, 4, alike=0.8)
        random, grouped = outcome(features, labels, group, seed)
        grouped_p.append(grouped.p)
        random_p.append(random.p)
        verdicts.append(verdict_of(told(random), told(grouped)))
    assert 2 <= np.count_nonzero(np.array(grouped_p) <= 0.05) <= 19
    assert np.mean([verdict == GIVES for verdict in verdicts]) <= 0.02
    assert np.mean(np.array(random_p) <= 0.05) > 0.5  # what the groups are for


@pytest.mark.slow
def test_the_worst_of_four_corners_is_not_an_alarm_four_times_as_often():
    rng = np.random.default_rng(2)
    worst_p, best_p = [], []
    for seed in range(150):
        _, labels, _ = drawn_set(rng, 40, 1, 1)
        scheme = make_scheme(deal_images(labels, seed), labels, None, 99, seed)
        corners = [score(embed(rng.normal(size=(40, 4)), seed), scheme) for _ in range(4)]
        worst_p.append(worst_of(corners, scheme).p)
        best_p.append(min(corner.p for corner in corners))
    assert np.mean(np.array(worst_p) <= 0.05) <= 0.10
    assert np.mean(np.array(best_p) <= 0.05) >= 0.12  # without the correction


# --- power and intervals --------------------------------------------------------------------------------------------


def test_a_shift_is_found():
    rng = np.random.default_rng(3)
    verdicts = []
    for seed in range(20):
        random, grouped = outcome(*drawn_set(rng, 30, 4, 5, alike=0.3, shift=1.5), seed)
        verdicts.append(verdict_of(told(random), told(grouped)))
    assert verdicts.count(GIVES) >= 18


@pytest.mark.slow
@pytest.mark.parametrize("alike", [0.0, 0.4])
def test_the_interval_holds_what_the_probe_reaches_on_average(alike):
    """The truth is the mean over many sets. Without the widening for shared training images too few hold it."""
    rng = np.random.default_rng(4)
    reached = [outcome(*drawn_set(rng, 40, 5, 4, alike=alike, shift=0.5), seed, 1)[1] for seed in range(300)]
    truth = np.mean([one.value for one in reached])
    held = np.mean([one.low <= truth <= one.high for one in reached])
    narrow = np.mean([abs(truth - one.value) <= (one.high - one.low) / 2 / 1.5 for one in reached])
    assert 0.93 <= held <= 0.985
    assert narrow < 0.91


def test_forms_that_are_not_linear_are_found():
    rng = np.random.default_rng(5)
    labels = np.repeat([0, 1], 100)
    angle = rng.uniform(0, 2 * np.pi, 200)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1) * np.where(labels, 3.0, 1.0)[:, None]
    random, _ = outcome(ring + 0.2 * rng.normal(size=(200, 2)), labels, np.arange(200), 0)
    assert random.value > 0.95


# --- classifier -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_discriminant_is_fishers_where_nothing_is_penalised(monkeypatch):
    lda = pytest.importorskip("sklearn.discriminant_analysis")
    monkeypatch.setattr("leukolens.audit.probes.discriminant.PENALTY", 0.0)
    rng = np.random.default_rng(6)
    labels = rng.choice(4, 300, p=[0.4, 0.3, 0.2, 0.1])
    features = rng.normal(size=(300, 6)) + rng.normal(size=(4, 6))[labels]
    folds = rng.integers(0, 5, 300)
    basis = np.hstack([features - features.mean(axis=0), np.ones((300, 1))])
    predicted = CrossValidation(basis, folds).predict(labels[None], 4)[0]
    for fold in range(5):
        model = lda.LinearDiscriminantAnalysis(priors=[0.25] * 4).fit(features[folds != fold], labels[folds != fold])
        assert np.mean(model.predict(features[folds == fold]) == predicted[folds == fold]) > 0.98


@pytest.mark.slow
def test_the_balanced_accuracy_is_scikit_learns():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(7)
    labels, predicted = rng.integers(0, 5, (3, 80)), rng.integers(0, 5, (3, 80))
    expected = [metrics.balanced_accuracy_score(*pair) for pair in zip(labels, predicted, strict=True)]
    assert balanced_accuracies(labels, predicted, 5) == pytest.approx(expected)


def test_many_drawings_at_once_are_as_one_at_a_time():
    rng = np.random.default_rng(8)
    features, labels, _ = drawn_set(rng, 30, 3, 6)
    dealing = deal_images(labels, 0)
    folds = CrossValidation(embed(features, 0), dealing.image_folds)
    drawn = drawn_labels(dealing, 120, 0)
    together = folds.predict(drawn, 2)
    assert all(np.array_equal(together[place], folds.predict(drawn[[place]], 2)[0]) for place in (0, 57, 119))


def test_no_label_of_the_tested_fold_is_seen():
    rng = np.random.default_rng(9)
    features, labels, _ = drawn_set(rng, 30, 3, 6, shift=1.0)
    folds = deal_images(labels, 0).image_folds
    changed = np.where(folds == 2, 1 - labels, labels)
    both = CrossValidation(embed(features, 0), folds).predict(np.stack([labels, changed]), 2)
    assert np.array_equal(both[0][folds == 2], both[1][folds == 2])
    assert not np.array_equal(both[0], both[1])


def test_features_that_are_all_the_same_tell_nothing():
    labels = np.repeat([0, 1], 20)
    random, grouped = outcome(np.ones((40, 3)), labels, np.arange(40) // 2, 0)
    assert random.value == grouped.value == 0.5
    assert random.p == grouped.p == 1.0


# --- folds and drawings -----------------------------------------------------------------------------------------------


def test_groups_stay_whole_and_classes_are_spread():
    rng = np.random.default_rng(10)
    group = rng.integers(0, 60, 600)
    labels = (group % 3).astype(np.intp)
    dealing = deal_groups(labels, group, 0)
    folds = dealing.image_folds
    assert dealing.count == 5
    assert all(len(np.unique(folds[group == one])) == 1 for one in np.unique(group))
    for fold in range(5):
        assert np.bincount(labels[folds == fold], minlength=3).min() > 0


def test_drawings_keep_each_fold_and_each_unit():
    rng = np.random.default_rng(11)
    group = rng.integers(0, 40, 300)
    labels = (group % 2).astype(np.intp)
    labels[:30] = rng.integers(0, 2, 30)  # some groups hold both classes
    dealing = deal_groups(labels, group, 0)
    drawn = drawn_labels(dealing, 50, 0)
    units = np.stack([group, labels])
    for one in np.unique(units, axis=1).T:
        members = (units == one[:, None]).all(axis=0)
        assert (drawn[:, members] == drawn[:, members][:, :1]).all()
    of_units = np.array([[row[dealing.unit == unit][0] for unit in range(len(dealing.labels))] for row in drawn])
    for fold in range(dealing.count):
        inside = dealing.folds == fold
        assert (np.sort(of_units[:, inside]) == np.sort(dealing.labels[inside])).all()
    assert len(np.unique(drawn, axis=0)) > 40


@pytest.mark.parametrize(("each", "possible"), [(1, False), (2, False), (4, False), (5, True), (8, True)])
def test_too_few_groups_cannot_be_measured(each, possible):
    group = np.repeat(np.arange(2 * each), 12)
    assert (deal_groups((group % 2).astype(np.intp), group, 0) is not None) == possible


# --- position against number ------------------------------------------------------------------------------------------


def test_the_number_of_cells_cannot_be_read_from_their_positions():
    rng = np.random.default_rng(13)
    labels, positions, numbers = np.repeat([0, 1], 150), [], []
    for label in labels:
        mask = np.zeros((60, 80), bool)
        for y, x in zip(rng.integers(0, 58, (1, 5)[label]), rng.integers(0, 78, (1, 5)[label]), strict=True):
            mask[y : y + 2, x : x + 2] = True
        found = regions_of(mask)
        positions.append(position_of_cells(found))
        numbers.append(number_of_cells(found))
    single = np.arange(300)
    # The uppermost nucleus of each picture reaches 0.75.
    assert outcome(np.array(positions), labels, single, 0)[0].value < 0.6
    assert outcome(np.array(numbers), labels, single, 0)[0].value > 0.95
