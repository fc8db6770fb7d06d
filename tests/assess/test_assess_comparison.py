"""Runs side by side: rows, pairs, words, files."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from assess_runs import write_run

pytest.importorskip("torch", reason="needs leukolens[train]")
pytest.importorskip("matplotlib", reason="needs leukolens[train]")

from leukolens.assess.comparison import Comparison, Entry, check_runs, compare_runs
from leukolens.assess.comparison_figure import beside, draw_comparison, spread
from leukolens.assess.comparison_files import comparison_csv, comparison_markdown
from leukolens.assess.comparison_output import claim_comparison, write_comparison
from leukolens.assess.comparison_words import cautions, cost_cells, verdict, write_count, write_time
from leukolens.assess.costs import Costs
from leukolens.assess.run_figures import FIGURES
from leukolens.assess.runs import read_run
from leukolens.assess.speed import Speed
from leukolens.data.run_manifest import run_manifest
from leukolens.finding import CLASS_NOTE, RESEARCH_USE, DataError, OutputError, UsageError

SPEED = Speed(100.0, 90.0, 110.0, (90.0, 100.0, 110.0), 2, "none 1", 0.0)


def read(folder: Path, **options):
    return read_run(write_run(folder, **options), folder.name)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Good, bad, one fold of a good one, and three that are something else."""
    root = tmp_path_factory.mktemp("runs")
    return {
        "good": read(root / "good", seed=1),
        "bad": read(root / "bad", wrong=8, seed=2),
        "first": read(root / "first", folds=(0,), pooled=False, seed=3),
        "last": read(root / "last", folds=(2,), pooled=False, seed=4),
        "split": read(root / "split", split_sha256="6" * 64, shift=1),
        "file": read(root / "file", split_sha256="6" * 64),
        "data": read(root / "data", data_sha256="e" * 64, split_leaky=False, split_method="patient"),
        "classes": read(root / "classes", classes=["Pro-B", "Pre-B", "Early Pre-B", "Benign"]),
    }


@pytest.fixture(scope="module")
def comparison(runs) -> Comparison:
    """Four runs that were timed, and a network without a run."""
    told = compare_runs([runs[name] for name in ("good", "bad", "first", "split")])
    entries = [
        replace(entry, costs=Costs(10**6 * (number + 1), 10**8, 4 * 10**6, 5 * 10**6, SPEED))
        for number, entry in enumerate(told.entries)
    ]
    waiting = Entry("vgg<19>", "vgg19", "linear", "", None, {}, Costs(reason="cannot be measured: | why"))
    return replace(told, entries=(*entries, waiting))


def pair_of(comparison, first, second):
    return next(pair for pair in comparison.pairs if (pair.first, pair.second) == (first, second))


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
    (pair,) = compare_runs([runs["first"], runs["last"]]).pairs
    assert pair.reason == "no fold in common"


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
    (pair,) = compare_runs([runs["first"], read_run(path, "turned")]).pairs
    assert (pair.test.first_only, pair.test.second_only) == (0, 0)
    assert pair.differences["ece"].value == pytest.approx(0)
    assert pair.differences["auc"].value == pytest.approx(0)


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


def test_cautions(comparison, runs):
    said = " ".join(cautions(comparison))
    for words in ("LEAKY", "different folds", "split (another split)", "no patients are known"):
        assert words in said
    assert "busy" not in said
    mixed = compare_runs([runs["good"], runs["data"]])
    assert any(sentence.startswith("good: from a LEAKY split") for sentence in cautions(mixed))
    busy = replace(comparison.entries[0], costs=replace(comparison.entries[0].costs, speed=replace(SPEED, load=999.0)))
    assert "busy" in " ".join(cautions(replace(comparison, entries=(busy, *comparison.entries[1:]))))


def test_csv_has_the_numbers(comparison):
    rows = list(csv.DictReader(io.StringIO(comparison_csv(comparison))))
    assert [row["run"] for row in rows] == ["good", "bad", "first", "split", "vgg<19>"]
    assert float(rows[1]["accuracy"]) == pytest.approx(0.8)
    assert rows[1]["right_by_fold"] == "0: 32/40, 1: 32/40, 2: 32/40"
    assert rows[0]["training_seconds"] == "270"
    assert rows[3]["note"] == "another split"
    assert rows[4]["accuracy"] == rows[4]["pictures_per_second"] == ""
    assert rows[4]["split"] == "waits for a run"


def test_markdown_tells_all_and_names_cannot_break_it(comparison):
    text = comparison_markdown(comparison)
    for words in ("| good - bad | 120 | 24 | 0 |", "| bad | 0: 32/40", "ANOTHER SPLIT", r"vgg\<19\>", RESEARCH_USE):
        assert words in text
    assert r"cannot be measured: \| why" in text
    tables = [line for line in text.splitlines() if line.startswith("| ")]
    assert all(len(re.findall(r"(?<!\\)\|", line)) > 2 for line in tables)


def test_costs_in_words(runs):
    entry = compare_runs([runs["good"]]).entries[0]
    bare = replace(entry, costs=Costs(3_376_132, 306_522_464, 13_672_616, reason="not measured (--no-speed)"))
    values = [cell.value for cell in cost_cells(bare)]
    assert values[4:] == ["3.38 M", "307 M", "about 13.7", "not measured (--no-speed)", "4 min", "6 min"]
    assert [write_count(number) for number in (999, 1500, 25_600_000, 11_500_000_000)] == [
        "999",
        "1.50 k",
        "25.6 M",
        "11.5 G",
    ]
    assert [write_time(one) for one in (None, 12.4, 3600, 7260)] == ["not recorded", "12 s", "1 h 00 min", "2 h 01 min"]


@pytest.fixture(scope="module")
def written(comparison, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out")
    names = write_comparison(
        folder, comparison, run_manifest("compare", {"command_line": "leukolens compare <a>"}, None, 88)
    )
    assert sorted(names) == sorted(path.name for path in folder.iterdir())
    assert names[-1] == "compare.json"
    return folder


def test_json_is_strict(written, comparison):
    content = json.loads((written / "compare.json").read_text("utf-8"), parse_constant=pytest.fail)
    assert content["rows"][1]["figures"]["accuracy"]["value"] == pytest.approx(0.8)
    assert content["pairs"][0]["p_holm"] == comparison.pairs[0].adjusted
    assert set(content["tests"]) == {"mcnemar"}
    assert {"wilson", "ece-bootstrap", "paired-mover", "bonett-price"} <= set(content["methods"])
    assert content["rows"][0]["costs"]["speed"]["value"] == 100
    assert content["use"] == RESEARCH_USE


def test_page_stands_alone_and_says_what_it_must(written):
    text = (written / "compare.html").read_text("utf-8")
    assert not re.search(r"""(src|href)=["'](?!data:)""", text)
    assert "<script" not in text
    for words in (RESEARCH_USE, CLASS_NOTE, "LEAKY", "waits for a run", "vgg&lt;19&gt;", "leukolens compare &lt;a&gt;"):
        assert words in text
    assert "vgg<19>" not in text
    assert text.count("<strong>+20.00</strong>") == text.count("<strong>-20.00</strong>") == 2
    first = text[text.index('<tr><th scope="row">good</th>') :]
    assert "+20.00" in first[: first.index("</tr>")]
    for tag in ("table", "tr", "td", "th", "section", "dl", "div"):
        assert len(re.findall(f"<{tag}[ >]", text)) == text.count(f"</{tag}>")


def test_picture_is_a_picture(written, comparison):
    import cv2

    assert np.ptp(cv2.imread(str(written / "comparison.png"))) > 200
    ElementTree.fromstring((written / "comparison.svg").read_bytes())
    assert draw_comparison(comparison, "source").png == draw_comparison(comparison, "source").png


def test_picture_without_speeds_takes_the_arithmetic(comparison):
    slow = replace(comparison.entries[1], costs=replace(comparison.entries[1].costs, speed=None))
    told = draw_comparison(replace(comparison, entries=(comparison.entries[0], slow)), "source")
    assert "multiply-accumulates" in told.description
    nothing = [replace(entry, costs=Costs()) for entry in comparison.entries]
    assert draw_comparison(replace(comparison, entries=tuple(nothing)), "source") is None


def test_names_and_points_are_put_apart():
    placed = spread([0.5, 0.5, 0.99, 1.0], 0.2)
    assert np.all(np.diff(placed) >= 0.2 - 1e-9)
    assert placed[-1] == 1.0
    assert spread([0.1, 0.9], 0.05) == [0.1, 0.9]
    left, alone, right = beside([10.0, 20.0, 10.0], 0.1)
    assert left < 10 < right
    assert alone == 20


def test_folder_is_claimed_before_the_work(tmp_path):
    (tmp_path / "costs.json").write_text("{}")
    claim_comparison(tmp_path)
    (tmp_path / "compare.json").write_text("{}")
    with pytest.raises(OutputError, match="holds a comparison"):
        claim_comparison(tmp_path)
    claim_comparison(tmp_path, overwrite=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        claim_comparison(tmp_path / "file" / "out")
