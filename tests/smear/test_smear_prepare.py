"""Preparing: true shapes, whole pictures, a way back to the sub-pixel."""

from __future__ import annotations

import csv
import itertools
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from leukolens.finding import ImageError, UsageError
from leukolens.smear.prepare import Preparation, Prepared, map_back, prepare
from leukolens.smear.resampling import WORKING_SIDE
from leukolens.smear.squeeze import SQUEEZED

DATA = Path(os.environ.get("LEUKOLENS_DATA", Path(__file__).parents[2] / "../shared/data"))
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"the real images are not at {DATA}: set LEUKOLENS_DATA")

PLAIN = Preparation(paint_out_marks=False, squeeze="none")
PAPER = (225, 220, 230)


def smooth_picture(width: int, height: int, seed: int = 0) -> np.ndarray:
    """A picture without detail finer than a thirtieth of its size."""
    coarse = np.random.default_rng(seed).integers(40, 216, (12, 12, 3)).astype(np.float32)
    return np.clip(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


def spot_picture(width: int, height: int, x: float, y: float) -> np.ndarray:
    """Paper with one dark Gaussian spot whose centre lies at (x, y); as wide as high in the picture's own shape."""
    spread = np.array([width, height]) / 25
    column = np.exp(-0.5 * ((np.arange(height) - y) / spread[1]) ** 2)
    row = np.exp(-0.5 * ((np.arange(width) - x) / spread[0]) ** 2)
    return np.round(np.array(PAPER) - 150 * np.outer(column, row)[..., None]).astype(np.uint8)


def spot_of(pixels: np.ndarray) -> np.ndarray:
    weight = (PAPER[1] - pixels[..., 1].astype(float)).clip(20) - 20
    rows, columns = np.indices(weight.shape)
    return np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()


def areas(n: int, m: int) -> np.ndarray:
    """(m, n) matrix that averages n pixels to m by the areas they share: an implementation apart from OpenCV's."""
    edges = np.arange(m + 1) * n / m
    low, high = np.maximum.outer(edges[:-1], np.arange(n)), np.minimum.outer(edges[1:], np.arange(1, n + 1))
    return np.clip(high - low, 0, None) * m / n


def average(rgb: np.ndarray, height: int, width: int) -> np.ndarray:
    rows = np.tensordot(areas(rgb.shape[0], height), rgb.astype(float), 1)
    return np.tensordot(rows, areas(rgb.shape[1], width), (1, 1)).transpose(0, 2, 1)


def to_given(prepared: Prepared, x: float, y: float) -> np.ndarray:
    return prepared.matrix @ (x, y, 1.0)


# --- pixels ---------------------------------------------------------------------------------------------------------


def test_a_picture_of_the_right_size_passes_unchanged() -> None:
    rgb = smooth_picture(224, 168)
    prepared = prepare(rgb, PLAIN)
    np.testing.assert_array_equal(prepared.pixels, rgb)
    np.testing.assert_allclose(prepared.matrix, [[1, 0, 0], [0, 1, 0]], atol=1e-12)


def test_a_squeezed_picture_keeps_its_columns_and_loses_rows_by_area() -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    prepared = prepare(rgb, PLAIN, aspect=4 / 3)
    np.testing.assert_allclose(prepared.pixels, average(rgb, 168, 224), atol=0.51)


@pytest.mark.parametrize("size", [(448, 336), (600, 450), (1024, 768), (800, 600)])
def test_a_large_picture_ends_as_if_it_had_been_squeezed_before(size: tuple[int, int]) -> None:
    width, height = size
    rgb = np.random.default_rng(2).integers(0, 256, (height, width, 3), dtype=np.uint8)
    prepared = prepare(rgb, PLAIN)
    by_hand = average(average(average(rgb, *prepared.working.shape[:2]), 224, 224), 168, 224)
    np.testing.assert_allclose(prepared.pixels, by_hand, atol=1.6)


def test_both_forms_of_one_picture_are_prepared_alike() -> None:
    camera = cv2.GaussianBlur(np.random.default_rng(3).integers(0, 256, (768, 1024, 3), dtype=np.uint8), (0, 0), 6)
    twin = cv2.resize(camera, (224, 224), interpolation=cv2.INTER_AREA)
    one, other = prepare(camera, PLAIN, aspect=4 / 3), prepare(twin, PLAIN, aspect=4 / 3)
    assert (one.squeeze.factor, other.squeeze.factor) == (1.0, pytest.approx(SQUEEZED))
    assert np.abs(one.pixels.astype(int) - other.pixels).max() <= 2


# --- the way back ---------------------------------------------------------------------------------------------------

SHAPES = [
    (224, 224, 4 / 3),
    (1024, 768, None),
    (2560, 1920, None),
    (768, 1024, None),
    (300, 300, None),
    (1440, 900, None),
    (811, 607, None),
    (90, 400, None),
    (100, 75, None),
    (400, 500, 2.0),
]


@pytest.mark.parametrize("landscape", [True, False])
@pytest.mark.parametrize(("width", "height", "aspect"), SHAPES)
def test_the_matrix_leads_back_to_the_sub_pixel(width: int, height: int, aspect: float | None, landscape: bool) -> None:
    spec = PLAIN.model_copy(update={"landscape": landscape})
    for u, v in itertools.product((0.25, 0.8), repeat=2):
        place = np.array([u * width, v * height])
        prepared = prepare(spot_picture(width, height, *place), spec, aspect=aspect)
        found = to_given(prepared, *spot_of(prepared.pixels))
        per_pixel = np.abs(prepared.matrix[:, :2]).sum(axis=1)
        # A tenth of a prepared pixel.
        assert (np.abs(found - place) < 0.1 * per_pixel + 0.02).all(), (u, v, found, place)


@pytest.mark.parametrize(("width", "height", "aspect"), SHAPES)
def test_the_corners_of_the_picture_lie_on_the_prepared_one_in_true_shape(
    width: int, height: int, aspect: float | None
) -> None:
    prepared = prepare(smooth_picture(width, height), PLAIN, aspect=aspect)
    linear, shift = prepared.matrix[:, :2], prepared.matrix[:, 2]
    corners = np.array([[-0.5, -0.5], [width - 0.5, -0.5], [-0.5, height - 0.5], [width - 0.5, height - 0.5]])
    placed = np.linalg.solve(linear, (corners - shift).T).T
    low, high = placed.min(axis=0), placed.max(axis=0)
    assert (low >= -0.5 - 1e-9).all()
    assert (high <= np.array([223.5, 167.5]) + 1e-9).all()
    wide, tall = sorted(high - low, reverse=True)
    true = sorted((width * prepared.squeeze.factor, height), reverse=True)
    # Whole pixels: half a pixel on either side.
    assert abs(wide - tall * true[0] / true[1]) <= 0.5 + 0.5 * true[0] / true[1]
    assert max((high - low) / (224, 168)) == pytest.approx(1.0)
    np.testing.assert_allclose((low + high) / 2, (111.5, 83.5), atol=0.51)


def test_a_portrait_picture_is_turned_and_not_mirrored() -> None:
    prepared = prepare(smooth_picture(600, 800), PLAIN)
    assert np.linalg.det(prepared.matrix[:, :2]) > 0
    assert prepared.matrix[0, 0] == prepared.matrix[1, 1] == 0
    turned = np.rot90(smooth_picture(600, 800))
    np.testing.assert_array_equal(prepared.pixels, prepare(turned, PLAIN).pixels)


def test_portrait_pictures_stay_upright_on_request() -> None:
    prepared = prepare(smooth_picture(600, 800), PLAIN.model_copy(update={"landscape": False}))
    assert prepared.matrix[0, 1] == prepared.matrix[1, 0] == 0
    assert prepared.matrix[1, 1] == pytest.approx(800 / 168)


def test_what_is_not_4_to_3_is_padded_with_its_own_background() -> None:
    rgb = np.full((400, 400, 3), PAPER, np.uint8)
    cv2.circle(rgb, (200, 200), 60, (90, 40, 140), -1)
    prepared = prepare(rgb, PLAIN)
    left, right = prepared.pixels[:, :28], prepared.pixels[:, -28:]
    assert (left == PAPER).all()
    assert (right == PAPER).all()
    ys, xs = np.nonzero(prepared.pixels[..., 0] < 150)
    assert np.ptp(xs) == pytest.approx(np.ptp(ys), abs=1)


# --- maps back onto the image -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "height", "aspect"), SHAPES)
def test_a_constant_map_covers_the_whole_image(width: int, height: int, aspect: float | None) -> None:
    prepared = prepare(smooth_picture(width, height), PLAIN, aspect=aspect)
    back = map_back(np.full((6, 7), 0.7, np.float32), prepared, width, height)
    assert back.shape == (height, width)
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, 0.7, atol=1e-5)


@pytest.mark.parametrize(("width", "height", "aspect"), SHAPES)
def test_a_map_of_places_comes_back_at_those_places(width: int, height: int, aspect: float | None) -> None:
    prepared = prepare(smooth_picture(width, height), PLAIN, aspect=aspect)
    ys, xs = np.mgrid[:21, :28]
    on_prepared = np.stack([xs * 8 + 3.5, ys * 8 + 3.5, np.ones_like(xs)], axis=-1)
    given = on_prepared @ prepared.matrix.T
    for axis, n in ((0, width), (1, height)):
        back = map_back(given[..., axis].astype(np.float32), prepared, width, height)
        truth = np.indices((height, width))[1 - axis]
        inner = (slice(height // 4, -height // 4), slice(width // 4, -width // 4))
        np.testing.assert_allclose(back[inner], truth[inner], atol=0.006 * n)


def test_beyond_the_map_there_is_nothing() -> None:
    prepared = prepare(smooth_picture(224, 168), PLAIN)
    back = map_back(np.ones((6, 7), np.float32), prepared, 500, 168)
    assert back[:, :224].min() == 1.0
    assert back[:, 300:].max() == 0.0


# --- squeeze, marks, working picture ----------------------------------------------------------------------------------


def cells(width: int, height: int, factor: float) -> np.ndarray:
    rng = np.random.default_rng(7)
    canvas = np.full((height * 2, round(width * factor) * 2, 3), PAPER, np.uint8)
    for x, y in rng.uniform((0, 0), canvas.shape[1::-1], (70, 2)):
        cv2.circle(canvas, (int(x), int(y)), int(rng.uniform(0.07, 0.1) * height), (180, 130, 150), -1, cv2.LINE_AA)
    return cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)


def test_the_squeeze_is_recognised_and_undone() -> None:
    prepared = prepare(cells(224, 224, SQUEEZED), Preparation())
    assert (prepared.squeeze.factor, prepared.squeeze.source) == (SQUEEZED, "picture")
    np.testing.assert_allclose(prepared.matrix[:, :2], [[1, 0], [0, 224 / 168]])


def test_a_square_picture_of_round_cells_stays_square() -> None:
    prepared = prepare(cells(224, 224, 1.0), Preparation())
    assert (prepared.squeeze.factor, prepared.squeeze.source) == (1.0, "picture")
    np.testing.assert_allclose(prepared.matrix[:, :2], [[224 / 168, 0], [0, 224 / 168]])


def test_none_takes_a_squeezed_picture_as_it_is_unless_its_aspect_is_declared() -> None:
    spec = Preparation(squeeze="none")
    rgb = cells(224, 224, SQUEEZED)
    assert prepare(rgb, spec).squeeze.factor == 1.0
    assert prepare(rgb, spec).squeeze.source == "shape"
    assert prepare(rgb, spec, aspect=4 / 3).squeeze.factor == pytest.approx(SQUEEZED)
    assert prepare(rgb, spec, aspect=4 / 3).squeeze.source == "declared"


@pytest.mark.parametrize("aspect", [0.0, -1.3, 40.0, float("nan")])
def test_an_impossible_aspect_is_refused(aspect: float) -> None:
    with pytest.raises(UsageError, match="The aspect cannot be that of this picture"):
        prepare(smooth_picture(224, 224), PLAIN, aspect=aspect)


def with_bar(rgb: np.ndarray) -> np.ndarray:
    """A white box in the lower right corner with a black bar in it, as cameras' programs burn in."""
    rgb = rgb.copy()
    height, width = rgb.shape[:2]
    top, left = round(0.9 * height), round(0.83 * width)
    rgb[top:, left:] = 255
    rgb[round(0.95 * height) : round(0.956 * height), left + 6 : width - 6] = 0
    return rgb


def test_marks_are_painted_out_on_request() -> None:
    clean, marked = cells(640, 480, 1.0), with_bar(cells(640, 480, 1.0))
    painted, left = prepare(marked, Preparation()), prepare(marked, Preparation(paint_out_marks=False))
    assert 0.003 < painted.burned_in < 0.05
    assert painted.pixels[150:].min() > 120
    assert painted.working.min() > 120
    assert left.burned_in == 0.0
    assert left.pixels[150:].min() < 120
    assert prepare(clean, Preparation()).burned_in == 0.0


@pytest.mark.parametrize("size", [(1024, 768), (2560, 1920), (1936, 1296), (811, 607), (640, 480), (50, 2000)])
def test_the_working_picture_is_the_image_as_given_but_small(size: tuple[int, int]) -> None:
    width, height = size
    working = prepare(smooth_picture(width, height), PLAIN).working
    high, wide = working.shape[:2]
    assert 480 <= max(wide, high) <= WORKING_SIDE
    assert abs(wide * height / width - high) <= 0.5 + 0.5 * height / width
    assert working.dtype == np.uint8


def test_the_image_given_is_left_as_it_was() -> None:
    rgb = with_bar(cells(640, 480, 1.0))
    before = rgb.copy()
    prepare(rgb, Preparation())
    np.testing.assert_array_equal(rgb, before)


def test_views_and_copies_give_the_same() -> None:
    rgb = cells(640, 480, 1.0)
    view = rgb[::-1, ::-1, ::-1]
    one, other = prepare(view, Preparation()), prepare(np.ascontiguousarray(view), Preparation())
    np.testing.assert_array_equal(one.pixels, other.pixels)


def test_turning_the_image_by_180_degrees_turns_the_prepared_one() -> None:
    rgb = cells(1024, 768, 1.0)
    one, other = prepare(rgb, Preparation()), prepare(rgb[::-1, ::-1], Preparation())
    assert np.abs(one.pixels[::-1, ::-1].astype(int) - other.pixels).max() <= 1


# --- extremes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(16, 16), (1, 1), (1, 500), (500, 1), (3000, 2), (2, 3000), (17, 4001)])
@pytest.mark.parametrize("spec", [Preparation(), Preparation(width=64, height=64, landscape=False)])
def test_any_size_is_prepared_whole(size: tuple[int, int], spec: Preparation) -> None:
    width, height = size
    rgb = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    prepared = prepare(rgb, spec)
    assert prepared.pixels.shape == (spec.height, spec.width, 3)
    assert prepared.pixels.dtype == np.uint8
    assert np.isfinite(prepared.matrix).all()
    assert map_back(np.ones((3, 4), np.float32), prepared, width, height).min() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_blank_picture_stays_blank(level: int) -> None:
    prepared = prepare(np.full((300, 300, 3), level, np.uint8), Preparation())
    assert (prepared.pixels == level).all()
    assert prepared.squeeze.factor == 1.0
    assert prepared.burned_in == 0.0


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((5, 5), np.uint8), np.zeros((5, 5, 4), np.uint8), np.zeros((5, 5, 3)), np.zeros((0, 5, 3), np.uint8)],
)
def test_what_is_no_picture_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(ImageError, match=r"Expected an array \(H, W, 3\) of uint8, found"):
        prepare(wrong, PLAIN)


def test_a_preparation_is_data() -> None:
    spec = Preparation(squeeze="none")
    assert Preparation.model_validate_json(spec.model_dump_json()) == spec
    assert (Preparation().width, Preparation().height) == (224, 168)
    with pytest.raises(ValidationError):
        Preparation.model_validate({"crop": True})
    with pytest.raises(ValidationError):
        spec.width = 5


# --- real pictures --------------------------------------------------------------------------------------------------


def read(path: Path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)


@needs_data
@pytest.mark.real
def test_camera_pictures_and_their_224_px_twins_are_prepared_alike() -> None:
    # Measured: 1.4 to 2.3 grey levels a field, 1.86 in the mean, of which the twins' JPEG coding makes 1.80.
    differences = []
    with (DATA / "taleqani_native/index.csv").open() as rows:
        for row in csv.DictReader(rows):
            camera = prepare(read(DATA / "taleqani_native" / row["file"]), Preparation())
            twin = prepare(read(DATA / "taleqani/Original" / row["class"] / row["is_the_original_of"]), Preparation())
            assert (camera.squeeze.factor, twin.squeeze.factor) == (1.0, SQUEEZED)
            difference = np.abs(camera.pixels.astype(float) - twin.pixels)
            differences.append(difference.mean())
            # The same places: a shift by one pixel would make it larger.
            assert difference.mean() < 0.7 * np.abs(camera.pixels[:, 1:].astype(float) - twin.pixels[:, :-1]).mean()
    assert len(differences) == 7
    assert max(differences) < 2.5
    assert np.mean(differences) < 2.0
