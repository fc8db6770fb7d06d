"""The field network: scaling, class maps of every head, start weights, frozen stages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs leukolens[train]")
pytest.importorskip("timm", reason="needs leukolens[train]")

from safetensors.torch import save_file  # noqa: E402
from torch import nn  # noqa: E402

from leukolens.finding import UsageError  # noqa: E402
from leukolens.networks.choice import NetworkChoice  # noqa: E402
from leukolens.networks.field import FieldNetwork  # noqa: E402
from leukolens.networks.heads import HEADS  # noqa: E402
from leukolens.networks.registry import network_entry, weights_config  # noqa: E402

TINY = "timm:test_efficientnet"
SIZE = (64, 96)
pytestmark = pytest.mark.slow


def build(name: str = TINY, *, classes: int = 2, size: tuple[int, int] = SIZE, **choice: object) -> FieldNetwork:
    return FieldNetwork(NetworkChoice(name=name, **{"weights": "none", **choice}), classes=classes, size=size)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randint(0, 256, (3, *SIZE, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def shake(network: FieldNetwork) -> FieldNetwork:
    """Give every weight of the head a value that matters: a gain of 0 or a norm of 1 would hide a mistake."""
    generator = torch.Generator().manual_seed(2)
    for tensor in network.head.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(0.1 + 0.3 * torch.rand(tensor.shape, generator=generator))
    for parameter in network.head.parameters():
        parameter.data.sub_(0.25)
    return network.eval()


@pytest.mark.parametrize("head", ["linear", "standardised", "attention"])
def test_class_map_explains_the_logits_exactly(images: torch.Tensor, head: str) -> None:
    network = shake(build(classes=4, head=head))
    output = network(images)
    bias = network.head.linear.bias if head == "attention" else network.head.bias
    torch.testing.assert_close(output.class_map.mean((2, 3)) + bias, output.logits, rtol=1e-4, atol=1e-4)
    assert output.class_map.shape[:2] == (3, 4)
    assert output.features.shape == (3, network.head.shape[0])


def test_class_map_of_the_thesis_head_is_map_times_gradient(images: torch.Tensor) -> None:
    torch.manual_seed(4)
    network = shake(build(classes=4, head="thesis"))
    features = network.feature_map(images).detach().requires_grad_()
    logits, class_map = network.head.logits(features), network.head.class_map(features)
    for number in range(4):
        (gradient,) = torch.autograd.grad(logits[:, number].sum(), features, retain_graph=True)
        expected = (gradient * features).sum(1) * features.shape[2] * features.shape[3]
        torch.testing.assert_close(class_map[:, number], expected, rtol=1e-4, atol=1e-4)
        assert expected.abs().max() > 1e-3


def test_thesis_head_is_the_one_described() -> None:
    head = build(classes=4, head="thesis").head
    layers = [(type(layer).__name__, layer) for layer in head.children()]
    assert [name for name, _ in layers] == [
        "Linear",
        "BatchNorm1d",
        "Dropout",
        "Linear",
        "BatchNorm1d",
        "Dropout",
        "Linear",
    ]
    depth, height, width = head.shape
    assert [(head.dense1.in_features, 128), (128, 156), (156, 4)] == [
        (layer.in_features, layer.out_features) for name, layer in layers if name == "Linear"
    ]
    assert head.dense1.in_features == depth * height * width
    assert [layer.p for name, layer in layers if name == "Dropout"] == [0.5, 0.4]
    assert {(layer.eps, layer.momentum) for name, layer in layers if name == "BatchNorm1d"} == {(1e-3, 0.01)}
    for name, layer in layers:
        if name == "Linear":  # Keras' start: Glorot-uniform, biases 0
            bound = (6 / (layer.in_features + layer.out_features)) ** 0.5
            assert layer.weight.abs().max() <= bound
            assert layer.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.1)
            assert not layer.bias.any()
    expected = 0.001 * head.dense1.weight.square().sum() + 0.01 * head.dense2.weight.square().sum()
    torch.testing.assert_close(head.penalty(), expected)


def test_a_head_without_penalty_adds_nothing() -> None:
    assert build().penalty() is None


def test_attention_looks_beyond_its_own_place(images: torch.Tensor) -> None:
    """With a gain, a change at one place changes the contribution of another; without, it does not."""
    network = build(head="attention").eval()
    features = network.feature_map(images).detach()
    changed = features.clone()
    changed[:, :, 0, 0] += 1.0
    assert torch.equal(network.head.class_map(features)[:, :, 1:], network.head.class_map(changed)[:, :, 1:])
    network.head.gain.data.fill_(1.0)
    assert not torch.allclose(network.head.class_map(features)[:, :, 1:], network.head.class_map(changed)[:, :, 1:])


@pytest.mark.parametrize("scaling", ["weights", "unit"])
def test_scaling_is_part_of_the_network(images: torch.Tensor, scaling: str) -> None:
    network = build(scaling=scaling).eval()
    scaled = images.permute(0, 3, 1, 2).float() / 255
    if scaling == "weights":
        config = weights_config(network_entry(TINY))
        scaled = (scaled - torch.tensor(config["mean"]).view(3, 1, 1)) / torch.tensor(config["std"]).view(3, 1, 1)
    expected = network.head.logits(network.backbone.forward_features(scaled))
    torch.testing.assert_close(network(images).logits, expected, rtol=1e-4, atol=1e-5)


def test_dropout_acts_in_training_only(images: torch.Tensor) -> None:
    network = build(dropout=0.5)
    for module in network.backbone.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.0
    network.train()
    assert not torch.equal(network.logits(images), network.logits(images))
    network.eval()
    assert torch.equal(network.logits(images), network.logits(images))


def test_frozen_stages_do_not_change_in_training(images: torch.Tensor) -> None:
    network = build("efficientnet-lite0", frozen=3)
    network.train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    optimiser = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], 0.1)
    network.logits(images).square().sum().backward()
    optimiser.step()
    changed = {name.split(".")[2] if ".blocks." in name else name for name, tensor in network.state_dict().items()
               if not torch.equal(tensor, before[name])}  # fmt: skip
    assert "backbone.conv_stem.weight" not in changed
    assert {"0", "1"}.isdisjoint(changed)
    assert {"2", "6", "head.weight"} <= changed


def test_the_backbone_of_a_run_is_a_start_and_its_head_is_not(tmp_path: Path) -> None:
    first = build(classes=5, head="thesis")
    save_file(first.state_dict(), tmp_path / "weights.safetensors")
    for weights in (tmp_path, tmp_path / "weights.safetensors"):
        second = build(classes=2, weights=str(weights))
        for name, tensor in second.backbone.state_dict().items():
            assert torch.equal(tensor, first.backbone.state_dict()[name]), name


def test_tiles_go_through_the_backbone_each_for_itself(images: torch.Tensor) -> None:
    torch.manual_seed(3)
    network = build(tiles=(2, 3)).eval()
    features = network.feature_map(images)
    alone = build(size=(32, 32)).eval()
    alone.load_state_dict(network.state_dict())
    _, height, width = alone.head.shape
    for row in range(2):
        for column in range(3):
            tile = images[:, 32 * row : 32 * row + 32, 32 * column : 32 * column + 32]
            part = features[:, :, row * height : (row + 1) * height, column * width : (column + 1) * width]
            torch.testing.assert_close(part, alone.feature_map(tile))
    changed = images.clone()
    changed[:, :32, :32] = 0
    assert torch.equal(network.feature_map(changed)[:, :, height:], features[:, :, height:])


def test_tiles_that_do_not_fill_the_picture_are_refused() -> None:
    with pytest.raises(UsageError, match=r"96 x 64 px cannot be cut into 3 rows of 1 tiles.*network\.tiles"):
        build(tiles=(3, 1))


@pytest.mark.parametrize("name", [TINY, "efficientnet-lite0", "timm:test_resnet", "timm:test_convnext"])
def test_levels_are_the_backbones_maps_one_after_the_other(name: str, images: torch.Tensor) -> None:
    torch.manual_seed(3)
    network = build(name, levels=2).eval()
    scaled = (images.permute(0, 3, 1, 2).float() - network.mean) / network.std
    upper, last = network.backbone.forward_intermediates(scaled, indices=2, intermediates_only=True)
    joined = network.feature_map(images)
    assert joined.shape[1] == upper.shape[1] + last.shape[1] == network.head.shape[0]
    assert torch.equal(joined[:, upper.shape[1] :], last)
    torch.testing.assert_close(joined[:, : upper.shape[1]].mean((2, 3)), upper.mean((2, 3)))
    assert network.target_layer == ""


@pytest.mark.parametrize("levels", [1, 2])
def test_several_levels_start_from_a_run_whatever_it_saw(levels: int, tmp_path: Path) -> None:
    torch.manual_seed(5)
    before = build("efficientnet-lite0", levels=levels)
    path = tmp_path / "weights.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in before.state_dict().items()}, path)
    after = build("efficientnet-lite0", levels=2, weights=str(path))
    state = before.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in after.state_dict().items() if "backbone" in name)
    if levels == 2:  # which lacks what the whole network needs
        with pytest.raises(UsageError, match="no tensor"):
            build("efficientnet-lite0", weights=str(path))


def test_more_levels_than_there_are_are_refused() -> None:
    with pytest.raises(UsageError, match=r"does not give 9 maps.*network\.levels of 5 at most"):
        build("efficientnet-lite0", levels=9)


def test_a_standardised_head_does_not_care_for_the_scale_of_features() -> None:
    head = HEADS["standardised"]((3, 2, 2), 2, 0.0)
    maps = torch.randn(64, 3, 2, 2, generator=torch.Generator().manual_seed(1))
    scaled = maps * torch.tensor([1.0, 100.0, 0.1])[:, None, None] + 5.0
    torch.testing.assert_close(head.logits(maps), head.logits(scaled), rtol=1e-2, atol=1e-2)


def test_more_frozen_stages_than_there_are_are_refused() -> None:
    with pytest.raises(UsageError, match="no 99 stages to freeze"):
        build(frozen=99)


def test_stages_that_timm_does_not_know_are_told() -> None:
    network = build("timm:test_resnet")
    network.backbone.group_matcher = None
    with pytest.raises(UsageError, match="stages of a ResNet are not known"):
        network.freeze(1)


def test_a_start_that_was_scaled_otherwise_is_refused(tmp_path: Path) -> None:
    save_file(build().state_dict(), tmp_path / "weights.safetensors")
    recipe = {"network": {"scaling": "unit"}}
    (tmp_path / "training.json").write_text(json.dumps({"run": {"recipe": recipe}}), "utf-8")
    build(weights=str(tmp_path), scaling="unit")
    with pytest.raises(UsageError, match=r"scaled its pictures otherwise.*'unit'.*network\.scaling=weights"):
        build(weights=str(tmp_path), scaling="weights")


def test_the_backbone_of_another_network_is_refused(tmp_path: Path) -> None:
    save_file(build("timm:test_resnet").state_dict(), tmp_path / "weights.safetensors")
    with pytest.raises(UsageError, match=r"not those of this network.*no tensor"):
        build(weights=str(tmp_path))


@pytest.mark.parametrize(
    ("content", "message"), [(None, "expected imagenet, none, or the folder"), (b"no weights", "cannot be read")]
)
def test_start_weights_that_are_none_are_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / "weights.safetensors").write_bytes(content)
    with pytest.raises(UsageError, match=f"(?i){message}"):
        build(weights=str(tmp_path))


def test_weights_without_a_backbone_are_refused(tmp_path: Path) -> None:
    save_file({"other": torch.zeros(2)}, tmp_path / "weights.safetensors")
    with pytest.raises(UsageError, match="holds no backbone"):
        build(weights=str(tmp_path))


def test_misspelt_start_weights_are_refused() -> None:
    with pytest.raises(UsageError, match="imagenet"):
        build(weights="imagnet")
