"""What several processes agree on of their batch statistics."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs leukolens[train]")
pytest.importorskip("lightning", reason="needs leukolens[train]")

from leukolens.train.averaging import average_statistics  # noqa: E402

pytestmark = pytest.mark.slow


def test_statistics_that_are_trained_are_averaged_those_that_are_frozen_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.distributed.all_reduce", lambda values: values.mul_(3.0))
    plain, trained, frozen = (torch.nn.BatchNorm2d(2, affine=affine) for affine in (False, True, True))
    frozen.requires_grad_(False)
    network = torch.nn.Sequential(plain, trained, frozen)
    average_statistics(network, 2)
    assert [float(norm.running_var[0]) for norm in network] == [1.5, 1.5, 1.0]
    average_statistics(network, 1)
    assert [float(norm.running_var[0]) for norm in network] == [1.5, 1.5, 1.0], "one process has nobody to agree with"
