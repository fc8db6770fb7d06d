"""Clusters of one channel and regions of a mask, beside brute force, scipy and scikit-image."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from leukolens.smear.segmentation.clustering import lloyd, nearest, optimal_centres
from leukolens.smear.segmentation.regions import drop_small_objects, fill_holes, fill_small_holes, fill_small_outside

# --- clusters of one channel ----------------------------------------------------------------------------------------


def spread_of(counts: np.ndarray, centres: np.ndarray) -> float:
    levels = np.arange(256)
    return float((counts * (levels - centres[nearest(centres)]) ** 2).sum())


@pytest.mark.parametrize("seed", range(20))
def test_no_other_borders_are_better_than_the_best(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = np.sort(rng.choice(256, 9, replace=False))
    counts = np.zeros(256, np.int64)
    counts[values] = rng.integers(1, 1000, 9)
    for clusters in (1, 2, 3, 4):
        found = optimal_centres(counts, clusters)
        best = min(
            sum(
                counts[part] @ (part - np.average(part, weights=counts[part])) ** 2
                for part in np.split(values, list(borders))
            )
            for borders in itertools.combinations(range(1, 9), clusters - 1)
        )
        assert spread_of(counts, found) == pytest.approx(best, rel=1e-9)
        np.testing.assert_allclose(lloyd(counts, found), found, atol=1e-9)


def test_centres_of_a_histogram_by_hand() -> None:
    counts = np.zeros(256, np.int64)
    counts[[10, 12, 100, 104, 200]] = [3, 1, 1, 1, 5]
    np.testing.assert_allclose(optimal_centres(counts, 3), [10.5, 102.0, 200.0])
    np.testing.assert_allclose(lloyd(counts, [12.0, 90.0, 210.0]), [10.5, 102.0, 200.0])


@pytest.mark.parametrize("clusters", [1, 7, 64])
def test_fewer_values_than_clusters_are_their_own_centres(clusters: int) -> None:
    counts = np.zeros(256, np.int64)
    counts[[0, 255]] = 5
    expected = [0, 255] if clusters > 1 else [127.5]
    np.testing.assert_allclose(optimal_centres(counts, clusters), expected)


def test_a_cluster_without_pixels_is_no_nan() -> None:
    counts = np.zeros(256, np.int64)
    counts[[100, 110]] = 9
    assert np.isfinite(lloyd(counts, [100, 110, 250])).all()


# --- regions --------------------------------------------------------------------------------------------------------


def blobs(seed: int, shape: tuple[int, int] = (60, 80)) -> np.ndarray:
    noise = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=shape), (0, 0), 1.2)
    return noise > (-0.05 if seed % 2 else 0.05)


@pytest.mark.parametrize("seed", range(30))
def test_holes_and_small_objects_are_those_of_scipy_and_scikit_image(seed: int) -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    morphology = pytest.importorskip("skimage.morphology")
    shape = (60, 80) if seed < 28 else (500, 600)  # the larger has more regions than a byte, or 16 bits, can number
    mask = blobs(seed, shape)
    np.testing.assert_array_equal(fill_holes(mask)[0], ndimage.binary_fill_holes(mask))
    for area in (0, 1, 2, 5, 40):
        # max_size is inclusive: what stays has `area` px at least.
        least = max(area - 1, 0)
        np.testing.assert_array_equal(
            drop_small_objects(mask, area), morphology.remove_small_objects(mask, max_size=least)
        )
        np.testing.assert_array_equal(fill_small_holes(mask, area), morphology.remove_small_holes(mask, max_size=least))


def test_noise_has_more_objects_than_a_byte_can_number() -> None:
    mask = np.random.default_rng(0).random((224, 224)) < 0.3
    assert cv2.connectedComponents(mask.view(np.uint8), connectivity=4)[0] > 256
    morphology = pytest.importorskip("skimage.morphology")
    np.testing.assert_array_equal(drop_small_objects(mask, 4), morphology.remove_small_objects(mask, max_size=3))


@pytest.mark.parametrize("seed", range(8))
def test_what_is_left_outside_is_measured(seed: int) -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    filled, outside = fill_holes(blobs(seed))
    labels, count = ndimage.label(~filled)
    assert {labels[place.y, place.x]: place.area for place in outside} == dict(
        enumerate(np.bincount(labels.ravel()).tolist()[1:], start=1)
    )
    assert len(outside) == count


@pytest.mark.parametrize("level", [-0.4, -0.1, 0.0, 0.1, 0.4, -3.0, 3.0])
@pytest.mark.parametrize("seed", range(6))
def test_filling_dropping_and_filling_again_is_that_of_scikit_image(seed: int, level: float) -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    morphology = pytest.importorskip("skimage.morphology")
    mask = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=(70, 90)), (0, 0), 2.5) > 0.1 * level
    for objects, holes in ((20, 25), (60, 10), (1, 80), (400, 6000), (7000, 7000)):
        filled, outside = fill_holes(mask)
        ours = fill_small_outside(drop_small_objects(filled, objects), outside, holes)
        kept = morphology.remove_small_objects(ndimage.binary_fill_holes(mask), max_size=objects - 1)
        np.testing.assert_array_equal(ours, morphology.remove_small_holes(kept, max_size=holes - 1))


def test_corners_that_a_dropped_object_parted_are_measured_as_one() -> None:
    mask = np.ones((40, 60), bool)
    mask[:10, :15] = False  # a corner of background, 150 px ...
    mask[:10, 7] = True  # ... parted by a line of 10 px
    filled, outside = fill_holes(mask)
    assert sorted(place.area for place in outside) == [70, 70]
    dropped = filled.copy()
    dropped[:10, 7] = False
    np.testing.assert_array_equal(fill_small_outside(dropped, outside, 150), dropped)
    assert fill_small_outside(dropped, outside, 151).all()


def test_regions_join_by_edges_only() -> None:
    mask = np.eye(6, dtype=bool)
    assert not drop_small_objects(mask, 2).any()
    assert drop_small_objects(mask, 1).sum() == 6
