"""``leukolens external`` with a tiny bundle on painted pictures, and ``evaluate`` at a scale."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import cv2
import pytest

pytest.importorskip("onnx", reason="needs leukolens[train]")
pytest.importorskip("yaml", reason="needs leukolens[train]")

from assess_pictures import paint
from tiny_bundle import write_tiny_bundle

from leukolens.cli.main import main
from leukolens.finding import CLASSES
from leukolens.screen import load


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture(scope="module")
def labs(tmp_path_factory) -> Path:
    """C-NMC with two subjects of each kind, a laboratory of normal fields, one of APML; and a manifest of them."""
    root = tmp_path_factory.mktemp("labs")
    for subject, (folder, red) in {"1": ("all", 220), "2": ("all", 160), "H1": ("hem", 40), "H2": ("hem", 100)}.items():
        for number in range(3):
            paint(root / f"cnmc/{folder}/UID_{subject}_{number}_1_{folder}.png", red, int(subject[-1]) * 10 + number)
    for number in range(4):
        paint(root / f"normal/{number}.png", 60, 100 + number)
        paint(root / f"apml/deep/{number}.png", 200, 200 + number)
    (root / "sites.yaml").write_text(
        "sites:\n"
        "- {name: C-NMC, data: cnmc}\n"
        "- {name: normal, data: normal, label: normal, negative: [normal], laboratory: St. Elsewhere}\n"
        "- {name: apml, data: apml, label: APML, negative: [], other_leukaemia: [APML]}\n"
    )
    return root


def call(*words: object) -> int:
    return main(["external", *map(str, words), "--engine", "onnxruntime"])


def test_a_manifest_of_three_laboratories(bundle: Path, labs: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "out"
    assert call(bundle, "--sites", labs / "sites.yaml", "--out", out) == 0
    told = capsys.readouterr().out
    assert "specificity only" in told
    assert "For research use only, not a diagnosis." in told
    names = {"external.json", "images.csv", "manifest.json", "report.html", "decisions.jsonl"}
    assert {file.name for file in out.glob("[!.]*")} == names
    content = json.loads((out / "external.json").read_text("utf-8"))
    rows = {row["site"]: row for row in content["laboratories"]}
    assert rows["C-NMC"]["counts"] == {"ALL": 6, "none": 6, "other leukaemia": 0}
    assert rows["C-NMC"]["subjects"] == 4
    assert rows["C-NMC"]["figures"]["auc"]["groups"] == 4
    assert set(rows["normal"]["figures"]) == {"specificity", "without_label", "no_white_cells", "refused"}
    assert set(rows["apml"]["figures"]) == {"other_called", "without_label", "no_white_cells", "refused"}
    assert all(row["seen"]["status"] == "cannot be told" for row in rows.values())  # the tiny bundle says nothing
    (everything,) = content["pooled"]
    assert (everything["images"], everything["laboratories"]) == (20, 3)
    assert everything["figures"]["specificity"]["n"] == 10
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    assert [site["layout"] for site in manifest["configuration"]["sites"]] == ["cnmc", "one class", "one class"]
    assert str(labs) not in (out / "manifest.json").read_text("utf-8") + (out / "report.html").read_text("utf-8")


def test_every_look_at_a_site_is_written_down_and_counted(bundle: Path, labs: Path, tmp_path: Path, capsys) -> None:
    sites = tmp_path / "sites.yaml"
    sites.write_text(f"sites:\n- {{name: C-NMC, data: {labs / 'cnmc'}}}\n")
    assert call(bundle, "--sites", sites, "--out", tmp_path / "first", "--reason", "before the paper") == 0
    told = capsys.readouterr().out
    assert "C-NMC: The data set has been opened once, first on" in told
    assert call(bundle, "--sites", sites, "--out", tmp_path / "second") == 0
    assert "opened 2 times" in " ".join(capsys.readouterr().out.split())
    lines = [json.loads(line) for line in (tmp_path / "sites.decisions.jsonl").read_text("utf-8").splitlines()]
    assert [line["reason"] for line in lines] == ["before the paper", None]
    assert lines[0]["opened"]["images"] == 12
    told = json.loads((tmp_path / "second" / "external.json").read_text("utf-8"))["openings"]["C-NMC"]
    assert told["number"] == 2
    assert "opened 2 times" in (tmp_path / "second" / "report.html").read_text("utf-8")
    assert call(bundle, labs / "cnmc") == 0  # nothing is written, and that is said
    assert "recorded nowhere" in " ".join(capsys.readouterr().out.split())


def test_the_images_are_judged_as_screening_does(bundle: Path, labs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert call(bundle, "--sites", labs / "sites.yaml", "--out", out) == 0
    with (out / "images.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    screener = load(str(bundle), engine="onnxruntime")
    for row in rows[:3]:
        finding = screener.screen(labs / "cnmc" / row["path"])
        assert float(row["p Benign"]) == pytest.approx(finding.field.probabilities["Benign"], abs=1e-6)
        assert float(row["p_all"]) == pytest.approx(1 - float(row["p Benign"]), abs=2e-6)
        assert row["given"] == (finding.label or "")
        assert row["white_cells"] == ("no" if finding.conclusion == "no white cells" else "yes")
        assert row["subject"] == "1"
    assert {row["truth"] for row in rows} == {"ALL", "none", "other leukaemia"}
    groups = {site: {row["group"] for row in rows if row["site"] == site} for site in ("C-NMC", "normal", "apml")}
    assert {site: len(own) for site, own in groups.items()} == {"C-NMC": 4, "normal": 4, "apml": 4}
    assert len(set.union(*groups.values())) == 12  # no subject of one site is one of another


def test_folders_with_options_for_all_of_them(bundle: Path, labs: Path, tmp_path: Path, capsys) -> None:
    words = ["--label", "normal", "--negative", "normal", "--limit", 2, "--json"]
    assert call(bundle, labs / "normal", labs / "apml", *words) == 0
    content = json.loads(capsys.readouterr().out)
    assert [(row["site"], row["images"]) for row in content["laboratories"]] == [("normal", 2), ("apml", 2)]


def test_a_bundle_that_says_what_it_learned_from(labs: Path, tmp_path: Path, capsys) -> None:
    folder = write_tiny_bundle(tmp_path / "told")
    content = json.loads((folder / "bundle.json").read_text("utf-8"))
    content["provenance"] = {"terms": "C-NMC 2019", "start": {"package": "p"}, "data_sha256": "a" * 64}
    (folder / "bundle.json").write_text(json.dumps(content))
    from leukolens.engine.bundle import write_sums

    write_sums(folder)
    assert call(folder, "--sites", labs / "sites.yaml", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert {row["site"]: row["seen"]["status"] for row in report["laboratories"]} == {
        "C-NMC": "seen in training",
        "normal": "never seen",
        "apml": "cannot be told",
    }
    never, everything = report["pooled"]
    assert (never["name"], never["laboratories"], never["images"]) == ("never seen", 1, 4)
    assert everything["seen"]["status"] == "seen in training"


def test_an_image_that_cannot_be_read(bundle: Path, labs: Path, tmp_path: Path, capsys) -> None:
    paint(tmp_path / "lab" / "1.png", 60, 1)
    (tmp_path / "lab" / "2.png").write_bytes(b"no picture")
    words = [bundle, tmp_path / "lab", "--label", "normal", "--negative", "normal", "--json"]
    assert call(*words) == 1
    report = json.loads(capsys.readouterr().out)
    assert [(one["site"], one["path"]) for one in report["unread"]] == [("lab", "2.png")]
    assert report["laboratories"][0]["images"] == 1
    (tmp_path / "lab" / "1.png").unlink()
    assert call(*words) == 2
    assert "None of the images can be read" in capsys.readouterr().err


def test_to_scale(bundle: Path, labs: Path, tmp_path: Path, capsys) -> None:
    """64 x 48 px at 0.1 um are 16 x 12 prepared pixels of 0.4 um, on a ground of the border's colour."""
    out = tmp_path / "out"
    words = [bundle, labs / "cnmc", "--um-per-px", 0.1, "--bundle-um-per-px", 0.4, "--out", out]
    assert call(*words) == 0
    assert "Brought to 0.4 µm per px: 12 by what is said of 12 images" in capsys.readouterr().out
    with (out / "images.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["um_per_px"], row["scale"], row["windows"]) for row in rows} == {("0.1 x 0.1", "said", "1")}
    assert call(bundle, labs / "cnmc", "--um-per-px", "auto", "--bundle-um-per-px", 0.4) == 0
    assert "The scale of 12 is not known" in capsys.readouterr().out


def test_many_windows(bundle: Path, labs: Path, tmp_path: Path) -> None:
    rgb = cv2.imread(str(labs / "normal" / "0.png"))
    (tmp_path / "large").mkdir()
    assert cv2.imwrite(str(tmp_path / "large" / "0.png"), cv2.resize(rgb, (400, 300)))
    out = tmp_path / "out"
    words = [bundle, tmp_path / "large", "--label", "normal", "--negative", "normal", "--out", out]
    assert call(*words, "--um-per-px", 1.0, "--bundle-um-per-px", 0.5) == 0  # 800 x 600 prepared pixels
    with (out / "images.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["windows"] == "16"
    assert sum(float(row[f"p {name}"]) for name in CLASSES) == pytest.approx(1, abs=1e-5)


def test_pixels_that_are_too_coarse_for_the_bundle(bundle: Path, labs: Path, capsys) -> None:
    words = [bundle, labs / "cnmc", "--um-per-px", 1.0, "--bundle-um-per-px", 0.1]
    assert call(*words) == 2
    assert "too coarse" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "no site to judge"),
        (["--sites", "none.yaml"], "cannot be read"),
        (["--label", "x"], "no site to judge"),
        (["{labs}/none"], "No data set at"),
        (["{labs}/cnmc", "--layout", "pbc"], "does not have the layout 'pbc'"),
        (["{labs}/cnmc", "--layout", "pcb"], "Did you mean 'pbc'"),
        (["{labs}/cnmc", "--negative", "norml"], "Did you mean 'normal'"),
        (["{labs}/cnmc", "{labs}/cnmc"], "Two sites are called 'cnmc'"),
        (["{labs}/normal", "--label", "a"], "Nobody says"),
        (["{labs}/cnmc", "--um-per-px", "auto"], "--bundle-um-per-px"),
        (["{labs}/cnmc", "--um-per-px", "big"], "um_per_px of 'cnmc'"),
        (["{labs}/cnmc", "--overwrite"], "--overwrite says nothing"),
        (["{labs}/cnmc", "--split", "{labs}/none.json"], "is no split file"),
        (["--sites", "{labs}/sites.yaml", "--layout", "cnmc"], "--layout holds for DATA"),
    ],
)
def test_bad_input(bundle: Path, labs: Path, capsys, words: list[str], told: str) -> None:
    assert call(bundle, *(word.format(labs=labs) for word in words)) == 2
    assert told in capsys.readouterr().err


def test_a_split_that_is_not_the_bundles_own(bundle: Path, pictures: Path, labs: Path, tmp_path: Path, capsys) -> None:
    split = tmp_path / "split.json"
    assert main(["data", "split", str(pictures), "--method", "random-image", "--folds", "3", "--out", str(split)]) == 0
    assert call(bundle, labs / "cnmc", "--split", split) == 2
    assert "not the one that the bundle was trained by" in capsys.readouterr().err


def test_a_report_is_not_written_over_unasked(bundle: Path, labs: Path, tmp_path: Path, capsys) -> None:
    assert call(bundle, labs / "cnmc", "--out", tmp_path / "out") == 0
    assert call(bundle, labs / "cnmc", "--out", tmp_path / "out") == 2
    assert "holds an external report already" in capsys.readouterr().err
    assert call(bundle, labs / "cnmc", "--out", tmp_path / "out", "--overwrite") == 0


def test_a_bundle_without_negative_labels(labs: Path, tmp_path: Path, capsys) -> None:
    folder = write_tiny_bundle(tmp_path / "none", negative_labels=())
    assert call(folder, labs / "cnmc") == 2
    assert "which of its labels mean no leukaemia" in capsys.readouterr().err


def test_evaluate_at_a_scale(bundle: Path, pictures: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setattr("leukolens.assess.output.draw_all", lambda *_: [])
    plain, scaled = tmp_path / "plain", tmp_path / "scaled"
    words = ["evaluate", str(bundle), str(pictures), "--engine", "onnxruntime", "--out"]
    assert main([*words, str(plain)]) == 0
    assert main([*words, str(scaled), "--um-per-px", "0.1", "--bundle-um-per-px", "0.4"]) == 0
    assert "Brought to 0.4 µm per px: 24 by what is said of 24 images." in capsys.readouterr().out
    manifest = json.loads((scaled / "manifest.json").read_text("utf-8"))
    assert manifest["configuration"]["um_per_px"] == "0.1"
    assert (plain / "predictions.csv").read_text() != (scaled / "predictions.csv").read_text()
    # What nobody knows the scale of is judged as it is, and said.
    assert main([*words, str(tmp_path / "auto"), "--um-per-px", "auto", "--bundle-um-per-px", "0.4"]) == 0
    assert "The scale of 24 is not known" in capsys.readouterr().out
    assert (plain / "predictions.csv").read_text() == (tmp_path / "auto" / "predictions.csv").read_text()


@pytest.mark.real
def test_the_shipped_bundle_never_saw_new_delhi(capsys) -> None:
    real_data = Path(os.environ.get("LEUKOLENS_DATA") or Path(__file__).parents[2] / "../shared/data")
    if not (real_data / "cnmc").is_dir():
        pytest.skip("the real images are not there: set LEUKOLENS_DATA")
    assert call("default", real_data / "cnmc", "--limit", 2, "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)["laboratories"]
    assert (row["seen"]["status"], row["images"]) == ("never seen", 4)
    assert call("default", real_data / "taleqani", "--limit", 1, "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)["laboratories"]
    assert row["seen"]["status"] == "seen in training"
    assert "subtype" in row["figures"]
