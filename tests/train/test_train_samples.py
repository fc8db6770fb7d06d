"""Samples: the right order keeps a picture on one side; the leaky orders do not, and say so with the true count."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("yaml", reason="needs leukolens[train]")
pytest.importorskip("torch", reason="needs leukolens[train]")

from leukolens.data.split import Fold
from leukolens.finding import DataError, UsageError
from leukolens.smear.segmentation import SegmentHSV, SegmentKMeans, apply_mask, segment
from leukolens.train.division import Division, describe_order, divide, pictures_of, view_and_copy
from leukolens.train.recipe import load_recipe
from leukolens.train.samples import Samples
from leukolens.train.views import Views, segment_images

BOTH = ("original", "segmented")
LEAKY = ("before-validation", "before-test", "thesis")


@st.composite
def folds(draw: st.DrawFn) -> tuple[Fold, np.ndarray]:
    """A fold over 12 to 90 pictures of 2 to 4 classes, some of them left out, every class on every side."""
    labels = np.array(draw(st.lists(st.integers(0, draw(st.integers(1, 3))), min_size=0, max_size=50)), np.int64)
    labels = np.concatenate([np.repeat(np.arange(max(labels, default=1) + 1), 10), labels])
    sides = np.random.default_rng(draw(st.integers(0, 2**32))).permutation(len(labels)) % 10
    keys = {"train": range(6), "validation": (6, 7), "test": (8,), "left_out": (9,)}
    chosen = {side: tuple(np.flatnonzero(np.isin(sides, list(own))).tolist()) for side, own in keys.items()}
    return Fold(**chosen), labels


def sides_of(division: Division) -> dict[str, list[int]]:
    return {side: pictures_of(getattr(division, side), division.pictures) for side in ("train", "validation", "test")}


@given(folds(), st.integers(0, 10**6), st.sampled_from([("original",), BOTH]), st.none() | st.integers(1, 40))
@settings(deadline=None, max_examples=40)
def test_the_right_order_never_parts_twins(
    fold_and_labels: tuple[Fold, np.ndarray], seed: int, views: tuple[str, ...], per_class: int | None
) -> None:
    fold, labels = fold_and_labels
    division = divide(Samples(views=views, per_class=per_class), fold, labels, seed)
    assert set(sides_of(division)["train"]) <= set(fold.train)
    assert division.validation == fold.validation, "validation is the pictures as they are"
    assert division.test == fold.test
    assert division.loose == ()
    assert division.twins("validation") == division.twins("test") == 0
    if per_class is None:
        assert Counter(sides_of(division)["train"]) == dict.fromkeys(fold.train, len(views))
    else:
        trained = Counter(labels[sides_of(division)["train"]].tolist())
        assert trained == dict.fromkeys(set(labels[list(fold.train)].tolist()), per_class * len(views))


@given(folds(), st.integers(0, 10**6), st.sampled_from(LEAKY), st.none() | st.integers(1, 40))
@settings(deadline=None, max_examples=40)
def test_every_order_uses_each_sample_once(
    fold_and_labels: tuple[Fold, np.ndarray], seed: int, order: str, per_class: int | None
) -> None:
    fold, labels = fold_and_labels
    samples = Samples(views=BOTH, per_class=per_class, order=order)
    division = divide(samples, fold, labels, seed)
    numbers = [*division.train, *division.validation, *division.test]
    assert len(set(numbers)) == len(numbers)
    assert not set(pictures_of(numbers, len(labels))) & set(fold.left_out)
    assert divide(samples, fold, labels, seed) == division
    if order == "before-validation":
        assert division.test == fold.test
        assert not set(fold.test) & {n % len(labels) for n in (*division.train, *division.validation)}
    if per_class is None and order != "thesis":
        drawn = fold.train + fold.validation + (() if order == "before-validation" else fold.test)
        pooled = [*division.train, *division.validation, *(division.test if "test" in division.loose else ())]
        assert Counter(pictures_of(pooled, len(labels))) == dict.fromkeys(drawn, 2)


@pytest.mark.parametrize("order", LEAKY)
def test_leaky_orders_part_twins_and_tell_how_many(order: str) -> None:
    labels = np.repeat([0, 1], 60)
    numbers = np.random.default_rng(5).permutation(120)
    fold = Fold(train=tuple(numbers[:72].tolist()), validation=tuple(numbers[72:96].tolist()),
                test=tuple(numbers[96:].tolist()), left_out=())  # fmt: skip
    samples = Samples(views=BOTH, order=order, per_class=80 if order == "thesis" else None)
    division = divide(samples, fold, labels, seed=1)
    words = " ".join(describe_order(samples, division))
    assert order in words
    assert "for study only" in words
    assert division.loose == (("validation",) if order == "before-validation" else ("validation", "test"))
    for side in division.loose:
        trained = {number % 120 for number in division.train}
        held = getattr(division, side)
        twins = len([number for number in held if number % 120 in trained])
        assert f"{twins} of {len(held)} {side} samples have a twin" in words
        assert twins > len(held) / 3
    pooled = 96 if order == "before-validation" else 120
    assert f"{pooled} pictures" in words
    assert len(division.validation) == {"before-validation": 48, "before-test": 48, "thesis": 64}[order]
    assert len(division.test) == {"before-validation": 24, "before-test": 48, "thesis": 32}[order]


def test_the_thesis_order_tests_on_single_views_of_balanced_copies() -> None:
    labels = np.repeat([0, 1], (30, 60))
    fold = Fold(
        train=tuple(range(0, 90, 3)), validation=tuple(range(1, 90, 3)), test=tuple(range(2, 90, 3)), left_out=()
    )
    division = divide(Samples(views=BOTH, order="thesis", per_class=90), fold, labels, seed=3)
    assert {view_and_copy(number, 90, 2)[0] for number in division.test} == {0}
    assert {view_and_copy(number, 90, 2)[1] for number in division.test} == {0, 1, 2}
    assert Counter(labels[pictures_of(division.test, 90)].tolist()) == {0: 30, 1: 30}
    assert len(division.train) + len(division.validation) == 2 * 120


def test_the_right_order_has_nothing_to_tell() -> None:
    fold = Fold(train=(0, 1), validation=(2,), test=(3,), left_out=())
    samples = Samples(views=BOTH)
    assert describe_order(samples, divide(samples, fold, np.array([0, 1, 0, 1]), 0)) == []


def test_a_share_to_validate_comes_from_the_split_or_the_recipe() -> None:
    labels = np.repeat([0, 1], 20)
    fold = Fold(train=tuple(range(4, 36)), validation=(), test=(0, 1, 2, 3, 36, 37, 38, 39), left_out=())
    with pytest.raises(DataError, match=r"samples\.validation"):
        divide(Samples(views=BOTH, order="before-validation"), fold, labels, 0)
    division = divide(Samples(views=BOTH, order="before-validation", validation=0.25), fold, labels, 0)
    assert len(division.validation) == 16
    bare = Fold(train=fold.train, validation=(), test=(), left_out=fold.test)
    with pytest.raises(DataError, match="--test-share"):
        divide(Samples(views=BOTH, order="before-test", validation=0.25), bare, labels, 0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (["samples.views=[segmented]"], "samples.views.*preparation.steps"),
        (["samples.views=[segmented, original]"], "samples.views.*screening sees the first"),
        (["samples.views=[]"], "samples.views"),
        (["samples.views=[original, grey]"], "samples.views"),
        (["samples.order=before-validation"], "samples.order.*samples.per_class"),
        (["samples.order=after"], "samples.order"),
        (["samples.per_class=0"], "samples.per_class"),
        (["samples.validation=0.2"], "samples.validation.*right order"),
        (["samples.per_class=9", "samples.order=thesis", "samples.validation=1.5"], "samples.validation"),
        (["samples.segmentation.clusters=99"], "samples.segmentation.segment-kmeans.clusters"),
        (["samples.segmentation.kind=segment-grey"], "samples.segmentation"),
        (["samples.view=original"], "samples.view'"),
    ],
)
def test_a_wrong_value_is_named(changes: list[str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        load_recipe("field-plain", changes)


def test_segmentation_is_chosen_by_its_kind() -> None:
    thesis = load_recipe("field-plain", ["samples.segmentation.clusters=5"]).samples.segmentation
    assert thesis == SegmentKMeans(clusters=5)
    authors = load_recipe("field-plain", ["samples.segmentation.kind=segment-hsv"]).samples.segmentation
    assert authors == SegmentHSV()


@pytest.fixture
def prepared() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (4, 48, 64, 3), np.uint8)


def test_views_are_the_pictures_the_segmented_and_turned_copies(prepared: np.ndarray, tmp_path: Path) -> None:
    step = SegmentKMeans(min_object=2, min_hole=2)
    segmented = segment_images(prepared, step, tmp_path, "one")
    assert np.array_equal(segmented[2], apply_mask(prepared[2], segment(prepared[2], step)))
    views = Views([prepared, segmented], seed=4)
    assert np.array_equal(views[2], prepared[2])
    assert np.array_equal(views[4 + 2], segmented[2])
    copies = [views[8 * copy + 2] for copy in (1, 2)]
    assert not any(np.array_equal(copy, prepared[2]) for copy in copies)
    assert not np.array_equal(*copies)
    assert np.array_equal(views[8 + 2], copies[0]), "a copy looks the same each time"
    assert np.array_equal(views[[2, 6]], np.stack([prepared[2], segmented[2]]))


def test_segmented_views_are_made_once(prepared: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = np.array(segment_images(prepared, SegmentKMeans(), tmp_path, "one"))
    monkeypatch.setattr("leukolens.train.views.segment", lambda *_: pytest.fail("made again"))
    assert np.array_equal(segment_images(prepared, SegmentKMeans(), tmp_path, "one"), kept)
    with pytest.raises(pytest.fail.Exception):
        segment_images(prepared, SegmentKMeans(), tmp_path, "another")
