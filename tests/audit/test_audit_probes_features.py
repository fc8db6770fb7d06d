"""What a probe sees: that which it is named after, and nothing else; and what it makes of odd pictures and files."""

from __future__ import annotations

import io
import pickle

import cv2
import numpy as np
import pytest
from PIL import Image

from leukolens.audit.probes import LOOKS, fit_looks, measure_probes, sample_places
from leukolens.audit.probes.cell_features import dark_nuclei, number_of_cells, position_of_cells, regions_of
from leukolens.audit.probes.file_facts import file_facts, name_facts
from leukolens.audit.probes.looks import SIDE, views
from leukolens.audit.probes.measure import CORNERS, PARTS, ROW
from leukolens.audit.probes.pixel_features import background, colour_histogram, corners, mean_colour
from leukolens.finding import ImageError
from leukolens.smear.perturb import to_grey

AS_IS = LOOKS[:1]


def field(nuclei=(), *, width=224, height=168, seed=0):
    """A pale field with grain, pink red cells and dark nuclei at the given places."""
    rng = np.random.default_rng(seed)
    picture = np.full((height, width, 3), (232, 236, 240), np.uint8)
    for x, y in rng.integers((0, 0), (width, height), (25, 2)):
        cv2.circle(picture, (int(x), int(y)), 8, (205, 170, 178), -1, cv2.LINE_AA)
    for x, y in nuclei:
        cv2.circle(picture, (int(x), int(y)), 12, (95, 60, 160), -1, cv2.LINE_AA)
    return np.clip(picture + rng.normal(0, 1.5, picture.shape), 0, 255).astype(np.uint8)


def encoded(rgb, form, **options):
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, form, **options)
    return buffer.getvalue()


PNG = encoded(field(), "PNG")
PLACES = ((40, 40), (120, 60), (180, 120), (60, 130))


# --- pixels -------------------------------------------------------------------------------------------------------


def test_the_mean_colour_is_mean_and_spread():
    rgb = field(PLACES)
    pixels = rgb.reshape(-1, 3).astype(float)
    seen = mean_colour(rgb)
    assert seen[:3] == pytest.approx(pixels.mean(axis=0), abs=1e-3)
    assert seen[3:6] == pytest.approx(pixels.std(axis=0), abs=1e-3)
    expected = np.corrcoef(pixels.T)[[0, 0, 1], [1, 2, 2]]
    assert seen[6:] == pytest.approx(expected, abs=0.03)  # from every other pixel


def test_the_histogram_counts_every_channel():
    seen = colour_histogram(field(PLACES))
    assert seen.reshape(3, 32).sum(axis=1) == pytest.approx([1, 1, 1], abs=1e-5)
    grey = colour_histogram(to_grey(field(PLACES)))
    assert np.array_equal(grey[:32], grey[32:64])


def test_the_background_does_not_see_cells():
    plain, crowded = background(field()), background(field(PLACES))
    assert crowded[:3] == pytest.approx(plain[:3], abs=0.6)
    assert np.abs(mean_colour(field(PLACES))[:3] - mean_colour(field())[:3]).max() > 5
    lit = field().copy()
    lit[:, :112] = np.clip(lit[:, :112] * 0.99, 0, 255).astype(np.uint8)
    tiles = background(lit)[12:].reshape(3, 3)
    assert (tiles[:, 2] > tiles[:, 0]).all()


@pytest.mark.parametrize("place", range(4))
def test_a_corner_is_seen_by_its_own_probe_alone(place):
    rgb = field()
    changed = rgb.copy()
    rows, columns = (slice(0, 15), slice(-15, None))[place // 2], (slice(0, 30), slice(-30, None))[place % 2]
    changed[rows, columns] = 255
    differs = [not np.array_equal(one, two) for one, two in zip(corners(rgb), corners(changed), strict=True)]
    assert differs == [number == place for number in range(4)]


# --- cells --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("colour", [True, False])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_nuclei_are_counted_in_colour_and_in_grey(count, colour):
    rgb = field(PLACES[:count])
    found = regions_of(dark_nuclei(rgb if colour else to_grey(rgb)))
    assert number_of_cells(found)[0] == count
    assert number_of_cells(found)[1] == pytest.approx(count * np.pi * 12**2 / (224 * 168), rel=0.15)


def test_the_position_is_that_of_one_nucleus_whatever_their_number():
    one = position_of_cells(regions_of(dark_nuclei(field(PLACES[:1]))))
    assert one[:2] == pytest.approx([40 / 224, 40 / 168], abs=0.01)
    assert one[5] == 0
    four = position_of_cells(regions_of(dark_nuclei(field(PLACES))))
    places = np.array(PLACES) / (224, 168)
    assert np.abs(places - four[:2]).sum(axis=1).min() < 0.02
    at_border = position_of_cells(regions_of(dark_nuclei(field([(0, 80)]))))
    assert at_border[5] == 1


def test_a_field_without_nuclei_has_no_position():
    empty = regions_of(np.zeros((60, 80), bool))
    assert not number_of_cells(empty).any()
    assert np.isnan(position_of_cells(empty)).all()
    assert not dark_nuclei(np.full((60, 80, 3), 230, np.uint8)).any()


def test_another_mask_of_nuclei_can_be_given():
    def left_half(rgb):
        mask = np.zeros(rgb.shape[:2], bool)
        mask[20:60, 10:50] = True
        return mask

    seen = measure_probes(field(PLACES), PNG, AS_IS, left_half).looks[0]
    assert seen[PARTS["number of cells"]][0] == 1


# --- files --------------------------------------------------------------------------------------------------------


def test_file_facts_tell_quality_subsampling_and_metadata():
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    rgb = field()
    kinds = {
        "plain": encoded(rgb, "JPEG", quality=90),
        "worse": encoded(rgb, "JPEG", quality=60),
        "full colour": encoded(rgb, "JPEG", quality=90, subsampling=0),
        "exif": encoded(rgb, "JPEG", quality=90, exif=exif.tobytes()),
        "progressive": encoded(rgb, "JPEG", quality=90, progressive=True),
        "png": PNG,
        "grey": encoded(rgb[..., 0], "PNG"),
        "tiff": encoded(rgb, "TIFF"),
    }
    facts = {name: file_facts(data)[2:] for name, data in kinds.items()}  # without the sizes in bytes
    assert len({row.tobytes() for row in facts.values()}) == len(kinds)
    assert np.array_equal(file_facts(encoded(field(seed=1), "JPEG", quality=90))[2:], facts["plain"])


def test_file_facts_do_not_decode_the_picture():
    """A file cut off behind its header has the same facts but for its size: nothing of the scan is read."""
    data = encoded(field(), "JPEG", quality=90)
    cut = data[: data.index(b"\xff\xda") + 20]
    assert np.array_equal(file_facts(data)[2:], file_facts(cut)[2:])
    assert file_facts(data)[0] > file_facts(cut)[0]


@pytest.mark.parametrize("data", [b"", b"no picture", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", PNG[:30], bytes(2000)])
def test_damaged_files_have_their_size_and_nothing_else(data):
    facts = file_facts(data)
    assert facts.shape == file_facts(PNG).shape
    assert np.isfinite(facts).all()
    assert facts[0] == pytest.approx(np.log(max(1, len(data))), abs=1e-5)
    assert not facts[1:].any()


def test_names_tell_their_last_number_and_their_place_in_one_folder():
    several = name_facts(["a/img-7.png", "a/2024-12.jpg", "b/none.png", "b/99999999999999.png"])
    assert several[:3, 0].tolist() == [7, 12, -1]
    assert np.isfinite(several).all()
    assert not several[:, 1].any()
    assert name_facts(["1.png", "2.png", "3.png"])[:, 1].tolist() == [0.0, 0.5, 1.0]


# --- looks and records ------------------------------------------------------------------------------------------------


def test_the_sample_is_drawn_by_seed_and_never_by_class():
    drawn = sample_places(1000, 88)
    assert drawn == sample_places(1000, 88) == sorted(set(drawn))
    assert len(drawn) == 64
    assert drawn != sample_places(1000, 89)
    assert sample_places(3, 88) == [0, 1, 2]


def test_every_look_is_fitted_and_measured():
    fitted = fit_looks([field(PLACES, seed=seed) for seed in range(6)])
    assert [look.failed for look in fitted] == [None] * len(LOOKS)
    record = measure_probes(field(PLACES), PNG, fitted)
    assert record.looks.shape == (len(LOOKS), ROW)
    assert np.isfinite(record.looks).all()
    again = pickle.loads(pickle.dumps(record))
    assert np.array_equal(again.looks, record.looks)
    assert len(pickle.dumps(record)) < 20_000
    # The even light brings every background to that of the reference.
    even = [look.name for look in LOOKS].index("even light")
    dim = (field(PLACES) * 0.8).astype(np.uint8)
    grounds = [measure_probes(rgb, PNG, fitted).looks[even, PARTS["background"]][:3] for rgb in (field(PLACES), dim)]
    assert grounds[0] == pytest.approx(grounds[1], abs=2.5)


def test_a_look_that_cannot_be_fitted_says_why_and_is_left_out():
    fitted = fit_looks([to_grey(field(PLACES))])
    failed = {look.name: look.failed for look in fitted}
    assert "two dyes" in failed["Macenko"]
    assert failed["grey"] is None
    record = measure_probes(field(PLACES), PNG, fitted)
    assert np.isnan(record.looks[[look.name for look in LOOKS].index("Macenko")]).all()
    assert all(look.failed for look in fit_looks([]) if look.steps)


def test_marks_are_painted_out_or_given():
    marked = field()
    marked[150:164, 180:220] = 255
    marked[156:158, 184:216] = 0
    looks = LOOKS[:2]
    corner = PARTS[CORNERS[3]]
    as_is, out = measure_probes(marked, PNG, looks).looks[:, corner]
    assert not np.allclose(as_is, out)
    given = measure_probes(marked, PNG, looks, clean=field()).looks[1, corner]
    assert np.array_equal(given, measure_probes(field(), PNG, looks).looks[0, corner])


@pytest.mark.parametrize("size", [(16, 16), (17, 300), (1200, 900), (8, 8)])
def test_pictures_of_any_size(size):
    width, height = size
    rgb = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    fitted = fit_looks([field(PLACES, seed=seed) for seed in range(3)])
    assert all(max(seen.shape[:2]) <= SIDE for seen in views(rgb, fitted))
    known = measure_probes(rgb, PNG, fitted).looks[:, : PARTS["position of cells"].start]
    assert np.isfinite(known).all()


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_picture_of_one_colour(value):
    rgb = np.full((60, 80, 3), value, np.uint8)
    known = measure_probes(rgb, PNG, AS_IS).looks[:, : PARTS["position of cells"].start]
    assert np.isfinite(known).all()


@pytest.mark.parametrize("rgb", [np.zeros((20, 20), np.uint8), np.zeros((20, 20, 3)), np.zeros((0, 5, 3), np.uint8)])
def test_what_is_no_picture_is_refused(rgb):
    with pytest.raises(ImageError, match=r"array \(H, W, 3\) of uint8"):
        measure_probes(rgb, PNG, AS_IS)
