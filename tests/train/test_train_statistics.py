"""Temperature, prediction sets and distances, against known truth and by simulation."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs leukolens[train]")

from leukolens.train.predict import softmax  # noqa: E402
from leukolens.train.statistics import fit_conformal, fit_distance, fit_novelty, fit_temperature  # noqa: E402

pytestmark = pytest.mark.slow


def _draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose softmax is the true distribution of the labels."""
    logits = rng.normal(0, 1.5, (n, 4)).astype(np.float32)
    probabilities = softmax(logits)
    labels = np.array([rng.choice(4, p=row) for row in probabilities])
    return logits, labels


def test_temperature_is_recovered() -> None:
    logits, labels = _draw(20_000, np.random.default_rng(1))
    assert fit_temperature(logits * 3, labels, "simulated").temperature == pytest.approx(3.0, rel=0.05)
    assert fit_temperature(logits * 0.5, labels, "simulated").temperature == pytest.approx(0.5, rel=0.05)


def test_a_network_that_is_always_right_is_not_made_certain() -> None:
    labels = np.arange(40) % 4
    assert fit_temperature(np.eye(4, dtype=np.float32)[labels] * 20, labels, "x").temperature >= 0.25


def test_prediction_sets_hold_the_truth_as_often_as_promised() -> None:
    rng = np.random.default_rng(2)
    covered = []
    for _ in range(40):
        logits, labels = _draw(800, rng)
        probabilities = softmax(logits)
        threshold = fit_conformal(probabilities[:400], labels[:400], "x", alphas=[0.1]).threshold
        covered.append(np.mean(1 - probabilities[400:][np.arange(400), labels[400:]] <= threshold))
    assert np.mean(covered) == pytest.approx(0.9, abs=0.012)


def test_threshold_is_the_textbook_quantile() -> None:
    probabilities = np.array([[p, 1 - p] for p in (0.05, 0.1, 0.2, 0.3, 0.9, 0.9, 0.9, 0.9, 0.9)])
    labels = np.zeros(9, int)
    # ceil(10 * 0.8) = 8th smallest of 1 - p
    assert fit_conformal(probabilities, labels, "x", alphas=[0.2]).threshold == pytest.approx(0.9)


@pytest.mark.parametrize(("n", "alpha"), [(99, 0.01), (98, 0.05), (19, 0.05), (18, 0.1), (9, 0.1), (8, None)])
def test_no_more_is_promised_than_so_many_pictures_can(n: int, alpha: float | None) -> None:
    probabilities = np.tile([[0.9, 0.1]], (n, 1))
    found = fit_conformal(probabilities, np.zeros(n, int), "x")
    assert (found and found.alpha) == alpha


def test_a_threshold_below_one_half_is_kept() -> None:
    probabilities = np.tile([[0.97, 0.03]], (120, 1))
    found = fit_conformal(probabilities, np.zeros(120, int), "x")
    assert found is not None
    assert found.threshold == pytest.approx(0.03, abs=2e-6)


def test_distance_is_mahalanobis_where_the_covariance_is_full() -> None:
    rng = np.random.default_rng(3)
    mixing = rng.normal(size=(6, 6))
    features = (rng.normal(size=(4000, 6)) @ mixing).astype(np.float32)
    labels = np.zeros(4000, int)
    distance = fit_distance(features, labels, 1)
    assert distance.axes.shape == (6, 5)
    probe = (rng.normal(size=(200, 6)) @ mixing).astype(np.float32)
    centred = probe - features.mean(0)
    expected = np.sqrt(np.einsum("ni,ij,nj->n", centred, np.linalg.inv(np.cov(features.T)), centred) / 6)
    found = distance(torch.from_numpy(probe)).numpy()
    np.testing.assert_allclose(found, expected, rtol=0.02)


def test_near_is_near_one_and_far_is_far() -> None:
    rng = np.random.default_rng(4)
    centres = rng.normal(0, 5, (3, 100))
    labels = np.arange(900) % 3
    features = (centres[labels] + rng.normal(size=(900, 100))).astype(np.float32)
    distance = fit_distance(features, labels, 3)
    held = (centres[labels] + rng.normal(size=(900, 100))).astype(np.float32)
    near = distance(torch.from_numpy(held)).numpy()
    far = distance(torch.from_numpy(held + 4)).numpy()
    assert np.median(near) == pytest.approx(1.0, abs=0.15)
    assert far.min() > near.max()


def test_novelty_has_rising_quantiles_and_a_limit_among_the_varied() -> None:
    rng = np.random.default_rng(5)
    near, varied = rng.gamma(9, 0.1, 300).astype(np.float32), rng.gamma(9, 0.13, 600).astype(np.float32)
    novelty = fit_novelty(near, varied, "x")
    assert len(novelty.quantiles) == 101
    assert novelty.quantiles[0] == pytest.approx(float(near.min()), abs=1e-5)
    assert (varied > novelty.limit).mean() == pytest.approx(0.02, abs=0.003)
