"""Rates by step and by stage, what is decayed, and which stages an epoch trains."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs leukolens[train]")

from leukolens.train.module import FieldModule  # noqa: E402
from leukolens.train.optimisation import Optimiser, Unfreezing  # noqa: E402
from leukolens.train.recipe import Recipe  # noqa: E402
from leukolens.train.schedule import build_optimiser, rate_factor, thaw, treatments  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.fixture
def module() -> FieldModule:
    return FieldModule(
        Recipe.model_validate({"name": "x", "network": {"name": "timm:test_efficientnet", "weights": "none"}}), 3
    )


def test_exponential_decay_is_that_of_the_thesis() -> None:
    """Keras' ExponentialDecay: rate * 0.96 ** (step / 40), with the exponent floored where it is a staircase."""
    smooth = Optimiser(schedule="exponential", warmup=0)
    steps = smooth.model_copy(update={"staircase": True})
    assert rate_factor(0, 100, smooth) == rate_factor(39, 100, steps) == 1
    assert rate_factor(60, 100, smooth) == pytest.approx(0.96**1.5)
    assert rate_factor(79, 100, steps) == pytest.approx(0.96)
    assert rate_factor(80, 100, steps) == pytest.approx(0.96**2)


def test_cosine_warms_up_and_ends_at_nothing() -> None:
    optimiser = Optimiser(warmup=0.1)
    factors = [rate_factor(step, 100, optimiser) for step in range(101)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[9] == factors[10] == 1
    assert factors[100] == pytest.approx(0, abs=1e-12)
    assert rate_factor(50, 100, Optimiser(schedule="constant", warmup=0)) == 1


@pytest.mark.parametrize(
    ("change", "kind", "told"),
    [
        ({"name": "adamw", "epsilon": 1e-7}, torch.optim.AdamW, {"eps": 1e-7}),
        ({"name": "adam"}, torch.optim.Adam, {"eps": 1e-8}),
        ({"name": "sgd", "momentum": 0.8, "nesterov": True}, torch.optim.SGD, {"momentum": 0.8, "nesterov": True}),
    ],
)
def test_optimisers_are_those_that_are_named(
    module: FieldModule, change: dict[str, object], kind: type, told: dict[str, object]
) -> None:
    optimiser = Optimiser.model_validate(change)
    built = build_optimiser(module.network, treatments(module.network, optimiser), optimiser)
    assert type(built) is kind
    for group in built.param_groups:
        assert {key: group[key] for key in told} == told


def test_norms_and_biases_are_not_decayed(module: FieldModule) -> None:
    built = build_optimiser(module.network, treatments(module.network, Optimiser()), Optimiser())
    assert sum(len(group["params"]) for group in built.param_groups) == len(list(module.network.parameters()))
    for group in built.param_groups:
        assert all((parameter.ndim >= 2) == (group["weight_decay"] > 0) for parameter in group["params"])


def test_rates_fall_by_a_factor_a_stage_from_the_head_down(module: FieldModule) -> None:
    optimiser = Optimiser(layer_decay=0.5, learning_rate=1.0)
    treated = treatments(module.network, optimiser)
    stages, count = module.network.stage_numbers()
    assert treated["head.weight"].factor == 1
    assert treated["backbone.conv_stem.weight"].factor == 0.5**count
    assert all(treated[name].factor == 0.5 ** (count - stage) for name, stage in stages.items())
    built = build_optimiser(module.network, treated, optimiser)
    assert built.param_groups[0]["lr"] == 1.0, "the curves tell the rate of the first group"
    assert min(group["lr"] for group in built.param_groups) == 0.5**count


def test_frozen_parameters_are_not_optimised() -> None:
    network = {"name": "timm:test_efficientnet", "weights": "none", "frozen": 2}
    module = FieldModule(Recipe.model_validate({"name": "x", "network": network}), 3)
    stages, _ = module.network.stage_numbers()
    assert {stages.get(name, 99) >= 2 for name in treatments(module.network, Optimiser())} == {True}


def test_stages_thaw_from_the_head_down(module: FieldModule) -> None:
    network = module.network
    stages, count = network.stage_numbers()

    def trained() -> set[int]:
        return {stages.get(name, count) for name, parameter in network.named_parameters() if parameter.requires_grad}

    for epoch, first in [(0, count - 1), (1, count - 1), (2, count - 2), (4, count - 3), (50, 1)]:
        thaw(network, Unfreezing(start=1, every=2), epoch, frozen=1)
        assert trained() == set(range(first, count + 1)), epoch
        norms = [part for part in network.modules() if isinstance(part, torch.nn.BatchNorm2d)]
        assert {norm.training for norm in norms if not norm.weight.requires_grad} <= {False}
        assert {norm.training for norm in norms if norm.weight.requires_grad} <= {True}
    thaw(network, Unfreezing(start=0, every=2), 0, frozen=0)
    assert trained() == {count}, "the head alone"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"network": {"name": "timm:test_efficientnet", "weights": "none"}}, False),
        ({"network": {"name": "timm:test_efficientnet", "weights": "none"}, "unfreeze": {}}, True),
        ({"network": {"name": "timm:test_convnext", "weights": "none"}}, False),
        # Its last convolution stands behind the pooling and is not run.
        ({"network": {"name": "timm:mobilenetv3_small_050", "weights": "none"}}, True),
    ],
)
def test_parameters_without_a_gradient_are_known_beforehand(change: dict[str, object], expected: bool) -> None:
    module = FieldModule(Recipe.model_validate({"name": "x", **change}), 3)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    assert module.has_unused() is expected
    assert module.network.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())
    assert all(parameter.grad is None for parameter in module.parameters())
