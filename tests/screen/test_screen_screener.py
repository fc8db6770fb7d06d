from __future__ import annotations

import json
from pathlib import Path

import cv2
import jsonschema
import numpy as np
import pytest
from tiny_bundle import reference, write_tiny_bundle

import leukolens
from leukolens.engine.bundle import open_bundle
from leukolens.finding import BundleError, Finding, ImageError, UsageError, json_schema
from leukolens.screen import Screener, load
from leukolens.screen.inputs import Input
from leukolens.smear.limits import Limits
from leukolens.trust import judge_field


def write_png(path: Path, rgb: np.ndarray) -> Path:
    ok, content = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    assert ok
    path.write_bytes(content.tobytes())
    return path


def without(finding: Finding, *names: str) -> dict[str, object]:
    return {key: value for key, value in json.loads(finding.to_json()).items() if key not in names}


def test_path_text_bytes_and_many_say_the_same(screener: Screener, smears: list[np.ndarray], tmp_path: Path) -> None:
    path = write_png(tmp_path / "smear.png", smears[0])
    by_path = screener.screen(path)
    assert by_path.status == "ok"
    assert by_path.source == str(path)
    assert screener.screen(str(path)) == by_path
    assert screener.screen(path.read_bytes(), name=str(path)) == by_path
    assert list(screener.screen_many([path, str(path), Input(path, str(path))])) == [by_path] * 3
    by_array = screener.screen(smears[0])
    unlike = ("source", "sha256", "notes")
    assert without(by_array, *unlike) == without(by_path, *unlike)
    assert (by_array.source, by_array.sha256) == ("image", None)
    assert "given as pixels" in by_array.notes


def test_a_finding_fits_the_schema_and_carries_its_model(screener: Screener, smears: list[np.ndarray]) -> None:
    finding = screener.screen(smears[0])
    schema = json_schema()
    jsonschema.validate(json.loads(finding.to_json()), {"$ref": "#/$defs/Finding", "$defs": schema["$defs"]})
    (model,) = finding.models
    assert (model.role, model.name, model.version, model.precision) == ("field", "tiny", "1.0", "f32")
    assert model.sha256 == screener.bundle.field.sha256
    assert model.engine == f"onnxruntime {screener.session.engine_version}"
    assert (finding.width, finding.height) == (224, 168)


def test_the_finding_is_that_of_the_network_computed_by_hand(screener: Screener, smears: list[np.ndarray]) -> None:
    prepared, outputs = screener.field_outputs(smears[0])
    expected = reference(prepared.pixels[np.newaxis])
    np.testing.assert_allclose(outputs.logits, expected["logits"][0], atol=1e-4)
    np.testing.assert_allclose(outputs.class_map, expected["class_map"][0], atol=1e-4)
    np.testing.assert_allclose(outputs.features, expected["features"][0], atol=1e-4)
    assert outputs.distance == pytest.approx(expected["distance"][0], abs=1e-4)
    judged = judge_field(outputs.logits, outputs.distance, screener.bundle.field)
    finding = screener.screen(smears[0])
    assert finding.field is not None
    assert finding.field.probabilities == judged.probabilities
    assert finding.novelty == judged.novelty


def test_results_carry_what_the_finding_was_made_from(screener: Screener, smears: list[np.ndarray]) -> None:
    prepared, outputs = screener.field_outputs(smears[0])
    (result,) = screener.stream([smears[0]])
    assert result.prepared is not None
    assert result.outputs is not None
    np.testing.assert_array_equal(result.prepared.pixels, prepared.pixels)
    np.testing.assert_array_equal(result.outputs.class_map, outputs.class_map)


def test_engines_give_the_same_finding(bundle_folder: Path, smears: list[np.ndarray]) -> None:
    pytest.importorskip("openvino")
    first, second = (
        load(str(bundle_folder), engine=engine, threads=1).screen(smears[1]) for engine in ("openvino", "onnxruntime")
    )
    assert first.field is not None
    assert second.field is not None
    assert first.field.probabilities == pytest.approx(second.field.probabilities, abs=1e-4)
    assert first.models[0].engine.startswith("openvino ")
    unlike = ("models", "p_all", "probabilities", "field", "novelty")
    assert without(first, *unlike) == without(second, *unlike)


def test_a_picture_without_white_cells(screener: Screener, smears: list[np.ndarray]) -> None:
    finding = screener.screen(smears[2])
    assert finding.quality is not None
    assert "no white cells" in finding.quality.flags
    assert (finding.status, finding.conclusion, finding.decision) == ("ok", "no white cells", "review")
    assert (finding.p_all, finding.label, finding.probabilities) == (None, None, None)


def test_outside_the_domain_p_all_is_given_but_no_label(tmp_path: Path, smears: list[np.ndarray]) -> None:
    near = {"quantiles": [0.0] * 101, "limit": 0.001, "source": "made up"}
    finding = load(write_tiny_bundle(tmp_path / "b", novelty=near), engine="onnxruntime").screen(smears[0])
    assert finding.novelty == 1.0
    assert finding.p_all is not None
    assert finding.field is not None
    assert (finding.label, finding.probabilities, finding.conclusion) == (None, None, None)
    assert finding.decision == "review"


def broken(folder: Path, picture: bytes) -> dict[str, Path]:
    files = {
        "empty.png": b"",
        "torn.png": picture[: len(picture) // 2],
        "text.jpg": b"this is no picture",
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "dangling.png").symlink_to(folder / "nowhere")
    (folder / "folder.png").mkdir()
    return {path.name: path for path in folder.iterdir()}


def test_what_cannot_be_read_gives_an_error_and_the_rest_goes_on(
    screener: Screener, smears: list[np.ndarray], tmp_path: Path
) -> None:
    good = write_png(tmp_path / "good.png", smears[0])
    (tmp_path / "bad").mkdir()
    bad = list(broken(tmp_path / "bad", good.read_bytes()).values())
    inputs = [good, *[item for path in bad for item in (path, good)]]
    findings = list(screener.screen_many(inputs))
    assert [finding.source for finding in findings] == [str(path) for path in inputs]
    assert [finding.status for finding in findings] == ["ok", *["error", "ok"] * len(bad)]
    for finding in findings[1::2]:
        assert finding.reason
        assert finding.decision == "review"
        assert finding.models == []
        assert (finding.sha256, finding.p_all, finding.quality) == (None, None, None)
        assert finding == screener.screen(finding.source)


def test_field_outputs_raises_where_nothing_can_be_read(screener: Screener, tmp_path: Path) -> None:
    with pytest.raises(ImageError):
        screener.field_outputs(tmp_path / "none.png")


@pytest.mark.parametrize(
    "array",
    [np.zeros((20, 20), np.uint8), np.zeros((20, 20, 3), np.float32), np.zeros((20, 20, 4), np.uint8)],
    ids=["grey", "float", "alpha"],
)
def test_arrays_that_are_no_pictures_are_errors(screener: Screener, array: np.ndarray) -> None:
    finding = screener.screen(array)
    assert finding.status == "error"
    assert finding.reason is not None
    assert "(H, W, 3) of uint8" in finding.reason


def test_something_else_is_an_error_too(screener: Screener) -> None:
    finding = screener.screen(17)  # type: ignore[arg-type]
    assert finding.status == "error"
    assert "int" in str(finding.reason)


def test_limits_are_kept(bundle_folder: Path, smears: list[np.ndarray], tmp_path: Path) -> None:
    small = load(bundle_folder, engine="onnxruntime", limits=Limits(max_pixels=1000))
    finding = small.screen(write_png(tmp_path / "smear.png", smears[0]))
    assert finding.status == "error"
    assert "pixels" in str(finding.reason)


def test_a_declared_aspect_is_used_and_told(screener: Screener, smears: list[np.ndarray]) -> None:
    square = cv2.resize(smears[0], (224, 224), interpolation=cv2.INTER_LINEAR)
    finding = screener.screen(square, aspect=4 / 3)
    assert finding.quality is not None
    assert finding.quality.squeeze == pytest.approx(4 / 3)
    assert finding.quality.squeeze_source == "declared"
    assert next(iter(screener.screen_many([square], aspect=4 / 3))) == finding


def test_names_of_any_script_and_of_no_valid_text(screener: Screener, smears: list[np.ndarray], tmp_path: Path) -> None:
    for name in ("Blut-Ausstrich Müller.png", "پزشکی ۱.png", "涂片.png", "line\nbreak.png", "🩸.png"):
        path = write_png(tmp_path / name, smears[0])
        finding = screener.screen(path)
        assert (finding.status, finding.source) == ("ok", str(path))
        assert Finding.model_validate_json(finding.to_json()) == finding
        assert "\n" not in finding.to_json()


def test_a_fault_of_ours_is_not_hidden(
    screener: Screener, smears: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*args: object) -> None:
        raise KeyError("a fault")

    monkeypatch.setattr("leukolens.screen.screener.judge_field", wrong)
    with pytest.raises(KeyError, match="a fault"):
        list(screener.screen_many([smears[0]]))


@pytest.mark.parametrize("error", [MemoryError(), OSError("the disk is gone"), BundleError("no numbers")])
def test_a_failure_with_one_picture_is_told_in_its_finding(
    screener: Screener, smears: list[np.ndarray], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*args: object) -> None:
        raise error

    monkeypatch.setattr("leukolens.screen.screener.judge_field", fail)
    finding = screener.screen(smears[0])
    assert finding.status == "error"
    assert str(error) in str(finding.reason)
    assert finding.reason


def test_load_says_what_is_wrong(bundle_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no cell network"):
        load(bundle_folder, only="cells")
    with pytest.raises(UsageError, match="Did you mean 'field'"):
        load(bundle_folder, only="feild")
    with pytest.raises(UsageError, match="no bundle"):
        load(tmp_path / "none")
    with pytest.raises(UsageError, match="no engine"):
        load(bundle_folder, engine="tensorrt")


def test_the_package_offers_load_and_screener(bundle_folder: Path) -> None:
    assert leukolens.load is load
    assert isinstance(leukolens.load(bundle_folder, only="field", engine="onnxruntime"), leukolens.Screener)
    opened = open_bundle(bundle_folder)
    assert leukolens.load(opened, engine="onnxruntime").bundle is opened
