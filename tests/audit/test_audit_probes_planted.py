"""A shortcut that is planted in rendered fields is found, and its removal by the normalisation made for it is seen."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

pytest.importorskip("scipy", reason="needs leukolens[audit]")

from probe_fields import LABELS, encoded, found, plain_fields, probe

from leukolens.audit.probes import LOOKS, probe_rows, probe_sentences
from leukolens.audit.probes.measure import CORNERS
from leukolens.smear.perturb import mask_bar, shift_lamp
from leukolens.smear.synth.bar import draw_bar, parse_bar

AS_IS, MARKS_OUT, GREY, EVEN, REINHARD, MACENKO, VAHADANE = LOOKS
GIVES = "gives the class away"


@pytest.mark.slow
def test_nothing_planted_and_nothing_found():
    report = probe(plain_fields(), (AS_IS, MARKS_OUT, GREY))
    assert [one.probe for one in report.results if one.verdict == GIVES] == []
    assert {one.verdict for one in report.results if one.probe == "order of the files"} == {"not measurable"}


@pytest.mark.slow
def test_a_lamp_for_each_class_and_what_each_normalisation_does_to_it():
    pictures = [
        shift_lamp(rgb, (1.0, 0.9, 0.8)) if label == "blast" else rgb
        for rgb, label in zip(plain_fields(), LABELS, strict=True)
    ]
    report = probe(pictures, LOOKS)
    for name in ("background", "mean colour", "colour histogram", "corner, worst of four"):
        before = found(report, name, "as it is")
        # The worst of four pays for having been chosen, with 24 groups more than it has.
        assert before.verdict == ("signs of it" if name == "corner, worst of four" else GIVES)
        assert before.grouped.balanced_accuracy > 0.9
        assert before.random.p == before.grouped.p == 1 / 200
    assert found(report, "number of cells", "as it is").verdict != GIVES
    after = found(report, "background", "even light")
    assert after.verdict != GIVES
    assert after.grouped.balanced_accuracy < found(report, "background", "as it is").grouped.balanced_accuracy - 0.2
    # Marks were not the reason, so that painting them out changes nothing.
    assert found(report, "background", "marks out").grouped.balanced_accuracy > 0.9


def with_bar():
    bar = parse_bar("20 pixel", 0.6)
    return [
        draw_bar(rgb, bar)[0] if label == "blast" else rgb for rgb, label in zip(plain_fields(), LABELS, strict=True)
    ]


@pytest.mark.slow
def test_a_scale_bar_for_one_class_is_found_in_its_corner_and_nowhere_else():
    report = probe(with_bar(), (AS_IS, MARKS_OUT))
    for name in ("corner, lower right", "corner, worst of four"):
        assert found(report, name, "as it is").verdict in (GIVES, "signs of it")
        assert found(report, name, "as it is").grouped.balanced_accuracy == 1.0
        # What is painted in leaves traces of its own, but tells less.
        assert found(report, name, "marks out").grouped.balanced_accuracy < 1.0
    assert all(found(report, name, "as it is").verdict != GIVES for name in CORNERS if name != "corner, lower right")
    assert found(report, "corner, lower right", "as it is").todo.startswith("Crop burned-in marks away")


@pytest.mark.slow
def test_a_corner_that_is_covered_in_all_pictures_tells_nothing():
    covered = probe([mask_bar(rgb) for rgb in with_bar()], (AS_IS,))
    assert found(covered, "corner, lower right", "as it is").verdict != GIVES


@pytest.mark.slow
@pytest.mark.parametrize("by_class", [True, False])
def test_a_jpeg_quality_for_each_class_is_found_in_the_file(by_class):
    rng = np.random.default_rng(0)
    quality = [(60 if label == "blast" else 90) if by_class else int(rng.choice([60, 90])) for label in LABELS]
    files = [encoded(rgb, "JPEG", quality=value) for rgb, value in zip(plain_fields(), quality, strict=True)]
    report = probe(plain_fields(), (AS_IS,), files)
    result = found(report, "file facts")
    assert (result.verdict == GIVES) == by_class
    assert result.look is None
    if by_class:
        assert result.grouped.balanced_accuracy == 1.0
        assert "nearly always" in result.effect


@pytest.mark.slow
def test_a_number_of_cells_for_each_class_is_found():
    def crowded(rgb):
        out = rgb.copy()
        for x, y in ((25, 30), (80, 20), (130, 60), (40, 90), (100, 100)):
            cv2.circle(out, (x, y), 9, (70, 30, 120), -1, cv2.LINE_AA)
        return out

    pictures = [crowded(rgb) if label == "blast" else rgb for rgb, label in zip(plain_fields(), LABELS, strict=True)]
    report = probe(pictures, (AS_IS,))
    assert found(report, "number of cells", "as it is").verdict == GIVES
    assert found(report, "background", "as it is").verdict != GIVES


@pytest.mark.slow
def test_a_session_is_told_from_the_class_by_keeping_groups_together():
    """Lamps that differ by session, not by class: random folds remember them, groups kept together do not."""
    numbers = np.arange(len(LABELS)) // 3
    rng = np.random.default_rng(5)
    gains = rng.uniform(0.55, 1.0, (numbers.max() + 1, 3))
    pictures = [shift_lamp(rgb, tuple(gains[number])) for rgb, number in zip(plain_fields(), numbers, strict=True)]
    result = found(probe(pictures, (AS_IS,)), "colour histogram", "as it is")
    assert result.verdict == "only with neighbours on both sides"
    assert result.random.memory > result.random.chance + 0.2
    assert result.grouped.memory is None
    assert "session" in result.effect


@pytest.mark.slow
def test_the_report_does_not_depend_on_jobs_and_reads_as_rows_and_json():
    names = [f"{label}/{number}.png" for number, label in enumerate(LABELS)]
    looks = (AS_IS, dataclasses.replace(MACENKO, failed="No stain can be measured."))
    one = probe(plain_fields(), looks, names=names, jobs=1)
    two = probe(plain_fields(), looks, names=names, jobs=3)
    assert one.model_dump() == two.model_dump()
    assert type(one).model_validate_json(one.to_json()) == one
    rows = probe_rows(one)
    assert len(rows) == len(one.results) == 10 * 2 + 2
    by_look = {(row.probe, row.look): row for row in rows}
    assert by_look["background", "Macenko"].verdict == "not measurable"
    assert "No stain can be measured" in by_look["background", "Macenko"].effect
    assert by_look["background", "as it is"].random.count("to") == 1
    assert len(probe_sentences(one)) == 12
