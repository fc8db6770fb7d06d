from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="needs leukolens[train]")
pytest.importorskip("timm", reason="needs leukolens[train]")

import torch
from torch import nn

from leukolens.networks.cost import measure_cost
from leukolens.networks.field import FieldNetwork


class Small(nn.Module):
    """A convolution of 3 x 3 to 8 channels over 10 x 12 px, then 8 to 4."""

    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.head = nn.Linear(8, 4)

    def forward(self, images):
        return self.head(self.norm(self.convolution(images.permute(0, 3, 1, 2).float())).mean((2, 3)))


def test_cost_by_hand():
    told = measure_cost(Small(), (10, 12))
    assert told.parameters == 3 * 8 * 9 + 2 * 8 + 8 * 4 + 4
    assert told.macs == 10 * 12 * 3 * 8 * 9 + 8 * 4
    assert told.bytes == 4 * (told.parameters + 2 * 8)


def test_mode_and_weights_are_left_alone():
    network = Small().train()
    before = network.norm.running_mean.clone()
    measure_cost(network, (10, 12))
    assert network.training
    assert torch.equal(network.norm.running_mean, before)
    assert network.head.weight.device.type == "cpu"


@pytest.mark.slow
def test_a_published_count():
    """ResNet-50 at 224 x 224: 25.56 million parameters, 2.05 in its own classifier; 4.09 G MACs."""
    told = measure_cost(FieldNetwork("timm:resnet50", classes=4), (224, 224))
    assert told.parameters == pytest.approx(25.557e6 - 2.049e6 + 4 * 2049, rel=1e-4)
    assert told.macs == pytest.approx(4.089e9, rel=2e-3)
