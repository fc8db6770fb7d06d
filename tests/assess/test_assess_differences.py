from __future__ import annotations

import numpy as np
import pytest
from assess_samples import guess, perfect

from leukolens.assess.differences import loss, paired_difference
from leukolens.assess.predictions import check_predictions
from leukolens.finding import DataError


def test_bonett_and_price_by_hand():
    """30 images: 5 lost, 1 gained. p12 = 6/32, p21 = 2/32."""
    lost = np.array([1.0] * 5 + [-1.0] + [0.0] * 24)
    told = paired_difference(lost)
    worse, better = 6 / 32, 2 / 32
    half = 1.959964 * np.sqrt((worse + better - (worse - better) ** 2) / 32)
    assert told.value == pytest.approx(4 / 30)
    assert (told.low, told.high) == pytest.approx((worse - better - half, worse - better + half), abs=1e-6)


def test_no_change_still_has_a_width():
    told = paired_difference(np.zeros(1000))
    assert told.value == 0
    assert told.low == pytest.approx(-told.high)
    assert 0.001 < told.high < 0.006
    grouped = paired_difference(np.zeros(1000), np.arange(1000) // 50)
    assert grouped.high > 0.1


@pytest.mark.parametrize("lost", [np.ones(5), -np.ones(5), np.zeros(1), np.ones(1)])
def test_extremes_stay_in_bounds(lost):
    told = paired_difference(lost)
    assert -1 <= told.low <= told.value <= told.high <= 1


def test_loss_is_the_difference_of_the_figures():
    before, after = guess(400, 3, 3.0, 1), guess(400, 3, 1.0, 1)
    told = loss(before, after)
    hits = [one.predicted == one.labels for one in (before, after)]
    assert told.accuracy.value == pytest.approx(hits[0].mean() - hits[1].mean())
    recalls = [np.mean([hit[before.labels == c].mean() for c in range(3)]) for hit in hits]
    assert told.balanced_accuracy.value == pytest.approx(recalls[0] - recalls[1])
    assert told.balanced_accuracy.low > 0


def test_pairing_is_what_makes_it_narrow():
    before = guess(1000, 2, 2.0, 1)
    probabilities = before.probabilities.copy()
    probabilities[:5] = probabilities[:5, ::-1]
    after = check_predictions(before.labels, probabilities, before.classes)
    told = loss(before, after)
    assert told.accuracy.high - told.accuracy.low < 0.015


def test_other_images_are_refused():
    with pytest.raises(DataError, match="same images"):
        loss(perfect((3, 3)), perfect((3, 4)))
    with pytest.raises(DataError, match="other labels"):
        loss(perfect((3, 3)), perfect((2, 4)))
