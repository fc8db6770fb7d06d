"""A split checked against recovered groups before training, and what a run says of the kind of split."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs leukolens[train]")
pytest.importorskip("lightning", reason="needs leukolens[train]")

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "data"))

from data_sets import group_rows, write_rows  # noqa: E402
from train_calls import changes  # noqa: E402
from train_calls import train_arguments as _train  # noqa: E402

from leukolens.cli.main import main  # noqa: E402
from leukolens.data import fingerprint, open_catalogue  # noqa: E402

pytestmark = pytest.mark.slow


def groups_of(folder: Path, place: Path, field: Any = None) -> Path:
    """Write groups of four neighbouring files a session."""
    catalogue = fingerprint(open_catalogue(folder))
    return write_rows(place / "groups.csv", group_rows(catalogue, lambda label, at: f"{label} {at // 4}", field))


def by_session(folder: Path, groups: Path, place: Path) -> Path:
    out = place / "grouped.json"
    options = ["--method", "grouped", "--folds", "3", "--validation", "0.25", "--groups", str(groups)]
    assert main(["data", "split", str(folder), *options, "--out", str(out)]) == 0
    return out


def test_a_run_by_recovered_sessions_is_stamped_everywhere(
    class_folders: Path, tiny_recipe: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    groups = groups_of(class_folders, tmp_path)
    split = by_session(class_folders, groups, tmp_path)
    out, bundle = tmp_path / "run", tmp_path / "bundle"
    arguments = _train(class_folders, split, tiny_recipe, out, "--groups", str(groups), *changes("epochs=1"))
    assert main(arguments) == 0
    told = json.loads((out / "training.json").read_text())["split"]
    kind = f"Split by recovered session, groups {told['groups_sha256'][:12]}"
    assert told["kind"] == kind
    assert told["shared"] == {
        "file": "groups.csv", "sha256": told["groups_sha256"], "side": "test", "images": 16, "fields": 0, "sessions": 0
    }  # fmt: skip
    err = capfd.readouterr().err
    assert f"[{kind}]" in err
    assert "Of 16 test images, 0 have a capture of the same field in training and 0 an image" in err
    assert main(["export", str(out), "--out", str(bundle), "--name", "tiny"]) == 0
    spec = json.loads((bundle / "bundle.json").read_text())["provenance"]
    assert spec["split_kind"] == kind
    assert spec["groups_sha256"] == told["groups_sha256"]
    assert spec["figures"]["test"]["split"] == f"{kind}, fold 0, test"
    assert kind in (bundle / "MODEL_CARD.md").read_text()
    assert main(["compare", str(out), "--out", str(tmp_path / "table"), "--no-speed"]) == 0
    row = json.loads((tmp_path / "table" / "compare.json").read_text())["rows"][0]
    assert row["split"]["short"] == f"{kind}, fold 0, test"
    evaluated = tmp_path / "evaluation"
    given = ["--split", str(split), "--fold", "0", "--groups", str(groups), "--out", str(evaluated)]
    assert main(["evaluate", str(bundle), str(class_folders), *given, "--negative", "small cells"]) == 0
    metrics = json.loads((evaluated / "metrics.json").read_text())
    assert metrics["split"]["short"] == f"{kind}, fold 0, test"
    assert metrics["split"]["shared"]["fields"] == 0
    assert metrics["overall"]["accuracy"]["groups"] == 4
    assert kind in (evaluated / "report.html").read_text()
    manifest = json.loads((evaluated / "manifest.json").read_text())
    assert manifest["configuration"]["split"]["groups_sha256"] == told["groups_sha256"]


def test_a_leaky_run_counts_what_it_shares(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    groups = groups_of(class_folders, tmp_path, field=lambda label, at: f"{label} {at // 2}")
    out = tmp_path / "folds"
    more = ["--fold", "all", "--groups", str(groups), *changes("epochs=1")]
    assert main(_train(class_folders, split, tiny_recipe, out, *more)) == 0
    told = json.loads((out / "folds.json").read_text())["split"]
    assert told["leaky"]
    assert told["shared"]["images"] == 48
    by_fold = [json.loads((out / f"fold-{n}/training.json").read_text())["split"]["shared"] for n in range(3)]
    assert 0 < sum(one["fields"] for one in by_fold) == told["shared"]["fields"]
    last = capfd.readouterr().err.splitlines()[-1]
    assert f"Of 48 test images, {told['shared']['fields']} have a capture of the same field in training" in last
    assert "LEAKY random split by image" in last


def test_an_honest_split_that_parts_a_field_is_not_trained_on(
    class_folders: Path, tiny_recipe: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    groups = groups_of(class_folders, tmp_path)
    split = by_session(class_folders, groups, tmp_path)
    rows = list(csv.DictReader(groups.open()))
    rows[0]["field_group"] = rows[23]["field_group"] = "both ends"
    write_rows(tmp_path / "later.csv", rows)
    out = tmp_path / "run"
    later = ["--groups", str(tmp_path / "later.csv")]
    assert main(_train(class_folders, split, tiny_recipe, out, *later)) == 2
    err = capfd.readouterr().err
    assert (
        f"{rows[0]['path']!r} and {rows[23]['path']!r}" in err or f"{rows[23]['path']!r} and {rows[0]['path']!r}" in err
    )
    assert "Make the split again with --groups" in err
    assert not out.exists()


def test_groups_of_other_images_are_refused(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    groups = groups_of(class_folders, tmp_path)
    rows = [row | {"path": f"x/{row['path']}"} for row in csv.DictReader(groups.open())]
    write_rows(tmp_path / "other.csv", rows)
    out = tmp_path / "run"
    assert main(_train(class_folders, split, tiny_recipe, out, "--groups", str(tmp_path / "other.csv"))) == 2
    assert "other.csv belongs to another data set" in capfd.readouterr().err
    assert not out.exists()


def test_a_fold_that_is_not_there_is_told_with_what_to_do(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_train(class_folders, split, tiny_recipe, tmp_path / "run", "--fold", "7")) == 2
    told = capsys.readouterr().err
    assert "The split has no fold '7'" in told
    assert "from 0 to 2, or 'all'" in told
    assert "Name one of its folds, or make a split with more" in told


@pytest.mark.parametrize(
    ("content", "told"),
    [("path,sha256,label,duplicate_group,session_group\n", "no column 'field_group'"), ("", "is empty")],
)
def test_a_groups_file_without_groups_is_one_clear_error(
    class_folders: Path,
    split: Path,
    tiny_recipe: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: str,
    told: str,
) -> None:
    groups = tmp_path / "groups.csv"
    groups.write_text(content)
    commands = [
        _train(class_folders, split, tiny_recipe, tmp_path / "run", "--groups", str(groups)),
        ["benchmark", str(tiny_recipe), str(class_folders), "--dry-run", "--no-progress", "--groups", str(groups)],
    ]
    for command in commands:
        assert main(command) == 2
        error = capsys.readouterr().err
        assert error.startswith("Error: ")
        assert told in error
        assert "Make the groups file anew: leukolens audit DATA --out DIR" in error
    assert list(tmp_path.iterdir()) == [groups]
