"""A tiny data set of two kinds of drawn fields, and a recipe that learns it in seconds."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

TINY_RECIPE = """
network: {name: "timm:test_efficientnet", weights: none}
preparation: {width: 64, height: 48, squeeze: none}
optimiser: {learning_rate: 5.0e-3}
epochs: 4
batch_size: 8
average: 0.9
augmentation: {blur: 0.1, jpeg: 0.1}
"""


def draw_field(kind: int, seed: int) -> np.ndarray:
    """A pale field with dark discs: large ones of kind 1, small ones of kind 0."""
    rng = np.random.default_rng((kind, seed))
    picture = np.full((96, 128, 3), 230, np.uint8)
    for x, y in rng.integers((0, 0), (128, 96), (6, 2)):
        cv2.circle(picture, (int(x), int(y)), 14 if kind else 5, (90, 40, 150), -1, cv2.LINE_AA)
    return np.clip(picture + rng.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def class_folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("fields")
    for kind, name in enumerate(("small cells", "large cells")):
        (root / name).mkdir()
        for seed in range(24):
            cv2.imwrite(str(root / name / f"{seed:03d}.png"), draw_field(kind, seed))
    return root


@pytest.fixture(scope="session")
def tiny_recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "tiny.yaml"
    path.write_text(TINY_RECIPE, "utf-8")
    return path


@pytest.fixture(scope="session")
def split(class_folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from leukolens.cli.main import main

    path = tmp_path_factory.mktemp("split") / "split.json"
    options = ["--method", "random-image", "--folds", "3", "--validation", "0.25", "--out", str(path)]
    assert main(["data", "split", str(class_folders), *options]) == 0
    return path


@pytest.fixture(scope="session")
def run(class_folders: Path, split: Path, tiny_recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the tiny recipe; tests leave it as it is."""
    from train_calls import train_arguments

    from leukolens.cli.main import main

    out = tmp_path_factory.mktemp("run") / "one"
    assert main(train_arguments(class_folders, split, tiny_recipe, out)) == 0
    return out
