"""What is written: the files for programs, the pictures, the page."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from assess_pictures import RedPredictor

from leukolens.assess.about import About
from leukolens.assess.evaluation import Settings
from leukolens.assess.judging import evaluate
from leukolens.assess.output import claim_folder, source_line, write_evaluation
from leukolens.assess.provenance import select
from leukolens.assess.requirements import check_requirements, parse_requirements
from leukolens.assess.results import find_warnings, metrics
from leukolens.assess.seen import Training
from leukolens.assess.tables import patients_csv, predictions_csv, risk_coverage_csv, stress_csv
from leukolens.assess.wording import write_figure, write_points
from leukolens.data.run_manifest import run_manifest
from leukolens.finding import CLASS_NOTE, RESEARCH_USE, OutputError
from leukolens.smear.perturb import STRESSES
from leukolens.statistics.intervals import Estimate

pytest.importorskip("matplotlib", reason="needs leukolens[train]")


@pytest.fixture(scope="module")
def about(evaluation) -> About:
    return About(
        bundle="red",
        version="1.0",
        bundle_sha256="ab" * 32,
        architecture="mean <red>",
        engine="none",
        precision="f32",
        data="pictures",
        data_sha256="cd" * 32,
        command="leukolens evaluate red pictures",
        training=Training("unknown", "It cannot be told & more."),
        warnings=find_warnings(evaluation),
    )


@pytest.fixture(scope="module")
def written(evaluation, about, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out")
    figures = evaluation.figures()
    checked = check_requirements(parse_requirements(["accuracy=0.99"], figures), figures)
    names = write_evaluation(folder, evaluation, about, run_manifest("evaluate", {}, "cd" * 32, 88), checked)
    assert sorted(names) == sorted(path.name for path in folder.iterdir())
    return folder


def test_predictions_have_a_row_an_image(evaluation):
    rows = list(csv.DictReader(io.StringIO(predictions_csv(evaluation))))
    assert [row["path"] for row in rows] == [item.path for item in evaluation.items]
    first = rows[0]
    assert (first["label"], first["predicted"], first["novelty"], first["in_domain"]) == (
        "Benign",
        "Benign",
        "0.250000",
        "yes",
    )
    assert first["sha256"] == evaluation.items[0].sha256
    shares = [float(first[f"p {name}"]) for name in evaluation.scores.classes]
    assert sum(shares) == pytest.approx(1, abs=1e-5)
    assert float(first["p_all"]) == pytest.approx(1 - shares[0], abs=2e-6)


def test_documentation_names_columns_drawings_and_stresses(evaluation, written):
    text = (Path(__file__).parents[2] / "docs" / "evaluate.md").read_text("utf-8")
    for content in (
        predictions_csv(evaluation),
        stress_csv(evaluation),
        patients_csv(evaluation),
        risk_coverage_csv(evaluation),
    ):
        header = content.splitlines()[0].split(",")
        assert {name for name in header if not name.startswith("p ")} <= set(re.findall("`([a-z0-9_]+)`", text))
    drawings = {path.stem for path in written.glob("*.png")}
    families = {name.rstrip("-1234") + "-1" if "shift" in name else name for name in STRESSES}
    assert drawings | families <= set(re.findall("`([a-z0-9-]+)`", text))


def test_risk_coverage_has_both_orders_and_ends_with_all_images(written):
    rows = list(csv.DictReader((written / "risk-coverage.csv").open(encoding="utf-8")))
    assert {row["order"] for row in rows} == {"confidence", "novelty"}
    for order in ("confidence", "novelty"):
        last = [row for row in rows if row["order"] == order][-1]
        assert (last["coverage"], last["risk"]) == ("1.000000", "0.500000")


def test_patients_stand_in_page_table_and_metrics(with_patients, about, tmp_path):
    found = evaluate(
        RedPredictor(swap=("Benign", "Pre-B")),
        with_patients,
        select(with_patients),
        settings=Settings(negative_classes=("Benign",), replicates=50),
    )
    names = write_evaluation(tmp_path, found, about, run_manifest("evaluate", {}, None, 88))
    rows = list(csv.DictReader((tmp_path / "patients.csv").open(encoding="utf-8")))
    assert len(rows) == 12
    assert sum(row["leukaemia"] == "yes" for row in rows) == 9
    assert [row["called"] for row in rows if row["leukaemia"] == "no"] == ["yes"] * 3
    content = json.loads((tmp_path / "metrics.json").read_text("utf-8"))
    assert content["patients"]["patients"] == 12
    assert content["patients"]["sensitivity"]["value"] == pytest.approx(6 / 9)
    assert content["patients"]["sensitivity"]["method"] == "clopper-pearson"
    assert "0.5" in content["patients"]["rule"]
    assert "12 patients, 9 of them with leukaemia" in (tmp_path / "report.html").read_text("utf-8")
    assert "patients.csv" in names
    assert "patient.accuracy" in found.figures()


def test_stress_file_has_a_row_an_image_and_stress(evaluation):
    rows = list(csv.DictReader(io.StringIO(stress_csv(evaluation))))
    assert len(rows) == 2 * len(evaluation.items)
    assert {row["stress"] for row in rows} == {"grey", "none"}


def test_metrics_file_is_strict_json_and_says_the_split(written, evaluation):
    content = json.loads((written / "metrics.json").read_text("utf-8"), parse_constant=pytest.fail)
    assert content["use"] == RESEARCH_USE
    assert content["class_note"] == CLASS_NOTE
    assert content["split"]["kind"] == "none"
    assert content["overall"]["accuracy"]["value"] == 0.5
    assert content["confusion"]["matrix"] == evaluation.scores.matrix.tolist()
    assert set(content["methods"]) == {figure.method for figure in evaluation.figures().values()}
    assert content["requirements"] == [{"requirement": "accuracy=0.99", "found": 0.5, "met": False}]
    assert content["stress"]["none"]["loss"]["accuracy"]["value"] == 0
    assert content["curves"]["leukaemia"]["roc"][-1]["false_positive_rate"] == 1
    assert set(content["bootstrap"]["limits"]) == set(evaluation.scores.flat())
    assert content["bootstrap"]["over"] == "images"
    assert content["selective"]["confidence"]["aurc"]["value"] > 0
    assert content["selective"]["novelty"]["curve"]["coverage"][-1] == 1
    assert content["leukaemia"]["prevalences"] == [0.01, 0.05, 0.2]
    assert content["leukaemia"]["threshold_source"]["rule"]
    assert content["leukaemia"]["ppv_at_5%"]["value"] == 1
    assert content["reliability_leukaemia"][0]["leukaemia"] == 0
    assert content["calibration"]["bins"] == 15
    assert content["patients"] is None
    assert content["against"] == []


def test_files_are_the_same_twice(evaluation, about, written):
    assert metrics(evaluation, about) == metrics(evaluation, about)
    from leukolens.assess.figures import draw_all

    for drawing in draw_all(evaluation, source_line(evaluation, about)):
        assert (written / f"{drawing.name}.png").read_bytes() == drawing.png
        assert (written / f"{drawing.name}.svg").read_bytes() == drawing.svg


def test_pictures_are_pictures(written):
    names = {path.stem for path in written.glob("*.png")}
    assert names == {
        "confusion", "roc", "precision-recall", "reliability", "reliability-leukaemia", "risk-coverage", "stress"
    }  # fmt: skip
    for name in names:
        png = cv2.imread(str(written / f"{name}.png"))
        assert png.shape[0] > 600
        assert np.ptp(png) > 200
        ElementTree.fromstring((written / f"{name}.svg").read_bytes())


def test_page_stands_alone_and_says_what_it_must(written):
    text = (written / "report.html").read_text("utf-8")
    assert not re.search(r"""(src|href)=["'](?!data:)""", text)
    assert "<script" not in text
    assert text.count("data:image/svg+xml;base64,") == 7
    for sentence in (RESEARCH_USE, CLASS_NOTE, "No split: all images", "leukolens evaluate red pictures", "ab" * 32):
        assert sentence in text
    assert "It cannot be told &amp; more." in text
    assert "mean &lt;red&gt;" in text
    assert "12 of 24 images right" in text
    assert "No patients are known" in text
    assert text.count("alt=") == 7
    for words in ("PPV at 5 % leukaemia", "wrong of the surest 80 %", "ECE, adaptive bins", "errors.html"):
        assert words in text


def test_page_parses_as_balanced_html(written):
    from html.parser import HTMLParser

    class Balance(HTMLParser):
        def __init__(self):
            super().__init__()
            self.open = []

        def handle_starttag(self, tag, attrs):
            if tag not in {"meta", "img", "br"}:
                self.open.append(tag)

        def handle_endtag(self, tag):
            assert self.open.pop() == tag

    parser = Balance()
    parser.feed((written / "report.html").read_text("utf-8"))
    assert parser.open == []


def test_folder_is_claimed_before_the_work(tmp_path):
    claim_folder(tmp_path / "a" / "b")
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "metrics.json").write_text("{}")
    with pytest.raises(OutputError, match="holds an evaluation"):
        claim_folder(tmp_path / "a" / "b")
    claim_folder(tmp_path / "a" / "b", overwrite=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        claim_folder(tmp_path / "file" / "out")


def test_unwritable_file_leaves_no_half_one(evaluation, about, tmp_path, monkeypatch):
    monkeypatch.setattr("leukolens.assess.output.draw_all", lambda *_: [])
    (tmp_path / "predictions.csv").mkdir()
    (tmp_path / "predictions.csv" / "in the way").write_text("")
    with pytest.raises(OutputError, match=r"predictions\.csv"):
        write_evaluation(tmp_path, evaluation, about, run_manifest("evaluate", {}, None, 88))
    assert not list(tmp_path.glob("*.part"))
    assert not (tmp_path / "metrics.json").exists()


def test_words_of_figures():
    assert write_figure("accuracy", Estimate(1 - 1e-6, 0.9, 1.0, "wilson", 9)).value == "> 99.99 %"
    assert write_figure("accuracy", Estimate(1.0, 0.9, 1.0, "wilson", 9)).value == "100.00 %"
    assert write_figure("auc", Estimate(None, 0, 1, "newcombe", 9, None, "why"), macro=True).name == "AUC, macro"
    assert write_figure("auc", Estimate(None, 0, 1, "newcombe", 9)).value == "not defined"
    assert write_points(Estimate(-0.0, -0.01, 0.02, "bonett-price", 9)).value == "0.00"
    assert write_points(Estimate(0.0123, -0.01, 0.02, "bonett-price", 9)).range == "-1.00 to 2.00"


def test_manifest_holds_no_place_of_this_machine(tmp_path, monkeypatch):
    import getpass
    import platform

    monkeypatch.chdir(tmp_path)
    manifest = run_manifest("evaluate", {"images": 3}, "cd" * 32, 88)
    text = json.dumps(manifest)
    for secret in (platform.node(), str(Path.home()), str(tmp_path), f"/{getpass.getuser()}/"):
        assert secret not in text
    assert manifest["configuration"] == {"images": 3}
    assert manifest["packages"]["numpy"] == np.__version__
    assert manifest["cores"] >= 1
    assert manifest["time"].endswith("+00:00")
    assert manifest["code"] is None or re.fullmatch("[0-9a-f]{40}", manifest["code"]["commit"])
