"""A head fitted at once to the features of a backbone that is not trained."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs leukolens[train]")
pytest.importorskip("lightning", reason="needs leukolens[train]")

from safetensors.numpy import load_file  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from train_calls import changes, train_arguments  # noqa: E402

from leukolens.cli.main import main  # noqa: E402
from leukolens.finding import DataError, UsageError  # noqa: E402
from leukolens.networks.field import FieldNetwork  # noqa: E402
from leukolens.train import features, fit, probe  # noqa: E402
from leukolens.train.callbacks import read_curves  # noqa: E402
from leukolens.train.features import KeptFeatures  # noqa: E402
from leukolens.train.machine import Machine, check_machine  # noqa: E402
from leukolens.train.recipe import Recipe, load_recipe  # noqa: E402

CHANGES = ("probe.passes=1", "probe.c=0.5", "network.head=standardised", "select=last", "balance=weights")
IMAGENET = ("network.weights=imagenet", "network.name=efficientnet-lite0")


def _probe(recipe: Path, *more: str) -> Recipe:
    return load_recipe(str(recipe), [*CHANGES, *more])


def _sides(count: int = 24, classes: int = 2, seed: int = 0) -> fit.Sides:
    """Noise whose colour leans to the class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    images = rng.integers(0, 120, (count, 48, 64, 3)).astype(np.uint8)
    images[np.arange(count), :, :, labels] += 60
    names = [f"kind {number}" for number in range(classes)]
    split = count * 2 // 3
    return fit.Sides(images, labels, names, list(range(split)), list(range(split, count)))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures went through a backbone, call by call."""
    seen: list[int] = []
    predict = features.predict

    def counted(network: FieldNetwork, images: np.ndarray, size: int) -> object:
        seen.append(len(images))
        return predict(network, images, size)

    monkeypatch.setattr(features, "predict", counted)
    return seen


@pytest.mark.parametrize("classes", [2, 3])
def test_the_head_is_scikit_learns_solution_over_all_passes(classes: int, tiny_recipe: Path, tmp_path: Path) -> None:
    sides = _sides(36, classes)
    recipe = _probe(tiny_recipe, *IMAGENET)
    module = fit.fit(recipe, sides, tmp_path, progress=False)
    with torch.inference_mode():
        pooled = module.network.feature_map(torch.from_numpy(np.asarray(sides.images))).mean((2, 3)).numpy()
        logits = module.network.logits(torch.from_numpy(np.asarray(sides.images))).numpy()
    kept = KeptFeatures(recipe, sides, module.network, None)
    seen = np.concatenate([kept.of(sides.train, number) for number in (0, 1)])
    np.testing.assert_allclose(seen[: len(sides.train)], pooled[sides.train], rtol=1e-4, atol=1e-4)
    assert np.abs(seen[: len(sides.train)] - seen[len(sides.train) :]).max() > 1e-3  # the second pass is varied
    scaler = StandardScaler().fit(seen)
    model = LogisticRegression(C=0.25, class_weight="balanced", max_iter=5000)
    model.fit(scaler.transform(seen), np.tile(sides.labels[sides.train], 2))
    expected = model.predict_proba(scaler.transform(pooled))
    found = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(found, expected, atol=2e-2)


def test_the_backbone_stays_and_the_row_of_figures_is_that_of_the_weights(tiny_recipe: Path, tmp_path: Path) -> None:
    sides = _sides()
    recipe = _probe(tiny_recipe, *IMAGENET)
    module = fit.fit(recipe, sides, tmp_path, progress=False)
    start = FieldNetwork(recipe.network, classes=2, size=(48, 64)).state_dict()
    kept = load_file(tmp_path / "weights.safetensors")
    assert all(np.array_equal(kept[name], value.numpy()) for name, value in start.items() if "backbone" in name)
    assert not np.array_equal(kept["head.weight"], start["head.weight"].numpy())
    (row,) = read_curves(tmp_path / "curves.csv")
    with torch.inference_mode():
        named = module.network.logits(torch.from_numpy(np.asarray(sides.images))).argmax(1).numpy()
    for side, numbers in (("train", sides.train), ("val", sides.validation)):
        assert row[f"{side}_accuracy"] == pytest.approx((named == sides.labels)[numbers].mean())
    assert row["seconds"] > 0
    assert not (tmp_path / "last.ckpt").exists()


def test_a_further_fold_reads_only_what_is_missing(tiny_recipe: Path, tmp_path: Path, read: list[int]) -> None:
    sides = _sides()  # 16 train, 8 validate
    recipe = _probe(tiny_recipe, *IMAGENET)
    fit.fit(recipe, sides, tmp_path / "a", cache=tmp_path / "cache", progress=False)
    assert sum(read) == 2 * 16 + 8
    first = (tmp_path / "a" / "weights.safetensors").read_bytes()
    fit.fit(recipe, sides, tmp_path / "again", cache=tmp_path / "cache", progress=False)
    assert sum(read) == 2 * 16 + 8
    assert (tmp_path / "again" / "weights.safetensors").read_bytes() == first
    other = fit.Sides(sides.images, sides.labels, sides.classes, list(range(8, 24)), list(range(8)))
    fit.fit(recipe, other, tmp_path / "b", cache=tmp_path / "cache", progress=False)
    assert sum(read) == 2 * 16 + 8 + 8  # eight more are seen varied
    for change in ("augmentation.noise=0.9", "seed=3"):  # what is seen varied depends on these, the rest does not
        before = sum(read)
        fit.fit(_probe(tiny_recipe, *IMAGENET, change), sides, tmp_path / change, cache=tmp_path / "cache")
        assert sum(read) == before + 16
    before = sum(read)
    fit.fit(recipe, _sides(seed=1), tmp_path / "others", cache=tmp_path / "cache", progress=False)
    assert sum(read) == before + 2 * 16 + 8


def test_half_read_features_are_read_again(tiny_recipe: Path, tmp_path: Path, read: list[int]) -> None:
    sides = _sides()
    recipe = _probe(tiny_recipe, *IMAGENET, "probe.passes=0")
    fit.fit(recipe, sides, tmp_path / "a", cache=tmp_path / "cache", progress=False)
    (path,) = (tmp_path / "cache").glob("features-*.npy")
    kept = np.load(path, mmap_mode="r+")
    kept[3, 100:] = np.nan  # as a run leaves it that is killed while it writes
    kept.flush()
    before = sum(read)
    fit.fit(recipe, sides, tmp_path / "b", cache=tmp_path / "cache", progress=False)
    assert sum(read) == before + 1
    weights = [load_file(tmp_path / name / "weights.safetensors")["head.weight"] for name in "ab"]
    np.testing.assert_allclose(weights[0], weights[1], atol=1e-3)  # a batch of one rounds otherwise than one of many


@pytest.mark.parametrize("left", [0, 100, -4])
def test_a_file_of_features_that_is_cut_off_is_begun_anew(
    left: int, tiny_recipe: Path, tmp_path: Path, read: list[int]
) -> None:
    sides = _sides()
    recipe = _probe(tiny_recipe, *IMAGENET, "probe.passes=0")
    fit.fit(recipe, sides, tmp_path / "a", cache=tmp_path / "cache", progress=False)
    (path,) = (tmp_path / "cache").glob("features-*.npy")
    path.write_bytes(path.read_bytes()[:left])
    before = sum(read)
    fit.fit(recipe, sides, tmp_path / "b", cache=tmp_path / "cache", progress=False)
    assert sum(read) == before + len(sides.labels)


def test_a_head_that_comes_to_no_end_is_told(
    tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "_MOST_STEPS", 1)
    with pytest.raises(UsageError, match=r"in 1 steps.*Lower probe\.c"):
        fit.fit(_probe(tiny_recipe), _sides(), tmp_path, progress=False)


def test_features_too_large_for_their_spread_are_refused(
    tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        KeptFeatures, "of", lambda *_: np.random.default_rng(0).normal(0, 1e30, (16, 128)).astype(np.float32)
    )
    with pytest.raises(DataError, match="too large"):
        fit.fit(_probe(tiny_recipe), _sides(), tmp_path, progress=False)


@pytest.mark.slow
def test_a_run_trains_resumes_exports_and_screens(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    command = train_arguments(class_folders, split, tiny_recipe, tmp_path / "run", *changes(*CHANGES), "--fold", "1")
    assert main(command) == 0
    summary = json.loads((tmp_path / "run" / "summary.json").read_text("utf-8"))
    assert summary["test"]["accuracy"] > 0.8  # large discs against small ones
    assert main(command) == 2
    assert main([*command, "--resume"]) == 0
    assert main(["export", str(tmp_path / "run"), "--out", str(tmp_path / "bundle")]) == 0
    picture = class_folders / "large cells" / "001.png"
    assert main(["screen", str(picture), "--bundle", str(tmp_path / "bundle"), "--out", str(tmp_path / "found")]) == 0


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("network.head=linear", "network.head=standardised"),
        ("mixing.mixup=0.2", "mixing"),
        ("ground.flat=0.2", "ground"),
        ("unfreeze.every=2", "unfreeze"),
        ("probe.c=0", "greater than 0"),
        ("probe.passes=-1", "greater than or equal to 0"),
    ],
)
def test_what_a_probe_cannot_do_is_refused(wrong: str, told: str, tiny_recipe: Path) -> None:
    with pytest.raises(UsageError, match=told):
        _probe(tiny_recipe, wrong)


def test_several_processes_are_refused(tiny_recipe: Path) -> None:
    with pytest.raises(UsageError, match="one process"):
        check_machine(Machine(devices=2), _probe(tiny_recipe, "batch_size=16"))


def test_features_that_are_no_numbers_are_refused(tiny_recipe: Path) -> None:
    recipe, sides = _probe(tiny_recipe), _sides()
    network = FieldNetwork(recipe.network, classes=2, size=(48, 64)).eval()
    next(network.backbone.parameters()).data.fill_(torch.nan)
    with pytest.raises(DataError, match="no finite features"):
        KeptFeatures(recipe, sides, network, None).of(sides.train)
