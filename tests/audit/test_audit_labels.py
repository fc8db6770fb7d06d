from __future__ import annotations

import numpy as np
import pytest

from leukolens.audit.labels import Judgement, judge_labels

pytest.importorskip("sklearn", reason="needs leukolens[audit]")
pytestmark = pytest.mark.slow


def clouds(each: int = 60, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    rng = np.random.default_rng(seed)
    labels = ["A"] * each + ["B"] * each + ["C"] * each
    centres = np.repeat(np.eye(3, 8) * 5.0, each, axis=0)
    return (rng.normal(size=(3 * each, 8)) + centres).astype(np.float32), labels


def test_wrong_labels_are_found_and_named() -> None:
    features, labels = clouds()
    labels[4], labels[130] = "C", "A"
    found = judge_labels(features, labels, ("A", "B", "C"), list(range(180)), seed=1)
    assert isinstance(found, Judgement)
    flagged = found.confidence.flagged(found.labels)
    assert set(found.indices[flagged]) == {4, 130}
    assert [found.classes[found.confidence.shown[row]] for row in sorted(flagged)] == ["A", "C"]
    assert len(flagged) > found.chance.expected
    assert found.accuracy > 0.95


def test_copies_do_not_vouch_for_each_other() -> None:
    """A wrong label on a picture that is there six times is believed, unless its copies stand in one group."""
    features, labels = clouds()
    features[:6] = features[70]  # six copies that look like B, all labelled A
    features[:6, 7] = 9.0  # with something that is theirs alone
    apart = judge_labels(features, labels, ("A", "B", "C"), list(range(180)), seed=1)
    together = judge_labels(features, labels, ("A", "B", "C"), [0] * 6 + list(range(1, 175)), seed=1)
    assert isinstance(apart, Judgement)
    assert isinstance(together, Judgement)
    assert together.probabilities[:6, 0].max() < 0.3 < apart.probabilities[:6, 0].min()
    assert set(together.confidence.flagged(together.labels)) >= set(range(6))


def test_the_same_seed_gives_the_same() -> None:
    features, labels = clouds()
    one, two = (judge_labels(features, labels, ("A", "B", "C"), list(range(180)), seed=3) for _ in range(2))
    assert isinstance(one, Judgement)
    assert isinstance(two, Judgement)
    assert np.array_equal(one.probabilities, two.probabilities)


def test_small_classes_are_left_out() -> None:
    features, labels = clouds()
    labels = [label if place < 135 else "B" for place, label in enumerate(labels)]
    found = judge_labels(features, labels, ("A", "B", "C"), list(range(180)), seed=1)
    assert isinstance(found, Judgement)
    assert found.classes == ("A", "B")
    assert found.left_out == ("C",)
    assert len(found.indices) == 165


@pytest.mark.parametrize(
    ("labels", "groups", "words"),
    [
        (["A"] * 180, list(range(180)), "the same label"),
        (["A"] * 170 + ["B"] * 10, list(range(180)), "B: 10 in 10"),
        (["A"] * 90 + ["B"] * 90, [0] * 90 + list(range(1, 91)), "A: 90 in 1"),
    ],
)
def test_what_cannot_be_judged_says_what_is_needed(labels: list[str], groups: list[int], words: str) -> None:
    found = judge_labels(clouds()[0], labels, tuple(dict.fromkeys(labels)), groups, seed=1)
    assert isinstance(found, str)
    assert words in found
    assert "at least two classes with 20 pictures in 5 groups each are needed" in found
