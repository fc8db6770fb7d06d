"""Mixing by the seed alone, with labels that follow the pixels; balanced orders."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs leukolens[train]")

from leukolens.train.images import EpochSampler  # noqa: E402
from leukolens.train.mixing import mix  # noqa: E402
from leukolens.train.optimisation import Mixing  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures of one value each, so that a mixed pixel tells the shares."""
    values = torch.tensor([0, 80, 160, 240], dtype=torch.uint8)
    return values.view(4, 1, 1, 1).expand(4, 20, 30, 3).contiguous(), torch.tensor([0, 1, 2, 3])


def test_mixup_mixes_labels_by_the_share_of_the_pixels(batch) -> None:
    torch.manual_seed(3)
    images, targets = mix(*batch, 4, Mixing(mixup=1))
    values = batch[0][:, 0, 0, 0].float()
    assert images.shape == batch[0].shape
    assert torch.allclose(images[:, 5, 5, 1], targets @ values, atol=1e-3)
    assert torch.allclose(targets.sum(1), torch.ones(4))
    assert ((targets > 0).sum(1) == 2).all()


def test_cutmix_mixes_labels_by_the_area(batch) -> None:
    torch.manual_seed(3)
    images, targets = mix(*batch, 4, Mixing(cutmix=1))
    for number in range(4):
        own = float((images[number] == float(batch[0][number, 0, 0, 0])).float().mean())
        assert float(targets[number, number]) == pytest.approx(own, abs=1e-5)
    assert not torch.equal(images, batch[0].float())


def test_the_seed_decides_alone(batch) -> None:
    mixing = Mixing(mixup=0.3, cutmix=1, share=0.7)
    drawn = []
    for seed in (1, 1, 2, 3, 4, 5):
        torch.manual_seed(seed)
        drawn.append(mix(*batch, 4, mixing)[0].float())
    assert torch.equal(drawn[0], drawn[1])
    assert any(not torch.equal(drawn[0], other) for other in drawn[2:])


def test_share_nought_leaves_the_batch(batch) -> None:
    images, labels = mix(*batch, 4, Mixing(mixup=1, share=0))
    assert images is batch[0]
    assert labels is batch[1]
    assert not Mixing(mixup=1, share=0).active
    assert not Mixing().active


def test_a_balanced_order_draws_all_classes_equally_often() -> None:
    labels = np.array([0] * 90 + [1] * 7 + [2] * 5)
    sampler, again = (EpochSampler(len(labels), 5, labels) for _ in range(2))
    order = [position for _, position in sampler]
    assert len(order) == len(sampler) == 102
    assert np.bincount(labels[order]).tolist() == [34, 34, 34]
    assert set(order) >= set(range(90, 102)), "every sample of a rare class comes"
    assert [position for _, position in again] == order
    again.set_epoch(1)
    assert [position for _, position in again] != order
