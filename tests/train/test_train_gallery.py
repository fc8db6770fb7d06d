"""A network that sees a gallery of white cells: trained, exported, screened and stressed."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs leukolens[train]")
pytest.importorskip("lightning", reason="needs leukolens[train]")

from train_calls import train_arguments  # noqa: E402

import leukolens  # noqa: E402
from leukolens.assess.pipeline import Answer, BundlePredictor, mean_answer  # noqa: E402
from leukolens.cli.main import main  # noqa: E402
from leukolens.finding import UsageError  # noqa: E402
from leukolens.smear.backgrounds import on_flat_ground  # noqa: E402
from leukolens.smear.prepare import map_back  # noqa: E402
from leukolens.smear.segmentation import white_cells  # noqa: E402
from leukolens.train.recipe import load_recipe  # noqa: E402

pytestmark = pytest.mark.slow

RECIPE = """
network: {name: "timm:test_efficientnet", weights: none, levels: 2, tiles: [2, 2], head: standardised}
preparation: {width: 128, height: 128, squeeze: none, gallery: {rows: 2, columns: 2, field: 256}}
optimiser: {learning_rate: 5.0e-3}
epochs: 8
batch_size: 8
average: 0.9
augmentation: {blur: 0.1, jpeg: 0.1, corner: 0.0}
"""


def _field(kind: int, seed: int, ground: tuple[int, int, int] = (232, 232, 228)) -> np.ndarray:
    """Red cells, and three white cells: round ones of kind 0, long ones of kind 1."""
    rng = np.random.default_rng((kind, seed))
    picture = np.full((192, 256, 3), ground, np.uint8)
    for x, y in rng.integers((0, 0), (256, 192), (40, 2)):
        cv2.circle(picture, (int(x), int(y)), 9, (180, 160, 220), -1, cv2.LINE_AA)
    for place in range(3):
        centre = (50 + 75 * place + int(rng.integers(-12, 12)), int(rng.integers(40, 150)))
        axes = (22, 9) if kind else (14, 14)
        cv2.ellipse(picture, centre, axes, float(rng.uniform(0, 180)), 0, 360, (130, 40, 90), -1, cv2.LINE_AA)
    return np.clip(picture + rng.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of such a network, trained in seconds on drawn fields whose ground tells the class as well."""
    root = tmp_path_factory.mktemp("gallery")
    for kind, name in enumerate(("round", "long")):
        (root / "data" / name).mkdir(parents=True)
        for seed in range(24):
            ground = (238, 228, 228) if kind else (226, 232, 236)
            cv2.imwrite(str(root / "data" / name / f"{seed:03d}.png"), _field(kind, seed, ground))
    (root / "recipe.yaml").write_text(RECIPE, "utf-8")
    options = ["--method", "random-image", "--folds", "3", "--validation", "0.25", "--out", str(root / "split.json")]
    assert main(["data", "split", str(root / "data"), *options]) == 0
    assert main(train_arguments(root / "data", root / "split.json", root / "recipe.yaml", root / "run")) == 0
    assert main(["export", str(root / "run"), "--out", str(root / "bundle")]) == 0
    return root


def test_the_bundle_says_the_same_on_any_ground_and_shows_which_cells(bundle: Path) -> None:
    predictor = BundlePredictor(leukolens.load(bundle / "bundle"))
    moved = []
    for kind in range(2):
        for seed in range(30, 36):
            rgb = _field(kind, seed)[..., ::-1].copy()
            laid = on_flat_ground(rgb, white_cells(rgb))
            plain, flat = predictor.predict(rgb), predictor.predict(laid)
            assert not plain.no_white_cells
            moved.append(np.abs(plain.probabilities - flat.probabilities).max())
    assert np.median(moved) < 0.2
    prepared, outputs = leukolens.load(bundle / "bundle").field_outputs(rgb)
    shown = map_back(outputs.class_map[0], prepared, rgb.shape[1], rgb.shape[0])
    assert shown.shape == rgb.shape[:2]
    assert shown[white_cells(rgb)].any()
    around = cv2.dilate(white_cells(rgb).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert not shown[~around].any()


def test_without_white_cells_it_says_so(bundle: Path) -> None:
    screener = leukolens.load(bundle / "bundle")
    empty = np.random.default_rng(1).normal(230, 3, (192, 256, 3)).clip(0, 255).astype(np.uint8)
    finding = screener.screen(empty)
    assert finding.conclusion == "no white cells"
    assert finding.label is None
    assert BundlePredictor(screener).predict(empty).no_white_cells


def test_removed_cells_are_told_by_the_stress_test(bundle: Path) -> None:
    arguments = ["stress", str(bundle / "bundle"), str(bundle / "data"), "--stress", "cells"]
    assert main([*arguments, "--out", str(bundle / "stress")]) == 0
    report = json.loads((bundle / "stress" / "stress.json").read_text("utf-8"))
    found = {one["name"]: one["balanced_accuracy"]["value"] for one in report["stresses"]}
    assert found["cells-removed"] < found["as it is"] - 0.2


def test_windows_without_cells_do_not_vote_where_others_have_some() -> None:
    seen, bare = Answer(np.array([0.9, 0.1])), Answer(np.array([0.1, 0.9]), no_white_cells=True)
    assert mean_answer([seen, bare]).probabilities[0] == 0.9
    assert not mean_answer([seen, bare]).no_white_cells
    assert mean_answer([bare, bare]).no_white_cells


def test_the_recipe_is_read_and_ground_is_refused_beside_a_gallery() -> None:
    recipe = load_recipe("cell-gallery")
    gallery = recipe.preparation.gallery
    assert gallery is not None
    assert recipe.network.tiles == (gallery.rows, gallery.columns)
    with pytest.raises(UsageError, match="a gallery shows no ground"):
        load_recipe("cell-gallery", ["ground.flat=0.2"])


def test_what_is_said_to_set_can_be_set() -> None:
    assert load_recipe("cell-gallery", ["preparation.shape=true"]).preparation.shape == "true"


def test_a_gallery_is_not_taken_with_what_is_done_to_fields_by_default(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("preparation: {width: 128, height: 128, gallery: {rows: 2, columns: 2, field: 256}}\n", "utf-8")
    with pytest.raises(UsageError, match=r"set augmentation\.corner=0"):
        load_recipe(str(path))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("network.tiles=[2,2]", "cuts cells in two"),
        ("augmentation.corner=0.5", "no corners"),
        ("preparation.gallery.rows=5", "do not fill"),
        ("preparation.shape=stretch", "set preparation.shape=true"),
        ("preparation.gallery.field=148", "148 x 111 px is smaller than one tile of 112 x 112 px.*field to 150"),
        ("mixing.cutmix=1", "set mixing.cutmix=0"),
    ],
)
def test_recipes_that_make_no_sense_with_a_gallery_are_refused(change: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        load_recipe("cell-gallery", [change])


def test_recipes_at_the_edge_of_a_gallery_are_taken() -> None:
    assert load_recipe("cell-gallery", ["preparation.gallery.field=150"]).preparation.of_field.height == 112
    assert load_recipe("cell-gallery", ["mixing.cutmix=1", "mixing.share=0"]).preparation.gallery is not None
