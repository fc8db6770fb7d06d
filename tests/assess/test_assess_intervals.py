"""Intervals against published values, degenerate input, and what must hold of every interval."""

from __future__ import annotations

import numpy as np
import pytest
from assess_samples import NAMES, guess, perfect

from leukolens.assess.areas import auc_estimate, macro_auc, precision_area_estimate
from leukolens.assess.bootstrap import bca_limits, resample
from leukolens.assess.confusion import macro
from leukolens.assess.group_bootstrap import bootstrap_limits
from leukolens.assess.means import bounded_mean, correlation, mean_of
from leukolens.assess.predictions import check_predictions
from leukolens.assess.ranking import average_precision, precision_pulls
from leukolens.assess.scores import Scores, flat_names, score
from leukolens.statistics.grouped import design_effect, kish, shrink, spread, strata_of_units
from leukolens.statistics.intervals import METHODS, critical_value, proportion, share_limits, wilson

stats = pytest.importorskip("scipy.stats", reason="needs leukolens[train]")


# --- Wilson -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [  # Newcombe 1998, Two-sided confidence intervals for the single proportion, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_as_published(hits, n, low, high):
    assert wilson(hits / n, n, critical_value()) == pytest.approx((low, high), abs=5e-5)


def test_wilson_as_scipy():
    for hits, n in ((60, 90), (2852, 2880), (25, 25)):
        theirs = stats.binomtest(hits, n).proportion_ci(0.95, method="wilson")
        marks = np.arange(n) < hits
        ours = proportion(marks)
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


@pytest.mark.parametrize(("errors", "n"), [(1, 325), (3, 576), (8, 2880)])
def test_few_errors_get_the_exact_limit_on_their_side(errors, n):
    ours = proportion(np.arange(n) >= errors)
    wilson_only = stats.binomtest(n - errors, n).proportion_ci(0.95, method="wilson")
    exact = stats.binomtest(errors, n, alternative="greater").proportion_ci(0.95, method="exact")
    assert ours.low == pytest.approx(wilson_only.low)
    assert ours.high == pytest.approx(1 - exact.low)
    assert ours.high > wilson_only.high


def test_nothing_to_count_says_nothing():
    nothing = proportion(np.zeros(0, dtype=bool))
    assert nothing.value is None
    assert (nothing.low, nothing.high) == (0.0, 1.0)
    assert nothing.note


def test_critical_values():
    assert critical_value() == pytest.approx(1.959964, abs=1e-6)
    assert critical_value(0.95, 10) == pytest.approx(2.228139, abs=1e-6)


# --- groups -----------------------------------------------------------------------------------------------------


def effect_of(hits, groups):
    return design_effect(hits.astype(float), np.ones(len(hits), bool), groups)[0]


def test_wholly_alike_images_count_as_their_groups():
    """25 patients of 10 equal images each tell as much as 25 images."""
    right = np.repeat(np.arange(25) >= 3, 10)
    groups = np.repeat(np.arange(25), 10)
    assert effect_of(right, groups) == pytest.approx(10, rel=0.05)
    ours = proportion(right, groups)
    # Satterthwaite by hand: 3 groups 0.88 below and 22 groups 0.12 above the mean.
    squares, fourth = 3 * 0.88**2 + 22 * 0.12**2, 3 * 0.88**4 + 22 * 0.12**4
    alone = share_limits(22 / 25, 25, critical_value(0.95, 2 / (fourth / squares**2 - 1 / 25)))
    assert (ours.low, ours.high) == pytest.approx(alone, abs=0.01)


def test_all_right_in_few_groups_is_as_wide_as_the_groups_are_few():
    """FIELD.md: 25 of 25 benign patients right has a lower bound of 0.86, however many images each has."""
    images = proportion(np.ones(2500, dtype=bool))
    patients = proportion(np.ones(2500, dtype=bool), np.arange(2500) // 100)
    assert images.low > 0.998
    assert 0.83 < patients.low < 0.88


def test_independent_images_in_groups_lose_little():
    rng = np.random.default_rng(0)
    right = rng.random(4000) < 0.9
    effects = [effect_of(right, rng.permutation(4000) // 10) for _ in range(20)]
    assert 1 <= np.mean(effects) < 1.25


def test_one_group_says_next_to_nothing():
    told = proportion(np.arange(50) < 40, np.zeros(50, dtype=int))
    assert told.low < 0.1
    assert told.high > 0.99


def test_groups_of_one_change_nothing_but_the_tails():
    right = np.arange(400) < 390
    alone, single = proportion(right), proportion(right, np.arange(400))
    assert (single.low, single.high) == pytest.approx((alone.low, alone.high), abs=2e-3)


def test_kish_and_shrink():
    assert kish(np.array([0, 0, 1, 2, 2, 2])) == pytest.approx((4 + 1 + 9) / 6)
    assert kish(None) == 1
    assert shrink(3.0, 12.0, 0) == 12.0
    assert shrink(3.0, 12.0, 1) == pytest.approx(6.0)
    assert shrink(3.0, 12.0, 1000) == pytest.approx(3.0, rel=2e-3)


# --- means over classes -----------------------------------------------------------------------------------------


def test_mean_of_independent_proportions_is_square_and_add():
    parts = [proportion(np.arange(100) < 90), proportion(np.arange(50) < 30)]
    ours = mean_of(parts, np.eye(2), 150, None)
    down = np.hypot(*(part.value - part.low for part in parts)) / 2
    up = np.hypot(*(part.high - part.value for part in parts)) / 2
    assert (ours.low, ours.high) == pytest.approx((0.75 - down, 0.75 + up))
    alike = mean_of(parts, np.ones((2, 2)), 150, None)
    assert alike.low == pytest.approx(np.mean([part.low for part in parts]))


def test_correlation_is_that_of_numpy_where_it_is_known():
    rng = np.random.default_rng(0)
    influences = rng.normal(size=(200, 3))
    influences[:, 1] += influences[:, 0]
    influences -= influences.mean(axis=0)
    unknown = np.full((3, 3), 0.5)
    assert correlation(influences, None, unknown) == pytest.approx(np.corrcoef(influences.T))
    influences[:, 2] = 0
    filled = correlation(influences, None, unknown)
    assert filled[0, 2] == 0.5
    assert filled[2, 2] == 1


# --- areas ------------------------------------------------------------------------------------------------------


def newcombe_distance(told, end, positives, negatives):
    """(A - t)^2 / (z^2 V(t)) for one end t: 1 in Newcombe's method 5."""
    half = (positives + negatives) / 2 - 1
    variance = end * (1 - end) * (1 + half * (1 - end) / (2 - end) + half * end / (1 + end)) / (positives * negatives)
    return (told.value - end) ** 2 / (critical_value() ** 2 * variance)


def test_area_as_newcombe_with_the_variance_of_the_placements():
    rng = np.random.default_rng(0)
    positive = np.arange(100) < 40
    normal, spread_out = (
        rng.normal(size=100) + 2.2 * positive,
        rng.normal(size=100) * np.where(positive, 3, 1) + positive,
    )
    for scores, least, most in ((normal, 0.8, 1.0), (spread_out, 1.0, 1.6)):
        told = auc_estimate(positive, scores, None)
        factors = [newcombe_distance(told, end, 40, 60) for end in (told.low, told.high)]
        assert factors[0] == pytest.approx(factors[1], abs=1e-6)
        assert least - 1e-6 <= factors[0] <= most


def test_perfect_ranking_still_has_a_width():
    positive = np.arange(100) < 30
    scores = positive + np.linspace(0, 0.5, 100)
    for estimate in (auc_estimate, precision_area_estimate):
        told = estimate(positive, scores, None)
        assert told.value == 1
        assert told.high == 1
        assert 0.85 < told.low < 0.98
        grouped = estimate(positive, scores, np.arange(100) // 10)
        assert grouped.low < told.low


def test_turned_ranking_mirrors_the_area():
    rng = np.random.default_rng(0)
    positive, scores = rng.random(80) < 0.4, rng.normal(size=80)
    one, other = auc_estimate(positive, scores, None), auc_estimate(~positive, scores, None)
    assert other.value == pytest.approx(1 - one.value)
    assert (other.low, other.high) == pytest.approx((1 - one.high, 1 - one.low), abs=0.02)


# --- bootstrap --------------------------------------------------------------------------------------------------


def test_bootstrap_limits_as_scipy():
    values = np.random.default_rng(4).exponential(size=400)
    counts = np.concatenate(list(resample(np.zeros(400, int), 6000, 88)))
    left_out = (values.sum() - values) / 399
    ours = bca_limits(values.mean(), counts @ values / 400, left_out, 0.95)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=6000, method="BCa", rng=0).confidence_interval
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.012)


def test_seed_decides_the_bootstrap():
    sample = guess(60, 3, 1.0, 2)
    first, again, other = (bootstrap_limits(sample, replicates=200, seed=seed) for seed in (5, 5, 6))
    assert first == again
    assert first != other


def test_strata_keep_their_size():
    strata = strata_of_units(np.repeat([0, 1, 2], (50, 30, 20)), None)
    draws = np.concatenate(list(resample(strata, 100, 0)))
    assert draws.shape == (100, 100)
    for name, size in ((0, 50), (1, 30), (2, 20)):
        assert (draws[:, strata == name].sum(axis=1) == size).all()


def test_strata_of_groups_are_the_class_of_most_of_their_images():
    labels = np.array([0, 0, 1, 1, 1, 0, 1, 1])
    groups = np.array([5, 5, 5, 2, 2, 2, 9, 9])
    assert strata_of_units(labels, groups).tolist() == [1, 1, 1]  # groups 2, 5, 9; the only one of class 0 joins
    single = strata_of_units(np.array([0, 1, 2, 2]), None)
    assert single[0] == single[1] != single[2]


def test_groups_widen_the_bootstrap():
    grouped = guess(400, 4, 1.5, 1, group=10, alike=0.9)
    alone = check_predictions(grouped.labels, grouped.probabilities, grouped.classes)
    wide, narrow = bootstrap_limits(grouped, replicates=300), bootstrap_limits(alone, replicates=300)
    for name in ("accuracy", "brier", "auc", "ece"):
        assert np.diff(wide[name]) > 1.5 * np.diff(narrow[name]), name


# --- means ------------------------------------------------------------------------------------------------------


def test_mean_of_zeros_and_ones_is_a_proportion():
    values = (np.arange(400) < 300).astype(float)
    ours = bounded_mean(values, np.zeros(400, int), None, (0.0, 1.0))
    assert (ours.low, ours.high) == pytest.approx(wilson(0.75, 400, critical_value()), abs=1e-3)
    doubled = bounded_mean(2 * values, np.zeros(400, int), None, (0.0, 2.0))
    assert (doubled.low, doubled.high) == pytest.approx((2 * ours.low, 2 * ours.high))


def test_mean_of_many_plain_numbers_is_as_students():
    values = np.random.default_rng(4).beta(2, 5, size=4000)
    ours = bounded_mean(values, np.zeros(4000, int), None, (0.0, 1.0))
    half = 1.96 * values.std() / np.sqrt(4000)
    assert (ours.low, ours.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=half / 20)


def test_mean_that_never_varies_is_as_wide_as_a_mean_can_be():
    same = bounded_mean(np.zeros(50), np.zeros(50, dtype=int), None, (0.0, 2.0))
    assert same.method == "bounded-mean"
    assert (same.value, same.low) == (0.0, 0.0)
    assert same.high == pytest.approx(2 * wilson(0, 50, critical_value())[1])


# --- how well a variance is known -------------------------------------------------------------------------------


def test_degrees_of_freedom_fall_where_few_groups_hold_the_errors():
    groups = np.repeat(np.arange(60), 10)
    even = np.random.default_rng(0).normal(size=60)[groups]
    few = np.where(np.arange(60) < 4, 1.0, 0.0)[groups]
    known, hardly = (spread(pulls - pulls.mean(), groups) for pulls in (even, few))
    assert 45 < known.degrees <= 59
    assert 8 < hardly.degrees < 16


def test_variance_is_that_of_the_groups_about_their_class():
    rng = np.random.default_rng(0)
    groups, labels = np.repeat(np.arange(40), 5), np.repeat(np.arange(40) % 2, 5)
    pulls = rng.normal(size=40)[groups] + 3.0 * labels
    sums = np.array([pulls[groups == number].sum() for number in range(40)])
    theirs = sum(20 * np.var(sums[np.arange(40) % 2 == side], ddof=1) for side in (0, 1))
    assert spread(pulls, groups, labels).variance == pytest.approx(theirs)
    assert spread(pulls - pulls.mean(), groups).variance > 2 * theirs


def test_pulls_of_the_average_precision_are_its_derivative():
    rng = np.random.default_rng(1)
    positive, scores = rng.random(60) < 0.4, rng.integers(0, 25, 60) / 25
    pulls = precision_pulls(positive, scores)
    for index in range(0, 60, 7):
        more = np.ones(60)
        more[index] += 1e-6
        slope = (average_precision(positive, scores, more) - average_precision(positive, scores)) / 1e-6
        assert pulls[index] == pytest.approx(float(slope), abs=1e-6)
    assert pulls.sum() == pytest.approx(0, abs=1e-12)


# --- whatever the predictions -----------------------------------------------------------------------------------


def all_sound(scores: Scores) -> None:
    for name, figure in scores.flat().items():
        assert figure.method in METHODS, name
        assert np.isfinite([figure.low, figure.high]).all(), name
        assert figure.low <= figure.high, name
        if figure.value is None:
            assert figure.note, name
        else:
            assert figure.low <= figure.value <= figure.high, name
            assert figure.high > figure.low, f"{name}: an interval without a width"


def one_image(right: bool):
    return check_predictions([0], [[0.9, 0.1] if right else [0.1, 0.9]], NAMES[:2])


@pytest.mark.parametrize(
    "predictions",
    [
        one_image(right=True),
        one_image(right=False),
        perfect(),
        perfect(group=5),
        perfect((1, 1)),
        perfect((40, 0, 3)),
        perfect((0, 0, 7)),
        guess(30, 4, 0.0, 1),
        guess(30, 4, -3.0, 1),
        guess(90, 4, 2.0, 1, group=9),
        guess(40, 2, 5.0, 1, group=40),
        check_predictions(np.zeros(20, int), np.tile([0.5, 0.5], (20, 1)), NAMES[:2]),
        check_predictions(np.arange(20) % 2, np.tile([0.5, 0.5], (20, 1)), NAMES[:2]),
        check_predictions(np.ones(20, int), np.tile([1.0, 0.0], (20, 1)), NAMES[:2]),
    ],
    ids=[
        "one right", "one wrong", "all right", "all right in groups", "two images", "a class without images",
        "one class", "guessing", "all wrong", "groups", "one group", "one class tied", "all tied", "all surely wrong",
    ],
)  # fmt: skip
def test_every_interval_is_sound(predictions):
    scores = score(predictions, ("Benign",), replicates=100)
    all_sound(scores)
    assert list(scores.flat()) == flat_names(predictions.classes, leukaemia=True)


def test_class_without_images_is_left_out_of_averages():
    scores = score(perfect((40, 0, 3)), replicates=50)
    assert scores.by_class["Early Pre-B"]["recall"].value is None
    assert scores.by_class["Early Pre-B"]["auc"].note
    assert scores.overall["balanced_accuracy"].value == 1
    assert scores.leukaemia is None


def test_class_that_is_never_called_counts_as_no_precision():
    sample = check_predictions([0, 0, 1], [[0.9, 0.1]] * 3, NAMES[:2])
    assert score(sample, replicates=50).by_class["Early Pre-B"]["precision"].value is None
    told = macro(sample, "precision")
    assert told.value == pytest.approx((2 / 3) / 2)
    assert "1 of 2 classes not defined" in told.note


def test_macro_auc_of_one_class_is_not_defined():
    assert macro_auc(perfect((0, 0, 7))).value is None


def test_groups_widen_every_interval():
    grouped = guess(600, 3, 2.0, 3, group=20, alike=0.8)
    alone = check_predictions(grouped.labels, grouped.probabilities, grouped.classes)
    wide, narrow = (
        score(grouped, ("Benign",), replicates=300).overall,
        score(alone, ("Benign",), replicates=300).overall,
    )
    for name, figure in wide.items():
        assert figure.high - figure.low > 1.3 * (narrow[name].high - narrow[name].low), name
        assert figure.groups == 30
        assert narrow[name].groups is None
