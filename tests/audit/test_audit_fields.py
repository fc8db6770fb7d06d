"""Captures of one field are found whatever was done between them, and fields of their own are left apart."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

pytest.importorskip("faiss", reason="needs leukolens[audit]")

from leukolens.audit.candidates import find_candidates
from leukolens.audit.field_features import FieldFeatures, describe_field, mirrored, unit_descriptors
from leukolens.audit.fields import find_fields, group_fields
from leukolens.audit.nearest import build_index, principal_components, search
from leukolens.audit.registration import register
from leukolens.smear.perturb import jpeg
from leukolens.smear.synth import STYLES, render_field

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

SIZE = 224
COUNT = 8


def plain(rgb: Picture) -> FieldFeatures:
    return describe_field(rgb, np.zeros(rgb.shape[:2], np.bool_))


def moved(rgb: Picture, other: Picture, angle: float = 0, scale: float = 1, shift: tuple[int, int] = (0, 0)) -> Picture:
    """Move a picture; what is uncovered shows another one."""
    matrix = cv2.getRotationMatrix2D(((SIZE - 1) / 2, (SIZE - 1) / 2), angle, scale)
    matrix[:, 2] += shift
    covered = cv2.warpAffine(np.ones((SIZE, SIZE), np.uint8), matrix, (SIZE, SIZE))[..., None] > 0
    return np.where(covered, cv2.warpAffine(rgb, matrix, (SIZE, SIZE)), other).astype(np.uint8)


@pytest.fixture(scope="module")
def fields() -> list[Picture]:
    styles = list(STYLES.values())
    rendered = [
        render_field(seed, width=448, height=448, um_per_px=0.2, style=styles[seed % len(styles)]).pixels
        for seed in range(COUNT)
    ]
    return [np.asarray(cv2.resize(rgb, (SIZE, SIZE), interpolation=cv2.INTER_AREA), np.uint8) for rgb in rendered]


CHANGES = {
    "shifted by 50 px": {"shift": (50, -50)},
    "turned by 37 degrees": {"angle": 37},
    "upside down": {"angle": 180},
    "smaller": {"scale": 0.75},
    "larger": {"scale": 1.35},
    "all at once": {"angle": 110, "scale": 0.85, "shift": (25, 20)},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_capture_that_was_moved_is_registered(fields: list[Picture], change: str) -> None:
    for number, rgb in enumerate(fields):
        options = CHANGES[change]
        again = jpeg(moved(rgb, fields[number - 1], **options), 80)  # type: ignore[arg-type]
        found = register(plain(again), plain(rgb))
        assert found is not None, number
        assert found.correlation > 0.7
        expected = cv2.getRotationMatrix2D(
            ((SIZE - 1) / 2, (SIZE - 1) / 2),
            float(options.get("angle", 0)),
            float(options.get("scale", 1)),  # type: ignore[arg-type]
        )
        expected[:, 2] += options.get("shift", (0, 0))
        corners = np.array([[60, 60, 1], [160, 60, 1], [60, 160, 1]]).T
        assert np.abs(found.matrix @ corners - expected @ corners).max() < 2.5


def test_light_contrast_and_squeeze_between_captures_do_not_matter(fields: list[Picture]) -> None:
    for rgb in fields:
        darker = (255 * (rgb / 255) ** 1.3 * (0.95, 1, 0.9)).astype(np.uint8)
        wide = np.asarray(cv2.resize(darker, (SIZE * 4 // 3, SIZE), interpolation=cv2.INTER_AREA), np.uint8)
        assert register(plain(rgb), plain(darker)) is not None
        assert register(plain(rgb), plain(wide)) is not None


def test_different_fields_are_never_registered(fields: list[Picture]) -> None:
    features = [plain(rgb) for rgb in fields]
    for one, other in combinations(features, 2):
        assert register(one, other) is None
        assert register(one, other, mirror=True) is None


def test_a_mirror_image_is_found_as_one(fields: list[Picture]) -> None:
    for rgb in fields:
        flipped = np.ascontiguousarray(rgb[::-1])
        assert register(plain(rgb), plain(flipped)) is None
        found = register(plain(rgb), plain(flipped), mirror=True)
        assert found is not None
        assert found.mirror
        assert found.overlap > 0.9


def test_mirrored_features_are_those_of_the_mirrored_picture(fields: list[Picture]) -> None:
    known = mirrored(plain(fields[0]))
    seen = plain(np.ascontiguousarray(fields[0][:, ::-1]))
    alike = unit_descriptors(known.descriptors) @ unit_descriptors(seen.descriptors).T
    near = np.linalg.norm(known.points[:, None, :2] - seen.points[None, :, :2], axis=2) < 1.5
    best = alike.argmax(axis=1)
    right = near[np.arange(len(best)), best]
    assert right.mean() > 0.8
    turns = (known.points[right, 3] - seen.points[best[right], 3] + 180) % 360 - 180
    assert np.median(np.abs(turns)) < 3


def test_all_captures_of_a_field_are_one_group_and_others_stay_alone(fields: list[Picture]) -> None:
    again = [moved(rgb, fields[number - 1], 20, 1.1, (30, 10)) for number, rgb in enumerate(fields[:3])]
    flipped = np.ascontiguousarray(fields[0][:, ::-1])
    features = [plain(rgb) for rgb in [*fields, *again, flipped, fields[1]]]
    pairs = find_fields(features)
    groups = group_fields(len(features), pairs)
    assert groups[:COUNT] == list(range(COUNT))
    assert groups[COUNT:] == [0, 1, 2, 0, 1]
    assert {(pair.first, pair.second) for pair in pairs if pair.registration.mirror} >= {(0, COUNT + 3)}
    assert [(one.first, one.second) for one in find_fields(features, threads=2)] == [
        (one.first, one.second) for one in pairs
    ]


def test_a_field_captured_more_often_than_features_have_neighbours_is_one_group(fields: list[Picture]) -> None:
    captures = [moved(fields[0], fields[1], angle) for angle in range(0, 360, 18)]
    groups = group_fields(len(captures) + 1, find_fields([plain(rgb) for rgb in [*captures, fields[2]]]))
    assert groups == [0] * len(captures) + [1]


def test_a_suspected_pair_is_registered_and_not_believed(fields: list[Picture]) -> None:
    features = [plain(rgb) for rgb in fields[:3]]
    assert find_fields(features, suspected=[(2, 0), (0, 1)]) == []


def test_a_scale_bar_makes_no_pictures_alike(fields: list[Picture]) -> None:
    bar = np.zeros((SIZE, SIZE), np.bool_)
    bar[195:, 170:] = True
    rng = np.random.default_rng(3)
    shown = rng.integers(0, 255, (29, 54, 3), np.uint8)
    marked = []
    for rgb in fields[:4]:
        picture = rgb.copy()
        picture[195:, 170:] = shown
        marked.append(describe_field(picture, bar))
    assert find_fields(marked) == []
    assert all(
        not (one.points[:, 0] > 172).any() or not (one.points[:, 1] > 197)[one.points[:, 0] > 172].any()
        for one in marked
    )


def test_pictures_without_structure_are_no_captures_of_anything() -> None:
    blank = plain(np.full((64, 64, 3), 230, np.uint8))
    assert len(blank.points) == 0
    assert register(blank, blank) is None
    assert find_fields([blank, blank, blank]) == []
    assert find_fields([]) == []
    assert find_candidates([blank]) == []
    tiny = plain(np.zeros((1, 3, 3), np.uint8))
    assert find_fields([tiny, blank]) == []


def test_neighbours_are_the_nearest() -> None:
    rng = np.random.default_rng(0)
    stored = rng.normal(size=(25_000, 8)).astype(np.float32)
    queries = stored[:200] + 0.01 * rng.normal(size=(200, 8)).astype(np.float32)
    distances, indices = search(build_index(stored, seed=0), queries, 3)
    assert (indices[:, 0] == np.arange(200)).mean() > 0.99
    assert (np.diff(distances, axis=1) >= 0).all()
    few, numbers = search(build_index(stored[:2], seed=0), queries[:1], 3)
    assert numbers[0, 2] == -1
    assert np.isnan(few[0, 2])


def test_principal_components_are_those_of_the_largest_spread() -> None:
    rng = np.random.default_rng(1)
    vectors = (rng.normal(size=(500, 3)) * (1, 5, 2) + 7).astype(np.float32)
    mean, directions = principal_components(vectors, 2)
    np.testing.assert_allclose(mean, vectors.mean(0), rtol=1e-5)
    assert np.abs(directions[:, 0]).argmax() == 1
    assert np.abs(directions[:, 1]).argmax() == 2
