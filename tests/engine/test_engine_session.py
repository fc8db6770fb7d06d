from __future__ import annotations

import importlib.util
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tiny_bundle import HEIGHT, WIDTH, reference, tiny_network, write_tiny_bundle

from leukolens.engine.bundle import open_bundle
from leukolens.engine.session import Session, open_field_session, open_session, usable_cores
from leukolens.finding import BundleError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

ENGINES = [
    pytest.param(
        name, marks=pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"{name} is not installed")
    )
    for name in ("openvino", "onnxruntime")
]


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (7, HEIGHT, WIDTH, 3), dtype=np.uint8)


@pytest.fixture(scope="module", params=ENGINES)
def session(request: pytest.FixtureRequest) -> Session:
    return open_session(tiny_network(), request.param, threads=2)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_outputs_are_those_computed_by_hand(session: Session, count: int, images: np.ndarray) -> None:
    given = session.run(images[:count])
    assert set(given) == {"logits", "class_map", "features", "distance"}
    for name, expected in reference(images[:count]).items():
        assert given[name].dtype == np.float32
        np.testing.assert_allclose(given[name], expected, atol=1e-4)


def test_engines_agree(images: np.ndarray) -> None:
    pytest.importorskip("openvino")
    first, second = (open_session(tiny_network(), name, 1).run(images) for name in ("openvino", "onnxruntime"))
    for name in first:
        np.testing.assert_allclose(first[name], second[name], atol=1e-4)


def test_a_picture_has_the_same_numbers_alone_and_among_others(session: Session, images: np.ndarray) -> None:
    together = session.run(images)
    with ThreadPoolExecutor(4) as pool:
        alone = list(pool.map(lambda i: session.run(images[i : i + 1]), range(len(images))))
    for name, values in together.items():
        np.testing.assert_array_equal(values, np.concatenate([outputs[name] for outputs in alone]))


def test_outputs_stay_when_the_session_runs_again(session: Session, images: np.ndarray) -> None:
    first = session.run(images[:1])
    kept = {name: values.copy() for name, values in first.items()}
    session.run(images[1:2])
    for name, values in first.items():
        np.testing.assert_array_equal(values, kept[name])


def test_pictures_that_are_views_or_read_only_work(session: Session, images: np.ndarray) -> None:
    flipped = images[:2, :, ::-1]
    flipped.flags.writeable = False
    np.testing.assert_array_equal(session.run(flipped)["logits"], session.run(np.ascontiguousarray(flipped))["logits"])


def test_the_session_says_what_it_is(session: Session) -> None:
    assert (session.precision, session.threads) == ("f32", 2)
    assert session.engine_version[0].isdigit()
    assert session.image_size == (HEIGHT, WIDTH)


def test_auto_takes_openvino_where_it_is_installed() -> None:
    expected = "openvino" if importlib.util.find_spec("openvino") else "onnxruntime"
    assert open_session(tiny_network()).engine == expected


def test_auto_takes_onnx_runtime_where_openvino_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "openvino" else real(name))
    assert open_session(tiny_network()).engine == "onnxruntime"
    with pytest.raises(UsageError, match=r"'openvino' is not installed.*pip install openvino"):
        open_session(tiny_network(), "openvino")


def test_without_any_engine_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="no inference engine is installed"):
        open_session(tiny_network())


def test_an_unknown_engine_gets_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="Did you mean 'openvino'"):
        open_session(tiny_network(), "openvine")


def test_no_threads_are_refused() -> None:
    with pytest.raises(UsageError, match="at least 1"):
        open_session(tiny_network(), threads=0)
    assert 1 <= usable_cores() <= 16


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((1, HEIGHT, WIDTH, 3), np.float32),
        np.zeros((1, WIDTH, HEIGHT, 3), np.uint8),
        np.zeros((HEIGHT, WIDTH, 3), np.uint8),
        np.zeros((0, HEIGHT, WIDTH, 3), np.uint8),
    ],
    ids=["type", "turned", "no batch", "empty"],
)
def test_arrays_that_do_not_fit_are_refused(session: Session, wrong: np.ndarray) -> None:
    with pytest.raises(UsageError, match=r"uint8 \(N, 168, 224, 3\)"):
        session.run(wrong)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("content", [b"", b"no network", tiny_network()[:500]], ids=["empty", "text", "torn"])
def test_what_is_no_network_is_refused(engine: str, content: bytes) -> None:
    with pytest.raises(BundleError):
        open_session(content, engine, 1)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_network_without_an_output_is_refused(engine: str) -> None:
    with pytest.raises(BundleError, match="distance float32"):
        open_session(tiny_network(outputs=("logits", "class_map", "features")), engine, 1)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"none\.onnx"):
        open_session(tmp_path / "none.onnx")


def test_a_bundle_whose_preparation_makes_another_size_is_refused(tmp_path: Path) -> None:
    folder = write_tiny_bundle(tmp_path / "b", preparation={"width": 320, "height": 240})
    with pytest.raises(BundleError, match=r"224 x 168.*320 x 240"):
        open_field_session(open_bundle(folder), "onnxruntime", 1)


def test_a_bundle_with_more_labels_than_logits_is_refused(tmp_path: Path) -> None:
    folder = write_tiny_bundle(tmp_path / "b", labels=["Benign", "A", "B", "C", "D"])
    with pytest.raises(BundleError, match="5 labels"):
        open_field_session(open_bundle(folder), "onnxruntime", 1)


def test_loading_a_network_opens_no_connection(tiny: Path) -> None:
    pytest.importorskip("openvino")
    program = """
import sys
calls = []
sys.addaudithook(lambda event, args: calls.append(event) if event.startswith(("socket.", "urllib.")) else None)
from pathlib import Path
from leukolens.engine.bundle import open_bundle
from leukolens.engine.session import open_field_session
session = open_field_session(open_bundle(Path(sys.argv[1])), "openvino", 1)
import threading
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join(10)
print(session.engine, calls, "openvino_telemetry" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program, tiny], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "openvino [] False"
