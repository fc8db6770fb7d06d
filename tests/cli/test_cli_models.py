"""``leukolens models``: every network, one row each, names whole when piped."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("torch", reason="needs leukolens[train]")

from leukolens.cli.main import main
from leukolens.networks.table import REGISTRY

pytestmark = pytest.mark.slow


def test_one_row_a_network_the_full_name_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    title, *rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows] == list(REGISTRY)
    assert "resnet152v2" in {row.split()[0] for row in rows}
    assert title.split()[0] == "network"
    assert {len(row.split("  ")[0]) for row in rows} >= {len("resnet101"), len("inceptionresnetv2")}


def test_json_holds_every_number_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "efficientnet-lite0", "timm:resnet18", "--head", "thesis", "--json"]) == 0
    lite, resnet = json.loads(capsys.readouterr().out)
    assert (lite["name"], lite["weights"], lite["size"]) == ("efficientnet-lite0", "in a package", [224, 168])
    assert lite["scaling"] == {"mean": [127.5] * 3, "std": [127.5] * 3}
    assert (lite["target_layer"], resnet["target_layer"]) == ("bn2", "layer4")
    assert (resnet["name"], resnet["timm"]) == ("timm:resnet18", "resnet18")
    assert resnet["parameters"] == 11_176_512 + 512 * 42 * 128 + 128 + 2 * 128 + 129 * 156 + 2 * 156 + 157 * 4
    assert resnet["megabytes"] > 4e-6 * resnet["parameters"]


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [(["resnet152"], "resnet152v2"), (["timm:resnet1o1"], "resnet101"), (["--head", "thesi"], "thesis")],
)
def test_a_wrong_name_gets_the_nearest(arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", *arguments]) == 2
    assert f"Did you mean '{hint}'" in capsys.readouterr().err
