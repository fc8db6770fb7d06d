"""What an interval promises, by simulation: it holds the true value 95 times in 100, for images in groups too.

The truth of each setting comes from its formula or from a very large sample. Each test averages over settings, as a
score-type interval's coverage goes up and down around 95 % with the true value. docs/evaluate.md tells what is
required here.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from assess_samples import guess

from leukolens.assess.areas import auc_estimate, precision_area_estimate
from leukolens.assess.confusion import accuracy, f1, macro
from leukolens.assess.differences import paired_difference
from leukolens.assess.losses import LARGEST_LOG_LOSS, brier_losses, log_losses
from leukolens.assess.means import bounded_mean
from leukolens.assess.ranking import area_under_roc, average_precision
from leukolens.statistics.intervals import proportion

special = pytest.importorskip("scipy.special", reason="needs leukolens[train]")


def in_groups(rng, count, size, share, alike):
    """Right or wrong for `count` groups of about `size` images, with an intraclass correlation of `alike`."""
    sizes = 1 + rng.poisson(size - 1, count)
    strength = 1 / alike - 1
    own = rng.beta(share * strength, (1 - share) * strength, count)
    groups = np.repeat(np.arange(count), sizes)
    return rng.random(len(groups)) < own[groups], groups


def coverage(draw, truth, runs):
    held = [told.low <= truth <= told.high for told in (draw(seed) for seed in range(runs))]
    return float(np.mean(held))


def test_proportion_of_independent_images():
    rng = np.random.default_rng(0)
    held = []
    for share in rng.uniform(0.5, 0.999, 4000):
        told = proportion(rng.random(200) < share)
        held.append(told.low <= share <= told.high)
    assert 0.935 <= np.mean(held) <= 0.97


@pytest.mark.parametrize("errors", [0.1, 0.18, 0.5, 1.0, 2.0, 4.0])
def test_proportion_with_few_errors(errors):
    """Wilson's own interval covers 0.83 with an expected 0.17 errors, 0.90 with others."""
    rng = np.random.default_rng(0)
    counts = rng.binomial(450, errors / 450, 3000)
    told = {count: proportion(np.arange(450) >= count) for count in set(counts.tolist())}
    held = [told[count].low <= 1 - errors / 450 <= told[count].high for count in counts.tolist()]
    assert np.mean(held) >= 0.93


@pytest.mark.parametrize("count", [20, 60, 200])
def test_proportion_of_images_in_groups(count):
    rng = np.random.default_rng(count)
    held, naive = [], []
    for share in (0.8, 0.9, 0.95):
        for alike in (0.05, 0.2, 0.4):
            for _ in range(120):
                right, groups = in_groups(rng, count, 12, share, alike)
                told, alone = proportion(right, groups), proportion(right)
                held.append(told.low <= share <= told.high)
                naive.append(alone.low <= share <= alone.high)
    assert 0.93 <= np.mean(held) <= 0.975
    assert np.mean(naive) < 0.85  # what the groups are for


def test_a_handful_of_errors_in_groups_is_not_taken_for_more():
    """The place where a plain design effect fails: 0.78 with 60 groups of 40 images at 99 %, wholly alike."""
    rng = np.random.default_rng(0)
    held = []
    for alike in (0.2, 0.5):
        for _ in range(300):
            right, groups = in_groups(rng, 60, 40, 0.99, alike)
            told = proportion(right, groups)
            held.append(told.low <= 0.99 <= told.high)
    assert np.mean(held) >= 0.92


FIGURES = {
    "accuracy": accuracy,
    "balanced accuracy": partial(macro, name="recall"),
    "macro precision": partial(macro, name="precision"),
    "macro specificity": partial(macro, name="specificity"),
    "macro F1": partial(macro, name="f1"),
    "F1 of one class": partial(f1, class_index=1),
}


@pytest.mark.slow
@pytest.mark.parametrize("group", [0, 10])
@pytest.mark.parametrize("name", FIGURES)
def test_figures_of_decisions(name, group):
    held = []
    for skill in (1.5, 3.0, 4.5):
        draw = partial(guess, 600, 4, skill, group=group, alike=0.3)
        truth = FIGURES[name](guess(400_000, 4, skill, seed=10**6, group=group, alike=0.3)).value
        held.append(coverage(lambda seed, draw=draw: FIGURES[name](draw(seed=seed)), truth, 300))
    # That of F1 is cautious in groups, so it may hold more often than it promises.
    assert 0.93 <= np.mean(held) <= 0.985, held


def ranked(rng, positives, negatives, shift, spread, group):
    positive = np.arange(positives + negatives) < positives
    groups = np.arange(len(positive)) // max(group, 1)
    noise = rng.normal(size=len(positive))
    if group:
        noise = np.sqrt(0.3) * rng.normal(size=groups[-1] + 1)[groups] + np.sqrt(0.7) * noise
    return positive, np.where(positive, shift + spread * noise, noise), groups if group else None


@pytest.mark.slow
@pytest.mark.parametrize("group", [0, 10])
def test_area_under_roc(group):
    held = []
    for area in (0.7, 0.9, 0.97, 0.995):
        for spread in (1.0, 2.0):
            shift = special.ndtri(area) * np.hypot(1, spread)
            rng = np.random.default_rng(1)
            for _ in range(150):
                positive, scores, groups = ranked(rng, 100, 300, shift, spread, group)
                told = auc_estimate(positive, scores, groups)
                held.append(told.low <= area <= told.high)
    # Newcombe's variance is cautious for equal spreads, so it may hold more often than it promises.
    assert 0.93 <= np.mean(held) <= 0.99


@pytest.mark.slow
@pytest.mark.parametrize("group", [0, 10])
def test_average_precision(group):
    held = []
    for shift, spread in ((1.0, 1.0), (2.0, 1.0), (2.5, 2.0)):
        rng = np.random.default_rng(1)
        positive, scores, _ = ranked(rng, 100_000, 300_000, shift, spread, 0)
        truth = float(average_precision(positive, scores))
        for _ in range(120):
            positive, scores, groups = ranked(rng, 100, 300, shift, spread, group)
            told = precision_area_estimate(positive, scores, groups)
            held.append(told.low <= truth <= told.high)
    assert 0.91 <= np.mean(held) <= 0.985


@pytest.mark.slow
@pytest.mark.parametrize("group", [0, 10])
@pytest.mark.parametrize(("losses", "highest"), [(log_losses, LARGEST_LOG_LOSS), (brier_losses, 2.0)])
def test_losses(losses, highest, group):
    held = []
    for skill in (1.0, 3.0):
        truth = losses(guess(400_000, 4, skill, seed=10**6, group=group, alike=0.3)).mean()

        def draw(seed, skill=skill):
            sample = guess(800, 4, skill, seed=seed, group=group, alike=0.3)
            return bounded_mean(losses(sample), sample.labels, sample.groups, (0.0, highest))

        held.append(coverage(draw, truth, 200))
    assert 0.92 <= np.mean(held) <= 0.985, held


@pytest.mark.slow
@pytest.mark.parametrize("group", [0, 10])
def test_paired_difference(group):
    rng = np.random.default_rng(0)
    held = []
    for worse, better in ((0.01, 0.0), (0.05, 0.02), (0.3, 0.05)):
        for _ in range(400):
            chance = rng.random(500)
            groups = None
            if group:  # neighbours share the draw as often as not
                groups = np.arange(500) // group
                chance = np.where(rng.random(500) < 0.3, rng.random(500 // group)[groups], chance)
            lost = np.where(chance < worse, 1.0, np.where(chance > 1 - better, -1.0, 0.0))
            told = paired_difference(lost, groups)
            held.append(told.low <= worse - better <= told.high)
    assert 0.93 <= np.mean(held) <= 0.985


def test_truth_of_the_area_is_the_formula():
    """The simulations above lean on it."""
    rng = np.random.default_rng(0)
    shift = special.ndtri(0.9) * np.hypot(1, 2)
    positive, scores, _ = ranked(rng, 50_000, 50_000, shift, 2.0, 0)
    assert area_under_roc(positive, scores) == pytest.approx(0.9, abs=0.004)
