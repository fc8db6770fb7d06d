"""``leukolens stress`` on rendered fields with the tiny bundle."""

from __future__ import annotations

import hashlib
import json

import pytest
from stress_pictures import render_tree

from leukolens.cli.main import main

pytest.importorskip("onnx", reason="needs leukolens[train]")
pytest.importorskip("matplotlib", reason="needs leukolens[train]")

from tiny_bundle import write_tiny_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return render_tree(tmp_path_factory.mktemp("rendered"), images=3)


def call(*words: object) -> int:
    return main(["stress", *map(str, words), "--engine", "onnxruntime", "--threads", "1"])


def test_everything_is_written_and_told(bundle, tree, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    out = tmp_path / "out"
    assert call(bundle, tree, "--out", out, "--stress", "cells,blur,jpeg,lamp-warm,flip-down") == 0
    told = " ".join(capsys.readouterr().out.split())
    for words in (
        "comes from the cells",
        "No quality gates",
        "no better than chance",
        "lamp-warm-2",
        "For research use only",
    ):
        assert words in told
    names = {path.name for path in out.iterdir()}
    assert {"report.html", "stress.json", "stress.csv", "manifest.json", "stress-lamp.svg", "stress-cells.png"} <= names
    content = json.loads((out / "stress.json").read_text("utf-8"))
    assert content["images"] == 6
    log = (out / "decisions.jsonl").read_text("utf-8").splitlines()
    assert len(log) == 1
    assert "leukolens stress" in log[0]
    assert content["stresses"][0]["name"] == "as it is"
    page = (out / "report.html").read_text("utf-8")
    assert "Cells or background" in page
    assert str(tmp_path) not in page
    assert str(tmp_path) not in (out / "manifest.json").read_text("utf-8")
    assert call(bundle, tree, "--out", out, "--stress", "grey") == 2
    assert "--overwrite" in capsys.readouterr().err
    assert call(bundle, tree, "--out", out, "--stress", "grey", "--overwrite") == 0


def test_the_same_seed_gives_the_same_figures(bundle, tree, tmp_path):
    written = []
    for name in ("a", "b"):
        assert call(bundle, tree, "--out", tmp_path / name, "--stress", "background-random,cells-removed") == 0
        written.append((tmp_path / name / "stress.csv").read_bytes())
    assert written[0] == written[1]


def test_unreadable_pictures_end_with_1(bundle, tree, tmp_path, capsys):
    data = tmp_path / "data"
    for path in tree.rglob("*.png"):
        (data / path.parent.name).mkdir(parents=True, exist_ok=True)
        (data / path.parent.name / path.name).write_bytes(path.read_bytes())
    (data / "Benign" / "x.png").write_bytes(b"no picture at all")
    assert call(bundle, data, "--out", tmp_path / "out", "--stress", "grey") == 1
    assert "1 of the 7 chosen images could not be read" in capsys.readouterr().out


def test_recovered_groups_are_counted_together(bundle, tree, tmp_path):
    paths = sorted(path.relative_to(tree).as_posix() for path in tree.rglob("*.png"))
    hashes = [hashlib.sha256((tree / path).read_bytes()).hexdigest() for path in paths]
    header = "path,sha256,label,patient,duplicate_group,field_group,session_group,readable"
    rows = [
        f"{path},{sha},{path.split('/')[0]},,d{n},f{n},s{path.split('/')[0]},yes"
        for n, (path, sha) in enumerate(zip(paths, hashes, strict=True))
    ]
    (tmp_path / "groups.csv").write_text("\n".join([header, *rows, ""]), "utf-8")
    out = tmp_path / "out"
    assert call(bundle, tree, "--out", out, "--stress", "grey", "--groups", tmp_path / "groups.csv") == 0
    content = json.loads((out / "stress.json").read_text("utf-8"))
    assert "groups.csv" in content["data"]["grouping"]
    assert (
        "--groups groups.csv" in json.loads((out / "manifest.json").read_text("utf-8"))["configuration"]["command_line"]
    )


def test_an_image_under_two_patients_is_refused(bundle, tree, tmp_path, capsys):
    path, data = next(tree.rglob("*.png")), tmp_path / "data"
    data.mkdir()
    for name in ("one.png", "two.png"):
        (data / name).write_bytes(path.read_bytes())
    rows = f"path,label,patient\none.png,{path.parent.name},P1\ntwo.png,{path.parent.name},P2\n"
    (tmp_path / "labels.csv").write_text(rows, "utf-8")
    words = ["--labels", tmp_path / "labels.csv", "--patient-column", "patient", "--stress", "grey"]
    assert call(bundle, data, "--out", tmp_path / "out", *words) == 2
    assert "filed under two" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--stress", "gray"], "Did you mean 'grey'?"),
        (
            ["--stress", "bogus"],
            "Groups: colour, stain, lamp, laboratory, camera, geometry, bar, cells. docs/stress.md",
        ),
        (["--negative", "Beningn", "--stress", "grey"], "Benign"),
        (["--fold", "1", "--stress", "grey"], "--split"),
        (["--layout", "cnms", "--stress", "grey"], "Did you mean 'cnmc'?"),
    ],
)
def test_usage_errors_end_with_2(bundle, tree, tmp_path, capsys, words, told):
    assert call(bundle, tree, "--out", tmp_path / "out", *words) == 2
    assert told in capsys.readouterr().err


def test_strange_classes_are_refused(bundle, tree, tmp_path, capsys):
    (tmp_path / "data").mkdir()
    for label in ("alpha", "beta"):
        (tmp_path / "data" / label).mkdir()
        for path in (tree / "Benign").iterdir():
            (tmp_path / "data" / label / path.name).write_bytes(path.read_bytes())
    assert call(bundle, tmp_path / "data", "--out", tmp_path / "out", "--stress", "grey") == 2
    assert "different classes" in capsys.readouterr().err
