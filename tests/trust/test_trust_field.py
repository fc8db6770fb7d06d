from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leukolens.engine.spec import Conformal, FieldNetworkSpec, Novelty
from leukolens.finding import BundleError
from leukolens.trust.field import judge_field, novelty, prediction_set, softmax


def logits(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_probabilities_are_softmax_of_the_softened_logits(spec: FieldNetworkSpec) -> None:
    judged = judge_field(logits(0, 2, 4, -2), 10.0, spec)
    powers = [math.exp(value / 2.0) for value in (0, 2, 4, -2)]
    expected = [power / sum(powers) for power in powers]
    assert list(judged.probabilities) == ["Benign", "Early Pre-B", "Pre-B", "Pro-B"]
    assert list(judged.probabilities.values()) == pytest.approx(expected, abs=1e-12)


def test_softmax_agrees_with_decimal_arithmetic_and_survives_large_logits() -> None:
    values = np.random.default_rng(0).normal(0, 300, (50, 6)).astype(np.float32)
    powers = [[(Decimal(float(value)) / Decimal("0.7")).exp() for value in row] for row in values]  # no overflow here
    expected = [[float(power / sum(row)) for power in row] for row in powers]
    np.testing.assert_allclose(softmax(values, 0.7), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("probabilities", "threshold", "expected"),
    [
        ([0.7, 0.2, 0.1], 0.5, [0]),
        ([0.2, 0.45, 0.35], 0.65, [1, 2]),
        ([0.2, 0.45, 0.35], 0.55, [1]),  # 1 - 0.45 lies on the threshold: in
        ([0.2, 0.45, 0.35], 0.1, [1]),  # would be empty: the most probable one
        ([0.2, 0.45, 0.35], 1.0, [1, 2, 0]),
    ],
)
def test_prediction_sets_by_hand(probabilities: list[float], threshold: float, expected: list[int]) -> None:
    conformal = Conformal(alpha=0.1, threshold=threshold, n=10)
    assert prediction_set(np.array(probabilities), conformal) == expected


def test_without_calibration_the_set_is_the_most_probable_label() -> None:
    assert prediction_set(np.array([0.3, 0.4, 0.3]), None) == [1]


@pytest.mark.parametrize("alpha", [0.02, 0.1, 0.3])
def test_sets_cover_the_truth_as_often_as_promised(alpha: float) -> None:
    """Marginal coverage lies in [1 - alpha, 1 - alpha + 1/(n + 1)] on average over calibrations (Sadinle et al.)."""
    rng = np.random.default_rng(int(alpha * 1000))
    n, repeats, tested = 200, 80, 150

    def draw(count: int) -> tuple[np.ndarray, np.ndarray]:
        scores = rng.normal(0, 1.5, (count, 4))
        truth = np.argmax(
            scores + rng.gumbel(size=scores.shape), axis=1
        )  # drawn with the probabilities softmax(scores)
        # The network is wrong about its own certainty (temperature 0.5): coverage must not depend on that.
        return softmax(scores.astype(np.float32), 0.5), truth

    covered = []
    for _ in range(repeats):
        probabilities, truth = draw(n)
        level = math.ceil((n + 1) * (1 - alpha)) / n
        scores = 1 - probabilities[np.arange(n), truth]
        threshold = float(np.quantile(scores, level, method="inverted_cdf"))
        conformal = Conformal(alpha=alpha, threshold=min(1.0, threshold), n=n)
        probabilities, truth = draw(tested)
        covered.append(np.mean([truth[i] in prediction_set(probabilities[i], conformal) for i in range(tested)]))
    mean, error = np.mean(covered), np.std(covered) / math.sqrt(repeats)
    assert mean >= 1 - alpha - 3 * error
    # Taking the most probable label where the set would be empty adds at most a little here.
    assert mean <= 1 - alpha + 1 / (n + 1) + 3 * error + 0.03


def test_novelty_is_the_share_of_nearer_calibration_images() -> None:
    rng = np.random.default_rng(5)
    distances = rng.gamma(3.0, 2.0, 5000)
    spec = Novelty(quantiles=tuple(np.quantile(distances, np.linspace(0, 1, 101))), limit=20.0)
    for distance in rng.gamma(3.0, 2.5, 200):
        assert novelty(distance, spec) == pytest.approx(np.mean(distances < distance), abs=0.01)


@pytest.mark.parametrize(
    ("distance", "expected"), [(-1.0, 0.0), (0.0, 0.0), (50.0, 0.5), (50.5, 0.505), (100.0, 1.0), (1e9, 1.0)]
)
def test_novelty_by_hand(distance: float, expected: float) -> None:
    assert novelty(distance, Novelty(quantiles=tuple(float(i) for i in range(101)), limit=1.0)) == pytest.approx(
        expected
    )


def test_novelty_where_many_calibration_images_are_equally_distant() -> None:
    spec = Novelty(quantiles=(0.0,) * 50 + (1.0,) * 51, limit=1.0)
    assert novelty(0.0, spec) == 0.0
    assert novelty(1.0, spec) == pytest.approx(0.5)
    assert novelty(1.1, spec) == 1.0


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.floats(0, 10), st.floats(0, 10))
def test_novelty_rises_with_the_distance_and_stays_within_0_and_1(seed: int, first: float, second: float) -> None:
    # Rounded, so that some percentiles are equal.
    quantiles = np.sort(np.random.default_rng(seed).gamma(2.0, 1.5, 101).round(1))
    spec = Novelty(quantiles=tuple(quantiles.tolist()), limit=1.0)
    low, high = sorted((first, second))
    assert 0.0 <= novelty(low, spec) <= novelty(high, spec) <= 1.0


@pytest.mark.parametrize(("distance", "inside"), [(0.0, True), (99.0, True), (99.1, False)])
def test_the_limit_bounds_the_domain(spec: FieldNetworkSpec, distance: float, inside: bool) -> None:
    assert judge_field(logits(1, 2, 3, 4), distance, spec).in_domain is inside


def test_without_statistics_the_novelty_is_unknown(spec: FieldNetworkSpec) -> None:
    judged = judge_field(logits(1, 2, 3, 4), 1e9, spec.model_copy(update={"novelty": None}))
    assert (judged.novelty, judged.in_domain) == (None, True)


@pytest.mark.parametrize(
    ("values", "distance"),
    [
        (logits(1, 2, 3), 1.0),
        (logits(1, 2, 3, float("nan")), 1.0),
        (logits(1, 2, 3, float("inf")), 1.0),
        (logits(1, 2, 3, 4), float("nan")),
        (logits(1, 2, 3, 4).reshape(1, 4), 1.0),
    ],
)
def test_numbers_that_cannot_be_used_are_refused(spec: FieldNetworkSpec, values: np.ndarray, distance: float) -> None:
    with pytest.raises(BundleError, match="4 finite logits"):
        judge_field(values, distance, spec)
