"""Normalisation: what was changed comes back, independent implementations agree, and no input gives nonsense."""

from __future__ import annotations

import warnings

import cv2
import numpy as np
import pytest
from drawn_fields import DATA, draw_field, needs_data
from pydantic import ValidationError

from leukolens.finding import ImageError, UsageError
from leukolens.smear.normalisation import density, illumination, macenko, reinhard, vahadane
from leukolens.smear.normalisation.illumination import FlattenIllumination, background_surface
from leukolens.smear.normalisation.macenko import Macenko
from leukolens.smear.normalisation.reinhard import Reinhard
from leukolens.smear.normalisation.vahadane import Vahadane
from leukolens.smear.perturb import shift_lamp, shift_stain
from leukolens.smear.staining import AZURE, EOSIN
from leukolens.smear.steps import KINDS, apply_step, fit_step, needs_fit

NORMALISATIONS = [FlattenIllumination(level="reference"), Reinhard(), Macenko(), Vahadane()]
STAINS = [Macenko(), Vahadane()]
BLANK = [(0, 0, 0), (255, 255, 255), (128, 128, 128), (96, 62, 168)]
names = pytest.mark.parametrize("step", NORMALISATIONS, ids=lambda step: step.kind)


def difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(float) - other).mean())


def unit(vector: tuple[float, ...]) -> np.ndarray:
    return np.asarray(vector) / np.linalg.norm(vector)


def two_dyes(seed: int = 0, azure=AZURE, eosin=EOSIN, ground=240.0, bare=0.3) -> tuple[np.ndarray, np.ndarray]:
    """A picture (80, 100, 3) of two dyes after Beer and Lambert, a share of it bare, and their vectors (3, 2)."""
    rng = np.random.default_rng(seed)
    vectors = np.stack([unit(azure), unit(eosin)], axis=1)
    amounts = np.stack([rng.gamma(2.0, 0.35, 8000), rng.gamma(2.0, 0.25, 8000)])
    # Some pixels have one dye alone, as nuclei and red cells do.
    amounts[0, rng.random(8000) < 0.3] = 0
    amounts[1, rng.random(8000) < 0.3] = 0
    amounts[:, rng.random(8000) < bare] = 0
    light = ground * np.exp(-vectors @ amounts)
    return np.clip(np.round(light.T), 0, 255).astype(np.uint8).reshape(80, 100, 3), vectors


def angles(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Angles in degrees between the columns of two matrices of unit vectors."""
    return np.degrees(np.arccos(np.clip((one * other).sum(axis=0), -1, 1)))


# --- all of them ----------------------------------------------------------------------------------------------------


@names
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_picture_that_was_fitted_on_is_nearly_itself(step, seed: int) -> None:
    for rgb, most in ((draw_field(seed=seed, white=8)[0], 4.5), (two_dyes(seed)[0], 2.5)):
        out = apply_step(rgb, fit_step(step, [rgb]))
        assert out.dtype == np.uint8
        assert out.shape == rgb.shape
        # A drawn field has colours that are no mixture of two dyes: what lies beside their plane is lost.
        assert difference(out, rgb) < most


@pytest.mark.parametrize("step", STAINS, ids=lambda step: step.kind)
def test_nothing_is_lost_where_the_residual_is_kept(step) -> None:
    rgb = draw_field(seed=1, white=8)[0]
    kept = apply_step(rgb, fit_step(step.model_copy(update={"residual": "keep"}), [rgb]))
    assert difference(kept, rgb) < 0.5


@pytest.mark.parametrize("step", STAINS, ids=lambda step: step.kind)
def test_the_order_of_the_dyes_in_a_reference_does_not_matter(step) -> None:
    fitted = fit_step(step, [draw_field(seed=1, white=8)[0]])
    reference = fitted.reference
    swapped = reference.model_copy(update={"vectors": reference.vectors[::-1], "strengths": reference.strengths[::-1]})
    rgb = draw_field(seed=2, white=8)[0]
    same = apply_step(rgb, fitted.model_copy(update={"reference": swapped}))
    assert np.abs(same.astype(int) - apply_step(rgb, fitted)).max() <= 1


@names
def test_a_change_of_lamp_and_stain_is_taken_back(step) -> None:
    one, other = draw_field(seed=1, white=8)[0], draw_field(seed=2, white=8)[0]
    fitted = fit_step(step, [one])
    changed = shift_lamp(other, gains=(0.8, 0.9, 0.95))
    if not isinstance(step, FlattenIllumination):
        changed = shift_stain(changed, azure=0.6, eosin=0.7)
    back = difference(apply_step(changed, fitted), apply_step(other, fitted))
    assert back < 0.4 * difference(changed, other)


@names
def test_what_is_not_fitted_says_so(step) -> None:
    assert needs_fit(step)
    with pytest.raises(UsageError, match=f"the step '{step.kind}' is not fitted"):
        apply_step(draw_field()[0], step)


@names
def test_a_reference_is_data(step) -> None:
    fitted = fit_step(step, [draw_field(seed=1)[0], draw_field(seed=2)[0]])
    again = type(step).model_validate_json(fitted.model_dump_json())
    assert again == fitted
    assert not needs_fit(again)
    rgb = draw_field(seed=3)[0]
    np.testing.assert_array_equal(apply_step(rgb, again), apply_step(rgb, fitted))
    with pytest.raises(ValidationError):
        again.reference = None


@names
@pytest.mark.parametrize("colour", BLANK)
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (40, 50), (1, 700)])
def test_one_colour_stays_one_colour(step, colour, size) -> None:
    fitted = fit_step(step, [draw_field(seed=1, white=8)[0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out = apply_step(np.full((*size, 3), colour, np.uint8), fitted)
    assert out.shape == (*size, 3)
    assert out.dtype == np.uint8
    assert (out == out[0, 0]).all()


@names
def test_a_grey_picture_gives_a_defined_one(step) -> None:
    grey = np.repeat(draw_field(seed=4)[0].mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    fitted = fit_step(step, [draw_field(seed=1, white=8)[0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out = apply_step(grey, fitted)
    order = grey[..., 1].ravel().argsort(kind="stable")
    # Whatever its tint, dark stays dark.
    assert np.corrcoef(out.mean(axis=2).ravel()[order], grey[..., 1].ravel()[order])[0, 1] > 0.95


@names
def test_a_turned_picture_is_normalised_as_turned(step) -> None:
    fitted = fit_step(step, [draw_field(seed=1, white=8)[0]])
    rgb = shift_lamp(draw_field(seed=2, white=8)[0], vignette=0.2)
    turned = np.ascontiguousarray(np.rot90(rgb))
    # The background is measured on every eighth pixel, which are others after a turn.
    assert difference(np.rot90(apply_step(rgb, fitted)), apply_step(turned, fitted)) < 0.6


@pytest.mark.parametrize("kind", [kind for kind, model in KINDS.items() if "reference" in model.model_fields])
@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), "red"])
def test_a_reference_of_nonsense_is_refused(kind: str, wrong: object) -> None:
    with pytest.raises(ValidationError):
        KINDS[kind].model_validate(
            {"reference": {"ground": [wrong] * 3, "mean": [wrong] * 3, "spread": [1] * 3,
                           "vectors": [[1, 0, 0], [0, 1, 0]], "strengths": [1, 1]}}
        )  # fmt: skip


@names
@pytest.mark.parametrize(
    "wrong",
    [np.zeros((20, 30, 3)), np.zeros((20, 30), np.uint8), np.zeros((0, 30, 3), np.uint8), [[[0, 0, 0]]]],
    ids=["float", "grey", "empty", "a list"],
)  # fmt: skip
def test_what_is_no_picture_is_refused_in_the_same_words_everywhere(step, wrong) -> None:
    fitted = fit_step(step, [draw_field(seed=1, white=8)[0]])
    for call in (lambda: apply_step(wrong, fitted), lambda: fit_step(step, [wrong])):
        with pytest.raises(ImageError, match=r"cannot be normalised\. Expected an array \(H, W, 3\) of uint8, found"):
            call()


# --- stain ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", STAINS, ids=lambda step: step.kind)
@pytest.mark.parametrize("seed", range(4))
def test_known_dyes_are_found(step, seed: int) -> None:
    azure, eosin = (0.65, 0.70, 0.29), (0.10, 0.95, 0.28)
    rgb, vectors = two_dyes(seed, azure, eosin)
    found = fit_step(step, [rgb]).reference
    assert angles(np.array(found.vectors).T, vectors).max() < (4.0 if step.kind == "macenko" else 6.0)
    np.testing.assert_allclose(found.ground, 240, atol=1)


def test_stain_of_another_laboratory_becomes_that_of_the_reference() -> None:
    """The same amounts of two dyes, in the colours and the light of two laboratories."""
    ours, _ = two_dyes(1)
    theirs, _ = two_dyes(1, azure=(0.70, 0.60, 0.38), eosin=(0.2, 0.9, 0.35), ground=215.0)
    for step in STAINS:
        fitted = fit_step(step, [ours])
        assert difference(theirs, ours) > 12
        assert difference(apply_step(theirs, fitted), ours) < 4


def test_macenko_is_what_torchstain_computes() -> None:
    normalizers = pytest.importorskip("torchstain.numpy.normalizers")
    # Every pixel is stained, as a percentile over all of them is not one over those that are stained.
    one, _ = two_dyes(1, (0.65, 0.70, 0.29), (0.3, 0.9, 0.3), bare=0.0)
    other, _ = two_dyes(2, (0.55, 0.78, 0.30), (0.35, 0.85, 0.4), bare=0.0)
    step = Macenko(ground=(239.0, 239.0, 239.0), stained="every", beta=0.0)
    theirs = normalizers.NumpyMacenkoNormalizer()
    keep = np.all(one.reshape(-1, 3) < 239, axis=1).reshape(80, 100)
    one, other = (picture[keep][: 60 * 70].reshape(60, 70, 3) for picture in (one, other))
    theirs.fit(one, Io=240, alpha=1, beta=0.0)
    fitted = fit_step(step, [one])
    np.testing.assert_allclose(np.array(fitted.reference.vectors).T, theirs.HERef, atol=1e-6)
    np.testing.assert_allclose(fitted.reference.strengths, theirs.maxCRef, rtol=1e-6)
    expected = theirs.normalize(other, Io=240, alpha=1, beta=0.0, stains=False)[0]
    # They cut decimals off where we round, and leave the level that was added before the logarithm.
    np.testing.assert_allclose(apply_step(other, fitted).astype(int), expected, atol=2)


def objective(pixels: np.ndarray, vectors: np.ndarray, sparsity: float) -> float:
    """The least of 1/2 |V - W H|^2 + lambda |H|_1 over H >= 0, by scikit-learn's coordinate descent."""
    from sklearn.decomposition import sparse_encode

    amounts = sparse_encode(
        pixels, vectors.T.copy(), algorithm="lasso_cd", alpha=sparsity, positive=True, max_iter=5000
    )
    return float(0.5 * ((pixels - amounts @ vectors.T) ** 2).sum() + sparsity * np.abs(amounts).sum())


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_vahadane_reaches_what_dictionary_learning_reaches(seed: int) -> None:
    decomposition = pytest.importorskip("sklearn.decomposition")
    rgb, _ = two_dyes(seed, (0.65, 0.70, 0.29), (0.2, 0.93, 0.3))
    step = Vahadane(ground=(240.0, 240.0, 240.0))
    stained = density.keep_stained(density.optical_density(rgb, np.full(3, 240.0)), step)
    pixels = np.maximum(density.evenly(stained, 800), 0.0)
    ours = vahadane.find_vectors(pixels, 0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        learner = decomposition.DictionaryLearning(
            2, alpha=0.1, fit_algorithm="cd", positive_code=True, positive_dict=True, max_iter=500, tol=1e-9,
            dict_init=np.array([unit(AZURE), unit(EOSIN)]), random_state=0,
        ).fit(pixels)  # fmt: skip
    theirs = learner.components_.T
    assert objective(pixels, ours, 0.1) <= objective(pixels, theirs, 0.1) * 1.001
    assert (ours >= 0).all()
    np.testing.assert_allclose(np.linalg.norm(ours, axis=0), 1.0, atol=1e-9)


def test_more_sparsity_brings_the_dyes_nearer_to_pure_pixels() -> None:
    stained = two_dyes(3)[0].reshape(-1, 3)
    pixels = np.maximum(-np.log((stained + 1.0) / 241.0), 0.0)
    apart = [float(vahadane.find_vectors(pixels, value).prod(axis=1).sum()) for value in (0.0, 0.3)]
    assert apart[1] != pytest.approx(apart[0], abs=1e-4)


@pytest.mark.parametrize("step", STAINS, ids=lambda step: step.kind)
@pytest.mark.parametrize("colour", BLANK)
def test_a_stain_cannot_be_fitted_on_one_colour(step, colour) -> None:
    with pytest.raises(ImageError, match="No stain can be measured"):
        fit_step(step, [np.full((50, 60, 3), colour, np.uint8)] * 2)
    with pytest.raises(ImageError, match="No stain can be measured"):
        fit_step(step, [])


@pytest.mark.parametrize("step", STAINS, ids=lambda step: step.kind)
def test_empty_pictures_among_those_fitted_on_say_nothing(step) -> None:
    rgb = draw_field(seed=1, white=8)[0]
    alone = fit_step(step, [rgb])
    assert fit_step(step, [np.full((50, 60, 3), 240, np.uint8), rgb]) == alone


def test_an_empty_picture_gets_the_references_background() -> None:
    fitted = fit_step(Macenko(), [draw_field(seed=1, white=8)[0]])
    out = apply_step(np.full((40, 50, 3), (200, 190, 180), np.uint8), fitted)
    np.testing.assert_allclose(out[0, 0], fitted.reference.ground, atol=1)


# --- Reinhard -------------------------------------------------------------------------------------------------------


def test_reinhard_gives_the_means_and_spreads_of_the_reference() -> None:
    color = pytest.importorskip("skimage.color")
    one, other = draw_field(seed=1)[0], shift_stain(draw_field(seed=2)[0], azure=0.7)
    out = reinhard.transform(other, fit_step(Reinhard(), [one]))
    for statistic in (np.mean, np.std):
        wanted, found = (statistic(color.rgb2lab(picture), axis=(0, 1)) for picture in (one, out))
        # Colours beyond what a screen shows are cut.
        np.testing.assert_allclose(found, wanted, atol=1.0)


def test_reinhard_is_what_torchstain_computes() -> None:
    normalizers = pytest.importorskip("torchstain.numpy.normalizers")
    one, other = draw_field(seed=1)[0], shift_stain(draw_field(seed=2)[0], azure=0.7)
    theirs = normalizers.NumpyReinhardNormalizer()
    theirs.fit(one)
    ours = apply_step(other, fit_step(Reinhard(), [one]))
    assert difference(ours, theirs.normalize(other)) < 1.5


def test_fitting_averages_over_pictures() -> None:
    pictures = [draw_field(seed=seed)[0] for seed in (1, 2)]
    together = reinhard.fit(pictures, Reinhard())
    alone = [reinhard.fit([rgb], Reinhard()) for rgb in pictures]
    np.testing.assert_allclose(together.mean, np.mean([one.mean for one in alone], axis=0))
    with pytest.raises(ImageError, match="no picture"):
        reinhard.fit([], Reinhard())


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_flattened_without_complaint(seed: int) -> None:
    rgb = np.random.default_rng(seed).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    assert np.isfinite(background_surface(rgb)).all()
    for step in NORMALISATIONS:
        assert apply_step(rgb, fit_step(step, [draw_field(seed=1, white=8)[0]])).shape == rgb.shape
    assert illumination.fit([rgb], FlattenIllumination()).ground[0] >= 1.0
    assert macenko.find_vectors(cv2.randn(np.zeros((200, 3)), 0.5, 0.2)).shape == (3, 2)


@needs_data
@pytest.mark.real
def test_what_real_fields_lose_on_their_own_reference() -> None:
    """Means over 20 Taleqani fields, in grey levels: 0.0 for Reinhard, 3.8 for Macenko, 2.3 for Vahadane."""
    lost: dict[str, list[float]] = {}
    for name in ("Benign", "Early", "Pre", "Pro"):
        paths = sorted((DATA / "taleqani/Original" / name).iterdir())
        for place in np.linspace(0, len(paths) - 1, 5).round().astype(int):
            rgb = cv2.imread(str(paths[place]), cv2.IMREAD_COLOR_RGB)
            for step in (Reinhard(), *STAINS, Macenko(residual="keep")):
                key = step.kind + ("" if getattr(step, "residual", "drop") == "drop" else ", residual kept")
                lost.setdefault(key, []).append(difference(apply_step(rgb, fit_step(step, [rgb])), rgb))
    means = {key: float(np.mean(values)) for key, values in lost.items()}
    assert means["reinhard"] < 0.1
    assert means["macenko"] == pytest.approx(3.8, abs=0.3)
    assert means["vahadane"] == pytest.approx(2.3, abs=0.3)
    assert means["macenko, residual kept"] < 0.5
