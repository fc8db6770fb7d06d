from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from leukolens.engine.bundle import open_bundle
from leukolens.screen import Screener, load

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engine"))
from tiny_bundle import write_tiny_bundle


def draw(seed: int, nuclei: int) -> np.ndarray:
    """A plain picture of red and white cells, (168, 224, 3) uint8: quicker than a rendered field."""
    rng = np.random.default_rng(seed)
    picture = np.full((168, 224, 3), (236, 230, 238), np.uint8)
    for x, y in rng.integers((0, 0), (224, 168), (30, 2)).tolist():
        cv2.circle(picture, (x, y), 8, (214, 170, 178), -1, cv2.LINE_AA)
    for x, y in rng.integers((20, 20), (204, 148), (nuclei, 2)).tolist():
        cv2.circle(picture, (x, y), 12, (190, 170, 220), -1, cv2.LINE_AA)
        cv2.circle(picture, (x, y), 9, (98, 60, 140), -1, cv2.LINE_AA)
    noise = rng.normal(0, 1, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def smears() -> list[np.ndarray]:
    """Three pictures, (168, 224, 3) uint8: two with white cells, one of empty background."""
    return [draw(1, 4), draw(2, 7), np.full((168, 224, 3), (236, 230, 238), np.uint8)]


@pytest.fixture(scope="session")
def bundle_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture(scope="session")
def screener(bundle_folder: Path) -> Screener:
    return load(open_bundle(bundle_folder), engine="onnxruntime", threads=2)


@pytest.fixture
def slides(tmp_path: Path, smears: list[np.ndarray]) -> Path:
    """Two cases of four pictures each, and things that are no pictures."""
    root = tmp_path / "slides"
    for case in ("patient 1", "patient 2"):
        (root / case).mkdir(parents=True)
        for number in (1, 2, 10, 11):
            write_png(root / case / f"field {number}.png", np.roll(smears[number % 2], 7 * number, axis=1))
    (root / "notes.txt").write_text("no picture")
    return root


def write_png(path: Path, rgb: np.ndarray) -> Path:
    ok, content = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    assert ok
    path.write_bytes(content.tobytes())
    return path
