"""Exact intervals and numbers of cases: against statsmodels, SciPy and brute force."""

from __future__ import annotations

import math

import pytest

from leukolens.assess.site.exact import cases_for_chance, cases_needed, chance_to_show, least_hits
from leukolens.statistics.intervals import clopper_pearson


@pytest.mark.parametrize(("hits", "n"), [(0, 5), (5, 5), (29, 30), (1, 1), (57, 60), (30, 61)])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_interval_is_that_of_statsmodels_and_scipy(hits, n, level) -> None:
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    from scipy.stats import binomtest

    found = clopper_pearson(hits, n, level)
    assert found.value == hits / n
    expected = proportion.proportion_confint(hits, n, alpha=1 - level, method="beta")
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-12)
    exact = binomtest(hits, n).proportion_ci(level, method="exact")
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=1e-9)


def test_no_case_and_no_sense() -> None:
    none = clopper_pearson(0, 0)
    assert (none.value, none.low, none.high, none.note) == (None, 0.0, 1.0, "no case to count")
    with pytest.raises(ValueError, match="found 4"):
        clopper_pearson(4, 3)


@pytest.mark.parametrize("bound", [0.5, 0.8, 0.85, 0.9, 0.95])
@pytest.mark.parametrize("n", [5, 17, 36, 60, 133])
def test_least_hits_are_found_by_trying_all(n, bound) -> None:
    tried = [hits for hits in range(n + 1) if clopper_pearson(hits, n).low >= bound]
    assert least_hits(n, bound) == (tried[0] if tried else None)


def test_known_numbers_of_cases() -> None:
    # 25 of 25 have a lower bound of 0.863; 36 without an error are the first to show 0.90.
    assert clopper_pearson(25, 25).low == pytest.approx(0.863, abs=5e-4)
    assert [cases_needed(bound) for bound in (0.8, 0.85, 0.9, 0.95)] == [17, 23, 36, 72]
    assert cases_needed(0.9, errors=1) == 54
    assert clopper_pearson(53, 54).low >= 0.9 > clopper_pearson(52, 53).low
    assert cases_needed(1.0) is None


def test_power_is_the_sum_over_what_may_happen() -> None:
    n, bound, true = 40, 0.85, 0.98
    by_hand = sum(
        math.comb(n, hits) * true**hits * (1 - true) ** (n - hits)
        for hits in range(n + 1)
        if clopper_pearson(hits, n).low >= bound
    )
    assert chance_to_show(n, bound, true) == pytest.approx(by_hand, abs=1e-12)


def test_cases_for_a_chance_hold_from_there_on() -> None:
    n = cases_for_chance(0.85, 0.98)
    assert n is not None
    assert chance_to_show(n - 1, 0.85, 0.98) < 0.8
    assert all(chance_to_show(more, 0.85, 0.98) >= 0.8 for more in range(n, n + 200))
    # One that is only just reached is not taken: 40 cases reach it, 45 do not.
    assert chance_to_show(40, 0.85, 0.98) >= 0.8
    assert n == 46
    assert cases_for_chance(0.9, 0.9) is None
