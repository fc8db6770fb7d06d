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


def test_a_network_that_does_not_fit_is_told_below_and_the_rest_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["timm:maxvit_nano_rw_256", "timm:levit_128", "vit-s", "timm:vit_tiny_patch16_224", "timm:resnet18"]
    assert main(["models", *names]) == 0
    table, notes = capsys.readouterr().out.split("\n\n")
    rows = {row.split()[0]: row.split()[1] for row in table.splitlines()[1:]}
    assert list(rows) == names
    assert [name for name, parameters in rows.items() if parameters == "-"] == [names[0], names[1], names[3]]
    maxvit, levit, vit, hint = notes.splitlines()
    assert "maxvit_nano_rw_256" in maxvit
    assert "such as 224 x 192 px" in maxvit
    assert "levit_128 cannot carry a class map" in levit
    assert vit.endswith("multiples of its patch of 16 x 16 px.")
    assert "--size" in hint
    assert "preparation.width=" not in notes, "nothing can be set here"


def test_another_size_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "timm:maxvit_nano_rw_256", "--size", "224x192", "--json"]) == 0
    (fits,) = json.loads(capsys.readouterr().out)
    assert main(["models", "timm:maxvit_nano_rw_256", "--json"]) == 0
    (other,) = json.loads(capsys.readouterr().out)
    assert (fits["size"], fits["reason"], fits["parameters"] > 1e7) == ([224, 192], None, True)
    assert (other["size"], other["parameters"], other["macs"]) == ([224, 168], None, None)
    assert "cannot take pictures of 224 x 168 px" in other["reason"]


@pytest.mark.parametrize("size", ["224", "0x168", "224x", "axb", "-1x5", "224 by 168"])
def test_a_size_that_is_none_is_refused(size: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "vgg19", f"--size={size}"]) == 2
    assert "224x168" in capsys.readouterr().err
