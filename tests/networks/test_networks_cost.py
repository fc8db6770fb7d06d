"""What networks cost: counted on shapes alone, and agreeing with what is published and with real tensors."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs leukolens[train]")

from leukolens.finding import UsageError  # noqa: E402
from leukolens.networks.choice import NetworkChoice  # noqa: E402
from leukolens.networks.cost import measure_cost  # noqa: E402
from leukolens.networks.field import FieldNetwork  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("name", "parameters", "macs"),
    [
        # With 1,000 classes at 224 x 224 px, in millions and billions: the papers' and torchvision's figures.
        ("resnet101", 44.5, 7.8),
        ("densenet201", 20.0, 4.3),
        ("mobilenetv2", 3.5, 0.30),
        ("convnext-t", 28.6, 4.5),
        ("resnet50-gn", 25.6, 4.1),
    ],
)
def test_costs_are_the_published_ones(name: str, parameters: float, macs: float) -> None:
    cost = measure_cost(NetworkChoice(name=name), 1000, (224, 224))
    assert cost.parameters / 1e6 == pytest.approx(parameters, rel=0.01)
    assert cost.macs / 1e9 == pytest.approx(macs, rel=0.03)


@pytest.mark.parametrize("head", ["linear", "thesis", "attention"])
def test_parameters_are_those_of_the_real_network(head: str) -> None:
    choice = NetworkChoice(name="timm:test_resnet", weights="none", head=head)
    network = FieldNetwork(choice, classes=4, size=(64, 96))
    cost = measure_cost(choice, 4, (64, 96))
    assert cost.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert cost.bytes > 4 * cost.parameters, "running statistics are stored too"


def test_the_heads_of_the_thesis_hold_the_weights_that_it_says() -> None:
    linear, thesis = (
        measure_cost(NetworkChoice(name="vgg19", weights="none", head=head), 4, (224, 224))
        for head in ("linear", "thesis")
    )
    dense = (512 * 7 * 7 + 1) * 128 + (128 + 1) * 156 + (156 + 1) * 4
    norms = 2 * 128 + 2 * 156
    assert thesis.parameters - linear.parameters == dense + norms - (512 + 1) * 4


def test_a_larger_picture_costs_more_and_the_same_weights() -> None:
    small, large = (measure_cost(NetworkChoice(name="vgg19"), 4, size) for size in ((96, 128), (192, 256)))
    assert large.macs == pytest.approx(4 * small.macs, rel=0.01)
    assert large.parameters == small.parameters


def test_an_unknown_network_is_refused() -> None:
    with pytest.raises(UsageError, match="vgg19"):
        measure_cost(NetworkChoice(name="vgg18"), 4, (224, 224))
