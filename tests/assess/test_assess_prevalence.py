"""Predictive values at a stated prevalence."""

from __future__ import annotations

import numpy as np
import pytest

from leukolens.assess.prevalence import PREVALENCES, check_prevalences, predictive_values, prevalence_name, ratio_limits
from leukolens.finding import UsageError

special = pytest.importorskip("scipy.special", reason="needs leukolens[train]")


def cells(true_positives, false_negatives, true_negatives, false_positives):
    counts = (true_positives, false_negatives, true_negatives, false_positives)
    return np.repeat([True, True, False, False], counts), np.repeat([True, False, False, True], counts)


def mercaldo(true_positives, false_negatives, true_negatives, false_positives, prevalence):
    """Mercaldo, Lau and Zhou 2007, the logit intervals of both values, written out."""
    sensitivity = true_positives / (true_positives + false_negatives)
    specificity = true_negatives / (true_negatives + false_positives)
    deviation = {
        "ppv": (1 - sensitivity) / sensitivity / (true_positives + false_negatives)
        + specificity / (1 - specificity) / (true_negatives + false_positives),
        "npv": sensitivity / (1 - sensitivity) / (true_positives + false_negatives)
        + (1 - specificity) / specificity / (true_negatives + false_positives),
    }
    logit = {
        "ppv": np.log(sensitivity * prevalence / ((1 - specificity) * (1 - prevalence))),
        "npv": np.log(specificity * (1 - prevalence) / ((1 - sensitivity) * prevalence)),
    }
    return {
        name: [1 / (1 + np.exp(-(logit[name] + sign * 1.959964 * np.sqrt(deviation[name])))) for sign in (-1, 1)]
        for name in logit
    }


@pytest.mark.parametrize("prevalence", [0.01, 0.2, 0.6])
def test_as_mercaldo_where_no_cell_is_nearly_empty(prevalence):
    counts = (460, 40, 540, 60)
    ours, theirs = predictive_values(*cells(*counts), prevalence), mercaldo(*counts, prevalence)
    for name, own in ours.items():
        assert (own.low, own.high) == pytest.approx(theirs[name], rel=0.02)


def test_at_the_prevalence_of_the_sample_it_is_the_plain_share():
    positive, called = cells(70, 10, 110, 10)
    ours = predictive_values(positive, called, 80 / 200)
    assert ours["ppv"].value == pytest.approx(70 / 80)
    assert ours["npv"].value == pytest.approx(110 / 120)


def test_empty_cells_still_have_a_width():
    perfect = predictive_values(*cells(50, 0, 80, 0), 0.05)
    for own in perfect.values():
        assert own.value == 1
        assert own.low < 1 == own.high
    # 3 of 80 false alarms cannot be ruled out: at 5 % that is more false than true alarms.
    assert perfect["ppv"].low < 0.6
    assert perfect["npv"].low > 0.99


def test_nobody_called_has_no_positive_predictive_value():
    ours = predictive_values(*cells(0, 20, 30, 0), 0.1)
    assert ours["ppv"].value is None
    assert ours["ppv"].note
    assert ours["npv"].value == pytest.approx(0.9)
    one_side = predictive_values(np.ones(9, bool), np.ones(9, bool), 0.1)
    assert one_side["npv"].value is None
    assert (one_side["npv"].low, one_side["npv"].high) == (0, 1)


def test_groups_widen():
    positive, called = cells(180, 20, 190, 10)
    groups = np.repeat(np.arange(80), 5)
    alone, together = predictive_values(positive, called, 0.05), predictive_values(positive, called, 0.05, groups)
    for name in alone:
        assert together[name].high - together[name].low > 1.3 * (alone[name].high - alone[name].low)


def test_ratio_limits_by_hand():
    """Of known shares the ratio is known; where the top is empty, its limit over a little less than the bottom."""
    assert ratio_limits((0.2, 0.2, 0.2), (0.8, 0.8, 0.8)) == pytest.approx((0.25, 0.25))
    low, high = ratio_limits((0.0, 0.0, 0.1), (0.8, 0.9, 0.95))
    assert low == 0
    assert high == pytest.approx(0.1 / np.sqrt(0.8 * (1.8 - 0.8)))
    wide, narrow = (ratio_limits((0.1, 0.2, 0.3), (0.7, 0.8, 0.9), related) for related in (-0.9, 0.9))
    assert narrow[1] - narrow[0] < wide[1] - wide[0]


@pytest.mark.parametrize("stated", [0.0, 1.0, -0.1, 5.0, float("nan")])
def test_what_is_no_prevalence(stated):
    with pytest.raises(UsageError, match=r"--prevalence 0\.05"):
        check_prevalences([0.05, stated])


def test_prevalences_are_sorted_and_named():
    assert check_prevalences([0.2, 0.05, 0.2]) == (0.05, 0.2)
    assert [prevalence_name(share) for share in (*PREVALENCES, 0.125)] == ["1%", "5%", "20%", "12.5%"]
