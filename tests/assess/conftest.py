from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("scipy", reason="needs leukolens[train]")

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engine"))

from leukolens.assess.evaluation import Evaluation, Settings, evaluate
from leukolens.assess.pipeline import Answer
from leukolens.assess.provenance import select
from leukolens.data import fingerprint, open_catalogue
from leukolens.finding import CLASSES
from leukolens.smear.perturb import to_grey

LEVELS = {"Benign": 40, "Early Pre-B": 100, "Pre-B": 160, "Pro-B": 220}


def paint(path: Path, red: int, seed: int) -> None:
    """A picture whose mean red says its class, and whose pixels are like no other's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    rgb = np.full((48, 64, 3), (red, 120, 90), np.int64) + rng.integers(-9, 10, (48, 64, 3))
    assert cv2.imwrite(str(path), np.clip(rgb, 0, 255).astype(np.uint8)[..., ::-1])


@dataclass(frozen=True)
class RedPredictor:
    """Says the class whose level is nearest to the mean red; `swap` gives one class to another."""

    classes: tuple[str, ...] = CLASSES
    workers: int = 2
    swap: tuple[str, str] | None = None

    def predict(self, rgb: np.ndarray) -> Answer:
        distances = np.array([abs(LEVELS[name] - float(rgb[..., 0].mean())) for name in self.classes])
        if self.swap:
            first, second = (self.classes.index(name) for name in self.swap)
            distances[first], distances[second] = distances[second], distances[first]
        powers = np.exp(-distances / 12)
        return Answer(powers / powers.sum(), novelty=0.25, in_domain=bool(distances.min() < 30))


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four class folders, 6 pictures each, and a table with three patients a class."""
    root = tmp_path_factory.mktemp("pictures")
    rows = ["path,label,patient"]
    for column, (label, red) in enumerate(LEVELS.items()):
        for number in range(6):
            path = f"{label}/{number}.png"
            paint(root / path, red, 100 * column + number)
            rows.append(f"{path},{label},{column}-{number // 2}")
    (root / "labels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def catalogue(pictures: Path):
    return fingerprint(open_catalogue(pictures))


@pytest.fixture(scope="session")
def with_patients(pictures: Path):
    return fingerprint(open_catalogue(pictures, labels=pictures / "labels.csv", patient_column="patient"))


@pytest.fixture(scope="session")
def evaluation(catalogue) -> Evaluation:
    """Pre-B and Pro-B are taken for each other; grey takes the class away."""
    return evaluate(
        RedPredictor(swap=("Pre-B", "Pro-B")),
        catalogue,
        select(catalogue),
        settings=Settings(negative_classes=("Benign",), replicates=200),
        stresses={"grey": to_grey, "none": lambda rgb: rgb},
    )
