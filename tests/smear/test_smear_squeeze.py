"""The squeeze is read from the cells, not from the picture's size."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from leukolens.finding import UsageError
from leukolens.smear.squeeze import SQUEEZED, Squeeze, recognise_squeeze

DATA = Path(os.environ.get("LEUKOLENS_DATA", Path(__file__).parents[2] / "../shared/data"))
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"the real images are not at {DATA}: set LEUKOLENS_DATA")

SEEDS = range(8)


def draw_field(seed: int, width: int = 224, height: int = 224, factor: float = 1.0, cells: int = 60) -> np.ndarray:
    """Round and oval cells at random places and angles, in true shapes, with the width then divided by `factor`."""
    rng = np.random.default_rng(seed)
    true_width, unit = round(width * factor), min(width, height) / 224
    canvas = np.full((2 * height, 2 * true_width, 3), (228, 224, 230), np.uint8)
    for _ in range(cells):
        centre = rng.uniform((0, 0), (2 * true_width, 2 * height))
        axes = rng.uniform(15, 22) * unit * np.array([1.0, rng.uniform(0.75, 1.0)])
        colour = (96, 40, 150) if rng.random() < 0.1 else (186, 140, 150)
        angle = rng.uniform(0, 180)
        cv2.ellipse(canvas, (tuple(centre), tuple(2 * axes), angle), colour, -1, cv2.LINE_AA)
        cv2.ellipse(canvas, (tuple(centre), tuple(0.7 * axes), angle), (206, 176, 186), -1, cv2.LINE_AA)
    field = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    return np.clip(field + rng.normal(0, 2, field.shape), 0, 255).astype(np.uint8)


def grey(values: np.ndarray) -> np.ndarray:
    return np.repeat(np.clip(values, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize("factor", [1.0, SQUEEZED])
@pytest.mark.parametrize("seed", SEEDS)
def test_drawn_cells_tell_the_squeeze(seed: int, factor: float) -> None:
    found = recognise_squeeze(draw_field(seed, factor=factor))
    assert found.factor == factor
    assert found.source == "picture"
    assert found.measured == pytest.approx(factor, rel=0.12)
    assert found.confidence > 0.9


@pytest.mark.parametrize("side", [150, 300, 512, 900])
@pytest.mark.parametrize("factor", [1.0, SQUEEZED])
def test_nothing_hangs_on_the_size_of_the_picture(side: int, factor: float) -> None:
    assert recognise_squeeze(draw_field(3, side, side, factor)).factor == factor


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.15, SQUEEZED, 1.5])
def test_measured_follows_the_true_factor_on_average(factor: float) -> None:
    measured = [recognise_squeeze(draw_field(seed, factor=factor)).measured for seed in range(20)]
    assert np.mean(np.log(measured)) == pytest.approx(np.log(factor), abs=0.03)


@pytest.mark.parametrize("factor", [1.0, SQUEEZED])
@pytest.mark.parametrize(
    "change",
    [
        lambda rgb: rgb[::-1, ::-1],
        lambda rgb: rgb[:, ::-1],
        lambda rgb: rgb[::-1],
        lambda rgb: np.clip(rgb * 0.5 + 20, 0, 255).astype(np.uint8),
        lambda rgb: np.clip(rgb.astype(int) + 20, 0, 255).astype(np.uint8),
        lambda rgb: rgb[..., ::-1],
        lambda rgb: cv2.resize(rgb, (448, 448), interpolation=cv2.INTER_CUBIC),
        lambda rgb: cv2.GaussianBlur(rgb, (0, 0), 1.0),
        lambda rgb: cv2.imdecode(cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, 40])[1], cv2.IMREAD_COLOR),
        lambda rgb: np.clip(rgb * np.linspace(0.75, 1.0, 224)[None, :, None], 0, 255).astype(np.uint8),
    ],
    ids=["turn", "mirror", "flip", "dim", "brighten", "channels", "enlarge", "blur", "jpeg", "slanting lamp"],
)
def test_what_must_not_matter_does_not(factor: float, change) -> None:
    for seed in SEEDS:
        assert recognise_squeeze(change(draw_field(seed, factor=factor))).factor == factor


@pytest.mark.parametrize("factor", [1.0, SQUEEZED])
def test_one_straight_line_does_not_decide(factor: float) -> None:
    for seed in SEEDS:
        field = draw_field(seed, factor=factor)
        field[200:206, 120:] = 20
        field[:, 3:5] = 20
        assert recognise_squeeze(field).factor == factor


def test_mirroring_leaves_the_measure_as_it_is() -> None:
    field = draw_field(5, factor=SQUEEZED)
    assert recognise_squeeze(field[:, ::-1]).measured == pytest.approx(recognise_squeeze(field).measured, rel=5e-3)


def test_a_squeezed_picture_turned_by_90_degrees_is_not_widened_further() -> None:
    found = recognise_squeeze(np.rot90(draw_field(1, factor=SQUEEZED)))
    assert found.factor == 1.0
    assert found.measured == pytest.approx(1 / SQUEEZED, rel=0.12)


@pytest.mark.parametrize("size", [(320, 240), (240, 320), (448, 252)])
def test_a_picture_that_is_not_square_shows_true_shapes(size: tuple[int, int]) -> None:
    found = recognise_squeeze(draw_field(2, *size, cells=90))
    assert (found.factor, found.source) == (1.0, "shape")
    assert found.confidence > 0.99


def test_overwhelming_evidence_outdoes_the_shape() -> None:
    found = recognise_squeeze(draw_field(4, 640, 480, SQUEEZED, cells=250))
    assert (found.factor, found.source) == (SQUEEZED, "picture")


YY, XX = np.mgrid[:224, :224]
NOISE = np.random.default_rng(0).normal(0, 1, (224, 224))


@pytest.mark.parametrize(
    "blank",
    [
        grey(np.full((224, 224), 230.0)),
        grey(np.zeros((224, 224))),
        grey(220 + 2 * NOISE),
        grey(150 + 15 * NOISE),
        grey(100 + 0.5 * XX),
        grey(100 + 0.5 * XX + 2 * NOISE),
        grey(200 - 100.0 * (np.abs(XX - 100) < 3)),
        grey(200 - 100.0 * (XX > 100)),
        grey(150 + 50 * np.sign(np.sin(XX / 6))),
    ],
    ids=["white", "black", "quiet", "noise", "slope", "noisy slope", "scratch", "edge", "stripes"],
)
def test_without_cells_a_square_picture_is_taken_as_it_is_and_said_to_be_a_guess(blank: np.ndarray) -> None:
    found = recognise_squeeze(blank)
    assert (found.factor, found.source, found.confidence) == (1.0, "shape", 0.5)


def test_a_few_cells_give_less_confidence_than_many() -> None:
    few = np.mean([recognise_squeeze(draw_field(seed, factor=SQUEEZED, cells=3)).confidence for seed in range(20)])
    many = np.mean([recognise_squeeze(draw_field(seed, factor=SQUEEZED, cells=60)).confidence for seed in range(20)])
    assert few < many - 0.03


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (16, 16), (31, 300), (2, 2)])
def test_pictures_too_small_to_tell_are_taken_as_they_are(shape: tuple[int, int]) -> None:
    found = recognise_squeeze(np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8))
    assert (found.factor, found.measured, found.source) == (1.0, None, "shape")


def test_what_is_declared_wins() -> None:
    assert recognise_squeeze(draw_field(0, factor=SQUEEZED), declared=1.0) == Squeeze(1.0, None, 1.0, "declared")
    assert recognise_squeeze(draw_field(0), declared=1.25) == Squeeze(1.25, None, 1.0, "declared")


@pytest.mark.parametrize("declared", [0.0, -1.0, 100.0, float("nan"), float("inf")])
def test_an_impossible_declaration_is_refused(declared: float) -> None:
    with pytest.raises(UsageError, match=r"Expected a factor in 0\.2 to 5"):
        recognise_squeeze(draw_field(0), declared=declared)


def test_the_picture_is_left_as_it_was() -> None:
    field = draw_field(0)
    before = field.copy()
    recognise_squeeze(field)
    np.testing.assert_array_equal(field, before)


def read(path: Path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)


@needs_data
@pytest.mark.real
@pytest.mark.parametrize("name", ["Benign", "Early", "Pre", "Pro"])
def test_taleqani_fields_are_squeezed(name: str) -> None:
    # Measured over all 2,880, marks painted out: 6 taken for true shapes, 0.2 %.
    files = sorted((DATA / "taleqani/Original" / name).iterdir())[::7]
    missed = [path.name for path in files if recognise_squeeze(read(path)).factor != SQUEEZED]
    assert len(missed) <= max(1, 0.01 * len(files)), missed


LABORATORIES = {
    # Shares measured on the whole square of every picture there, and on the whole 4:3 part made square.
    "bccd/images": (0.05, 0.05),
    "normal_fields/bionet": (0.0, 0.0),
    "normal_fields/chula_wbc": (0.06, 0.15),
    "normal_fields/iml_malaria": (0.0, 0.0),
    "other_all/fields": (0.0, 0.0),
    "other_leukaemia/apml_fields": (0.04, 0.08),
    "taleqani_native": (0.0, 0.0),
}


@needs_data
@pytest.mark.real
@pytest.mark.parametrize("folder", LABORATORIES)
def test_fields_of_other_laboratories_square_and_squeezed(folder: str) -> None:
    files = sorted(path for path in (DATA / folder).rglob("*") if path.suffix.lower() in {".jpg", ".png", ".jpeg"})
    files = files[:: max(1, len(files) // 50)]
    wrong = np.zeros(2)
    for path in files:
        rgb = read(path)
        height, width = rgb.shape[:2]
        wide = min(width, height * 4 // 3)
        square = rgb[:, (width - height) // 2 :][:, :height]
        squeezed = cv2.resize(rgb[:, (width - wide) // 2 :][:, :wide], (224, 224), interpolation=cv2.INTER_AREA)
        wrong += recognise_squeeze(square).factor != 1.0, recognise_squeeze(squeezed).factor != SQUEEZED
        assert recognise_squeeze(rgb).factor == 1.0, path.name
    assert (wrong / len(files) <= LABORATORIES[folder]).all(), wrong / len(files)
