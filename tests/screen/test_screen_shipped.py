"""The bundle that ships: whole, small, and with answers; on rendered fields, and on real pictures in two forms."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest

import leukolens
from leukolens.engine.bundle import open_bundle, shipped_bundles
from leukolens.screen import Screener
from leukolens.smear.synth import Content, Style, render_field

MAX_BYTES = 20_000_000
REAL = Path(os.environ.get("LEUKOLENS_DATA") or Path(__file__).parents[2] / "../shared/data").resolve()


@pytest.fixture(scope="module")
def shipped() -> Screener:
    return leukolens.load(threads=1)


@pytest.fixture(scope="module")
def fields() -> list[np.ndarray]:
    """Rendered fields, (480, 640, 3) uint8: two with white cells, one without."""
    return [
        render_field(seed, width=640, height=480, style=Style.named("violet"), content=Content.named(content)).pixels
        for seed, content in enumerate(("all", "benign", "no white cells"))
    ]


def test_it_is_whole_and_small() -> None:
    # Opening verifies the sums; the field network is read and compared once more.
    bundle = open_bundle()
    assert bundle.path == shipped_bundles()["default"]
    assert bundle.read_network("field")
    assert sum(path.stat().st_size for path in bundle.path.rglob("*") if path.is_file()) <= MAX_BYTES


def test_it_answers_for_a_rendered_field(shipped: Screener, fields: list[np.ndarray]) -> None:
    finding = shipped.screen(fields[0])
    assert (finding.status, finding.reason) == ("ok", None)
    assert finding.field is not None
    assert tuple(finding.field.probabilities) == shipped.bundle.field.labels
    assert sum(finding.field.probabilities.values()) == pytest.approx(1.0, abs=1e-6)
    assert all(0.0 <= value <= 1.0 for value in finding.field.probabilities.values())
    assert finding.models == shipped.models


def test_its_answers_depend_on_the_picture(shipped: Screener, fields: list[np.ndarray]) -> None:
    logits = [shipped.field_outputs(pixels)[1].logits for pixels in fields]
    assert min(abs(logits[0] - other).max() for other in logits[1:]) > 0.1


def test_engines_agree_on_it(fields: list[np.ndarray]) -> None:
    pytest.importorskip("openvino")
    first, second = (leukolens.load(engine=engine, threads=1) for engine in ("openvino", "onnxruntime"))
    for pixels in fields:
        given, expected = (screener.screen(pixels).field for screener in (first, second))
        assert given is not None
        assert expected is not None
        assert given.probabilities == pytest.approx(expected.probabilities, abs=1e-4)


@pytest.mark.real
def test_a_camera_picture_and_its_small_twin_get_the_same_answer(shipped: Screener) -> None:
    folder = REAL / "taleqani_native"
    if not folder.is_dir():
        pytest.skip(f"the real images are not at {REAL}: set LEUKOLENS_DATA")
    with (folder / "index.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) >= 7
    for row in rows:
        (twin,) = (REAL / "taleqani" / "Original").rglob(row["is_the_original_of"])
        large, small = (shipped.screen(path) for path in (folder / row["file"], twin))
        assert large.field is not None, large.reason
        assert small.field is not None, small.reason
        assert large.label == small.label, row["file"]
        assert large.field.probabilities == pytest.approx(small.field.probabilities, abs=0.05), row["file"]
