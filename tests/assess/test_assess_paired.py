"""Two networks on the same images: tests, adjustment, differences."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from assess_samples import NAMES, guess, perfect, softmax

from leukolens.assess.areas import macro_auc
from leukolens.assess.calibration import ece, ece_estimate
from leukolens.assess.confusion import macro
from leukolens.assess.paired import difference_of, flip_p_value, gains, holm, paired_test
from leukolens.assess.paired_bootstrap import draws_related, figure_draws
from leukolens.assess.predictions import Predictions, check_predictions
from leukolens.assess.ranking import area_under_roc, weighted_auc
from leukolens.finding import DataError
from leukolens.statistics.intervals import Estimate


def two_networks(n=576, skills=(3.0, 3.0), seed=0, group=0, alike=0.3) -> tuple[Predictions, Predictions]:
    """Two networks that share half of their noise, and images of one group a part of it."""
    rng = np.random.default_rng(seed)
    numbers = np.arange(n) // max(group, 1)
    labels = rng.integers(4, size=numbers.max() + 1)[numbers]

    def noise():
        own, shared = rng.normal(size=(n, 4)), rng.normal(size=(numbers.max() + 1, 4))[numbers]
        return np.sqrt(alike) * shared + np.sqrt(1 - alike) * own if group else own

    common = noise()
    answers = []
    for skill in skills:
        logits = (common + noise()) / np.sqrt(2)
        logits[np.arange(n), labels] += skill
        answers.append(check_predictions(labels, softmax(logits), NAMES[:4], numbers if group else None))
    return answers[0], answers[1]


def with_errors(total: int, wrong: list[int], groups=None) -> Predictions:
    labels = np.arange(total) % 2
    predicted = labels.copy()
    predicted[wrong] = 1 - predicted[wrong]
    return check_predictions(labels, np.eye(2)[predicted] * 0.8 + 0.1, ["a", "b"], groups)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (1, 0), (0, 4), (3, 3), (2, 9), (25, 11), (1, 400)])
def test_p_value_is_the_mid_p_of_the_binomial(first, second):
    stats = pytest.importorskip("scipy.stats")
    told = flip_p_value(np.array([1] * first + [-1] * second + [0] * 5))
    exact = stats.binomtest(first, first + second).pvalue if first + second else 1.0
    outcome = stats.binom.pmf(first, first + second, 0.5) if first != second else 0.0
    assert told == pytest.approx(exact - outcome)
    assert told <= exact


@pytest.mark.parametrize(("first", "second"), [(2, 9), (25, 11)])
def test_exact_part_is_that_of_statsmodels(first, second):
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    stats = pytest.importorskip("scipy.stats")
    exact = tables.mcnemar([[100, first], [second, 3]], exact=True).pvalue
    told = flip_p_value(np.array([1] * first + [-1] * second))
    assert told == pytest.approx(exact - stats.binom.pmf(first, first + second, 0.5))


def test_groups_are_exchanged_whole():
    """All 2^6 exchanges, counted one by one."""
    sums = np.array([3, -1, 2, 2, 0, -2])
    drawn = [abs(sum(sign * value for sign, value in zip(signs, sums, strict=True))) for signs in _signs(len(sums))]
    expected = np.mean([1.0 if one > 4 else 0.5 if one == 4 else 0.0 for one in drawn])
    assert sums.sum() == 4
    assert flip_p_value(sums) == pytest.approx(expected)


def _signs(count):
    return itertools.product((-1, 1), repeat=count)


def test_six_images_of_one_patient_are_one_piece_of_evidence():
    groups = np.repeat(np.arange(10), 6)
    good, bad = with_errors(60, [], groups), with_errors(60, list(range(6)), groups)
    told = paired_test(good, bad)
    assert (told.first_only, told.second_only, told.method) == (6, 0, "sign-flip")
    assert told.p == pytest.approx(0.5)
    alone = paired_test(with_errors(60, []), with_errors(60, list(range(6))))
    assert (alone.method, alone.p) == ("mcnemar", pytest.approx(0.5**6))


def test_order_of_the_two_only_turns_the_sign():
    first, second = two_networks(300, (2.0, 3.0))
    assert paired_test(first, second).p == paired_test(second, first).p
    np.testing.assert_array_equal(gains(first, second), -gains(second, first))


def test_other_images_or_classes_are_refused():
    with pytest.raises(DataError, match="same images"):
        paired_test(perfect((3, 3)), perfect((2, 4)))
    with pytest.raises(DataError, match="same images"):
        paired_test(perfect((3, 3)), perfect((3, 4)))


@pytest.mark.parametrize("seed", range(5))
def test_holm_is_that_of_statsmodels(seed):
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    rng = np.random.default_rng(seed)
    values = np.round(rng.random(9) ** 3, 2)  # with ties
    expected = multitest.multipletests(values, method="holm")[1]
    np.testing.assert_allclose(holm(values.tolist()), expected)


def test_holm_by_hand():
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.8]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def test_resampled_figures_are_those_of_repeated_images():
    told = guess(120, 4, 2.0, 5)
    rng = np.random.default_rng(0)
    rows = np.sort(rng.integers(120, size=120))
    weights = np.bincount(rows, minlength=120)[None].astype(float)
    again = check_predictions(told.labels[rows], told.probabilities[rows], told.classes)
    from leukolens.assess.paired_bootstrap import _figures

    found = {name: float(values[0]) for name, values in _figures(told, weights).items()}
    assert found["balanced_accuracy"] == pytest.approx(macro(again, "recall").value)
    assert found["f1"] == pytest.approx(macro(again, "f1").value)
    assert found["auc"] == pytest.approx(macro_auc(again).value)
    assert found["ece"] == pytest.approx(ece(again))


def test_weighted_area_counts_ties_half():
    positive, scores = np.array([True, False, True, False]), np.array([0.5, 0.5, 0.9, 0.1])
    assert weighted_auc(positive, scores, np.ones((1, 4)))[0] == pytest.approx(area_under_roc(positive, scores))
    assert np.isnan(weighted_auc(positive, scores, np.array([[0.0, 1, 0, 1]]))[0])


def test_same_seed_gives_both_networks_the_same_images():
    first, second = two_networks(200, (2.0, 2.0))
    draws = [figure_draws(one, 200) for one in (first, second, first)]
    np.testing.assert_array_equal(draws[0]["f1"], draws[2]["f1"])
    assert draws_related(draws[0]["f1"], draws[2]["f1"]) == pytest.approx(1)
    assert 0.1 < draws_related(draws[0]["f1"], draws[1]["f1"]) < 0.9
    assert draws_related(draws[0]["f1"], np.ones(200)) == 0


def test_difference_by_hand():
    first, second = Estimate(0.9, 0.8, 0.95, "wilson", 50), Estimate(0.7, 0.6, 0.75, "wilson", 50)
    told = difference_of(first, second, 0.0)
    assert told.value == pytest.approx(0.2)
    assert told.low == pytest.approx(0.2 - np.hypot(0.1, 0.05))
    assert told.high == pytest.approx(0.2 + np.hypot(0.05, 0.1))
    assert difference_of(first, first, 1.0).high == pytest.approx(np.sqrt(0.1**2 + 0.05**2 - 2 * 0.1 * 0.05))
    assert difference_of(first, Estimate(None, 0, 1, "wilson", 0), 0.0).value is None


FIGURES = {
    "balanced_accuracy": lambda one: macro(one, "recall"),
    "f1": lambda one: macro(one, "f1"),
    "auc": macro_auc,
    "ece": lambda one: ece_estimate(one, replicates=200),
}


@pytest.mark.slow
@pytest.mark.parametrize("group", [0, 10])
@pytest.mark.parametrize("skills", [(3.0, 3.0), (4.0, 5.0)])
def test_coverage_of_differences(skills, group):
    """Quantiles of the paired bootstrap cover as little as a tenth where nearly all is right; docs/compare.md."""
    large = two_networks(200_000, skills, 10**6, group)
    truth = {name: figure(large[0]).value - figure(large[1]).value for name, figure in FIGURES.items() if name != "ece"}
    truth["ece"] = ece(large[0]) - ece(large[1])
    held = {name: [] for name in FIGURES}
    for seed in range(60):
        first, second = two_networks(576, skills, seed, group)
        draws = [figure_draws(one, 200) for one in (first, second)]
        for name, figure in FIGURES.items():
            related = draws_related(draws[0][name], draws[1][name])
            told = difference_of(figure(first), figure(second), related)
            held[name].append(told.low <= truth[name] <= told.high)
    assert all(np.mean(found) >= 0.88 for found in held.values()), {name: np.mean(one) for name, one in held.items()}


@pytest.mark.slow
def test_why_not_the_quantiles_of_the_bootstrap():
    """With next to no errors both networks look the same in every resample."""
    large = two_networks(400_000, (5.0, 5.5), 10**6)
    truth = FIGURES["f1"](large[0]).value - FIGURES["f1"](large[1]).value
    held, naive = [], []
    for seed in range(60):
        first, second = two_networks(576, (5.0, 5.5), seed)
        draws = [figure_draws(one, 200)["f1"] for one in (first, second)]
        told = difference_of(FIGURES["f1"](first), FIGURES["f1"](second), draws_related(*draws))
        low, high = np.quantile(draws[0] - draws[1], [0.025, 0.975])
        held.append(told.low <= truth <= told.high)
        naive.append(low <= truth <= high)
    assert np.mean(naive) < 0.5
    assert np.mean(held) >= 0.93


@pytest.mark.slow
@pytest.mark.parametrize("group", [0, 12])
def test_type_one_error(group):
    """Equal networks are called different at most as often as said; over images alone, those in groups more often."""
    called, naive = [], []
    for seed in range(400):
        first, second = two_networks(480, (1.5, 1.5), seed, group, alike=0.8)
        called.append(paired_test(first, second).p <= 0.05)
        naive.append(flip_p_value(gains(first, second).astype(np.int64)) <= 0.05)
    assert 0.02 <= np.mean(called) <= 0.075
    assert np.mean(naive) > 0.12 if group else np.mean(naive) == np.mean(called)
