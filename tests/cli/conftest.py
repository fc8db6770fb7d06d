"""What the tests of the command line share: a way to call it, rendered pictures, and a bundle."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import pytest
from cli_calls import Answer, Call, draw

from leukolens.cli.main import main
from leukolens.engine.bundle import shipped_bundles

if TYPE_CHECKING:
    from types import ModuleType

TESTS = Path(__file__).parent.parent


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Call the command line in this process."""
    monkeypatch.delenv("LEUKOLENS_DEBUG", raising=False)

    def go(*arguments: object) -> Answer:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Answer(code, out, err)

    return go


def _load_tiny() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tiny_bundle_for_cli", TESTS / "engine" / "tiny_bundle.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped bundle, or a tiny one where none ships yet."""
    shipped = shipped_bundles()
    if shipped:
        return shipped["default"]
    pytest.importorskip("onnx", reason="no bundle ships and onnx, which a tiny one is made with, is not installed")
    folder: Path = _load_tiny().write_tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny")
    return folder


@pytest.fixture
def slides(tmp_path: Path) -> Path:
    """A folder of two cases with two pictures each."""
    folder = tmp_path / "slides"
    for number, name in enumerate(("a/1.png", "a/2.jpg", "b/1.png", "b/10.png")):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), draw(number)[..., ::-1])
    return folder
