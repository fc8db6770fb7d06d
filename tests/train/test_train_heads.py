"""Each head goes the whole way: trained, exported, passed by the doctor, screened with evidence on the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs leukolens[train]")

from leukolens.cli.main import main

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("head", ["linear", "thesis", "attention"])
def test_a_head_goes_the_whole_way(
    head: str, class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run, bundle, out = tmp_path / "run", tmp_path / "bundle", tmp_path / "out"
    arguments = ["train", str(class_folders), "--split", str(split), "--recipe", str(tiny_recipe), "--out", str(run)]
    options = ["--set", f"network.head={head}", "--set", "epochs=2", "--no-progress", "--negative", "small cells"]
    assert main([*arguments, *options]) == 0
    assert main(["export", str(run), "--name", head, "--out", str(bundle)]) == 0
    capfd.readouterr()
    code = main(["doctor", "--bundle", str(bundle), "--json"])
    checks = {check["name"]: check for check in json.loads(capfd.readouterr().out)["checks"]}
    assert {checks[f"engine {name}"]["state"] for name in ("openvino", "onnxruntime")} == {"ok"}, checks
    assert code == 0
    assert (
        main(["screen", str(class_folders / "large cells" / "000.png"), "--bundle", str(bundle), "--out", str(out)])
        == 0
    )
    finding = json.loads((out / "findings.jsonl").read_text())
    assert finding["status"] == "ok"
    assert sum(finding["field"]["probabilities"].values()) == pytest.approx(1, abs=1e-4)
