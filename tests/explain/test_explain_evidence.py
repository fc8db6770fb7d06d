"""Evidence: hand-computed maps, and that a constant over all classes changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

from leukolens.explain import class_evidence
from leukolens.finding import CLASSES, UsageError


def test_contrast_is_own_map_less_the_mean_of_the_others() -> None:
    maps = np.array([[[1.0, 0.0]], [[4.0, 0.0]], [[-1.0, 3.0]]], np.float32)
    got = class_evidence(maps, ["a", "b", "c"], "b")
    np.testing.assert_allclose(got, [[4.0, -1.5]])
    assert got.dtype == np.float32


def test_a_constant_over_all_classes_changes_nothing() -> None:
    maps = np.random.default_rng(0).normal(size=(4, 6, 7)).astype(np.float32)
    shift = np.random.default_rng(1).normal(size=(6, 7)).astype(np.float32)
    plain, shifted = (class_evidence(one, CLASSES, "Pre-B") for one in (maps, maps + shift))
    np.testing.assert_allclose(plain, shifted, atol=1e-5)


def test_mean_plus_bias_is_the_lead_in_logits() -> None:
    rng = np.random.default_rng(2)
    maps, bias = rng.normal(size=(4, 6, 7)).astype(np.float32), rng.normal(size=4)
    logits = maps.mean((1, 2)) + bias
    lead = logits[3] - logits[:3].mean()
    contrast_of_bias = bias[3] - bias[:3].mean()
    assert class_evidence(maps, CLASSES, "Pro-B").mean() + contrast_of_bias == pytest.approx(lead, abs=1e-5)


def test_unknown_class_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"Did you mean 'Pre-B'"):
        class_evidence(np.zeros((4, 2, 2), np.float32), CLASSES, "Pre-b")


@pytest.mark.parametrize("shape", [(3, 2, 2), (4, 2), (4, 2, 2, 1)])
def test_map_that_does_not_fit_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="does not fit"):
        class_evidence(np.zeros(shape, np.float32), CLASSES, "Pre-B")
