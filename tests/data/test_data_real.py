"""On the real images: what is known of them, and that reading them all takes seconds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from leukolens.data import fingerprint, make_split, open_catalogue
from leukolens.data.check import check_data

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real

COUNTS = {"Benign": 449, "Early Pre-B": 870, "Pre-B": 852, "Pro-B": 709}


def test_the_taleqani_images_here(real_data: Path) -> None:
    catalogue = open_catalogue(real_data / "taleqani")
    # Seconds of computing, so that other work on the machine does not count.
    started = time.process_time()
    check, entries = check_data(catalogue)
    seconds = time.process_time() - started
    assert check.classes == COUNTS
    assert check.unreadable == []
    assert check.conflicts == []
    assert [size.model_dump() for size in check.sizes] == [{"width": 224, "height": 224, "n": 2880}]
    pairs = [found for found in check.duplicates if found.same == "bytes"]
    assert len(pairs) == 40
    assert all(found.labels == ("Pro-B",) and len(found.paths) == 2 for found in pairs)
    assert [found for found in check.duplicates if found.same == "pixels"] == []
    assert len(entries) == 2880
    assert seconds < 30


def test_the_thesis_protocol_on_the_real_images(real_data: Path) -> None:
    started = time.process_time()
    catalogue = fingerprint(open_catalogue(real_data / "taleqani"))
    assert time.process_time() - started < 10
    split = make_split(catalogue, method="random-image", folds=5, seed=88)
    assert sorted(i for fold in split.folds for i in fold.test) == list(range(2880))
    assert {len(fold.test) for fold in split.folds} == {576}
    assert len({item.group for item in split.items}) == 2840


def test_blocks_with_the_embargo_of_issue_and_literature(real_data: Path) -> None:
    split = make_split(open_catalogue(real_data / "taleqani"), method="blocks", embargo=37, validation=0.15)
    assert min(len(fold.train) for fold in split.folds) > 1500
    # The copies are neighbours, so none is torn off its twin: what is left out are the two embargoes of each class.
    for fold in split.folds:
        assert len(fold.left_out) <= 4 * 3 * 37
