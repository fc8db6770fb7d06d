from __future__ import annotations

import numpy as np
import pytest

from leukolens.audit.confident import expected_by_chance, learn_confidence


def golden() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    true = rng.integers(0, 3, 60)
    probabilities = rng.dirichlet(np.ones(3) * 0.4, 60) * 0.35
    probabilities[np.arange(60), true] += 0.65
    labels = true.copy()
    wrong = [3, 17, 40, 41, 58]
    labels[wrong] = (true[wrong] + 1) % 3
    return probabilities, labels


def test_agrees_with_cleanlab() -> None:
    """Flags in order, thresholds and joint as cleanlab 2.9.0 gives them (`filter_by="confident_learning"`)."""
    probabilities, labels = golden()
    found = learn_confidence(probabilities, labels)
    assert found.flagged(labels).tolist() == [3, 17, 58]
    assert found.thresholds == pytest.approx([0.7238283658741641, 0.7138784651667838, 0.7945319638483287])
    assert np.abs(found.joint - [[21, 0, 2], [3, 16, 0], [0, 0, 18]]).max() < 1.0  # cleanlab rounds to whole numbers
    assert found.joint.sum() == pytest.approx(60)


def test_by_hand() -> None:
    """Thresholds 0.6 and 0.7: the third picture is sure to be of class 1, the last of none."""
    probabilities = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.2, 0.8], [0.4, 0.6]])
    labels = np.array([0, 0, 0, 1, 1])
    found = learn_confidence(probabilities, labels)
    assert found.thresholds == pytest.approx([0.6, 0.7])
    assert found.shown.tolist() == [0, 0, 1, 1, 1]
    assert found.margin == pytest.approx([0.8, 0.4, -0.6, 0.6, 0.2])
    assert found.joint == pytest.approx(np.array([[2.0, 1.0], [0.0, 2.0]]))
    assert found.errors == pytest.approx(1.0)


def test_a_class_without_pictures_is_never_suggested() -> None:
    probabilities = np.array([[0.1, 0.8, 0.1], [0.2, 0.7, 0.1], [0.8, 0.1, 0.1]])
    found = learn_confidence(probabilities, np.array([0, 0, 0]))
    assert np.isnan(found.thresholds[1])
    assert found.shown.tolist() == [0, 0, 0]


def overlapping(distance: float, wrong: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two classes of normally distributed values, their exact probabilities, and which labels were made wrong."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, 2, 1500)
    values = rng.normal(size=1500) + distance * true
    second = 1 / (1 + np.exp(-distance * (values - distance / 2)))
    labels = true.copy()
    changed = rng.choice(1500, wrong, replace=False)
    labels[changed] = 1 - true[changed]
    return np.column_stack([1 - second, second]), labels, changed


@pytest.mark.parametrize(("distance", "wrong"), [(1.5, 0), (2.5, 0), (2.5, 30), (4.0, 30)])
def test_the_number_by_chance_is_that_of_right_labels_in_doubt(distance: float, wrong: int) -> None:
    """Flags on labels that were not made wrong, over 20 draws, against what was expected of them."""
    expected, found, inside = [], [], []
    for seed in range(20):
        probabilities, labels, changed = overlapping(distance, wrong, seed)
        confidence = learn_confidence(probabilities, labels)
        chance = expected_by_chance(probabilities, labels, confidence)
        right = len(set(confidence.flagged(labels)) - set(changed))
        expected.append(chance.expected)
        found.append(right)
        inside.append(chance.low <= right <= chance.high)
    # Where labels are wrong, some of them pass for overlap, so that more are expected than there are: never fewer.
    assert 0.9 * np.mean(found) - 1 <= np.mean(expected) <= 1.35 * np.mean(found) + 2
    assert np.mean(inside) >= 0.9


def test_wrong_labels_are_more_than_chance() -> None:
    probabilities, labels, changed = overlapping(4.0, 30, 3)
    confidence = learn_confidence(probabilities, labels)
    chance = expected_by_chance(probabilities, labels, confidence)
    flagged = confidence.flagged(labels)
    assert len(flagged) > chance.high
    assert len(set(changed) & set(flagged)) >= 25


def test_a_modest_classifier_is_sharpened() -> None:
    """Probabilities drawn together by a root are recognised as such on the pictures that nothing is sure of."""
    probabilities, labels, _ = overlapping(2.5, 0, 1)
    modest = np.sqrt(probabilities)
    modest /= modest.sum(axis=1, keepdims=True)
    plain = expected_by_chance(probabilities, labels, learn_confidence(probabilities, labels))
    drawn = expected_by_chance(modest, labels, learn_confidence(modest, labels))
    assert drawn.exponent > 1.15 * plain.exponent
    assert drawn.expected == pytest.approx(plain.expected, rel=0.5)


def test_no_picture_in_doubt() -> None:
    probabilities = np.repeat(np.eye(2), 10, axis=0)
    labels = np.repeat([0, 1], 10)
    confidence = learn_confidence(probabilities, labels)
    chance = expected_by_chance(probabilities, labels, confidence)
    assert len(confidence.flagged(labels)) == 0
    assert chance.expected == pytest.approx(0.0, abs=1e-6)
