from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError
from tiny_bundle import HEIGHT, WIDTH, field_spec, tiny_network, write_tiny_bundle

from leukolens.engine.bundle import find_bundle, open_bundle, shipped_bundles, write_bundle, write_sums
from leukolens.engine.spec import BundleSpec
from leukolens.finding import BundleError, OutputError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


def edit_spec(folder: Path, change: dict[str, object]) -> None:
    """Change ``bundle.json`` and write the sums anew: a consistent but wrong bundle."""
    path = folder / "bundle.json"
    content = json.loads(path.read_text())
    for dotted, value in change.items():
        target = content
        *parents, last = dotted.split(".")
        for key in parents:
            target = target[key]
        target[last] = value
    path.write_text(json.dumps(content))
    write_sums(folder)


def test_a_written_bundle_opens_and_says_what_was_put_in(tiny: Path) -> None:
    bundle = open_bundle(tiny)
    assert bundle.spec.name == "tiny"
    assert bundle.field == field_spec(tiny_network())
    assert bundle.read_network("field") == tiny_network()
    assert bundle.sha256 == hashlib.sha256((tiny / "bundle.json").read_bytes()).hexdigest()
    assert {path.name for path in tiny.iterdir()} == {
        "LICENSE",
        "MODEL_CARD.md",
        "SHA256SUMS",
        "bundle.json",
        "field.onnx",
    }


def test_the_specification_survives_json(tiny: Path) -> None:
    spec = open_bundle(tiny).spec
    assert BundleSpec.model_validate_json(spec.to_json()) == spec


STEPS = [
    {"kind": "reinhard", "reference": {"mean": [80.5, 4.25, -6.1], "spread": [9.1, 3.3, 4.7]}},
    {"kind": "segment-kmeans", "threshold": 140},
]


def test_steps_of_a_preparation_survive_json(tmp_path: Path) -> None:
    preparation = {"width": WIDTH, "height": HEIGHT, "shape": "stretch", "steps": STEPS}
    spec = open_bundle(write_tiny_bundle(tmp_path / "b", preparation=preparation)).spec
    assert BundleSpec.model_validate_json(spec.to_json()) == spec
    steps = spec.networks["field"].preparation.steps
    assert [step.kind for step in steps] == ["reinhard", "segment-kmeans"]
    assert steps[0].reference.mean == (80.5, 4.25, -6.1)


def test_a_bundle_from_before_there_were_steps_opens(tiny: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny, tmp_path / "old")
    content = json.loads((folder / "bundle.json").read_text())
    for key in ("steps", "shape"):
        del content["networks"]["field"]["preparation"][key]
    (folder / "bundle.json").write_text(json.dumps(content))
    write_sums(folder)
    assert open_bundle(folder).spec == open_bundle(tiny).spec


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"kind": "macenko"}, "not fitted: macenko"),
        ({"kind": "sharpen"}, "sharpen"),
        ({"kind": "reinhard", "x": 1}, "x"),
    ],
)
def test_a_step_that_cannot_be_applied_refuses_the_bundle(
    tiny: Path, tmp_path: Path, step: dict[str, object], words: str
) -> None:
    folder = shutil.copytree(tiny, tmp_path / "wrong")
    edit_spec(folder, {"networks.field.preparation.steps": [step]})
    with pytest.raises(BundleError, match=words):
        open_bundle(folder)


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum is not installed")
def test_sums_are_those_that_sha256sum_reads(tiny: Path) -> None:
    done = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=tiny, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stdout.count("OK") == 4


@pytest.mark.parametrize("name", ["field.onnx", "bundle.json", "MODEL_CARD.md", "LICENSE"])
def test_a_changed_byte_is_refused(tiny: Path, name: str) -> None:
    content = bytearray((tiny / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tiny / name).write_bytes(content)
    with pytest.raises(BundleError, match=name):
        open_bundle(tiny)


@pytest.mark.parametrize("name", ["field.onnx", "bundle.json", "MODEL_CARD.md", "LICENSE", "SHA256SUMS"])
def test_a_missing_file_is_refused(tiny: Path, name: str) -> None:
    (tiny / name).unlink()
    with pytest.raises(BundleError, match=name):
        open_bundle(tiny)


@pytest.mark.parametrize("name", ["extra.onnx", "field.bin", "sub/cell.onnx", "field.onnx.data"])
def test_a_network_file_that_is_not_listed_is_refused(tiny: Path, name: str) -> None:
    (tiny / name).parent.mkdir(exist_ok=True)
    (tiny / name).write_bytes(b"x")
    with pytest.raises(BundleError, match="does not list"):
        open_bundle(tiny)


def test_a_note_beside_the_bundle_does_no_harm(tiny: Path) -> None:
    (tiny / ".DS_Store").write_bytes(b"x")
    assert open_bundle(tiny).spec.name == "tiny"


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "a/../../secret", "..\\secret", "C:secret"])
def test_a_name_that_leads_out_is_refused(tiny: Path, name: str) -> None:
    (tiny.parent / "secret").write_bytes(b"x")
    with (tiny / "SHA256SUMS").open("a") as sums:
        sums.write(f"{hashlib.sha256(b'x').hexdigest()}  {name}\n")
    with pytest.raises(BundleError, match="outside of itself"):
        open_bundle(tiny)


def test_a_link_that_leads_out_is_refused(tiny: Path) -> None:
    outside = tiny.parent / "field.onnx"
    shutil.move(tiny / "field.onnx", outside)
    (tiny / "field.onnx").symlink_to(outside)
    with pytest.raises(BundleError, match="leads out"):
        open_bundle(tiny)


@pytest.mark.parametrize(
    "line", ["no sum at all", "zz  field.onnx", "", f"{'0' * 64}  field.onnx\n{'0' * 64}  field.onnx"]
)
def test_sums_that_make_no_sense_are_refused(tiny: Path, line: str) -> None:
    (tiny / "SHA256SUMS").write_text(line)
    with pytest.raises(BundleError, match="SHA256SUMS"):
        open_bundle(tiny)


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("schema", "2", "schema"),
        ("surprise", 1, "surprise"),
        ("networks.field.labels", ["Benign", "Benign"], "labels"),
        ("networks.field.negative_labels", ["Healthy"], "negative_labels"),
        ("networks.field.file", "../field.onnx", "file"),
        ("networks.field.calibration.temperature", 0, "temperature"),
        ("networks.field.novelty.quantiles", [0.0, 1.0], "quantiles"),
        ("networks.field.novelty.quantiles", [*range(100), 3], "quantiles"),
        ("networks", {}, "networks"),
    ],
)
def test_a_specification_that_does_not_fit_is_refused_and_the_place_named(
    tiny: Path, key: str, value: object, named: str
) -> None:
    edit_spec(tiny, {key: value})
    with pytest.raises(BundleError, match=named):
        open_bundle(tiny)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b'{"schema": NaN}'])
def test_a_specification_that_is_no_json_object_is_refused(tiny: Path, content: bytes) -> None:
    (tiny / "bundle.json").write_bytes(content)
    write_sums(tiny)
    with pytest.raises(BundleError, match=r"bundle\.json"):
        open_bundle(tiny)


def test_a_huge_specification_is_not_read(tiny: Path) -> None:
    (tiny / "bundle.json").write_bytes(b" " * (5 * 2**20))
    write_sums(tiny)
    with pytest.raises(BundleError, match="too large"):
        open_bundle(tiny)


def test_a_network_that_only_the_sums_describe_is_refused(tiny: Path) -> None:
    edit_spec(tiny, {"networks.field.sha256": "0" * 64})
    with pytest.raises(BundleError, match="differs between"):
        open_bundle(tiny)


def test_a_network_exchanged_after_opening_is_refused(tiny: Path) -> None:
    bundle = open_bundle(tiny)
    (tiny / "field.onnx").write_bytes(b"another")
    with pytest.raises(BundleError, match=r"field\.onnx"):
        bundle.read_network("field")


def test_a_role_that_is_not_there_is_named(tiny: Path) -> None:
    with pytest.raises(UsageError, match=r"no cell network.*It has: field"):
        open_bundle(tiny).read_network("cell")


def test_infinity_is_no_statistic() -> None:
    with pytest.raises(ValidationError):
        field_spec(tiny_network(), novelty={"quantiles": [0.0] * 101, "limit": float("inf")})


def test_writing_leaves_nothing_where_the_bundle_would_be_wrong(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="differs between"):
        write_tiny_bundle(tmp_path / "wrong", sha256="0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_writing_does_not_touch_what_is_there(tiny: Path) -> None:
    before = {path.name: path.read_bytes() for path in tiny.iterdir()}
    with pytest.raises(OutputError, match="exists already"):
        write_tiny_bundle(tiny, name="other")
    assert {path.name: path.read_bytes() for path in tiny.iterdir()} == before


def test_writing_into_an_empty_folder_and_below_missing_ones_works(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert open_bundle(write_tiny_bundle(tmp_path / "empty")).spec.name == "tiny"
    assert open_bundle(write_tiny_bundle(tmp_path / "a" / "b" / "bundle")).spec.name == "tiny"


def test_files_are_copied_from_paths(tmp_path: Path) -> None:
    source = tmp_path / "trained.onnx"
    source.write_bytes(tiny_network())
    spec = open_bundle(write_tiny_bundle(tmp_path / "first")).spec
    folder = write_bundle(tmp_path / "second", spec, {"field.onnx": source, "LICENSE": b"x"}, "# card")
    assert open_bundle(folder).read_network() == tiny_network()


def test_a_bundle_without_a_licence_is_not_written(tmp_path: Path) -> None:
    spec = open_bundle(write_tiny_bundle(tmp_path / "first")).spec
    with pytest.raises(BundleError, match="licence"):
        write_bundle(tmp_path / "second", spec, {"field.onnx": tiny_network()}, "# card")


def test_bundles_are_found_by_folder_and_by_shipped_name(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = tmp_path / "bundles"
    shutil.copytree(tiny, shipped / "default")
    monkeypatch.setattr("leukolens.engine.bundle._bundles_root", lambda: shipped)
    assert list(shipped_bundles()) == ["default"]
    assert find_bundle(tiny).path == tiny
    assert find_bundle("default").path == find_bundle(None).path == open_bundle().path == shipped / "default"
    with pytest.raises(UsageError, match="Did you mean 'default'"):
        find_bundle("defualt")


def test_without_a_shipped_bundle_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leukolens.engine.bundle._bundles_root", lambda: tmp_path / "none")
    with pytest.raises(BundleError, match="ships no default bundle"):
        open_bundle()
    with pytest.raises(UsageError, match="no bundle ships"):
        find_bundle("default")


def test_a_file_is_no_bundle(tiny: Path) -> None:
    with pytest.raises(BundleError, match="found a file"):
        open_bundle(tiny / "bundle.json")
