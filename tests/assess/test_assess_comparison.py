"""Runs side by side: rows, pairs, words."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from assess_runs import write_run

pytest.importorskip("torch", reason="needs leukolens[train]")
pytest.importorskip("matplotlib", reason="needs leukolens[train]")

from assess_comparisons import SPEED, pair_of, read, runs_of_every_kind, timed_comparison

from leukolens.assess.comparison import Comparison, check_runs, compare_runs
from leukolens.assess.comparison_words import ONE_SEED, cautions, verdict
from leukolens.assess.run_figures import FIGURES
from leukolens.assess.run_pairs import SAME
from leukolens.assess.runs import read_run
from leukolens.finding import DataError, UsageError

DOCUMENTATION = (Path(__file__).parents[2] / "docs" / "compare.md").read_text("utf-8")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return runs_of_every_kind(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def comparison(runs) -> Comparison:
    return timed_comparison(runs)


def test_rows_and_pairs_by_hand(comparison):
    good, bad = comparison.entries[:2]
    assert set(good.figures) == set(FIGURES)
    assert good.figures["accuracy"].value == 1
    assert bad.figures["accuracy"].value == pytest.approx(96 / 120)
    pair = pair_of(comparison, "good", "bad")
    assert (pair.test.first_only, pair.test.second_only, pair.images) == (24, 0, 120)
    assert pair.test.p == pytest.approx(0.5**24)
    assert pair.differences["accuracy"].value == pytest.approx(0.2)
    assert pair.differences["accuracy"].low > 0.1
    assert pair.differences["f1"].low > 0
    assert good.seconds == 270
    assert good.processor_seconds == 390


def test_holm_is_over_all_pairs_that_were_tested(comparison):
    tested = [pair for pair in comparison.pairs if pair.test is not None]
    assert [(pair.first, pair.second) for pair in tested] == [("good", "bad"), ("good", "first"), ("bad", "first")]
    least = min(tested, key=lambda pair: pair.test.p)
    assert least.adjusted == pytest.approx(3 * least.test.p)
    assert all(pair.adjusted >= pair.test.p for pair in tested)


def test_a_single_fold_meets_the_same_fold_of_a_pool(comparison):
    pair = pair_of(comparison, "good", "first")
    assert (pair.images, pair.folds) == (40, (0,))
    assert pair_of(comparison, "bad", "first").test.second_only == 8


@pytest.mark.parametrize(
    ("other", "reason"),
    [("split", "another split"), ("data", "other data"), ("classes", "other classes")],
)
def test_what_is_not_the_same_is_shown_and_not_tested(runs, other, reason):
    told = compare_runs([runs["good"], runs[other]])
    (pair,) = told.pairs
    assert (pair.test, pair.adjusted, pair.reason) == (None, None, reason)
    assert told.entries[1].note == reason
    assert told.entries[1].figures["accuracy"].value is not None
    assert reason in verdict(told)
    assert any("Not comparable with good" in sentence for sentence in cautions(told))


def test_another_file_of_the_same_split_is_tested_and_told(runs, tmp_path):
    told = compare_runs([runs["good"], runs["file"]])
    assert told.pairs[0].test is not None
    assert told.entries[1].note == ""
    assert any("another split file" in sentence for sentence in cautions(told))
    less = write_run(tmp_path / "less", split_sha256="6" * 64)
    for fold in less.iterdir():
        summary = json.loads((fold / "summary.json").read_text())
        (fold / "summary.json").write_text(json.dumps(summary | {"train": 70, "validation": {"n": 10}}))
    assert compare_runs([runs["good"], read_run(less, "less")]).pairs[0].reason == "another split"


def test_folds_that_do_not_meet(runs):
    told = compare_runs([runs["first"], runs["last"]])
    assert told.pairs[0].reason == "no fold in common"
    assert "The runs cover different folds." in cautions(told)


def test_labels_that_changed_are_not_tested(runs, tmp_path):
    path = write_run(tmp_path / "relabelled", folds=(0,), pooled=False)
    text = (path / "predictions-test.csv").read_text().replace(",Benign,Benign,", ",Pre-B,Benign,", 1)
    (path / "predictions-test.csv").write_text(text)
    (pair,) = compare_runs([runs["first"], read_run(path, "relabelled")]).pairs
    assert pair.reason == "other images in the same folds"


def test_order_of_the_rows_in_a_file_does_not_matter(runs, tmp_path):
    path = write_run(tmp_path / "turned", folds=(0,), pooled=False, seed=3)
    lines = (path / "predictions-test.csv").read_text().splitlines()
    (path / "predictions-test.csv").write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n")
    told = compare_runs([runs["first"], read_run(path, "turned")])
    first, turned = told.entries
    assert {name: one.value for name, one in first.figures.items()} == {
        name: one.value for name, one in turned.figures.items()
    }
    assert told.pairs[0].reason == SAME


def test_a_run_is_not_tested_against_its_own_fold(runs, tmp_path):
    """Nor any other two that say the same: a difference of nothing has no interval worth the name."""
    pool = write_run(tmp_path / "pool", seed=5)
    told = compare_runs([read_run(pool, "pool"), read_run(pool / "fold-0", "its fold"), runs["good"]])
    pair = told.pairs[0]
    assert (pair.test, pair.images, pair.folds) == (None, 40, (0,))
    assert "one network" in pair.reason
    assert told.entries[1].note == ""
    assert any(pair.reason in sentence and "pool - its fold" in sentence for sentence in cautions(told))
    assert all(pair.test is not None for pair in told.pairs[1:])
    alone = compare_runs([read_run(pool, "pool"), read_run(pool / "fold-0", "its fold")])
    assert "one network" in verdict(alone)


def test_one_run_is_a_table_without_tests(runs):
    told = compare_runs([runs["good"]])
    assert told.pairs == ()
    assert verdict(told).startswith("One run only")


def test_equal_runs_are_not_ranked(runs):
    assert "means nothing" in verdict(compare_runs([runs["good"], runs["first"]]))


def test_refused_before_the_work(runs, tmp_path):
    with pytest.raises(UsageError, match="nothing to compare"):
        check_runs([])
    with pytest.raises(UsageError, match="Two runs are called 'good'"):
        check_runs([runs["good"], replace(runs["bad"], name="good")])
    with pytest.raises(DataError, match="fold 1 is not there"):
        check_runs([read(tmp_path / "partial", folds=(0, 2))])
    check_runs(list(runs.values()))


def test_one_seed_is_said_where_something_is_tested(comparison, runs):
    assert ONE_SEED in cautions(comparison)
    assert ONE_SEED not in cautions(compare_runs([runs["good"]]))
    assert ONE_SEED.split(":")[0] in DOCUMENTATION


def test_verdict_ends_in_one_full_stop(comparison):
    pair = pair_of(comparison, "good", "bad")
    told = verdict(replace(comparison, pairs=(pair,) * 7))
    assert told.endswith("; good - bad; and 2 more.")
    assert verdict(replace(comparison, pairs=(pair,) * 5)).endswith("; good - bad.")
    assert ".." not in told


def test_cautions(comparison, runs):
    said = " ".join(cautions(comparison))
    for words in ("LEAKY", "different folds", "split (another split)", "no patients are known"):
        assert words in said
    assert "busy" not in said
    mixed = compare_runs([runs["good"], runs["data"]])
    assert any(sentence.startswith("good: from a LEAKY split") for sentence in cautions(mixed))
    busy = replace(
        comparison.entries[0], costs=replace(comparison.entries[0].costs, speed=replace(SPEED, others=999.0))
    )
    assert "busy" in " ".join(cautions(replace(comparison, entries=(busy, *comparison.entries[1:]))))
