"""What a picture looks like in an epoch depends on seed, epoch and picture, and on nothing else."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs leukolens[train]")

from leukolens.train.augmentation import augment
from leukolens.train.images import EpochSampler, FieldDataset
from leukolens.train.recipe import Augmentation

pytestmark = pytest.mark.slow
NOTHING = Augmentation(
    flip=False, turn=False, scale=(1, 1), aspect=1, shift=0, colour=0, blur=0, jpeg=0, noise=0, corner=0
)


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (10, 48, 64, 3), np.uint8)


def test_no_augmentation_leaves_the_picture(images: np.ndarray) -> None:
    assert np.array_equal(augment(images[0], NOTHING, np.random.default_rng(1)), images[0])


@pytest.mark.parametrize(
    "change",
    [{"flip": True}, {"turn": True}, {"scale": (0.5, 0.6)}, {"shift": 0.3}, {"colour": 1.0}, {"corner": 1.0},
     {"blur": 1.0}, {"jpeg": 1.0}, {"noise": 1.0}, {"aspect": 1.5}],
)  # fmt: skip
def test_each_part_changes_the_picture_and_keeps_its_form(images: np.ndarray, change: dict[str, object]) -> None:
    augmentation = NOTHING.model_copy(update=change)
    varied = [augment(images[0], augmentation, np.random.default_rng(seed)) for seed in range(6)]
    assert any(not np.array_equal(one, images[0]) for one in varied)
    assert all(one.shape == images[0].shape and one.dtype == np.uint8 for one in varied)


def test_half_a_turn_keeps_every_pixel() -> None:
    """Flips alone rearrange pixels, exactly."""
    image = np.random.default_rng(2).integers(0, 256, (48, 64, 3), np.uint8)
    flips = {
        augment(image, NOTHING.model_copy(update={"flip": True}), np.random.default_rng(s)).tobytes() for s in range(40)
    }
    expected = {a.tobytes() for a in (image, image[::-1], image[:, ::-1], image[::-1, ::-1])}
    assert flips == expected


def test_grey_share_one_takes_all_colour(images: np.ndarray) -> None:
    grey = augment(images[0], NOTHING.model_copy(update={"colour": 1.0, "grey": 1.0}), np.random.default_rng(3))
    assert int(np.ptp(grey.astype(int), axis=2).max()) <= 1


def test_same_key_same_picture_and_other_epoch_other_picture(images: np.ndarray) -> None:
    labels = np.zeros(10, np.int64)
    one, two = (FieldDataset(images, labels, range(10), Augmentation(), seed=5) for _ in range(2))
    assert np.array_equal(one[(3, 4)].image, two[(3, 4)].image)
    assert not np.array_equal(one[(3, 4)].image, one[(4, 4)].image)
    other_seed = FieldDataset(images, labels, range(10), Augmentation(), seed=6)
    assert not np.array_equal(one[(3, 4)].image, other_seed[(3, 4)].image)


def test_order_is_drawn_from_seed_and_epoch() -> None:
    sampler, again = EpochSampler(50, 7), EpochSampler(50, 7)
    first = list(sampler)
    assert first == list(again)
    sampler.set_epoch(1)
    second = list(sampler)
    assert [position for _, position in first] != [position for _, position in second]
    assert sorted(position for _, position in second) == list(range(50))
    assert {epoch for epoch, _ in second} == {1}
