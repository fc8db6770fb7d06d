"""The share of the cells: by hand, at its ends, and how often its interval holds the truth."""

from __future__ import annotations

import numpy as np
import pytest

from leukolens.assess.attribution import attribute
from leukolens.finding import DataError

LABELS = np.repeat([0, 1], 50)


def credit(both, cells, background, labels=LABELS):
    """Say which share of each class is right with both shown, with cells, with the background."""
    shares = {"both": both, "cells": cells, "background": background}
    right = {}
    for name, share in shares.items():
        right[name] = np.zeros(len(labels))
        for index in np.unique(labels):
            inside = np.flatnonzero(labels == index)
            right[name][inside[: round(share * len(inside))]] = 1.0
    return right


@pytest.mark.parametrize(
    ("both", "cells", "background", "share"),
    [(1.0, 1.0, 0.5, 1.0), (1.0, 0.5, 1.0, 0.0), (1.0, 1.0, 1.0, 0.5), (1.0, 0.5, 0.5, 0.5), (0.9, 0.8, 0.6, 0.75)],
)
def test_by_hand(both, cells, background, share):
    found = attribute(LABELS, credit(both, cells, background))
    assert found.share.value == pytest.approx(share)
    assert found.share.low <= share <= found.share.high
    assert found.share.low < found.share.high
    assert found.nothing == 0.5
    assert found.phi_cells == pytest.approx(0.5 * ((both - background) + (cells - 0.5)))
    assert found.phi_cells + found.phi_background == pytest.approx(both - 0.5)


def test_classes_count_alike_however_many_images_they_have():
    labels = np.array([0] * 90 + [1] * 10)
    right = credit(1.0, 1.0, 0.0, labels)
    right["background"][labels == 0] = 1.0
    assert attribute(labels, right).share.value == pytest.approx(1.0)


def test_no_answer_is_worth_chance():
    right = credit(1.0, 1.0, 0.0)
    right["background"][:] = 0.5
    assert attribute(LABELS, right).share.value == pytest.approx(1.0)


def test_what_is_hardly_above_chance_has_no_share():
    found = attribute(LABELS, credit(0.52, 0.5, 0.5))
    assert found.share.value is None
    assert "chance" in found.share.note


def test_groups_widen_the_interval():
    rng = np.random.default_rng(3)
    groups = np.arange(100) // 10
    kept = rng.random(10) < 0.6
    right = credit(1.0, 0.0, 0.5)
    right["cells"] = kept[groups].astype(float)
    alone, grouped = attribute(LABELS, right).share, attribute(LABELS, right, groups).share
    assert grouped.high - grouped.low > 1.5 * (alone.high - alone.low)
    assert grouped.groups == 10


def test_one_class_cannot_be_shared_out():
    with pytest.raises(DataError, match="one class"):
        attribute(np.zeros(5, int), credit(1, 1, 1, np.zeros(5, int)))


@pytest.mark.slow
@pytest.mark.parametrize(("cells", "background"), [(0.9, 0.55), (0.6, 0.8)])
def test_the_interval_covers(cells, background):
    both, truth = 0.95, 0.5 + 0.5 * (cells - background) / 0.45
    rng = np.random.default_rng(8)
    held = 0
    for _ in range(200):
        shares = {"both": both, "cells": cells, "background": background}
        right = {name: (rng.random(100) < share).astype(float) for name, share in shares.items()}
        found = attribute(LABELS, right, replicates=400).share
        held += found.low <= truth <= found.high
    assert 0.92 <= held / 200 <= 0.995
