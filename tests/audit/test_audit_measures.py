from __future__ import annotations

import cv2
import numpy as np
import pytest
from audit_sets import render

from leukolens.audit.features import NAMES, describe_picture
from leukolens.audit.formats import find_properties, telling
from leukolens.audit.light import Light, light_outliers, light_scores
from leukolens.audit.outliers import find_outliers, main_directions, neighbour_distances, scale_features
from leukolens.audit.robust import EXTREME, robust_z
from leukolens.data.manifest import Entry

PLAIN = Light(0.6, 80.0, 0.0, 0.1, 0.4, 0.1, 0.02, 4 / 3, ())


def feature(values: np.ndarray, name: str) -> float:
    return float(values[NAMES.index(name)])


def test_every_feature_has_a_name_and_is_finite() -> None:
    assert len(set(NAMES)) == len(NAMES)
    for rgb in (render(1), np.zeros((20, 30, 3), np.uint8), np.full((16, 700, 3), 255, np.uint8)):
        values = describe_picture(rgb)
        assert values.shape == (len(NAMES),)
        assert np.isfinite(values).all()


def test_features_tell_what_their_names_say() -> None:
    rgb = render(1)
    plain = describe_picture(rgb)
    darker = describe_picture((rgb * 0.7).astype(np.uint8))
    blurred = describe_picture(cv2.GaussianBlur(rgb, (0, 0), 3.0))
    redder = describe_picture(np.clip(rgb * np.array([1.0, 0.85, 0.85]), 0, 255).astype(np.uint8))
    assert feature(darker, "lightness mean") < feature(plain, "lightness mean") - 20
    assert feature(redder, "redness mean") > feature(plain, "redness mean") + 3
    assert feature(blurred, "detail of 0.7 to 1.4 px") < feature(plain, "detail of 0.7 to 1.4 px") - 0.5
    assert feature(plain, "number of nuclei") > 0


def test_nuclei_are_counted_and_measured() -> None:
    rgb = np.full((160, 200, 3), 240, np.uint8)
    for x, y in ((40, 40), (140, 50), (90, 120)):
        cv2.circle(rgb, (x, y), 15, (100, 50, 160), -1, cv2.LINE_AA)
    values = describe_picture(rgb)
    assert feature(values, "number of nuclei") == pytest.approx(np.log1p(3), abs=1e-6)
    assert feature(values, "share of nuclei") ** 2 == pytest.approx(3 * np.pi * 15**2 / rgb[..., 0].size, rel=0.15)
    assert feature(values, "elongation of nuclei") == pytest.approx(1.0, abs=0.05)
    assert feature(values, "solidity of nuclei") > 0.95


def test_texture_does_not_depend_on_turning() -> None:
    rgb = render(1)
    turned = np.ascontiguousarray(np.rot90(rgb))
    assert describe_picture(turned) == pytest.approx(describe_picture(rgb), abs=0.02, rel=0.02)


def test_robust_z_is_that_of_the_normal_distribution() -> None:
    values = np.random.default_rng(0).normal(5.0, 2.0, 20_000)
    assert robust_z(values) == pytest.approx((values - 5.0) / 2.0, abs=0.1)
    values[:4000] = 1e6  # a fifth gone wild
    assert np.abs(robust_z(values)[4000:]).max() < 5
    assert robust_z(values)[:4000].min() > EXTREME - 1.6  # a third of their own spread at the least


@pytest.mark.parametrize("values", [[], [1.0, 2.0, 900.0], [3.0] * 50])
def test_robust_z_without_a_spread_is_0(values: list[float]) -> None:
    assert robust_z(np.array(values)).tolist() == [0.0] * len(values)


def test_neighbour_distances_by_brute_force() -> None:
    rng = np.random.default_rng(1)
    values, groups = rng.normal(size=(40, 5)), rng.integers(0, 25, 40)
    known = [
        np.sort([np.linalg.norm(one - values[j]) for j in range(40) if groups[j] != groups[i]])[:10].mean()
        for i, one in enumerate(values)
    ]
    assert neighbour_distances(values, groups.tolist()) == pytest.approx(known)


def test_an_odd_picture_that_is_there_twice_stands_out_all_the_same() -> None:
    features = np.random.default_rng(2).normal(size=(100, len(NAMES))).astype(np.float32)
    features[[7, 60]] = 9.0
    groups = list(range(100))
    groups[60] = 7
    assert {one.index for one in find_outliers(features, groups)} == {7, 60}


def test_a_rare_cloud_is_no_outlier_and_what_lies_between_clouds_is() -> None:
    """What speaks for neighbours and against a distance to one centre."""
    rng = np.random.default_rng(3)
    features = (rng.normal(size=(240, 4)) @ rng.normal(size=(4, len(NAMES)))).astype(np.float32)
    features[110:200] += 20.0
    features[200:] += np.where(np.arange(len(NAMES)) % 2, 20.0, 0.0)  # 40 pictures of a third stain
    features[50] = 10.0
    found = [one.index for one in find_outliers(features, list(range(240)))]
    assert found[0] == 50
    assert not set(found) & set(range(200, 240))


def test_main_directions_keep_distances() -> None:
    rng = np.random.default_rng(4)
    flat = rng.normal(size=(60, 3)) @ rng.normal(size=(3, 20))
    kept = main_directions(flat)
    assert kept.shape[1] <= 3
    assert np.linalg.norm(kept[0] - kept[1]) == pytest.approx(np.linalg.norm(flat[0] - flat[1]), rel=0.2)
    assert scale_features(np.ones((30, 4), np.float32)).tolist() == [[0.0] * 4] * 30


def test_light_outliers_are_those_of_the_data_set_and_those_beyond_limits() -> None:
    rng = np.random.default_rng(5)
    lights = [PLAIN._replace(focus=f, exposure=e) for f, e in rng.normal((0.6, 80), (0.03, 2), (80, 2))]
    lights[3] = PLAIN._replace(focus=0.3)
    lights[4] = PLAIN._replace(focus=0.95)  # sharper than the others is no fault
    lights[5] = PLAIN._replace(exposure=60.0)
    lights[6] = PLAIN._replace(flags=("clipped", "no white cells"))
    found = light_outliers(lights)
    assert {one.index: one.why for one in found} == {
        3: ("more blurred than the others",),
        5: ("darker than the others",),
        6: ("clipped",),
    }
    assert abs(found[0].z) >= abs(found[1].z)
    assert light_scores([]).shape == (0, 2)


def entry(label: str, width: int = 224, kind: str = "JPEG") -> Entry:
    return Entry("x", label, None, 1, "a", "b", width, 224, kind, "RGB")


def test_what_gives_a_class_away_is_told() -> None:
    entries = [entry("A")] * 40 + [entry("B", kind="PNG")] * 39 + [entry("B", width=300, kind="PNG")]
    found = find_properties(entries, [PLAIN] * 80, ("A", "B"))
    by_value = {one.value: one for one in found}
    assert by_value["PNG"].counts == (0, 40)
    assert by_value["300 x 224 px"].rare
    assert not by_value["224 x 224 px"].rare
    assert {one.value for one in telling(found, [40, 40])} == {"JPEG", "PNG"}
    assert telling(find_properties(entries[:40], [PLAIN] * 40, ("A",)), [40]) == []
