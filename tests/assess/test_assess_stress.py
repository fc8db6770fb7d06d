"""Stress tests of predictors that look at the cells alone or at the background alone, on rendered fields."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from stress_pictures import STYLES, learn, render_tree

from leukolens.assess.evaluation import Settings
from leukolens.assess.provenance import select
from leukolens.assess.stress import run_stresses
from leukolens.assess.stress_kinds import FLAT, RANDOM, REMOVED, SAME, SWAPPED, all_stresses, choose
from leukolens.assess.stress_outcome import PLAIN
from leukolens.assess.stress_scene import Scene, draw_partners, with_bar_of
from leukolens.data import fingerprint, open_catalogue
from leukolens.finding import DataError, UsageError
from leukolens.smear.marks import find_marks
from leukolens.smear.synth import render_field

SETTINGS = Settings(negative_classes=("Benign",), replicates=300)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return render_tree(tmp_path_factory.mktemp("rendered"))


def stress(tree, predictor, names="cells", **options):
    catalogue = fingerprint(open_catalogue(tree))
    return run_stresses(predictor, catalogue, select(catalogue), choose(names), settings=SETTINGS, **options)


@pytest.fixture(scope="module")
def by_background(tree):
    return stress(tree, learn(tree, "background"))


@pytest.fixture(scope="module")
def by_cells(tree):
    return stress(tree, learn(tree, "cells"))


def test_who_looks_at_the_background_has_no_share_of_the_cells(by_background):
    found = by_background.attribution
    assert found.both == 1.0
    assert found.share.value == pytest.approx(0.0, abs=0.07)
    assert found.share.high < 0.4
    assert by_background.fallen is False
    assert by_background.result(REMOVED).balanced_accuracy.value == 1.0
    assert by_background.result(SWAPPED).balanced_accuracy.value == 0.0
    assert by_background.result(SAME).balanced_accuracy.value == 1.0
    assert by_background.result(FLAT).loss.balanced_accuracy.value == pytest.approx(0.5, abs=0.1)


def test_who_looks_at_the_cells_has_it_all(by_cells):
    found = by_cells.attribution
    assert found.both == 1.0
    assert found.share.value == pytest.approx(1.0, abs=0.07)
    assert found.share.low > 0.6
    for name in (FLAT, RANDOM, SWAPPED, SAME):
        assert by_cells.result(name).loss.balanced_accuracy.value <= 0.07, name
    assert by_cells.result(REMOVED).balanced_accuracy.value == pytest.approx(0.5, abs=0.07)
    assert by_cells.fallen_at == 0.6
    assert by_cells.fallen is True


def test_saying_that_there_are_no_cells_is_falling(tree):
    test = stress(tree, learn(tree, "cells", tells_none=True), f"{REMOVED},{RANDOM}")
    removed = test.result(REMOVED)
    assert removed.balanced_accuracy.value <= 0.07
    assert removed.sensitivity.value <= 0.13
    assert removed.specificity.value <= 0.13
    assert test.fallen is True
    assert test.attribution.share.value == pytest.approx(1.0, abs=0.07)


def test_screening_that_sees_none_counts_as_fallen_but_changes_no_score(tree):
    predictor = learn(tree, "background")
    test = stress(tree, predictor, REMOVED, sees_none=lambda rgb: True)
    assert test.fallen is True
    assert test.result(REMOVED).none_seen.value == 1.0
    assert test.result(REMOVED).balanced_accuracy.value == 1.0


def test_every_stress_changes_the_picture_and_repeats(tree):
    rgb, other = (cv2.imread(str(tree / label / "0.png"))[..., ::-1].copy() for label in STYLES)
    partners = dict.fromkeys(("other class", "any class", "same class"), lambda: other)
    for name, one in all_stresses().items():
        changed = one.apply(Scene(rgb, partners, 3))
        assert changed.dtype == np.uint8, name
        if name != "bar-swapped":  # these have no bar
            assert changed.shape != rgb.shape or (changed != rgb).any(), name
        assert np.array_equal(changed, one.apply(Scene(rgb, partners, 3))), name


def test_stronger_is_farther_from_the_picture(tree):
    rgb = cv2.imread(str(tree / "Pre-B" / "1.png"))[..., ::-1].copy()
    for family in (
        "nuclei-strong",
        "red-cells-pale",
        "lamp-cold",
        "lamp-green",
        "laboratory-a",
        "blur",
        "jpeg",
        "noise",
    ):
        own = [one for one in all_stresses().values() if one.family == family]
        apart = [np.abs(one.apply(Scene(rgb, {})).astype(float) - rgb).mean() for one in own]
        assert apart == sorted(apart), family
        assert len(apart) == 3


def test_turns_and_flips_that_change_nothing_are_told(tree):
    test = stress(tree, learn(tree, "background"), "flip-across,turn-90,grey")
    assert test.result("flip-across").unchanged.value == 1.0
    assert test.result("turn-90").unchanged.value == 1.0
    assert test.attribution is None
    assert test.fallen is None
    assert np.isnan(test.cell_share).all()


def test_another_class_bar_takes_the_place_of_the_own():
    black, red = (
        render_field(5, width=480, height=360, scale_bar=bar).pixels for bar in ("100 pixel", "red 100 pixel")
    )
    swapped = with_bar_of(Scene(black, {"other class": lambda: red}), "other class")
    theirs = find_marks(red)
    assert theirs.any()
    assert np.array_equal(swapped[theirs], red[theirs])
    assert not np.array_equal(swapped, black)
    only_own = find_marks(black) & ~theirs
    assert (swapped != black).any(axis=2)[only_own].mean() > 0.5


def test_partners_are_of_the_right_class_and_dealt_out_evenly():
    labels = ["a"] * 12 + ["b"] * 6 + ["c"] * 3
    drawn = draw_partners(labels, 4)
    assert drawn == draw_partners(labels, 4)
    assert drawn != draw_partners(labels, 5)
    for kind, partners in drawn.items():
        assert all(index != partner for index, partner in enumerate(partners))
        if kind == "other class":
            assert all(labels[i] != labels[p] for i, p in enumerate(partners))
        if kind == "same class":
            assert all(labels[i] == labels[p] for i, p in enumerate(partners))
    of_a = [labels[partner] for partner in drawn["any class"][:12]]
    assert {name: of_a.count(name) for name in "abc"} == {"a": 4, "b": 4, "c": 4}


@pytest.mark.parametrize(
    ("labels", "missing"), [(["a", "a"], {"other class"}), (["a", "b", "b"], {"same class", "any class"})]
)
def test_missing_partners_are_told(labels, missing):
    assert {kind for kind, partners in draw_partners(labels, 1).items() if partners is None} == missing


def test_one_class_leaves_swaps_out(tree, tmp_path):
    (tmp_path / "Benign").mkdir()
    for path in sorted((tree / "Benign").iterdir())[:3]:
        (tmp_path / "Benign" / path.name).write_bytes(path.read_bytes())
    catalogue = fingerprint(open_catalogue(tmp_path))
    test = run_stresses(learn(tree, "cells"), catalogue, select(catalogue), choose("cells,bar"), settings=SETTINGS)
    assert {name for name, _ in test.left_out} == {SWAPPED, "bar-swapped"}
    assert test.attribution is None
    assert test.result(SAME) is not None


def test_unreadable_files_are_listed_and_no_partner(tree, tmp_path):
    for label in STYLES:
        (tmp_path / label).mkdir()
        for path in sorted((tree / label).iterdir())[:2]:
            (tmp_path / label / path.name).write_bytes(path.read_bytes())
    (tmp_path / "Benign" / "9.png").write_bytes(b"no picture")
    test = stress(tmp_path, learn(tree, "cells"), "background-random")
    assert [one.path for one in test.unread] == ["Benign/9.png"]
    assert len(test.items) == 4


def test_nothing_readable_is_an_error(tree, tmp_path):
    (tmp_path / "Benign").mkdir()
    for name in "12":
        (tmp_path / "Benign" / f"{name}.png").write_bytes(name.encode())
    with pytest.raises(DataError, match="can be read"):
        stress(tmp_path, learn(tree, "cells"))


def test_the_page_tells_how_many_there_are_and_every_family():
    text = (Path(__file__).parents[2] / "docs" / "stress.md").read_text("utf-8")
    assert f"all {len(all_stresses())} stresses" in text
    families = {one.family for one in all_stresses().values()} - {f"{FLAT}-grey"}
    assert [name for name in families if f"`{name}`" not in text] == []


def test_names_groups_and_families_choose():
    assert list(choose("all")) == list(all_stresses())
    assert list(choose("blur")) == ["blur-0.25", "blur-0.5", "blur-1"]
    assert list(choose("grey, blur-1,blur-1")) == ["grey", "blur-1"]
    assert REMOVED in choose("cells")
    for wrong, right in (("gray", "grey"), ("cels", "cells"), ("lamp-wram", "lamp-warm")):
        with pytest.raises(UsageError, match=right):
            choose(wrong)
    with pytest.raises(UsageError):
        choose(" , ")


def test_files_hold_the_figures(by_background):
    from leukolens.assess.about import About
    from leukolens.assess.seen import Training
    from leukolens.assess.stress_files import stress_content, stress_rows

    training = Training("unknown", "Not known.")
    about = About("b", "1", "0" * 64, "tiny", "none", "f32", "rendered", "1" * 64, "leukolens stress", training)
    content = json.loads(json.dumps(stress_content(by_background, about), allow_nan=False))
    assert content["quality_gates"] is False
    assert content["cells"]["share_of_score"]["value"] == by_background.attribution.share.value
    assert content["cells"]["answer_falls_without_cells"] is False
    assert [one["name"] for one in content["stresses"]] == [PLAIN, *choose("cells")]
    rows = list(csv.DictReader(io.StringIO(stress_rows(by_background))))
    assert len(rows) == 16 * (1 + len(choose("cells")))
    swapped = [row for row in rows if row["stress"] == SWAPPED]
    assert all(row["label"] != row["predicted"] for row in swapped)


def test_words_say_what_was_found(by_background, by_cells):
    from leukolens.assess.stress_words import about_cells, fallen_sentence, find_cautions, lead

    assert "comes from the cells" in lead(by_background)
    assert "NOT fall" in fallen_sentence(by_background)
    assert any("No patients" in one for one in find_cautions(by_cells))
    empty = replace(by_cells, cell_share=np.zeros(16))
    assert any("In 16 of 16 images no white cell" in one for one in find_cautions(empty))
    assert about_cells(by_cells)[0].name == "background shown minus background removed"
