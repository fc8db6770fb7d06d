"""Data sets that are too small, too poor or wrongly put together: a reason each time, never a crash."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs leukolens[audit]")

from leukolens.audit.probes import LOOKS, ProbeFeatures, probe_rows, probe_sentences, run_probes
from leukolens.audit.probes.measure import ROW
from leukolens.finding import UsageError

AS_IS = LOOKS[:1]
NOT = "not measurable"


def records(count, seed=0):
    rng = np.random.default_rng(seed)
    return [
        ProbeFeatures(rng.normal(size=(1, ROW)).astype(np.float32), rng.normal(size=51).astype(np.float32))
        for _ in range(count)
    ]


def run(labels, groups=None, **options):
    return run_probes(records(len(labels)), labels, groups, looks=AS_IS, permutations=19, **options)


@pytest.mark.parametrize(
    "labels", [[], ["a"], ["a"] * 30, ["a", "b"], ["a"] * 9 + ["b"] * 9, ["a"] * 200 + ["b"] * 9], ids=len
)
def test_too_few_classes_or_images_say_what_is_needed(labels):
    report = run(labels)
    assert {one.verdict for one in report.results} == {NOT}
    assert all("two classes with at least 10 images each" in one.effect for one in report.results)
    assert all(one.todo is None for one in report.results)
    assert [scheme.folds for scheme in report.schemes] == [None, None]
    assert len(probe_rows(report)) == len(report.results)
    assert probe_sentences(report)
    assert type(report).model_validate_json(report.to_json()) == report


def test_a_class_of_few_images_is_left_out_and_named():
    report = run(["a"] * 20 + ["b"] * 20 + ["rare"] * 3)
    assert report.classes == {"a": 20, "b": 20}
    assert report.left_out == {"rare": 3}
    assert {one.verdict for one in report.results if one.probe != "order of the files"} != {NOT}


def test_without_groups_random_folds_are_measured_alone():
    report = run(["a"] * 20 + ["b"] * 20)
    first = report.results[0]
    assert first.grouped is None
    assert first.random is not None
    assert first.random.memory is None
    assert report.schemes[1].not_measurable == "no groups are given"
    assert any("Without groups" in note for note in report.notes)


@pytest.mark.parametrize("each", [1, 2, 4])
def test_one_or_few_groups_a_class_cannot_be_kept_apart(each):
    labels = ["a"] * 20 + ["b"] * 20
    groups = [place % each + (100 if place >= 20 else 0) for place in range(40)]
    report = run(labels, groups)
    assert report.results[0].grouped is None
    assert report.results[0].random is not None
    assert "five groups in each class are enough" in report.schemes[1].not_measurable
    assert f"{each}, {each} groups" in report.schemes[1].not_measurable


def test_many_classes_and_groups_with_several_classes():
    labels = [f"class {place % 7}" for place in range(210)]
    report = run(labels, [place // 10 for place in range(210)])
    assert report.schemes[1].folds >= 2
    chance = report.results[0].grouped.chance
    assert 0.08 < chance < 0.21


def test_names_are_needed_for_the_order_and_tell_a_camera_that_counts_on():
    labels = ["a"] * 30 + ["b"] * 30
    without = next(one for one in run(labels).results if one.probe == "order of the files")
    assert (without.verdict, "no names" in without.effect) == (NOT, True)
    counted = [f"{label}/IMG_{1000 + place}.jpg" for place, label in enumerate(labels)]
    report = run_probes(records(60), labels, looks=AS_IS, permutations=99, names=counted)
    assert next(one for one in report.results if one.probe == "order of the files").verdict == "gives the class away"


def test_what_does_not_belong_together_is_refused():
    with pytest.raises(UsageError, match="labels do not belong"):
        run_probes(records(5), ["a"] * 4, looks=AS_IS)
    with pytest.raises(UsageError, match="groups do not belong"):
        run_probes(records(4), ["a"] * 4, [1, 2], looks=AS_IS)
    with pytest.raises(UsageError, match="names do not belong"):
        run_probes(records(4), ["a"] * 4, looks=AS_IS, names=["a/1.png"])
    with pytest.raises(UsageError, match="other looks"):
        run_probes(records(4), ["a"] * 4, looks=LOOKS)
