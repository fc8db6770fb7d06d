from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("scipy", reason="needs leukolens[train]")

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engine"))

from assess_pictures import LEVELS, RedPredictor, paint

from leukolens.assess.evaluation import Evaluation, Settings
from leukolens.assess.judging import evaluate
from leukolens.assess.provenance import select
from leukolens.data import fingerprint, open_catalogue
from leukolens.smear.perturb import to_grey


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
