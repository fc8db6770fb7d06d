"""A comparison as files: tables, page on screen and paper, picture, and the folder that they stand in."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import shutil
import subprocess
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs leukolens[train]")
pytest.importorskip("matplotlib", reason="needs leukolens[train]")

from assess_comparisons import SPEED, read, runs_of_every_kind, timed_comparison

from leukolens.assess.comparison import Comparison, Entry, compare_runs
from leukolens.assess.comparison_cells import (
    COST_COLUMNS,
    FIGURE_COLUMNS,
    PAIR_COLUMNS,
    cost_cells,
    write_count,
    write_time,
)
from leukolens.assess.comparison_figure import MARKERS, beside, draw_comparison, rows_of, spread
from leukolens.assess.comparison_files import comparison_csv, comparison_markdown
from leukolens.assess.comparison_output import FILES, claim_comparison, write_comparison
from leukolens.assess.costs import Costs
from leukolens.assess.drawing import COLOURS
from leukolens.assess.runs import read_run
from leukolens.data.run_manifest import run_manifest
from leukolens.finding import CLASS_NOTE, RESEARCH_USE, OutputError


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return runs_of_every_kind(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def comparison(runs) -> Comparison:
    return timed_comparison(runs)


def test_csv_has_the_numbers(comparison):
    rows = list(csv.DictReader(io.StringIO(comparison_csv(comparison))))
    assert [row["run"] for row in rows] == ["good", "bad", "first", "split", "vgg<19>"]
    assert float(rows[1]["accuracy"]) == pytest.approx(0.8)
    assert rows[1]["right_by_fold"] == "0: 32/40, 1: 32/40, 2: 32/40"
    assert rows[0]["training_seconds"] == "270"
    assert rows[3]["note"] == "another split"
    assert rows[4]["accuracy"] == rows[4]["pictures_per_second"] == ""
    assert rows[4]["split"] == "waits for a run"
    assert (rows[0]["picture_width"], rows[0]["picture_height"]) == ("64", "48")
    assert rows[4]["picture_width"] == ""
    for row, entry in zip(rows, comparison.trained, strict=False):
        for name, figure in entry.figures.items():
            assert (float(row[name]), float(row[f"{name}_low"])) == (figure.value, figure.low)


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
    assert values[4:] == ["", "3.38 M", "307 M", "about 13.7", "not measured (--no-speed)", "4 min", "6 min"]
    assert len(values) == len(COST_COLUMNS)
    assert cost_cells(replace(bare, costs=Costs(picture=(224, 168))))[4].value == "224 x 168"
    assert [write_count(number) for number in (999, 1500, 25_600_000, 11_500_000_000)] == [
        "999",
        "1.50 k",
        "25.6 M",
        "11.5 G",
    ]
    rounded_up = (1000, 999_499, 999_500, 999_950, 999_499_999, 999_600_000, 10**9, 999_600_000_000)
    assert [write_count(number) for number in rounded_up] == [
        *("1.00 k", "999 k", "1.00 M", "1.00 M", "999 M", "1.00 G", "1.00 G", "1.00 T")
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
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        claim_comparison(tmp_path / "file" / "out")


@pytest.mark.parametrize("name", FILES)
def test_files_of_others_are_not_written_over_unasked(tmp_path, name):
    """An evaluation leaves a manifest.json too."""
    (tmp_path / name).write_text("{}")
    with pytest.raises(OutputError, match="holds files") as error:
        claim_comparison(tmp_path)
    assert error.value.found == name
    claim_comparison(tmp_path, overwrite=True)


def test_all_files_are_claimed(written):
    assert {path.name for path in written.iterdir()} == set(FILES)


def test_time_of_training_stands_with_its_device(tmp_path):
    runs = [read(tmp_path / "gpu", device="NVIDIA A100"), read(tmp_path / "old", seed=2)]
    told = compare_runs(runs)
    place = COST_COLUMNS.index("training time")
    cells = [cost_cells(entry)[place] for entry in told.entries]
    assert [cell.range for cell in cells] == ["on NVIDIA A100", "device not recorded"]
    rows = list(csv.DictReader(io.StringIO(comparison_csv(told))))
    assert [row["training_device"] for row in rows] == ["NVIDIA A100", ""]
    first = tmp_path / "gpu" / "fold-1" / "summary.json"
    first.write_text(json.dumps(json.loads(first.read_text()) | {"device": "cpu"}))
    (mixed,) = compare_runs([read_run(tmp_path / "gpu", "mixed")]).entries
    assert mixed.device == "NVIDIA A100, cpu"


def texts_of(drawing) -> list[str]:
    """matplotlib writes each text into the SVG as a comment too."""
    return re.findall(r"<!-- (.*?) -->", drawing.svg.decode("utf-8"))


@pytest.mark.parametrize("timed", [True, False])
def test_networks_that_wait_stand_at_their_cost(comparison, timed):
    speed = replace(SPEED, value=20.0) if timed else None
    waiting = [
        Entry(f"net-{number}", "vgg19", "linear", "", None, {}, Costs(10**6, 10**8 * (20 - number), 1, 1, speed))
        for number in range(17)
    ]
    trained = comparison.trained
    if not timed:
        trained = tuple(replace(entry, costs=replace(entry.costs, speed=None)) for entry in trained)
    told = draw_comparison(replace(comparison, entries=(*trained, *waiting)), "source")
    assert "17 networks that no run trained" in told.description
    texts = texts_of(told)
    assert {str(number) for number in range(1, 18)} <= set(texts)
    legend = " ".join(texts).replace("\N{NO-BREAK SPACE}", " ")
    for number, entry in enumerate(waiting if timed else reversed(waiting), start=1):
        assert f"{number} {entry.name}" in legend
    assert "Hollow triangles" not in draw_comparison(comparison, "source").description


def test_numbers_of_close_costs_stand_in_rows():
    assert rows_of([10.0, 10.0, 10.1, 50.0], (1, 100)) == [0, 1, 2, 0]
    assert rows_of([], (1, 100)) == []


def test_many_runs_look_different():
    looks = {(COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]) for number in range(40)}
    assert len(looks) == 40


CHROMIUM = shutil.which("chromium")


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None or shutil.which("pdftotext") is None, reason="needs chromium and pdftotext")
def test_every_column_is_on_the_paper(written, tmp_path):
    paper = tmp_path / "paper.pdf"
    page = (written / "compare.html").as_uri()
    words = [CHROMIUM, "--headless", "--no-sandbox", f"--user-data-dir={tmp_path}", f"--print-to-pdf={paper}", page]
    subprocess.run(words, check=True, capture_output=True, timeout=120)
    boxes = subprocess.run(
        ["pdftotext", "-bbox", str(paper), "-"], check=True, capture_output=True, text=True, timeout=60
    ).stdout
    width = float(re.search(r'<page width="([\d.]+)"', boxes)[1])
    assert width > float(re.search(r'<page .*height="([\d.]+)"', boxes)[1])
    found = {text: float(right) for right, text in re.findall(r'xMax="([\d.]+)" yMax="[\d.]+">([^<]*)<', boxes)}
    assert max(found.values()) < width
    for column in (*FIGURE_COLUMNS, *COST_COLUMNS, *PAIR_COLUMNS):
        assert set(html.escape(column, quote=False).split()) <= set(found), column


def test_page_is_wide_and_lies_on_its_side_on_paper(written):
    style = re.search(r"<style>(.*?)</style>", (written / "compare.html").read_text("utf-8"), re.DOTALL)[1]
    assert "A4 landscape" in style
    assert style.rindex("@page") > style.index("@page { margin: 14mm; }")
