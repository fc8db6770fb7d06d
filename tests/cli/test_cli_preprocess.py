"""``leukolens preprocess``: every stage as a picture, masks, fits, and what is refused."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from cli_calls import draw

from leukolens.finding import RESEARCH_USE
from leukolens.report import stages
from leukolens.smear.prepare import Preparation, prepare
from leukolens.smear.segmentation import SegmentKMeans, segment

if TYPE_CHECKING:
    from cli_calls import Call

STAGES = ["original", "marks-painted-out", "prepared", "a-channel", "clusters", "threshold", "filled", "cleaned",
          "mask", "segment-kmeans"]  # fmt: skip


def names(folder: Path) -> list[str]:
    return [path.stem.split("-", 1)[1] for path in sorted(folder.iterdir())]


def read(path: Path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def test_each_stage_is_a_picture_and_the_page_has_them_all(call: Call, slides: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, printed, err = call("preprocess", slides, "--out", out)
    assert (code, err) == (0, "")
    folders = sorted((out / "pictures").iterdir())
    assert [folder.name for folder in folders] == ["0001-1", "0002-2", "0003-1", "0004-10"]
    assert all(names(folder) == STAGES for folder in folders)
    assert "4 pictures done" in printed
    assert RESEARCH_USE in printed
    page = (out / "preprocess.html").read_text("utf-8")
    assert page.count("<figure>") == page.count("data:image/") == 4 * len(STAGES)
    for caption in ("Scale bars and other marks painted out", "in true shapes", "a*, green to magenta",
                    "Clusters above 141", "Holes filled", "Objects under 200 px dropped", "Mask applied"):  # fmt: skip
        assert caption in html.unescape(page)
    assert len(re.findall(r"\(\d[\d.]* ms\)", page)) == 4 * 2  # the preparing and the step, of each picture
    threads = cv2.getNumThreads()
    assert f"OpenCV on {'one thread' if threads == 1 else f'up to {threads} threads'}, after one picture" in page


def test_the_first_picture_is_done_once_untimed(
    call: Call, slides: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a library loads at its first call is no time of a step."""
    sizes = []

    def watched(rgb: np.ndarray, *arguments: object, **options: object) -> list[stages.Stage]:
        sizes.append(float(rgb.mean()))
        return stages_of(rgb, *arguments, **options)

    stages_of = stages.stages_of
    monkeypatch.setattr(stages, "stages_of", watched)
    (slides / "a" / "0.png").write_bytes(b"no picture")
    assert call("preprocess", slides, "--out", tmp_path / "out").code == 1
    assert len(sizes) == 5
    assert sizes[0] == sizes[1]


def test_the_pictures_are_those_of_prepare(call: Call, slides: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    call("preprocess", slides / "a" / "1.png", "--out", out)
    rgb = read(slides / "a" / "1.png")[..., ::-1].copy()
    spec = Preparation(steps=(SegmentKMeans(),))
    stages = {path.stem.split("-", 1)[1]: read(path) for path in (out / "pictures" / "0001-1").iterdir()}
    np.testing.assert_array_equal(stages["segment-kmeans"][..., ::-1], prepare(rgb, spec).pixels)
    bare = prepare(rgb, Preparation()).pixels
    np.testing.assert_array_equal(stages["prepared"][..., ::-1], bare)
    np.testing.assert_array_equal(stages["mask"] > 0, segment(bare, SegmentKMeans()))


def test_the_page_loads_nothing_and_runs_nothing(call: Call, slides: Path, tmp_path: Path) -> None:
    call("preprocess", slides, "--out", tmp_path / "out")
    page = (tmp_path / "out" / "preprocess.html").read_text("utf-8")
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", page)
    assert "style=" not in page.replace("<style>", "")


def test_several_steps_stand_in_their_order(call: Call, slides: Path, tmp_path: Path) -> None:
    code, *_ = call(
        "preprocess", slides / "a" / "1.png", "--out", tmp_path / "out",
        "--steps", "flatten-illumination, macenko,vahadane ,reinhard,segment-hsv", "--keep-marks", "--stretch",
    )  # fmt: skip
    assert code == 0
    folder = tmp_path / "out" / "pictures" / "0001-1"
    assert names(folder) == ["original", "prepared", "flatten-illumination", "macenko", "vahadane", "reinhard",
                             "hsv-mask", "segment-hsv"]  # fmt: skip
    assert read(folder / "02-prepared.png").shape == (224, 224, 3)


def test_masks_have_the_size_of_the_pictures(call: Call, slides: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, printed, err = call("preprocess", slides, "--out", out, "--masks", "--keep-marks")
    assert (code, err) == (0, "")
    assert printed.splitlines()[-1] == f"In {out}: 4 masks, preprocess.json"
    assert sorted(path.name for path in out.iterdir()) == [
        "0001-1.png", "0002-2.png", "0003-1.png", "0004-10.png", "preprocess.json"
    ]  # fmt: skip
    given, mask = read(slides / "a" / "1.png"), read(out / "0001-1.png")
    assert mask.shape == given.shape[:2]
    assert set(np.unique(mask).tolist()) == {0, 255}
    # The one nucleus lies in the middle.
    assert mask[mask.shape[0] // 2, mask.shape[1] // 2] == 255
    assert 0.005 < (mask > 0).mean() < 0.2


@pytest.mark.parametrize("options", [[], ["--stretch"], ["--steps", "segment-hsv,reinhard"]])
@pytest.mark.parametrize("size", [(300, 400), (400, 300), (500, 500)])
def test_a_mask_lies_where_its_cell_does(call: Call, tmp_path: Path, size: tuple[int, int], options: list[str]) -> None:
    width, height = size
    rgb = np.full((height, width, 3), (238, 232, 236), np.uint8)
    disc = np.zeros((height, width), np.uint8)
    cv2.circle(disc, (width // 4, height // 3), 40, 1, -1)
    rgb[disc > 0] = (105, 60, 200)
    cv2.imwrite(str(tmp_path / "cell.png"), rgb[..., ::-1])
    assert call("preprocess", tmp_path / "cell.png", "--out", tmp_path / "out", "--masks", *options).code == 0
    mask = read(tmp_path / "out" / "0001-cell.png") > 0
    assert (mask & (disc > 0)).sum() / (mask | (disc > 0)).sum() > 0.93


def test_an_unreadable_picture_is_told_and_the_rest_done(call: Call, slides: Path, tmp_path: Path) -> None:
    (slides / "a" / "0.png").write_bytes(b"no picture")
    out = tmp_path / "out"
    code, printed, err = call("preprocess", slides, "--out", out, "--steps", "macenko,segment-kmeans")
    assert code == 1
    assert err.count("a/0.png") == 1
    assert "4 pictures done" in printed
    record = json.loads((out / "preprocess.json").read_text("utf-8"))
    assert [row["status"] for row in record["pictures"]] == ["error", "ok", "ok", "ok", "ok"]
    assert str(tmp_path) not in record["pictures"][0]["reason"]
    assert "Could not be read" in (out / "preprocess.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--steps", "macenk"], "unknown step 'macenk'. Did you mean 'macenko'? Known: "),
        (["--steps", "segment-kmeans,sharpen"], "Known: flatten-illumination"),
        (["--steps", "macenko", "--masks"], "--masks needs a segmentation"),
        (["--steps", "", "--masks"], "--masks needs a segmentation"),
        (["--recipe", "field-plain", "--steps", "macenko"], "--recipe says all"),
        (["--aspect", "wide"], "--aspect"),
        (["--fit-on", "nowhere", "--steps", "macenko"], "there is no 'nowhere'"),
        (["--fit-on", "nowhere", "--steps", "segment-kmeans"], "there is no 'nowhere'"),
    ],
)
def test_wrong_options_end_with_2_and_the_reason(
    call: Call, slides: Path, tmp_path: Path, options: list[str], words: str
) -> None:
    code, _, err = call("preprocess", slides, "--out", tmp_path / "out", *options)
    assert code == 2
    assert words in err


def test_a_missing_input_ends_with_2(call: Call, tmp_path: Path) -> None:
    code, _, err = call("preprocess", tmp_path / "nothing.png", "--out", tmp_path / "out")
    assert code == 2
    assert "there is no" in err
    assert not (tmp_path / "out").exists()
    (tmp_path / "empty").mkdir()
    assert "nothing to prepare in" in call("preprocess", tmp_path / "empty", "--out", tmp_path / "out").err


def test_only_so_many_pictures_are_shown(call: Call, slides: Path, tmp_path: Path) -> None:
    call("preprocess", slides, "--out", tmp_path / "out", "--pictures", "1")
    page = (tmp_path / "out" / "preprocess.html").read_text("utf-8")
    assert page.count('class="strip"') == 1
    assert "The first 1 of 4 are shown" in page
    assert len(list((tmp_path / "out" / "pictures").iterdir())) == 4


@pytest.mark.parametrize("name", ["<b>&.png", "ünïcode 1.png", "-- .png", "a" * 120 + ".png"])
def test_awkward_names_are_shown_and_stored_safely(call: Call, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / name).write_bytes(cv2.imencode(".png", draw(1)[..., ::-1])[1].tobytes())
    assert call("preprocess", folder, "--out", tmp_path / "out").code == 0
    stored = [path.name for path in (tmp_path / "out" / "pictures").iterdir()]
    assert len(stored) == 1
    assert re.fullmatch(r"0001(-[A-Za-z0-9._-]{1,60})?", stored[0])
    assert "<b>" not in (tmp_path / "out" / "preprocess.html").read_text("utf-8")
