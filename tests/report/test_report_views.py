"""The pictures of a page: found again, checked, reduced and explained."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from leukolens.finding import CLASSES, FieldFinding, Finding
from leukolens.report import views_of
from leukolens.smear.limits import Limits
from leukolens.smear.prepare import Preparation, prepare

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


class Screener:
    """Stands for the loaded model: its class map is hot for Pre-B in the upper left."""

    limits = Limits()
    bundle = SimpleNamespace(field=SimpleNamespace(labels=CLASSES))

    def field_outputs(self, pixels: NDArray[np.uint8], *, aspect: float | None = None) -> tuple[Any, Any]:
        class_map = np.zeros((4, 6, 8), np.float32)
        class_map[2, :3, :4] = 9.0
        return prepare(pixels, Preparation(), aspect=aspect), SimpleNamespace(class_map=class_map)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    rgb = np.full((960, 1280, 3), 232, np.uint8)
    cv2.circle(rgb, (640, 480), 90, (150, 50, 100), -1)
    cv2.imwrite(str(path), rgb)
    return path


def finding(path: Path, **changes: object) -> Finding:
    values: dict[str, object] = {
        "source": "a.png",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "status": "ok",
        "label": "Pre-B",
        "conclusion": "lymphoblasts",
        "field": FieldFinding(probabilities={"Benign": 0.2, "Pre-B": 0.8}),
    }
    return Finding.model_validate(values | changes)


def look(path: Path, one: Finding) -> Any:
    return views_of(Screener(), {"a.png": path}, aspect=4 / 3)(one)  # type: ignore[arg-type]


def test_picture_is_reduced_and_evidence_lies_over_it(picture: Path) -> None:
    view = look(picture, finding(picture))
    assert view.rgb.shape == (480, 640, 3)
    assert view.evidence.shape == (480, 640)
    assert view.evidence_label == "Pre-B"
    assert view.evidence[100, 100] == pytest.approx(9.0, abs=0.1)
    assert view.evidence[400, 500] == pytest.approx(0.0, abs=0.1)


def test_outside_the_domain_the_class_leant_to_is_explained(picture: Path) -> None:
    view = look(picture, finding(picture, label=None, conclusion=None))
    assert view.evidence_label == "Pre-B"


@pytest.mark.parametrize(
    "changes", [{"status": "refused", "reason": "x"}, {"conclusion": "no white cells", "label": None}, {"field": None}]
)
def test_where_there_is_nothing_to_explain_the_picture_alone_is_shown(
    picture: Path, changes: dict[str, object]
) -> None:
    view = look(picture, finding(picture, **changes))
    assert view.rgb.shape == (480, 640, 3)
    assert view.evidence is None


def test_another_picture_of_the_same_name_is_not_shown(picture: Path) -> None:
    one = finding(picture)
    cv2.imwrite(str(picture), np.full((20, 20, 3), 200, np.uint8))
    assert look(picture, one) is None


def test_a_picture_that_is_gone_is_not_shown(picture: Path) -> None:
    one = finding(picture)
    picture.unlink()
    assert look(picture, one) is None
    assert views_of(Screener(), {})(one) is None  # type: ignore[arg-type]
