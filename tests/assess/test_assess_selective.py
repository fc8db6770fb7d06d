"""Risk and coverage: values by hand, ties, degenerate input. How often the intervals hold: test_assess_coverage.py."""

from __future__ import annotations

import numpy as np
import pytest

from leukolens.assess.selective import FIGURES, area_under_risk, risk_curve, risks, smallest_area

pytest.importorskip("scipy", reason="needs leukolens[train]")


def test_by_hand():
    wrong = np.array([False, True, False, True])
    sure = np.array([0.9, 0.8, 0.7, 0.6])
    assert risks(wrong, sure).tolist() == pytest.approx([0, 1 / 2, 1 / 3, 2 / 4])
    assert area_under_risk(wrong, sure) == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)
    assert smallest_area(wrong) == pytest.approx((0 + 0 + 1 / 3 + 2 / 4) / 4)


def test_smallest_area_nears_the_formula_of_many_images():
    wrong = np.arange(20_000) < 1_000
    assert smallest_area(wrong) == pytest.approx(0.05 + 0.95 * np.log(0.95), rel=2e-3)


def test_equally_sure_images_have_no_order():
    rng = np.random.default_rng(0)
    wrong, sure = rng.random(60) < 0.3, rng.integers(0, 5, 60) / 5
    turned = rng.permutation(60)
    assert risks(wrong, sure) == pytest.approx(risks(wrong[turned], sure[turned]))
    nothing = risks(wrong, np.zeros(60))
    assert nothing == pytest.approx(np.full(60, wrong.mean()))


def test_a_better_order_has_a_smaller_area():
    wrong = np.arange(200) >= 180
    sure = -np.arange(200.0)
    best, worst = risk_curve(wrong, sure), risk_curve(wrong, -sure)
    assert best.figures["excess_aurc"].value == pytest.approx(0)
    assert worst.figures["aurc"].value > 5 * best.figures["aurc"].value
    assert [best.figures[f"risk_at_{percent}"].value for percent in (80, 90, 95)] == pytest.approx([0, 0, 10 / 190])


@pytest.mark.parametrize(
    ("wrong", "sure"),
    [
        (np.zeros(1, bool), np.ones(1)),
        (np.ones(1, bool), np.ones(1)),
        (np.zeros(40, bool), np.arange(40.0)),
        (np.ones(40, bool), np.arange(40.0)),
        (np.arange(40) < 3, np.zeros(40)),
    ],
    ids=["one right", "one wrong", "all right", "all wrong", "all tied"],
)
@pytest.mark.parametrize("grouped", [False, True])
def test_every_interval_holds_its_value_and_has_a_width(wrong, sure, grouped):
    groups = np.arange(len(wrong)) // 4 if grouped else None
    curve = risk_curve(wrong, sure, groups)
    assert tuple(curve.figures) == FIGURES
    for name, own in curve.figures.items():
        assert own.value is not None
        assert 0 <= own.low <= own.value <= own.high <= 1, name
        assert own.high > own.low, name
    assert curve.coverage[-1] == 1
    assert curve.risk[-1] == pytest.approx(wrong.mean())


def test_groups_widen():
    rng = np.random.default_rng(0)
    wrong, sure = np.repeat(rng.random(50) < 0.2, 10), np.repeat(rng.random(50), 10)
    groups = np.repeat(np.arange(50), 10)
    for name, alone in risk_curve(wrong, sure).figures.items():
        together = risk_curve(wrong, sure, groups).figures[name]
        assert together.high - together.low > 1.8 * (alone.high - alone.low), name
