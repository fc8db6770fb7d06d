"""Predictions are made where the network is, in whole float32, and it is back on the processor afterwards."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs leukolens[train]")
pytest.importorskip("lightning", reason="needs leukolens[train]")

from train_calls import train_arguments  # noqa: E402

from leukolens.cli.main import main  # noqa: E402
from leukolens.networks.choice import NetworkChoice  # noqa: E402
from leukolens.networks.field import FieldNetwork  # noqa: E402
from leukolens.train.machine import Machine  # noqa: E402
from leukolens.train.predict import on_device, predict, softmax  # noqa: E402

pytestmark = pytest.mark.slow


class _Placed(torch.nn.Linear):
    """Keeps where it was moved to, and whether convolutions could be rounded there."""

    def __init__(self) -> None:
        super().__init__(1, 1)
        self.places: list[tuple[str, bool]] = []

    def to(self, device):
        self.places.append((str(device), torch.backends.cudnn.allow_tf32))
        return self


def test_a_network_comes_back_and_nothing_is_rounded_meanwhile() -> None:
    before = torch.backends.cudnn.allow_tf32
    network = _Placed()
    with contextlib.suppress(RuntimeError), on_device(network, torch.device("cuda")):
        raise RuntimeError("out of memory")
    assert network.places == [("cuda", False), ("cpu", before)]
    assert torch.backends.cudnn.allow_tf32 == before


def test_a_run_predicts_on_its_machine(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    @contextlib.contextmanager
    def noted(network: FieldNetwork, device: torch.device):
        asked.append((next(network.parameters()).dtype, device))
        yield

    monkeypatch.setattr("leukolens.train.outcome.on_device", noted)
    arguments = train_arguments(class_folders, split, tiny_recipe, tmp_path / "run", "--set", "epochs=1")
    assert main([*arguments, "--accelerator", "cpu"]) == 0
    assert asked == [(torch.float32, torch.device("cpu"))]


def test_the_device_is_that_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Machine("cpu").device == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert Machine("gpu").device == Machine("auto").device == torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert Machine("gpu").device == torch.device("mps")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA card")
def test_a_card_and_the_processor_say_the_same() -> None:
    network = FieldNetwork(NetworkChoice(name="timm:resnet18", weights="none"), classes=3, size=(96, 128)).eval()
    pictures = np.random.default_rng(0).integers(0, 256, (8, 96, 128, 3), np.uint8)
    plain = predict(network, pictures)
    with on_device(network, torch.device("cuda")):
        assert next(network.parameters()).is_cuda
        found = predict(network, pictures)
    assert not next(network.parameters()).is_cuda
    assert np.abs(softmax(plain.logits) - softmax(found.logits)).max() < 1e-5
    assert np.abs(plain.features - found.features).max() < 1e-3


def test_no_more_than_a_batch_of_pictures_is_asked_for_at_once() -> None:
    torch.manual_seed(1)
    network = FieldNetwork(
        NetworkChoice(name="timm:test_efficientnet", weights="none"), classes=2, size=(48, 64)
    ).eval()
    pictures = np.random.default_rng(2).integers(0, 256, (9, 48, 64, 3)).astype(np.uint8)
    asked: list[list[int]] = []

    class Kept:
        def __getitem__(self, key: list[int]) -> np.ndarray:
            asked.append(key)
            return pictures[key]

    found = predict(network, Kept(), 3, [8, 0, 4, 2])
    assert asked == [[8, 0, 4], [2]]
    np.testing.assert_allclose(found.logits, predict(network, pictures[[8, 0, 4, 2]], 3).logits, atol=1e-6)
