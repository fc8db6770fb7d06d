"""Rendered smears: the same from the same seed, true to their own truth, and refused where they make no sense."""

from __future__ import annotations

import dataclasses
import time

import cv2
import numpy as np
import pytest

from leukolens.finding import CELL_KINDS
from leukolens.smear.synth import (
    CONTENTS,
    KINDS,
    STYLES,
    Camera,
    Content,
    Lens,
    RenderedField,
    Stain,
    Style,
    blend,
    render_field,
    squeeze_to_square,
    write_demo_fields,
)
from leukolens.smear.synth.canvas import Canvas, Frame
from leukolens.smear.synth.demo import DEMO_FIELDS, demo_pixels, encode
from leukolens.smear.synth.letters import write_letters
from leukolens.smear.synth.optics import transmit, warmth

SMALL = {"width": 320, "height": 240}


@pytest.fixture(scope="module")
def field() -> RenderedField:
    content = Content({"lymphoblast": 3, "neutrophil": 2, "lymphocyte": 2, "red cell": 25}, exact=True, rouleaux=0.1)
    return render_field(11, width=640, height=480, style=STYLES["violet"], content=content)


def crop(field: RenderedField, index: int) -> np.ndarray:
    x0, y0, x1, y1 = field.cells[index].box
    return field.pixels[y0:y1, x0:x1]


def test_same_seed_same_bytes() -> None:
    first, second = (render_field(5, **SMALL, scale_bar="50 pixel") for _ in range(2))
    assert first.pixels.tobytes() == second.pixels.tobytes()
    assert first.label_image.tobytes() == second.label_image.tobytes()
    assert [c.kind for c in first.cells] == [c.kind for c in second.cells]
    assert [c.box for c in first.cells] == [c.box for c in second.cells]
    assert first.style == second.style


def test_different_seeds_differ_in_scene_and_look() -> None:
    first, second = render_field(5, **SMALL), render_field(6, **SMALL)
    assert not np.array_equal(first.label_image, second.label_image)
    assert first.style != second.style


def test_seed_changes_nothing_but_the_scene_when_style_and_content_are_given() -> None:
    first, second = (render_field(s, **SMALL, style=STYLES["buff"], content=CONTENTS["benign"]) for s in (1, 2))
    assert first.style is second.style
    assert not np.array_equal(first.pixels, second.pixels)


def test_style_does_not_move_a_cell() -> None:
    plain = dataclasses.replace(STYLES["violet"].stain, crenated=0.0)
    first = render_field(3, **SMALL, style=Style("a", plain), content=CONTENTS["all"])
    second = render_field(3, **SMALL, style=Style("b", plain, Lens(blur=0.3)), content=CONTENTS["all"])
    assert np.array_equal(first.label_image, second.label_image)
    assert not np.array_equal(first.pixels, second.pixels)


def test_arrays_are_as_described(field: RenderedField) -> None:
    assert field.pixels.shape == (480, 640, 3)
    assert field.pixels.dtype == np.uint8
    assert field.label_image.shape == (480, 640)
    assert field.label_image.dtype == np.int32
    assert field.bar_box is None
    assert field.um_per_px == 0.12
    assert field.seed == 11


def test_boxes_enclose_masks_tightly(field: RenderedField) -> None:
    for cell in field.cells:
        x0, y0, x1, y1 = cell.box
        assert 0 <= x0 < x1 <= 640
        assert 0 <= y0 < y1 <= 480
        assert cell.offset == (x0, y0)
        assert cell.mask.shape == (y1 - y0, x1 - x0)
        assert cell.mask[0].any()
        assert cell.mask[-1].any()
        assert cell.mask[:, 0].any()
        assert cell.mask[:, -1].any()


def test_nuclei_lie_in_their_cells(field: RenderedField) -> None:
    with_nucleus = [cell for cell in field.cells if cell.nucleus is not None]
    assert {cell.kind for cell in with_nucleus} == {"lymphoblast", "neutrophil", "lymphocyte"}
    for cell in with_nucleus:
        assert cell.nucleus is not None
        assert cell.nucleus.any()
        assert not (cell.nucleus & ~cell.mask).any()


def test_label_image_is_the_uppermost_mask(field: RenderedField) -> None:
    labels = np.zeros_like(field.label_image)
    for index, cell in enumerate(field.cells):
        x0, y0, x1, y1 = cell.box
        labels[y0:y1, x0:x1][cell.mask] = index + 1
    assert np.array_equal(labels, field.label_image)


def test_visible_parts_are_disjoint_and_cover_the_labels(field: RenderedField) -> None:
    count = np.zeros(field.label_image.shape, int)
    for index, cell in enumerate(field.cells):
        x0, y0, x1, y1 = cell.box
        visible = field.visible(index)
        assert not (visible & ~cell.mask).any()
        count[y0:y1, x0:x1] += visible
    assert np.array_equal(count, (field.label_image > 0).astype(int))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_white_cells_overlap_nothing_but_what_lies_on_top(seed: int) -> None:
    field = render_field(seed, width=500, height=400, content=CONTENTS["crowded"])
    for index, cell in enumerate(field.cells):
        if cell.nucleus is not None:
            covered = cell.mask & ~field.visible(index)
            x0, y0, x1, y1 = cell.box
            over = {field.cells[k - 1].kind for k in np.unique(field.label_image[y0:y1, x0:x1][covered])}
            assert over <= {"platelet", "platelet clump", "artefact"}


def test_exact_numbers_are_kept(field: RenderedField) -> None:
    for kind, number in field.content.numbers.items():
        assert len(field.of_kind(kind)) == number


def test_numbers_are_right_on_average() -> None:
    content = Content({"lymphoblast": 4.0, "red cell": 40.0}, rouleaux=0.0)
    whole = dict.fromkeys(content.numbers, 0)
    for seed in range(20):
        field = render_field(seed, width=80, height=60, um_per_px=1.0, content=content)
        for kind in whole:
            whole[kind] += sum(not cell.truncated for cell in field.of_kind(kind))
    # Whole cells have their centres in a frame that is smaller by about a radius on each side.
    for kind, radius in (("lymphoblast", 5.9), ("red cell", 3.75)):
        expected = content.numbers[kind] * 20 * (80 - 2 * radius) * (60 - 2 * radius) / 10_000
        assert abs(whole[kind] - expected) < 4 * np.sqrt(expected) + 0.1 * expected


def test_red_cells_have_the_area_of_red_cells() -> None:
    field = render_field(
        2, width=450, height=350, um_per_px=0.24, content=Content({"red cell": 110}, exact=True, rouleaux=0.0)
    )
    areas = [cell.area_um2(field.um_per_px) for cell in field.cells if not cell.truncated]
    assert len(areas) > 60
    assert np.mean(areas) == pytest.approx(np.pi * 3.75**2, rel=0.05)
    assert 0.05 < np.std(areas) / np.mean(areas) < 0.25


def test_lymphoblasts_are_large_and_nearly_all_nucleus() -> None:
    field = render_field(1, width=800, height=600, um_per_px=0.25, content=Content({"lymphoblast": 40}, exact=True))
    whole = [cell for cell in field.cells if not cell.truncated and cell.nucleus is not None]
    diameters = [2 * np.sqrt(cell.area_um2(0.25) / np.pi) for cell in whole]
    shares = [cell.nucleus.sum() / cell.mask.sum() for cell in whole if cell.nucleus is not None]
    assert len(whole) > 25
    assert min(shares) > 0.8
    assert min(diameters) > 9.0
    assert max(diameters) < 18.5


@pytest.mark.parametrize("style", list(STYLES))
def test_nuclei_are_darker_than_cytoplasm_and_that_than_the_background(style: str) -> None:
    content = Content({"neutrophil": 3, "monocyte": 2, "lymphocyte": 3, "red cell": 10}, exact=True)
    field = render_field(4, width=300, height=240, um_per_px=0.2, style=STYLES[style], content=content)
    lab = cv2.cvtColor(field.pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    background = np.median(lab[cv2.dilate((field.label_image > 0).astype(np.uint8), np.ones((7, 7))) == 0], axis=0)
    for cell in field.cells:
        if cell.nucleus is None:
            continue
        x0, y0, x1, y1 = cell.box
        nucleus = np.median(lab[y0:y1, x0:x1][cell.nucleus], axis=0)
        cytoplasm = np.median(lab[y0:y1, x0:x1][cell.mask & ~cell.nucleus], axis=0)
        assert nucleus[0] < cytoplasm[0] - 5 < background[0] - 5
        assert nucleus[2] < background[2] - 10  # bluer
        assert nucleus[1] > background[1] + 5  # and redder: purple


def test_red_cells_darken_where_they_overlap(field: RenderedField) -> None:
    stain = dataclasses.replace(STYLES["violet"].stain, flatten=0.0, pallor=0.0)
    style = Style("flat", stain, Lens(uneven=0, vignette=0, dust=0, refraction=0))
    content = Content({"red cell": 40}, exact=True, rouleaux=0.8, dirt=0)
    field = render_field(3, width=400, height=300, style=style, content=content)
    depth = np.zeros(field.label_image.shape, int)
    for cell in field.cells:
        x0, y0, x1, y1 = cell.box
        depth[y0:y1, x0:x1] += cv2.erode(cell.mask.astype(np.uint8), np.ones((9, 9)))
    means = [field.pixels[..., 0][depth == k].mean() for k in (0, 1, 2)]
    assert means[0] > means[1] + 20
    assert means[1] > means[2] + 15


def test_light_follows_beer_and_lambert() -> None:
    stain = STYLES["buff"].stain
    dyes = np.zeros((1, 3, 5), np.float32)
    dyes[0, 1, 0] = 1.0
    dyes[0, 2, 0] = 2.0
    light = transmit(dyes, stain)
    assert np.allclose(light[0, 0], 1)
    assert np.allclose(light[0, 1], np.exp(-np.array(stain.chromatin)))
    assert np.allclose(light[0, 2], light[0, 1] ** 2)


def test_a_warmer_lamp_is_redder() -> None:
    red, green, blue = warmth(50)
    assert red > green > blue
    assert green == 1
    assert np.allclose(warmth(0), 1)
    # Wien's law, by hand: exp(-c2 / (lambda T)) for 4000 K over 5000 K (50 mired) at 0.60 and 0.54 um.
    by_hand = np.exp(-14388 / 0.60 * (1 / 4000 - 1 / 5000)) / np.exp(-14388 / 0.54 * (1 / 4000 - 1 / 5000))
    assert red == pytest.approx(by_hand)


def test_half_the_micrometres_per_pixel_is_the_same_scene_twice_as_large() -> None:
    coarse = render_field(4, width=300, height=220, um_per_px=0.16, content=CONTENTS["all"])
    fine = render_field(4, width=600, height=440, um_per_px=0.08, content=CONTENTS["all"])
    assert [c.kind for c in coarse.cells] == [c.kind for c in fine.cells]
    for small, large in zip(coarse.cells, fine.cells, strict=True):
        assert np.allclose(2 * np.array(small.box), large.box, atol=3)
        if small.mask.sum() > 200:
            assert large.mask.sum() == pytest.approx(4 * small.mask.sum(), rel=0.05)
    reduced = cv2.resize(fine.pixels, (300, 220), interpolation=cv2.INTER_AREA).astype(float)
    assert np.abs(reduced - coarse.pixels).mean() < 4


def test_cells_that_the_border_cuts_are_marked() -> None:
    field = render_field(1, width=500, height=400, content=CONTENTS["all"])
    assert any(cell.truncated for cell in field.cells)
    assert any(not cell.truncated for cell in field.cells)
    for cell in field.cells:
        x0, y0, x1, y1 = cell.box
        if cell.truncated:
            assert x0 == 0 or y0 == 0 or x1 == 500 or y1 == 400


@pytest.mark.parametrize(
    ("centre", "cut"),
    [((2.0, 5.0), False), ((1.9, 5.0), True), ((9.0, 3.0), True), ((5.0, 6.0), False), ((5, 6.2), True)],
)
def test_a_cell_is_cut_where_it_goes_on_beyond_the_border(centre: tuple[float, float], cut: bool) -> None:
    canvas = Canvas(Frame(100, 80, 0.1))  # 10 by 8 um
    window = canvas.window(centre, 3.0)
    assert window is not None
    canvas.record(window, "red cell", window.x**2 + window.y**2 < 2.0**2)
    assert canvas.cells[0].truncated is cut


def test_a_cell_outside_of_the_picture_is_not_recorded() -> None:
    canvas = Canvas(Frame(100, 80, 0.1))
    window = canvas.window((-2.1, 4.0), 3.0)
    assert window is not None
    canvas.record(window, "red cell", window.x**2 + window.y**2 < 2.0**2)
    assert canvas.cells == []
    assert not canvas.labels.any()
    assert canvas.window((-5.0, 4.0), 3.0) is None


@pytest.mark.parametrize("seed", range(3))
def test_no_white_cells_means_none(seed: int) -> None:
    field = render_field(seed, **SMALL, content=CONTENTS["no white cells"])
    assert {cell.kind for cell in field.cells} <= {"red cell", "platelet", "platelet clump", "artefact"}
    assert all(cell.nucleus is None for cell in field.cells)
    assert field.of_kind("red cell")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_drawn(kind: str) -> None:
    assert kind in (*CELL_KINDS, "red cell", "platelet")
    field = render_field(2, width=150, height=150, um_per_px=0.16, content=Content({kind: 1}, exact=True, dirt=0))
    assert [cell.kind for cell in field.cells] == [kind]
    assert field.cells[0].mask.sum() > 20
    background = np.median(field.pixels[field.label_image == 0], axis=0)
    assert np.abs(crop(field, 0)[field.cells[0].mask] - background).max(1).mean() > 5


def test_neutrophils_have_two_to_five_lobes_worth_of_shape() -> None:
    """A lobed nucleus fills its convex hull much less than a lymphocyte's."""

    def solidity(kind: str) -> float:
        field = render_field(
            6, width=420, height=300, um_per_px=0.2, content=Content({kind: 8}, exact=True, gathering=0)
        )
        shares = []
        for cell in field.cells:
            if not cell.truncated and cell.nucleus is not None:
                points = np.argwhere(cell.nucleus).astype(np.int32)
                shares.append(cell.nucleus.sum() / cv2.contourArea(cv2.convexHull(points)))
        return float(np.mean(shares))

    assert solidity("neutrophil") < 0.88 < 0.95 < solidity("hematogone")


@pytest.mark.parametrize(
    ("text", "um_per_px", "length"), [("100 pixel", 0.12, 100), ("red 60 pixel", 0.2, 60), ("black 10 um", 0.125, 80)]
)
def test_scale_bar_has_its_length_and_lies_in_its_box(text: str, um_per_px: float, length: int) -> None:
    plain = render_field(1, width=400, height=300, um_per_px=um_per_px, content=CONTENTS["no white cells"])
    field = render_field(
        1, width=400, height=300, um_per_px=um_per_px, content=CONTENTS["no white cells"], scale_bar=text
    )
    changed = (field.pixels != plain.pixels).any(-1)
    assert field.bar_box is not None
    x0, y0, x1, y1 = field.bar_box
    outside = changed.copy()
    outside[y0:y1, x0:x1] = False
    assert not outside.any()
    assert x0 > 200
    assert y0 > 150
    area = field.pixels[y0:y1, x0:x1].astype(int)
    ink = (area[..., 1] < 60) & (area[..., 2] < 60)
    row = int(np.argmax(ink.sum(1)))
    assert ink[row].sum() == length
    if text.startswith("red"):
        assert (area[row][ink[row]][:, 0] > 150).all()
    if text == "100 pixel":
        assert (area[0] == 255).all()
        assert (area[:, 0] == 255).all()


def test_letters_fill_their_height_and_unknown_ones_are_refused() -> None:
    ink = write_letters("100 pixel", 20)
    assert ink.shape[0] == 20
    assert ink[:2].max() > 0.5
    assert ink[-2:].max() > 0.5
    assert ink[:, -3:].max() > 0.5
    assert write_letters("1000 pixel", 20).shape[1] > ink.shape[1]
    with pytest.raises(ValueError, match="found 'k'"):
        write_letters("1 km", 20)


def test_scale_bar_does_not_change_the_truth() -> None:
    plain, barred = (render_field(1, **SMALL, scale_bar=bar) for bar in (None, "50 pixel"))
    assert np.array_equal(plain.label_image, barred.label_image)


@pytest.mark.parametrize(("width", "height", "um_per_px"), [(8, 8, 0.12), (9, 33, 1.0), (57, 31, 0.3), (101, 17, 2.0)])
def test_small_and_odd_sizes(width: int, height: int, um_per_px: float) -> None:
    field = render_field(1, width=width, height=height, um_per_px=um_per_px)
    assert field.pixels.shape == (height, width, 3)
    assert field.label_image.shape == (height, width)
    assert field.label_image.max() <= len(field.cells)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"seed": -1}, "seed: expected a whole number from 0 up, found -1"),
        ({"seed": 1.5}, "found 1.5"),
        ({"seed": True}, "found True"),
        ({"width": 7}, "width: expected 8 to 16384 pixels, found 7"),
        ({"height": 20_000}, "height: expected 8 to 16384 pixels, found 20000"),
        ({"height": 10.5}, "found 10.5"),
        ({"um_per_px": 0}, "um_per_px: expected 0.01 to 5.0 micrometres, found 0"),
        ({"um_per_px": float("nan")}, "found nan"),
        ({"scale_bar": "a hundred"}, "found 'a hundred'"),
        ({"scale_bar": "0 pixel"}, "found '0 pixel'"),
        ({"scale_bar": "2000 pixel"}, "expected one of 2 pixels or more that fits"),
        ({"scale_bar": "blue 10 um"}, "found 'blue 10 um'"),
    ],
)
def test_bad_arguments_are_refused_with_what_was_expected(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match="expected") as caught:
        render_field(**{"seed": 1, **SMALL, **arguments})  # type: ignore[arg-type]
    assert said in str(caught.value)


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"found 'violett'\. Did you mean 'violet'"):
        Style.named("violett")
    with pytest.raises(ValueError, match="Did you mean 'no white cells'"):
        Content.named("no white cell")
    with pytest.raises(ValueError, match="Did you mean 'lymphoblast'"):
        Content({"lymphoblasts": 3})


@pytest.mark.parametrize(
    "content",
    [
        lambda: Content({"red cell": -1}),
        lambda: Content({"red cell": float("inf")}),
        lambda: Content({"red cell": 1.5}, exact=True),
        lambda: Content({"red cell": 1}, rouleaux=1.2),
        lambda: Content({"red cell": 1}, gathering=-0.1),
        lambda: Content({"red cell": 1}, dirt=float("nan")),
        lambda: Stain(*[(1.0, 1.0, 1.0)] * 4, haemoglobin=(1.0, -1.0, 1.0)),
        lambda: Lens(blur=-0.1),
        lambda: Lens(vignette=2.0),
        lambda: dataclasses.replace(STYLES["buff"].camera, gamma=0.0),
        lambda: blend(STYLES["buff"], STYLES["violet"], 1.5),
        lambda: squeeze_to_square(np.zeros((4, 4), np.uint8)),
        lambda: squeeze_to_square(np.zeros((4, 4, 3), np.float32)),  # type: ignore[arg-type]
        lambda: squeeze_to_square(np.zeros((4, 4, 3), np.uint8), 0),
    ],
)
def test_bad_figures_are_refused(content: object) -> None:
    with pytest.raises(ValueError, match=r"expected .*found"):
        content()  # type: ignore[operator]


def test_blend_goes_from_one_look_to_the_other() -> None:
    first, second = STYLES["violet"], STYLES["slate"]
    assert blend(first, second, 0.0).stain == first.stain
    assert blend(first, second, 1.0).lens == second.lens
    middle = blend(first, second, 0.5).stain.haemoglobin[0]
    assert middle == pytest.approx((first.stain.haemoglobin[0] + second.stain.haemoglobin[0]) / 2)


def test_sampled_looks_and_contents_vary_and_are_valid() -> None:
    rng = np.random.default_rng(0)
    styles = [Style.sample(rng) for _ in range(60)]
    assert len({style.stain.haemoglobin for style in styles}) == 60
    assert len({style.name.split()[0] for style in styles}) > 5
    contents = [Content.sample(rng) for _ in range(60)]
    assert {content.name for content in contents} == set(CONTENTS)


def test_more_blur_is_softer() -> None:
    def sharpness(blur: float) -> float:
        style = dataclasses.replace(
            STYLES["violet"], lens=Lens(blur=blur, defocus=blur), camera=Camera(noise=0, colour_noise=0)
        )
        pixels = render_field(3, **SMALL, style=style, content=CONTENTS["crowded"]).pixels
        return float(cv2.Laplacian(pixels[..., 1].astype(np.float32), cv2.CV_32F).std())

    assert sharpness(0.1) > 1.3 * sharpness(0.5) > 1.2 * sharpness(1.5)


def test_squeeze_makes_discs_tall() -> None:
    content = Content({"hematogone": 6}, exact=True, dirt=0)
    pixels = render_field(2, width=800, height=600, content=content, style=STYLES["buff"]).pixels
    square = squeeze_to_square(pixels, 300)
    assert square.shape == (300, 300, 3)
    dark = (square[..., 1] < 100).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(dark)
    shapes = [h / w for x, y, w, h, area in stats[1:] if area > 100 and 0 < x < 300 - w and 0 < y < 300 - h]
    assert np.median(shapes) == pytest.approx(4 / 3, rel=0.12)


def test_demo_fields_are_written_and_read_back(tmp_path) -> None:
    paths = write_demo_fields(tmp_path / "new" / "demo", seed=1)
    assert len(paths) == 8
    assert {path.suffix for path in paths} == {".jpg", ".png"}
    sizes = [cv2.imread(str(path)).shape for path in paths]
    assert (224, 224, 3) in sizes
    assert (768, 1024, 3) in sizes
    assert paths[0].read_bytes() == encode(demo_pixels(DEMO_FIELDS[0], 1), ".jpg")


@pytest.mark.parametrize(("size", "seconds"), [((1024, 768), 1.5), ((320, 240), 0.25)])
def test_rendering_is_quick(size: tuple[int, int], seconds: float) -> None:
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        took = []
        for seed in range(2):
            start = time.process_time()  # of this process alone: the machine may be busy
            render_field(seed, width=size[0], height=size[1])
            took.append(time.process_time() - start)
    finally:
        cv2.setNumThreads(threads)
    assert min(took) < seconds


def test_renderer_stands_alone() -> None:
    """Its modules import nothing else of leukolens."""
    import ast
    import sys
    from pathlib import Path

    import leukolens.smear.synth as synth

    found = set()
    for path in Path(synth.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module)
            elif isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
    own = {name for name in found if name.startswith("leukolens")}
    assert own
    assert all(name.startswith("leukolens.smear.synth") for name in own)
    assert {name.split(".")[0] for name in found - own} <= sys.stdlib_module_names | {"numpy", "cv2"}
