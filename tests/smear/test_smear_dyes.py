"""What counts as two dyes: in a fit, in a picture that is normalised, and in a reference that was written down."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from drawn_fields import DATA, draw_field, needs_data
from pydantic import ValidationError

from leukolens.finding import ImageError
from leukolens.smear.fitting import fit_preparation
from leukolens.smear.normalisation import density, macenko
from leukolens.smear.normalisation.macenko import Macenko
from leukolens.smear.normalisation.reinhard import Reinhard
from leukolens.smear.normalisation.settings import StainReference
from leukolens.smear.normalisation.vahadane import Vahadane
from leukolens.smear.prepare import Preparation, prepare
from leukolens.smear.staining import EOSIN
from leukolens.smear.steps import apply_step, fit_step, tells_dyes

STAINS = [Macenko(), Vahadane()]


def all_hues(seed: int = 0) -> np.ndarray:
    """A picture (80, 100, 3) of every hue at one density, on a bare ground: no two dyes make it."""
    rng = np.random.default_rng(seed)
    around = rng.uniform(0, 2 * np.pi, 8000)
    axes = np.array([[1, -1, 0], [1, 1, -2]]) / np.sqrt([[2], [6]])
    amounts = 0.6 + 0.4 * (np.cos(around)[:, None] * axes[0] + np.sin(around)[:, None] * axes[1])
    amounts[rng.random(8000) < 0.3] = 0
    return np.round(240 * np.exp(-amounts)).astype(np.uint8).reshape(80, 100, 3)


def test_dyes_that_give_light_are_none() -> None:
    """Macenko's plane may lie so that its vectors have clearly negative parts: dyes would be exchanged."""
    rgb, step = all_hues(), Macenko()
    stained = density.keep_stained(density.optical_density(rgb, np.full(3, 240.0)), step)
    assert macenko.find_vectors(stained).min() < -0.3
    with pytest.raises(ImageError, match="No stain can be measured"):
        fit_step(step, [rgb])
    fitted = fit_step(step, [draw_field(seed=1, white=8)[0]])
    assert not tells_dyes(rgb, fitted)
    # Only the light is changed then: levels stay in their order.
    out = apply_step(rgb, fitted)
    for channel in range(3):
        order = rgb[..., channel].ravel().argsort(kind="stable")
        assert (np.diff(out[..., channel].ravel()[order].astype(int)) >= 0).all()
    assert tells_dyes(draw_field(seed=2, white=8)[0], fitted)
    assert tells_dyes(rgb, Reinhard())


@pytest.mark.parametrize("least", [-0.31, -0.29])
def test_a_little_outside_of_what_light_allows_is_still_a_dye(least: float) -> None:
    rest = np.sqrt((1 - least**2) / 2)
    vectors = np.array([[rest, rest, least], np.array(EOSIN) / np.linalg.norm(EOSIN)]).T
    stained = np.random.default_rng(0).gamma(2.0, 0.3, (500, 2)) @ vectors.T
    assert (density.measure(stained, np.full(3, 240.0), lambda _: vectors) is None) == (least < -0.3)


@pytest.mark.parametrize("step", STAINS, ids=lambda step: step.kind)
@pytest.mark.parametrize(
    ("vectors", "words"),
    [
        ([[0, 0, 0], [0, 1, 0]], "length 1"),
        ([[1.02, 0, 0], [0, 1, 0]], "length 1"),
        ([[0.97, 0, 0], [0, 1, 0]], "length 1"),
        ([[0, 1, 0], [0, 0.99995, 0.01]], "3 degrees apart"),
        ([[0.6, 0.7, -0.39], [0.07, 0.99, 0.11]], "no component under -0.3"),
    ],
)
def test_a_reference_holds_the_unit_vectors_of_two_dyes(step, vectors, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        type(step).model_validate({"reference": {"vectors": vectors, "strengths": [1, 1], "ground": [240] * 3}})


def test_a_reference_may_be_rounded() -> None:
    raw = {"vectors": [[0.65, 0.70, 0.29], [0.07, 0.99, 0.11]], "strengths": [1, 1], "ground": [240] * 3}
    assert StainReference.model_validate(raw).vectors[0] == (0.65, 0.70, 0.29)


@needs_data
@pytest.mark.real
def test_no_stain_is_fitted_on_two_laboratories_that_exchange_dyes() -> None:
    """Two native Taleqani fields, one of 224 px and one of BCCD: a vector has -0.52, and nuclei came out red."""
    names = ("taleqani_native/Pre_Snap_001.jpg", "taleqani_native/Pro_Snap_001.jpg",
             "taleqani/Original/Pro/WBC-Malignant-Pro-001.jpg", "bccd/images/BloodImage_00000.jpg")  # fmt: skip
    paths = [DATA / name for name in names]
    pictures = [cv2.imread(str(path), cv2.IMREAD_COLOR_RGB) for path in paths]
    spec = Preparation(steps=(Macenko(),))
    with pytest.raises(ImageError, match="of one laboratory"):
        fit_preparation(spec, pictures)
    assert fit_preparation(spec, pictures[:3]).steps[0].reference is not None


@needs_data
@pytest.mark.real
@pytest.mark.parametrize("folder", ["taleqani/Original/Benign", "bccd/images", "other_all/fields"])
def test_single_fields_of_a_laboratory_have_two_dyes(folder: str) -> None:
    paths = [path for path in sorted((DATA / folder).iterdir()) if path.suffix in {".jpg", ".png"}]
    for place in np.linspace(0, len(paths) - 1, 10).round().astype(int):
        rgb = prepare(cv2.imread(str(paths[place]), cv2.IMREAD_COLOR_RGB), Preparation()).pixels
        assert tells_dyes(rgb, Macenko()), paths[place].name
