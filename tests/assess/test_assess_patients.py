"""Patients: the rule, exact intervals, and what contradicts itself."""

from __future__ import annotations

import numpy as np
import pytest

from leukolens.assess.patients import check_patients, exact_share, patient_level
from leukolens.finding import DataError

stats = pytest.importorskip("scipy.stats", reason="needs leukolens[train]")


def test_by_hand():
    patients = ["a", "a", "b", "b", "b", None, "c"]
    positive = np.array([True, True, True, True, True, False, False])
    p_all = np.array([0.9, 0.3, 0.2, 0.4, 0.3, 0.9, 0.1])
    found = patient_level(patients, positive, p_all, threshold=0.5)
    assert found.names == ("a", "b", "c")
    assert found.images.tolist() == [2, 3, 1]
    assert found.p_all == pytest.approx([0.6, 0.3, 0.1])
    assert found.left_out == 1
    assert found.figures["accuracy"].value == pytest.approx(2 / 3)
    assert found.figures["sensitivity"].value == 0.5
    assert found.figures["specificity"].value == 1
    assert found.figures["auc"].value == 1
    lenient = patient_level(patients, positive, p_all, threshold=0.25)
    assert lenient.figures["sensitivity"].value == 1


@pytest.mark.parametrize(("hits", "n"), [(0, 8), (3, 8), (8, 8), (25, 25), (118, 120), (1, 1)])
def test_exact_interval_as_scipy(hits, n):
    ours = exact_share(np.arange(n) < hits)
    theirs = stats.binomtest(hits, n).proportion_ci(0.95, method="exact")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert ours.method == "clopper-pearson"


def test_exact_interval_holds_at_least_as_often_as_it_says():
    """Every outcome weighed by its chance: 95 % or more at any true share, for any number of patients."""
    for n in (8, 40, 120):
        told = [exact_share(np.arange(n) < hits) for hits in range(n + 1)]
        for share in (0.5, 0.8, 0.95, 0.99):
            chance = stats.binom.pmf(np.arange(n + 1), n, share)
            held = sum(p for p, own in zip(chance, told, strict=True) if own.low <= share <= own.high)
            assert held >= 0.95


def test_no_patient_no_level():
    assert patient_level([None, None], np.array([True, False]), np.array([0.9, 0.1]), threshold=0.5) is None
    nobody = exact_share(np.zeros(0, bool))
    assert nobody.value is None
    assert (nobody.low, nobody.high) == (0, 1)


def test_patients_of_one_side_have_one_figure_less():
    found = patient_level(["a", "b"], np.ones(2, bool), np.array([0.9, 0.2]), threshold=0.5)
    assert found.figures["specificity"].value is None
    assert found.figures["auc"].value is None
    assert found.figures["sensitivity"].value == 0.5


def test_patient_with_both_truths_is_refused_with_what_is_needed():
    with pytest.raises(
        DataError, match=r"one truth for each patient.*1 of 2 patients with both: 'b'.*--no-patient-level"
    ):
        check_patients(["a", "b", "b", None, None], [True, True, False, True, False])
    with pytest.raises(DataError, match=r"9 of 9 patients.* and more"):
        check_patients([str(n // 2) for n in range(18)], [n % 2 == 0 for n in range(18)])
