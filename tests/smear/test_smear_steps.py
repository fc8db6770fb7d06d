"""Steps as data, and their place in preparing: fitted, applied to the picture alone, and led back."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from drawn_fields import draw_field
from pydantic import ValidationError

from leukolens.finding import ImageError, UsageError
from leukolens.smear.fitting import MOST, chosen_places, fit_preparation, needs_fitting
from leukolens.smear.perturb import shift_lamp
from leukolens.smear.prepare import Preparation, prepare
from leukolens.smear.segmentation import SegmentHSV, SegmentKMeans, apply_mask, segment
from leukolens.smear.steps import KINDS, Macenko, Reinhard, apply_steps, fit_steps, needs_fit, parse_step

PLAIN = Preparation(paint_out_marks=False, squeeze="none")
ALL_KINDS = ["flatten-illumination", "reinhard", "macenko", "vahadane", "segment-kmeans", "segment-hsv"]


def with_steps(*kinds: str, **changes: object) -> Preparation:
    return Preparation.model_validate(PLAIN.model_dump() | changes | {"steps": [{"kind": kind} for kind in kinds]})


def fields(count: int = 3) -> list[np.ndarray]:
    return [draw_field(224, 168, seed=seed, white=6)[0] for seed in range(count)]


# --- steps as data --------------------------------------------------------------------------------------------------


def test_every_kind_is_known_and_documented() -> None:
    assert list(KINDS) == ALL_KINDS
    assert all(KINDS[kind].__doc__ for kind in KINDS)


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_a_preparation_with_a_step_goes_through_json(kind: str) -> None:
    spec = fit_preparation(with_steps(kind), fields())
    assert Preparation.model_validate_json(spec.model_dump_json()) == spec
    assert type(spec.steps[0]) is KINDS[kind]
    assert not needs_fitting(spec)


def test_a_preparation_written_before_steps_existed_loads_unchanged() -> None:
    old = {"width": 224, "height": 168, "paint_out_marks": True, "squeeze": "recognise", "landscape": True,
           "pad": "background"}  # fmt: skip
    spec = Preparation.model_validate(old)
    assert (spec.shape, spec.steps) == ("true", ())
    assert spec == Preparation()


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"kind": "macenk"}, "Did you mean 'macenko'"),
        ({"kind": "kmeans"}, "Did you mean 'segment-kmeans'"),
        ({"kind": "macenko", "alhpa": 2}, "Did you mean 'alpha'"),
        ({"kind": "segment-kmeans", "treshold": 2}, "Did you mean 'threshold'"),
        ({"alpha": 2}, "Known: flatten-illumination"),
        ({"kind": "macenko", "alpha": 60}, "less than 50"),
        ({"kind": "segment-hsv", "channels": "bgr"}, "'swapped' or 'right'"),
        ({"kind": "reinhard", "reference": {"mean": [1, 2], "spread": [1, 2, 3]}}, "reference.mean"),
        ({"kind": 3}, "Known: flatten-illumination"),
    ],
)
def test_a_wrong_step_is_named_with_the_nearest(raw: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_step(raw)


def test_an_unknown_step_is_told_in_one_sentence() -> None:
    with pytest.raises(UsageError) as caught:
        parse_step({"kind": "macenco"})
    assert str(caught.value) == f"unknown step 'macenco'. Did you mean 'macenko'? Known: {', '.join(ALL_KINDS)}."


def test_steps_are_applied_in_turn_and_watched() -> None:
    rgb = fields(1)[0]
    steps = fit_steps([parse_step({"kind": "reinhard"}), SegmentKMeans()], fields())
    seen = []
    out = apply_steps(rgb, steps, lambda step, before, after, seconds: seen.append((step, before, after, seconds)))
    first = apply_steps(rgb, steps[:1])
    np.testing.assert_array_equal(out, apply_mask(first, segment(first, SegmentKMeans())))
    assert [entry[0] for entry in seen] == list(steps)
    np.testing.assert_array_equal(seen[0][2], seen[1][1])
    assert all(0 <= entry[3] < 10 for entry in seen)
    assert apply_steps(rgb, ()) is rgb


def test_each_step_is_fitted_on_what_the_one_before_leaves() -> None:
    pictures = [shift_lamp(rgb, gains=(0.7, 0.9, 0.8)) for rgb in fields()]
    raw = [parse_step({"kind": "flatten-illumination", "level": "reference", "reference": {"ground": [240] * 3}})]
    together = fit_steps([*raw, Macenko()], pictures)
    alone = fit_steps([Macenko()], pictures)[0]
    assert together[0] == raw[0]
    np.testing.assert_allclose(together[1].reference.ground, 240, atol=4)
    assert alone.reference.ground[0] < 200


def test_a_given_reference_is_kept_and_then_no_picture_is_taken() -> None:
    fitted = fit_steps([Macenko(), Reinhard()], fields())

    def none():
        raise AssertionError("a picture was taken")
        yield

    assert fit_steps(fitted, none()) == fitted
    spec = PLAIN.model_copy(update={"steps": fitted})
    assert fit_preparation(spec, none()) is spec
    assert not any(needs_fit(step) for step in fitted)


# --- in preparing ---------------------------------------------------------------------------------------------------


def test_steps_come_last() -> None:
    rgb = draw_field(640, 480, seed=1)[0]
    spec = with_steps("segment-kmeans")
    bare = prepare(rgb, PLAIN).pixels
    np.testing.assert_array_equal(prepare(rgb, spec).pixels, apply_steps(bare, spec.steps))


@pytest.mark.parametrize("kind", ALL_KINDS)
@pytest.mark.parametrize("size", [(224, 168), (300, 300), (168, 300), (400, 100), (20, 20)])
def test_what_is_filled_neither_changes_a_step_nor_escapes_it(kind: str, size: tuple[int, int]) -> None:
    rgb = draw_field(*size, seed=2, red=3, white=1)[0] if min(size) > 60 else np.full((*size, 3), 200, np.uint8)
    spec = fit_preparation(with_steps(kind), fields())
    done, bare = prepare(rgb, spec), prepare(rgb, PLAIN)
    left, top, wide, high = done.window
    assert done.pixels.shape == (168, 224, 3)
    np.testing.assert_array_equal(done.matrix, bare.matrix)
    inner = np.s_[top : top + high, left : left + wide]
    np.testing.assert_array_equal(done.pixels[inner], apply_steps(bare.pixels[inner], spec.steps))
    outside = np.ones((168, 224), bool)
    outside[inner] = False
    if outside.any():
        assert np.ptp(done.pixels[outside], axis=0).max() == 0
        if kind.startswith("segment") and min(size) > 60:
            assert not done.pixels[outside].any()


def test_a_step_that_is_not_fitted_is_refused_by_prepare() -> None:
    with pytest.raises(UsageError, match="'macenko' is not fitted"):
        prepare(fields(1)[0], with_steps("macenko"))


def test_fitting_sees_no_padding() -> None:
    """A narrow picture and its own prepared pixels say the same."""
    rgb = draw_field(168, 224, seed=5, white=6)[0][:, :100]
    spec = with_steps("reinhard", landscape=False)
    bare = prepare(rgb, PLAIN.model_copy(update={"landscape": False}))
    left, top, wide, high = bare.window
    assert wide < 224
    inner = bare.pixels[top : top + high, left : left + wide]
    assert fit_preparation(spec, [rgb]).steps == fit_steps(spec.steps, [inner])


@pytest.mark.parametrize("count", [0, 1, 2, 199, 200, 201, 350, 5000])
def test_a_fit_takes_so_many_at_even_distances(count: int) -> None:
    places = chosen_places(count)
    assert len(places) == len(set(places)) == min(count, MOST)
    if count:
        assert (places[0], places[-1]) == (0, count - 1)
        assert set(np.diff(places)) <= {max(1, count // MOST), count // MOST + 1}


def test_pictures_without_stain_cannot_be_fitted_on() -> None:
    with pytest.raises(ImageError, match="No stain can be measured"):
        fit_preparation(with_steps("vahadane"), [np.full((168, 224, 3), 230, np.uint8)])


# --- stretching -----------------------------------------------------------------------------------------------------

STRETCH = Preparation(width=224, height=224, shape="stretch", paint_out_marks=False, squeeze="none")


@pytest.mark.parametrize("size", [(224, 224), (640, 480), (480, 640), (90, 400), (1, 1), (30, 2000)])
def test_stretching_fills_the_picture_whatever_its_shape(size: tuple[int, int]) -> None:
    width, height = size
    rgb = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    prepared = prepare(rgb, STRETCH)
    assert prepared.pixels.shape == (224, 224, 3)
    assert prepared.window == (0, 0, 224, 224)
    corners = prepared.matrix @ np.array([[-0.5, 223.5], [-0.5, 223.5], [1, 1]])
    np.testing.assert_allclose(corners, [[-0.5, width - 0.5], [-0.5, height - 0.5]], atol=1e-9)
    if size == (224, 224):
        np.testing.assert_array_equal(prepared.pixels, rgb)


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (300, 224)])
def test_the_matrix_of_a_stretched_picture_leads_back(size: tuple[int, int]) -> None:
    width, height = size
    rgb = np.full((height, width, 3), 230, np.uint8)
    place = (0.3 * width, 0.7 * height)
    cv2.circle(rgb, tuple(round(v) for v in place), round(0.08 * width), (60, 60, 60), -1, cv2.LINE_AA)
    prepared = prepare(rgb, STRETCH)
    dark = 230.0 - prepared.pixels[..., 1]
    rows, columns = np.indices(dark.shape)
    centre = np.array([(dark * columns).sum(), (dark * rows).sum()]) / dark.sum()
    np.testing.assert_allclose(prepared.matrix @ (*centre, 1.0), np.round(place), atol=0.6)


def test_a_portrait_picture_is_stretched_without_a_turn() -> None:
    rgb = draw_field(300, 400, seed=1)[0]
    resized = cv2.resize(rgb, (224, 224), interpolation=cv2.INTER_AREA)
    assert np.abs(prepare(rgb, STRETCH).pixels.astype(int) - resized).max() <= 2


def test_the_thesis_preparation_is_its_segmentation_of_the_square() -> None:
    rgb = draw_field(224, 224, seed=3)[0]
    spec = Preparation.model_validate(STRETCH.model_dump() | {"steps": [{"kind": "segment-kmeans"}]})
    np.testing.assert_array_equal(prepare(rgb, spec).pixels, apply_mask(rgb, segment(rgb, SegmentKMeans())))


def test_an_unknown_shape_is_refused() -> None:
    with pytest.raises(ValidationError):
        Preparation.model_validate({"shape": "crop"})
    assert SegmentHSV().channels == "swapped"
