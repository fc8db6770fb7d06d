"""Made-up predictions of images, alone or in groups."""

from __future__ import annotations

import numpy as np

from leukolens.assess.predictions import Predictions, check_predictions

NAMES = ("Benign", "Early Pre-B", "Pre-B", "Pro-B", "E", "F")


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def guess(
    n: int = 200, classes: int = 4, skill: float = 1.5, seed: int = 0, group: int = 0, alike: float = 0.5
) -> Predictions:
    """N images with logits that are `skill` higher for the true class; `group` of them share a part of the noise."""
    rng = np.random.default_rng(seed)
    numbers = np.arange(n) // max(group, 1)
    labels = rng.integers(classes, size=numbers.max() + 1)[numbers]
    own = rng.normal(size=(n, classes))
    shared = rng.normal(size=(numbers.max() + 1, classes))[numbers]
    logits = (np.sqrt(alike) * shared + np.sqrt(1 - alike) * own) if group else own
    logits[np.arange(n), labels] += skill
    return check_predictions(labels, softmax(logits), NAMES[:classes], numbers if group else None)


def perfect(counts: tuple[int, ...] = (10, 20, 30), group: int = 0) -> Predictions:
    labels = np.repeat(np.arange(len(counts)), counts)
    numbers = np.arange(len(labels)) // group if group else None
    return check_predictions(labels, np.eye(len(counts))[labels], NAMES[: len(counts)], numbers)
