"""``leukolens evaluate`` with a tiny bundle on painted pictures."""

from __future__ import annotations

import hashlib
import json

import pytest

from leukolens.cli.main import main
from leukolens.data import make_split, write_split
from leukolens.screen import load

pytest.importorskip("onnx", reason="needs leukolens[train]")
pytest.importorskip("matplotlib", reason="needs leukolens[train]")

from tiny_bundle import write_tiny_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture(scope="module")
def split_file(with_patients, tmp_path_factory):
    path = tmp_path_factory.mktemp("splits") / "three.json"
    write_split(make_split(with_patients, method="random-image", folds=3, seed=1), path)
    return path


@pytest.fixture(autouse=True)
def no_pictures(request, monkeypatch):
    """Drawing takes most of the time; one test draws."""
    if request.node.name != "test_all_images":
        monkeypatch.setattr("leukolens.assess.output.draw_all", lambda *_: [])


def call(*words: object) -> int:
    return main(["evaluate", *map(str, words)])


def test_all_images(bundle, pictures, tmp_path, capsys):
    out = tmp_path / "out"
    assert call(bundle, pictures, "--out", out, "--engine", "onnxruntime", "--stress", "grey") == 0
    told = capsys.readouterr().out
    assert "balanced accuracy" in told
    assert "For research use only, not a diagnosis." in told
    assert "No split: all images" in told
    content = json.loads((out / "metrics.json").read_text("utf-8"))
    assert content["images"] == 24
    assert content["bundle"]["name"] == "tiny"
    assert content["training"]["status"] == "unknown"
    assert content["leukaemia"]["negative_classes"] == ["Benign"]
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    assert manifest["configuration"]["stresses"] == ["grey"]
    assert manifest["seed"] == 88
    assert str(tmp_path) not in json.dumps(manifest)
    assert str(tmp_path) not in (out / "report.html").read_text("utf-8")


def test_without_out_the_figures_are_printed_and_nothing_is_written(
    bundle, pictures, split_file, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    table = ["--labels", pictures / "labels.csv", "--patient-column", "patient"]
    assert call(bundle, pictures, *table, "--split", split_file, "--fold", 0, "--require", "brier=2") == 0
    told = capsys.readouterr().out
    for words in ("balanced accuracy", "LEAKY", "brier=2", "Nothing was written: --out FOLDER"):
        assert words in told
    assert list(tmp_path.iterdir()) == []
    assert call(bundle, pictures, "--require", "accuracy=1.0") == 4
    assert "Nothing was written" in capsys.readouterr().out


def test_overwrite_needs_a_place(bundle, pictures, capsys, monkeypatch):
    monkeypatch.setattr("leukolens.cli.evaluate_run.run", lambda *_: pytest.fail("the work began"))
    assert call(bundle, pictures, "--overwrite") == 2
    assert "--out" in capsys.readouterr().err


def test_probabilities_are_those_of_screening(bundle, pictures, tmp_path):
    out = tmp_path / "out"
    assert call(bundle, pictures, "--out", out, "--engine", "onnxruntime") == 0
    screener = load(bundle, engine="onnxruntime", only="field")
    lines = (out / "predictions.csv").read_text("utf-8").splitlines()
    header = lines[0].split(",")
    for line in (lines[1], lines[-1]):
        row = dict(zip(header, line.split(","), strict=True))
        finding = screener.screen(pictures / row["path"])
        assert finding.sha256 == row["sha256"]
        for name, value in finding.field.probabilities.items():
            assert float(row[f"p {name}"]) == pytest.approx(value, abs=1e-6)


def test_side_of_a_split_with_patients(bundle, pictures, split_file, tmp_path, capsys):
    out = tmp_path / "out"
    table = ["--labels", pictures / "labels.csv", "--patient-column", "patient"]
    assert call(bundle, pictures, *table, "--split", split_file, "--fold", 1, "--out", out) == 0
    content = json.loads((out / "metrics.json").read_text("utf-8"))
    assert content["images"] == 8
    assert content["split"]["leaky"] is True
    assert content["split"]["short"].startswith("LEAKY random split by image, fold 1")
    assert content["data"]["grouping"] == "patients and exact duplicates"
    assert "LEAKY" in capsys.readouterr().out
    assert "LEAKY" in (out / "report.html").read_text("utf-8")


def test_requirement_that_is_not_met(bundle, pictures, tmp_path, capsys):
    out = tmp_path / "out"
    assert call(bundle, pictures, "--out", out, "--require", "accuracy=1.0", "--require", "brier=2") == 4
    error = capsys.readouterr().err
    assert "accuracy=1.0" in error
    assert "brier" not in error
    content = json.loads((out / "metrics.json").read_text("utf-8"))
    assert [one["met"] for one in content["requirements"]] == [False, True]


def test_unreadable_picture(bundle, tmp_path, pictures, capsys):
    import shutil

    data = tmp_path / "data"
    shutil.copytree(pictures, data)
    (data / "labels.csv").unlink()
    (data / "Pre-B" / "bad.png").write_bytes(b"no picture")
    assert call(bundle, data, "--out", tmp_path / "out", "--require", "brier=2") == 1
    told = " ".join(capsys.readouterr().out.split())
    text = (tmp_path / "out" / "report.html").read_text("utf-8")
    for words in ("all 25 images of the data set were chosen", "1 of the 25 chosen images could not be read and is in"):
        assert words in told
        assert words in text
    assert "of 24 images right" in told
    assert "bad.png" in text
    assert "every one" not in told
    # An unmet requirement weighs more than a file that cannot be read.
    assert call(bundle, data, "--require", "accuracy=1.0") == 4


def test_nothing_but_unreadable_pictures(bundle, tmp_path, capsys):
    for name in ("Benign", "Pre-B"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "bad.png").write_bytes(b"no picture")
    assert call(bundle, tmp_path) == 2
    assert "None of the images can be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--require", "accurcy=0.9"], "'accuracy'"),
        (["--require", "accuracy=high"], "NAME=NUMBER"),
        (["--stress", "grye"], "'grey'"),
        (["--fold", "0"], "--split"),
        (["--split", "nowhere.json"], "No split file"),
        (["--negative", "Bengin"], "'Benign'"),
        (["--patient-column", "who"], ""),
        (["--engine", "tensorrt"], "onnxruntime"),
        (["--threshold", "1.5"], "--threshold 0.5"),
        (["--threshold", "0.4", "--threshold-from", "v"], "Give one of them"),
        (["--keep-sensitivity", "0.9"], "--threshold-from"),
        (["--threshold-from", "nowhere"], "holds no evaluation"),
        (["--prevalence", "5"], "--prevalence 0.05"),
        (["--against", "nowhere"], "holds no evaluation"),
        (["--require", "leukaemia.ppv_at_7%=0.5"], "ppv_at"),
    ],
)
def test_wrong_options_are_found_before_the_work(bundle, pictures, tmp_path, capsys, options, part, monkeypatch):
    monkeypatch.setattr("leukolens.cli.evaluate_run.evaluate", lambda *_, **__: pytest.fail("the work began"))
    assert call(bundle, pictures, "--out", tmp_path / "out", *options) == 2
    assert part in capsys.readouterr().err


def test_unwritable_out_is_found_before_the_bundle_is_loaded(pictures, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert call("no-such-bundle", pictures, "--out", tmp_path / "file" / "out") == 2
    assert "cannot be written to" in capsys.readouterr().err


def test_evaluation_is_not_written_over_unasked(bundle, pictures, tmp_path, capsys):
    (tmp_path / "metrics.json").write_text("{}")
    assert call(bundle, pictures, "--out", tmp_path) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert call(bundle, pictures, "--out", tmp_path, "--overwrite") == 0


def test_other_classes_are_refused_with_both_lists(bundle, tmp_path, pictures, capsys):
    import shutil

    shutil.copytree(pictures / "Pre-B", tmp_path / "data" / "Monocyte")
    shutil.copytree(pictures / "Pro-B", tmp_path / "data" / "Pro-B")
    assert call(bundle, tmp_path / "data", "--out", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert "Early Pre-B" in error
    assert "Monocyte" in error


def test_threshold_chosen_on_the_validation_side(bundle, pictures, with_patients, tmp_path, capsys):
    split = tmp_path / "split.json"
    write_split(make_split(with_patients, method="random-image", folds=3, seed=1, validation=0.4), split)
    table = ["--labels", pictures / "labels.csv", "--patient-column", "patient", "--split", split, "--fold", 0]
    for side in ("validation", "test"):
        assert call(bundle, pictures, *table, "--side", side, "--out", tmp_path / side) == 0
    capsys.readouterr()
    chosen = ["--threshold-from", tmp_path / "validation", "--keep-sensitivity", 0.9, "--prevalence", 0.1]
    assert call(bundle, pictures, *table, *chosen, "--out", tmp_path / "chosen") == 0
    assert "keeps a sensitivity of 0.9 on the evaluation 'validation'" in " ".join(capsys.readouterr().out.split())
    content = json.loads((tmp_path / "chosen" / "metrics.json").read_text("utf-8"))
    source = content["leukaemia"]["threshold_source"]
    assert source["sensitivity"] >= 0.9
    assert source["split"] == "LEAKY random split by image, fold 0, validation"
    assert content["leukaemia"]["threshold"] != 0.5
    assert "ppv_at_10%" in content["leukaemia"]
    manifest = json.loads((tmp_path / "chosen" / "manifest.json").read_text("utf-8"))
    assert manifest["configuration"]["threshold_source"] == source
    assert str(tmp_path) not in json.dumps(manifest)
    # The images that are judged must not have chosen it.
    assert call(bundle, pictures, *table, "--threshold-from", tmp_path / "test") == 2
    assert "must not be chosen on the images that it is judged by" in capsys.readouterr().err


def test_against_another_evaluation(bundle, pictures, tmp_path, capsys):
    for name in ("first", "second"):
        assert call(bundle, pictures, "--out", tmp_path / name) == 0
    others = ["--against", tmp_path / "first", "--against", tmp_path / "second"]
    assert call(bundle, pictures, *others, "--out", tmp_path / "out") == 0
    assert "p (Holm)" in capsys.readouterr().out
    content = json.loads((tmp_path / "out" / "metrics.json").read_text("utf-8"))
    assert [one["evaluation"] for one in content["against"]] == ["first", "second"]
    assert [one["p_holm"] for one in content["against"]] == [1.0, 1.0]
    text = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "Against other evaluations of the same images" in text
    assert "second (tiny" in text


def test_against_other_images_is_refused_before_the_work(bundle, pictures, tmp_path, capsys, monkeypatch):
    assert call(bundle, pictures, "--out", tmp_path / "all") == 0
    fewer = tmp_path / "fewer.csv"
    rows = (pictures / "labels.csv").read_text("utf-8").splitlines()
    fewer.write_text("\n".join(rows[:1] + rows[3:]) + "\n", encoding="utf-8")
    monkeypatch.setattr("leukolens.cli.evaluate_run.evaluate", lambda *_, **__: pytest.fail("the work began"))
    assert call(bundle, pictures, "--labels", fewer, "--against", tmp_path / "all") == 2
    assert "2 that are not among them" in capsys.readouterr().err


def test_patient_with_two_truths(bundle, pictures, tmp_path, capsys):
    table = tmp_path / "labels.csv"
    rows = (pictures / "labels.csv").read_text("utf-8")
    table.write_text(rows.replace(",Benign,0-0", ",Benign,1-0"), encoding="utf-8")
    given = ["--labels", table, "--patient-column", "patient"]
    assert call(bundle, pictures, *given) == 2
    error = capsys.readouterr().err
    assert "one truth for each patient" in error
    assert "'1-0'" in error
    assert call(bundle, pictures, *given, "--no-patient-level", "--out", tmp_path / "out") == 0
    assert json.loads((tmp_path / "out" / "metrics.json").read_text("utf-8"))["patients"] is None
    assert call(bundle, pictures, *given, "--no-patient-level", "--require", "patient.accuracy=0.5") == 2


def test_command_line_shows_names_of_files_only(tmp_path):
    from pathlib import Path

    from leukolens.cli.evaluate_request import Request, command_line

    request = Request(
        bundle=str(tmp_path / "my bundle"),
        data=tmp_path,
        out=Path("/somewhere/run"),
        split=tmp_path / "s.json",
        fold=2,
        side="test",
        labels=None,
        label_column="label",
        path_column="path",
        patient_column=None,
        negative=("Benign",),
        threshold=None,
        threshold_from=Path("/somewhere/validation"),
        keep_sensitivity=0.98,
        prevalence=(0.05,),
        against=(Path("/somewhere/other"),),
        by_patient=False,
        require=("accuracy=0.9",),
        stress="all",
        engine="auto",
        threads=None,
        seed=88,
        overwrite=False,
    )
    assert command_line(request) == (
        f"leukolens evaluate 'my bundle' {tmp_path.name} --no-patient-level --split s.json --fold 2 --side test "
        "--negative Benign --threshold-from validation --keep-sensitivity 0.98 --prevalence 0.05 --against other "
        "--require accuracy=0.9 --stress all --seed 88 --out run"
    )


@pytest.mark.real
def test_shipped_bundle_on_real_fields(tmp_path):
    """Ten fields a class; most of them the network has seen, so this tests the way there, not the network."""
    import os
    from pathlib import Path

    from leukolens.engine.bundle import shipped_bundles

    real = Path(os.environ.get("LEUKOLENS_DATA") or Path(__file__).parents[2] / "../shared/data") / "taleqani"
    if not (real / "Original").is_dir():
        pytest.skip("the real images are not there: set LEUKOLENS_DATA")
    if "default" not in shipped_bundles():
        pytest.skip("this checkout ships no bundle")
    for folder in sorted((real / "Original").iterdir()):
        (tmp_path / "data" / "Original" / folder.name).mkdir(parents=True)
        for file in sorted(folder.iterdir())[:10]:
            (tmp_path / "data" / "Original" / folder.name / file.name).symlink_to(file.resolve())
    options = ["--stress", "grey,bar-masked", "--require", "accuracy=0.9", "--require", "loss.grey.accuracy=0.1"]
    assert call("default", tmp_path / "data", "--out", tmp_path / "out", *options) == 0
    content = json.loads((tmp_path / "out" / "metrics.json").read_text("utf-8"))
    assert content["images"] == 40
    assert content["support"] == {"Benign": 10, "Early Pre-B": 10, "Pre-B": 10, "Pro-B": 10}


def test_each_look_at_a_side_of_a_split_is_written_down_and_told(bundle, with_patients, pictures, tmp_path, capsys):
    split = tmp_path / "splits" / "three.json"
    split.parent.mkdir()
    write_split(make_split(with_patients, method="random-image", folds=3, seed=1, validation=0.2), split)
    words = [bundle, pictures, "--labels", pictures / "labels.csv", "--patient-column", "patient", "--split", split]
    assert call(*words, "--fold", 1, "--out", tmp_path / "one", "--reason", "the final figure") == 0
    assert call(*words, "--fold", 1, "--out", tmp_path / "two") == 0
    assert call(*words, "--fold", 0, "--side", "validation", "--out", tmp_path / "three") == 0
    told = capsys.readouterr().out
    assert "The test side of fold 1 has been opened 2 times, first on" in " ".join(told.split())
    openings = [
        json.loads((tmp_path / name / "metrics.json").read_text("utf-8"))["test_openings"]
        for name in ("one", "two", "three")
    ]
    assert [one["number"] for one in openings] == [1, 2, 1]
    assert openings[1]["sentence"] in (tmp_path / "two" / "report.html").read_text("utf-8")
    log = [json.loads(line) for line in (split.parent / "three.decisions.jsonl").read_text("utf-8").splitlines()]
    assert [(one["opened"]["fold"], one["opened"]["side"]) for one in log] == [
        (1, "test"),
        (1, "test"),
        (0, "validation"),
    ]
    assert [one["reason"] for one in log] == ["the final figure", None, None]
    assert log[0]["command"].startswith("leukolens evaluate ")
    assert str(tmp_path) not in json.dumps(log)
    predictions = (tmp_path / "two" / "predictions.csv").read_bytes()
    assert log[1]["figures"]["predictions.csv"] == hashlib.sha256(predictions).hexdigest()
    assert main(["data", "log", str(split), *(f"--result={tmp_path / name}" for name in ("one", "two", "three"))]) == 0


def test_a_look_that_cannot_be_written_down_is_told(bundle, pictures, with_patients, tmp_path, capsys):
    split = tmp_path / "three.json"
    write_split(make_split(with_patients, method="random-image", folds=3, seed=1), split)
    (tmp_path / "three.decisions.jsonl").mkdir()
    words = [bundle, pictures, "--labels", pictures / "labels.csv", "--patient-column", "patient", "--split", split]
    assert call(*words, "--fold", 0) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "three.decisions.jsonl, could not be kept" in told
    assert "This look is recorded nowhere." in told


def test_a_failed_requirement_is_a_look_all_the_same(bundle, pictures, tmp_path):
    assert call(bundle, pictures, "--out", tmp_path / "out", "--require", "accuracy=1.0") == 4
    assert len((tmp_path / "out" / "decisions.jsonl").read_text("utf-8").splitlines()) == 1
    assert call(bundle, pictures, "--out", tmp_path / "out", "--overwrite") == 0
    assert len((tmp_path / "out" / "decisions.jsonl").read_text("utf-8").splitlines()) == 2
