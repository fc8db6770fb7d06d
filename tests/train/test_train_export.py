"""A run becomes a bundle that agrees with it, or it is said why not."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs leukolens[train]")
pytest.importorskip("lightning", reason="needs leukolens[train]")

from safetensors.torch import load_file, save_file  # noqa: E402

from leukolens.cli.main import main  # noqa: E402
from leukolens.engine.bundle import open_bundle  # noqa: E402
from leukolens.finding import BundleError  # noqa: E402
from leukolens.networks.choice import NetworkChoice  # noqa: E402
from leukolens.networks.field import FieldNetwork  # noqa: E402
from leukolens.smear.perturb import STRESSES  # noqa: E402
from leukolens.smear.prepare import Preparation  # noqa: E402
from leukolens.train.export import trained_stresses  # noqa: E402
from leukolens.train.onnx_export import OUTPUTS, check_engine, differences, to_onnx  # noqa: E402
from leukolens.train.optimisation import Probe  # noqa: E402
from leukolens.train.predict import predict  # noqa: E402
from leukolens.train.recipe import Augmentation, Recipe  # noqa: E402
from leukolens.train.statistics import ExportedField, fit_distance  # noqa: E402

pytestmark = pytest.mark.slow


def test_export_gives_a_bundle_that_agrees_and_screens(
    run: Path, class_folders: Path, split: Path, tmp_path: Path
) -> None:
    import leukolens

    out = tmp_path / "bundle"
    arguments = ["export", str(run), "--citation", "A and B 2026", "--out", str(out)]
    assert main(arguments) == 0
    assert main(arguments) == 2, "a bundle is not written over another"
    spec = open_bundle(out).spec
    assert spec.name == "one"
    content = (out / "field.onnx").read_bytes()
    assert b"site-packages" not in content, "paths of this machine have no place in a bundle"
    assert b"stack_trace" not in content
    assert spec.provenance.training_images_sha256
    assert spec.provenance.citations == ("A and B 2026",)
    figures = spec.provenance.figures["test"]
    for figure in (figures["accuracy"], figures["balanced_accuracy"], *figures["recall"].values()):
        assert 0 <= figure["low"] <= figure["value"] <= figure["high"] <= 1
    card = (out / "MODEL_CARD.md").read_text("utf-8")
    assert f"| test · accuracy | {figures['accuracy']['value']:.4g} (" in card
    assert "A and B 2026" in card
    assert spec.networks["field"].calibration.n > 0
    screener = leukolens.load(out)
    rows = list(csv.DictReader((run / "predictions-test.csv").open(encoding="utf-8")))
    temperature = spec.networks["field"].calibration.temperature
    for row in rows[:6]:
        finding = screener.screen(class_folders / row["path"])
        plain = np.array([float(row["p large cells"]), float(row["p small cells"])])
        scaled = plain ** (1 / temperature)
        assert finding.field is not None
        expected = scaled / scaled.sum()
        assert list(finding.field.probabilities.values()) == pytest.approx(expected.tolist(), abs=2e-4)


def test_export_refuses_an_unfinished_run_and_other_data(
    run: Path, class_folders: Path, split: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data", str(class_folders), "--split", str(split), "--name", "tiny", "--out", str(tmp_path / "b")]
    assert main(["export", str(tmp_path), *arguments]) == 2
    other = tmp_path / "other.json"
    options = ["--method", "random-image", "--folds", "2", "--validation", "0.25", "--out", str(other)]
    assert main(["data", "split", str(class_folders), *options]) == 0
    arguments[3] = str(other)
    assert main(["export", str(run), *arguments]) == 2
    assert "other data" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--name", "My Model"], "a-z"),
        (["--version", ""], "version"),
        (["--out", "{taken}"], "exists already"),
        (["--out", "{file}/bundle"], "cannot be written"),
        (["--data", "{file}/nowhere"], "--data"),
    ],
)
def test_export_refuses_before_it_works(
    run: Path, tmp_path: Path, more: list[str], words: str,
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("leukolens.data.catalogue.fingerprint", lambda *_, **__: pytest.fail("worked"))
    taken, file = tmp_path / "taken", tmp_path / "file"
    taken.mkdir()
    (taken / "mine.txt").write_text("mine")
    file.write_text("mine")
    given = [option.format(taken=taken, file=file) for option in more]
    assert main(["export", str(run), "--out", str(tmp_path / "b"), *given]) == 2
    assert words in capfd.readouterr().err


def _say(edit: Callable[[dict], object]) -> Callable[[Path], None]:
    def change(run: Path) -> None:
        content = json.loads((run / "training.json").read_text())
        edit(content)
        (run / "training.json").write_text(json.dumps(content))

    return change


def _weigh(edit: Callable[[dict], object]) -> Callable[[Path], None]:
    def change(run: Path) -> None:
        weights = load_file(run / "weights.safetensors")
        edit(weights)
        save_file(weights, run / "weights.safetensors")

    return change


FOREIGN = {
    "another network's weights": (
        _weigh(lambda weights: weights.update({"head.weight": torch.zeros(2, 3)})), "head.weight of shape (2, 3)",
    ),
    "a tensor too few": (_weigh(lambda weights: weights.pop("head.weight")), "no tensor head.weight"),
    "no weights": (lambda run: (run / "weights.safetensors").unlink(), "weights.safetensors cannot be read"),
    "damaged weights": (lambda run: (run / "weights.safetensors").write_bytes(b"x"), "cannot be read"),
    "an unknown field": (_say(lambda said: said["run"]["recipe"].update(epohcs=3)), "Did you mean 'epochs'"),
    "another format": (_say(lambda said: said.update(checkpoint_format=9)), "checkpoint_format 1, found 9"),
    "no run": (_say(lambda said: said.pop("run")), "no run of leukolens"),
    "no fold": (_say(lambda said: said["run"].pop("fold")), "found no fold"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "words"), FOREIGN.values(), ids=list(FOREIGN))
def test_a_foreign_run_is_told(
    run: Path, tmp_path: Path, change: Callable[[Path], None], words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run, copy, ignore=shutil.ignore_patterns("*.ckpt"))
    change(copy)
    assert main(["export", str(copy), "--out", str(tmp_path / "bundle")]) == 2
    assert words in capfd.readouterr().err
    assert not (tmp_path / "bundle" / "bundle.json").exists()


def test_a_run_of_another_version_is_still_exported(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run, copy, ignore=shutil.ignore_patterns("*.ckpt"))
    _say(lambda said: said.update(leukolens_version="0.0.1"))(copy)
    assert main(["export", str(copy), "--out", str(tmp_path / "bundle")]) == 0


@pytest.mark.parametrize("which", ["logits", "class map", "features", "distance"])
def test_an_engine_that_says_something_else_is_refused(which: str) -> None:
    """Logits are scaled up, as those of a network that is sure: its probabilities hide what the logits show."""
    network = FieldNetwork(NetworkChoice(name="timm:test_efficientnet", weights="none"), classes=2, size=(48, 64))
    pictures = np.random.default_rng(0).integers(0, 256, (5, 48, 64, 3), np.uint8)
    distance = fit_distance(predict(network.eval(), pictures).features, np.array([0, 1, 0, 1, 0]), 2)
    exported = _Sure(network, distance).eval()
    onnx = to_onnx(exported, Preparation(width=64, height=48, squeeze="none"))
    check_engine(exported, onnx, pictures)
    found = differences(exported, onnx, pictures)
    assert found.probability < 1e-12
    assert max(found) < 1e-3

    def changed(factor: float) -> Callable[[torch.Tensor], tuple[torch.Tensor, ...]]:
        def call(images: torch.Tensor) -> tuple[torch.Tensor, ...]:
            names = [name.replace("_", " ") for name in OUTPUTS]
            factors = [factor if name == which else 1.0 for name in names]
            return tuple(one * said for one, said in zip(factors, exported(images), strict=True))

        return call

    for factor in (1.1, float("nan")):
        with pytest.raises(BundleError, match=f"PyTorch on the ({which}|probability)"):
            check_engine(changed(factor), onnx, pictures)
    assert differences(changed(1.1), onnx, pictures).probability < 1e-12


class _Sure(ExportedField):
    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        logits, *rest = super().forward(images)
        return logits + torch.tensor([1e3, 0.0]), *rest


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, set(STRESSES)),
        ({"colour": 0.0}, {"bar-masked", "jpeg-50", "blur"}),
        ({"grey": 0.0}, set(STRESSES) - {"grey"}),
        ({"colour_strength": 0.0}, {"grey", "bar-masked", "jpeg-50", "blur"}),
        ({"colour": 0.0, "corner": 0.0, "jpeg": 0.0, "blur": 0.0}, set()),
    ],
)
def test_the_domain_reaches_as_far_as_training_varied_its_pictures(
    changed: dict[str, float], expected: set[str]
) -> None:
    recipe = Recipe(name="any", augmentation=Augmentation(**changed))
    assert set(trained_stresses(recipe)) == expected
    varied, plain = (recipe.model_copy(update={"probe": Probe(passes=passes)}) for passes in (1, 0))
    assert set(trained_stresses(varied)) == expected
    assert not trained_stresses(plain)  # it has seen no picture varied


def test_looks_at_the_test_side_are_counted_from_training_to_the_card(
    run: Path, class_folders: Path, split: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    told = json.loads((run / "summary.json").read_text("utf-8"))["test_openings"]
    log = split.with_name("split.decisions.jsonl")
    before = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    (own,) = (line for line in before if line["sha256"] == told["line_sha256"])
    assert own["command"].startswith("leukolens train")
    assert own["by"][0]["sha256"] == hashlib.sha256((run / "weights.safetensors").read_bytes()).hexdigest()
    predictions = (run / "predictions-test.csv").read_bytes()
    assert own["figures"] == {"predictions-test.csv": hashlib.sha256(predictions).hexdigest()}
    capfd.readouterr()
    out = tmp_path / "bundle"
    assert main(["export", str(run), "--name", "x", "--reason", "to ship", "--out", str(out)]) == 0
    assert "The test side of fold 0 has been opened" in capfd.readouterr().err
    after = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert len(after) == len(before) + 1
    assert after[-1]["reason"] == "to ship"
    openings = open_bundle(out).spec.provenance.test_openings
    assert openings is not None
    assert openings["number"] == after[-1]["opening"] >= 2
    assert openings["line_sha256"] == after[-1]["sha256"]
    assert openings["sentence"] in (out / "MODEL_CARD.md").read_text("utf-8")
    assert len((run / "decisions.jsonl").read_text("utf-8").splitlines()) >= 2
    assert main(["data", "log", str(split), "--result", str(run), "--result", str(out)]) == 0
    capfd.readouterr()
    assert main(["card", str(out)]) == 0
    assert capfd.readouterr().out == (out / "MODEL_CARD.md").read_text("utf-8")
